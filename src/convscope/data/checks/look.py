"""One look at each picture: what its header says, how it looks, and a thumbnail that tells copies of it."""

import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from convscope.data.checks.quality import Quality, quality
from convscope.data.decode import FORMATS, decode
from convscope.data.listing import Listing
from convscope.data.resize import resized
from convscope.data.stores import Arrays
from convscope.errors import UnreadableImage
from convscope.words import SILENT, Listener

# side of a thumbnail in pixels: enough to tell a frame of a film from the next, and 3 KB for each picture
THUMBNAIL = 32
# a large JPEG is decoded smaller, down to this longer side in pixels
AMPLE = 512
ORIENTATION = 0x0112  # EXIF: 1 is upright
GREY_MODES = frozenset({"1", "L", "LA", "I;16", "I;16B", "I;16L", "I"})
# MPO: what phones write beside the picture, such as depth, is no animation
NOT_FILMS = frozenset({"MPO"})
CHUNK = 16


class Header(NamedTuple):
    """What a file says before it is decoded.

    Attributes:
        format: such as "JPEG"; "" where nothing is known.
        width: in pixels, upright.
        height: in pixels, upright.
        turned: whether EXIF turns the picture.
        moving: whether there is more than one frame or page.
        grey: whether one channel is stored.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    turned: bool = False
    moving: bool = False
    grey: bool = False


class Look(NamedTuple):
    """One picture; measures are None where it cannot be decoded, and `reason` says why.

    Attributes:
        sha256: of the file, in hex; "" where it cannot be read.
        size: of the file, in bytes.
        header: what the file says.
        quality: how it looks.
        reason: why it cannot be decoded; "" where it can.
    """

    sha256: str
    size: int
    header: Header
    quality: Quality | None
    reason: str = ""


@dataclass(frozen=True)
class Looks:
    """Looks at all pictures of a listing, in its order.

    Attributes:
        each: one by one.
        thumbnails: (N, 3, 32, 32), uint8, each squeezed to a square; zeros where there is none.
    """

    each: tuple[Look, ...]
    thumbnails: NDArray[np.uint8]


def look_at(listing: Listing, threads: int, listener: Listener = SILENT) -> Looks:
    """Read and decode every picture once; memory holds a thumbnail of each and a few whole ones.

    The listing's hashes are filled in on the way.

    Args:
        listing: the pictures.
        threads: pictures that are looked at side by side.
        listener: hears how many are done.

    Example:
        >>> from convscope.data.builtin import digits
        >>> looks = look_at(digits().take([0, 1]), threads=1)
        >>> looks.each[0].header.width, looks.thumbnails.shape
        (8, (2, 3, 32, 32))
    """
    each: list[Look] = []
    thumbnails = np.zeros((len(listing), 3, THUMBNAIL, THUMBNAIL), np.uint8)
    for seen in _in_order(listing, threads):
        for look, thumbnail in seen:
            if thumbnail is not None:
                thumbnails[len(each)] = thumbnail
            each.append(look)
        listener.progress("look", len(each), len(listing))
    listing.__dict__.setdefault("hashes", tuple(look.sha256 for look in each))
    return Looks(tuple(each), thumbnails)


Seen = list[tuple[Look, NDArray[np.uint8] | None]]


def _in_order(listing: Listing, threads: int) -> Iterator[Seen]:
    chunks = [range(start, min(start + CHUNK, len(listing))) for start in range(0, len(listing), CHUNK)]
    waiting: deque[Future[Seen]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="look") as pool:
        try:
            for rows in chunks:
                waiting.append(pool.submit(_look_at_some, listing, rows))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _look_at_some(listing: Listing, rows: range) -> Seen:
    return [_look(listing, row) for row in rows]


def _look(listing: Listing, row: int) -> tuple[Look, NDArray[np.uint8] | None]:
    store, file = listing.store, listing.files[row]
    try:
        content = store.content(file)
    except UnreadableImage as error:
        return Look("", 0, Header(), None, str(error)), None
    name = sha256(content).hexdigest()
    header = Header()
    try:
        if isinstance(store, Arrays):
            picture = store.picture(file)
            header = Header("", picture.shape[2], picture.shape[1], grey=len(picture) == 1)
        else:
            header = read_header(content)
            picture = decode(content, shrink)
    except UnreadableImage as error:
        return Look(name, len(content), header, None, str(error)), None
    judged = quality(picture)
    if header.grey:
        judged = judged._replace(grey=True)
    return Look(name, len(content), header, judged), thumbnail(picture)


def thumbnail(picture: Tensor) -> NDArray[np.uint8]:
    """A picture as a square of 32 pixels, whatever its shape was.

    Shape:
        uint8 (1 or 3, H, W) -> uint8 (3, 32, 32)

    Args:
        picture: decoded and upright.

    Example:
        >>> import torch
        >>> int(thumbnail(torch.full((1, 64, 90), 7, dtype=torch.uint8)).max())
        7
    """
    small: NDArray[np.uint8] = resized(picture, THUMBNAIL, THUMBNAIL).expand(3, -1, -1).numpy()
    return small


def read_header(content: bytes) -> Header:
    """What a file says of itself; nothing where it says nothing that can be read.

    Args:
        content: the file.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("L", (4, 2)).save(file, "PNG")
        >>> read_header(file.getvalue())
        Header(format='PNG', width=4, height=2, turned=False, moving=False, grey=True)
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            orientation = image.getexif().get(ORIENTATION, 1)
            turned = isinstance(orientation, int) and 2 <= orientation <= 8
            if turned and orientation >= 5:
                width, height = height, width
            name = image.format or ""
            moving = name not in NOT_FILMS and bool(getattr(image, "is_animated", False))
            return Header(name, width, height, turned, moving, image.mode in GREY_MODES)
    except Exception:  # a damaged header raises almost anything; decoding says what is wrong with the file
        return Header()


def shrink(width: int, height: int) -> int:
    """How many times smaller a JPEG will do to be looked at: its longer side keeps 512 pixels.

    Args:
        width: in pixels.
        height: in pixels.

    Example:
        >>> shrink(4000, 3000), shrink(500, 375)
        (4, 1)
    """
    return next((times for times in (8, 4, 2) if max(width, height) // times >= AMPLE), 1)
