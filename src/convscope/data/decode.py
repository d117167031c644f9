"""Bytes of a picture file to uint8 RGB, turned the way its camera was held.

torchvision decodes JPEG, where it is fastest; Pillow everything else, and JPEGs that may come out smaller.
torchvision's PNG decoder is not used: damaged files can end the whole process (see docs/decisions/0007-decoders.md).
"""

import importlib
import importlib.util
import io
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from convscope.errors import UnreadableImage

# What Pillow may try; the rest of its hundred formats stays closed to files from strangers.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
MAX_PIXELS = 2**26
MAX_SIDE = 2**16
MAX_BYTES = 2**27


def _load_operator() -> bool:
    """Load torchvision's JPEG operator, from its library alone; whether it is there. Without it, Pillow takes over.

    Importing the package would load PyTorch's compiler, two to three seconds at every start; and torchvision 0.29
    deprecates its Python function around the operator.
    """
    package, load = importlib.util.find_spec("torchvision"), cast("Callable[[Path], None]", torch.ops.load_library)
    for folder in (package.submodule_search_locations if package else None) or ():
        for library in sorted(Path(folder).glob("image*.so")) + sorted(Path(folder).glob("image*.pyd")):
            with suppress(OSError):
                load(library)
    if package and not hasattr(torch.ops.image, "decode_jpeg"):
        importlib.import_module("torchvision")
    return hasattr(torch.ops.image, "decode_jpeg")


BY_TORCHVISION = _load_operator()
JPEGS = ("JPEG", "MPO")  # MPO: several JPEGs in a file
RGB = 3  # torchvision.io.ImageReadMode.RGB

# Our own limit on pixels is lower, and a damaged file is an error or a picture: nothing to print into a progress bar.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

Shrink = Callable[[int, int], int]  # width and height to how many times smaller will do: 1, 2, 4 or 8


def decode(data: bytes, shrink: Shrink | None = None) -> Tensor:
    """One picture, first frame, without transparency, upright.

    16-bit grey keeps its upper eight bits. Transparency is dropped, not blended, as in the decoders themselves.

    Args:
        data: the file.
        shrink: how many times smaller a JPEG will do, such as `Preprocess.shrink`; its blocks then become that many
            times smaller as they are decoded, which takes a fraction of the time. Other formats keep their size.

    Shape:
        bytes -> uint8 (3, H, W)

    Raises:
        UnreadableImage: not a picture, damaged, cut off, or larger than 67 million pixels.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (4, 2), (255, 0, 0)).save(file, "PNG")
        >>> decode(file.getvalue()).shape
        torch.Size([3, 2, 4])
    """
    if len(data) > MAX_BYTES:
        raise UnreadableImage(f"{len(data) / 1e6:,.0f} MB is too large for one picture (at most {MAX_BYTES / 1e6:.0f})")
    if not data:
        raise UnreadableImage("the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _refuse_bombs(*image.size)
            if image.format in JPEGS:
                times = shrink(*image.size) if shrink else 1
                if times > 1:
                    image.draft(None, (image.width // times, image.height // times))
                elif BY_TORCHVISION:
                    return _decode_jpeg(data)
            return _decode_other(image)
    except UnidentifiedImageError:
        raise UnreadableImage(f"not a picture in a known format ({', '.join(FORMATS)}), or damaged") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImage(f"more than {MAX_PIXELS:,} pixels") from None
    except UnreadableImage:
        raise
    except Exception as error:  # decoders raise almost anything on damaged files; each one is this file's fault
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableImage(f"damaged or cut off ({reason[:80]})") from None


def is_grey(data: bytes) -> bool:
    """Whether a file stores a single channel, from its header alone; False when it cannot be read."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return image.mode in {"1", "L", "LA", "I;16", "I;16B", "I;16L", "I"}
    except Exception:  # a damaged header is reported when the picture is decoded
        return False


def thumbnail(picture: Tensor, side: int = 160) -> bytes:
    """A small JPEG of a uint8 (C, H, W) picture, its longer side `side` pixels; small ones grow in whole steps."""
    array = picture.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
    image = Image.fromarray(array)
    longer = max(image.size)
    if longer > side:
        image.thumbnail((side, side))
    elif longer <= side // 2:
        step = side // longer
        image = image.resize((image.width * step, image.height * step), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def _refuse_bombs(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UnreadableImage(f"{width:,}x{height:,} pixels is more than {MAX_PIXELS:,}")


def _decode_jpeg(data: bytes) -> Tensor:
    encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    try:
        picture: Tensor = torch.ops.image.decode_jpeg(encoded, RGB, True)  # True: upright by EXIF
        return picture
    except RuntimeError as error:
        if "not supported" not in str(error):
            raise UnreadableImage("damaged or cut off") from None
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return _decode_other(image)


def _decode_other(image: Image.Image) -> Tensor:
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    upright = image
    if upright.mode.startswith("I;16"):
        eight_bits = (np.asarray(upright).astype(np.uint16) >> 8).astype(np.uint8)
        upright = Image.fromarray(eight_bits)
    elif upright.mode == "I" and image.format == "PPM":  # its samples are stretched to 16 bits
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    elif upright.mode in {"I", "F"}:
        raise UnreadableImage(f"{upright.mode}-type samples of 32 bits have no agreed white; save it with 8 or 16 bits")
    if upright.mode == "P":  # its transparency may be a byte string, which only the RGBA conversion understands
        upright = upright.convert("RGBA")
    if upright.mode != "RGB":
        upright = upright.convert("RGB")
    return torch.from_numpy(np.array(upright)).permute(2, 0, 1)  # pixel by pixel as it lies, which resizes fastest
