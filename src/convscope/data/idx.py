"""IDX files, the format of MNIST: big-endian magic, sizes, then bytes; gzipped or not.

Layout: Y. LeCun, C. Cortes & C. J. C. Burges, "The MNIST database of handwritten digits", file formats section.
"""

import gzip
import hashlib
import io
import math
import re
import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.splits import FOLDER_NAMES
from convscope.errors import DataError

IMAGES, LABELS = 2051, 2049
MAX_VALUES = 2**31

DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
# MD5 of the 60,000 and the 10,000 published labels, one byte each: IDX holds no class names
FASHION_LABELS = {"3236f6424fc25388b2834cb19942cf7e", "8dea97a4e78c1bd1b5a6e8efbb870b6e"}

_NAME = re.compile(r"(?:.*/)?(?P<part>\w+)-images[-.]idx3-ubyte(?:\.gz)?")


def find(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Pairs of image and label files among `names`, by part; an unpacked file wins over its .gz.

    >>> find(["raw/t10k-images-idx3-ubyte.gz", "raw/t10k-labels-idx1-ubyte.gz"])
    {'test': ('raw/t10k-images-idx3-ubyte.gz', 'raw/t10k-labels-idx1-ubyte.gz')}
    """
    known = set(names)
    pairs: dict[str, tuple[str, str]] = {}
    for name in sorted(names):
        match = _NAME.fullmatch(name)
        part = FOLDER_NAMES.get(match["part"].lower()) if match else None
        folder, slash, file = name.rpartition("/")
        stem = folder + slash + file.removesuffix(".gz").replace("-images", "-labels").replace("idx3", "idx1")
        partner = next((label for label in (stem, stem + ".gz") if label in known), None)
        if part and partner:
            pairs.setdefault(part, (name, partner))
    return pairs


def read(content: bytes, name: str, magic: int) -> NDArray[np.uint8]:
    """One IDX file: images (N, H, W) or labels (N,), uint8.

    Raises:
        DataError: another format, or fewer bytes than its header promises.

    Example:
        >>> read(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "labels", LABELS).tolist()
        [7, 9]
    """
    stream = gzip.GzipFile(fileobj=io.BytesIO(content)) if content[:2] == b"\x1f\x8b" else io.BytesIO(content)
    try:
        found, *shape = struct.unpack(">4I" if magic == IMAGES else ">2I", stream.read(16 if magic == IMAGES else 8))
        expected = math.prod(shape)
        if found != magic or expected > MAX_VALUES:
            kind = "images" if magic == IMAGES else "labels"
            raise DataError(f"{name}: not an IDX file of {kind} (magic {found} for {magic}, {expected:,} values)")
        values = stream.read(expected)
    except (struct.error, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: damaged IDX file ({error})") from None
    if len(values) != expected:
        raise DataError(f"{name}: {len(values):,} of {expected:,} values: the file is cut off")
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


def load(
    files: Mapping[str, tuple[str, bytes, str, bytes]], names: Sequence[str] = ()
) -> tuple[dict[str, Tensor], dict[str, list[str]]]:
    """Pictures, uint8 (N, 1, H, W), and class names, by part.

    Args:
        files: part to (image file's name, its bytes, label file's name, its bytes).
        names: class names by number; without, Fashion-MNIST is known by its published labels, and anything else has
            its numbers as names.
    """
    pictures: dict[str, Tensor] = {}
    labels: dict[str, list[str]] = {}
    for part, (image_file, image_bytes, label_file, label_bytes) in files.items():
        images, numbers = read(image_bytes, image_file, IMAGES), read(label_bytes, label_file, LABELS)
        if len(images) != len(numbers):
            raise DataError(f"{image_file} has {len(images):,} images, {label_file} {len(numbers):,} labels")
        known = names
        if not known and hashlib.md5(numbers.tobytes(), usedforsecurity=False).hexdigest() in FASHION_LABELS:
            known = FASHION
        pictures[part] = torch.from_numpy(images.copy()).unsqueeze(1)
        labels[part] = [known[number] if number < len(known) else str(number) for number in numbers.tolist()]
    return pictures, labels
