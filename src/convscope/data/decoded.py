"""Decoded pictures on disk: a file of bytes that later epochs and runs read instead of decoding again.

The file bears the hash of everything that decides what is in it, so that it is never stale. It is pixels, then a CRC-32
of each picture, then what could not be read (JSON), then a tail that says how long these are: a file that was cut off
has no tail, and a picture that was damaged no longer fits its number and is decoded anew.
"""

import json
import os
import shutil
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.data import cache
from convscope.data.builtin import cache_folder
from convscope.data.files import replacing
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess

SCHEMA = 1
FOLDER = cache.KINDS["decoded"]
MAGIC = b"cvspix01"
# length of the JSON, CRC-32 of numbers and JSON, magic
TAIL = struct.Struct("<QL8s")
# what may change the bytes that a decoder gives
DECODERS = ("torch", "torchvision", "pillow")

# what this process reads from; the cache's cap takes others first
_in_use: "WeakValueDictionary[Path, Decoded]" = WeakValueDictionary()


class Decoded:
    """A finished file of decoded pictures.

    Args:
        file: of `place`.
        shape: of a picture, (channels, size, size).
        total: pictures of the listing, readable or not.

    Attributes:
        broken: row in the listing, and reason, of each picture that could not be read.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is damaged.
    """

    def __init__(self, file: Path, shape: tuple[int, int, int], total: int) -> None:
        self.file = file
        with file.open("rb") as stream:
            length = stream.seek(0, os.SEEK_END)
            if length < TAIL.size:
                raise ValueError("cut off")
            stream.seek(length - TAIL.size)
            told, sum_, magic = TAIL.unpack(stream.read(TAIL.size))
            if magic != MAGIC or told > length:
                raise ValueError("cut off, or not finished")
            each = int(np.prod(shape)) + 4
            count, left = divmod(length - TAIL.size - told, each)
            if left or count < 1:
                raise ValueError("cut off")
            stream.seek(count * (each - 4))
            end = stream.read(4 * count + told)
        if zlib.crc32(end) != sum_:
            raise ValueError("its end is damaged")
        self.broken: dict[int, str] = {int(row): reason for row, reason in json.loads(end[4 * count :])}
        if count + len(self.broken) != total:
            raise ValueError("pictures are missing")
        self._sums = np.frombuffer(end[: 4 * count], "<u4")
        self._pixels = np.memmap(file, np.uint8, "r", shape=(count, *shape))
        with suppress(OSError):
            os.utime(file)  # the cache lets go of what was not used for long
        _in_use[file] = self

    def __len__(self) -> int:
        return len(self._sums)

    def read(self, places: NDArray[np.int64]) -> tuple[Tensor, list[int]]:
        """The pictures at `places`, uint8 (N, C, H, W), and which of the N are damaged, so that they are not used."""
        pictures = np.asarray(self._pixels[places])
        damaged = [at for at, place in enumerate(places) if zlib.crc32(pictures[at]) != self._sums[place]]
        if damaged:
            with suppress(OSError):  # the next run makes it anew
                self.file.unlink()
        return torch.from_numpy(pictures), damaged


def place(listing: Listing, preprocess: Preprocess) -> Path:
    """Where the decoded pictures of a listing lie, if they do: a name made of their contents and what is done to them.

    Args:
        listing: the pictures; they are hashed.
        preprocess: cut and size; how bytes are scaled does not count.

    Example:
        >>> from convscope.data.builtin import digits
        >>> some, small = digits().take(range(5)), Preprocess(size=8, channels=1, mean=(0.5,), spread=(0.5,))
        >>> place(some, small) == place(some, small.model_copy(update={"mean": (0.1,)}))
        True
        >>> place(some, small) == place(some.take([0, 1, 2, 3]), small)
        False
    """
    done = preprocess.model_dump(exclude={"mean", "spread"})
    told = json.dumps((SCHEMA, done, [version(name) for name in DECODERS]), sort_keys=True)
    key = sha256("\n".join((told, *listing.hashes)).encode()).hexdigest()
    return cache_folder() / FOLDER / f"{key[:32]}.u8"


def write(file: Path, listing: Listing, chunks: Iterable[tuple[range, Tensor]], broken: Mapping[int, str]) -> None:
    """Write the pictures as they come, and keep the folder below the cache's cap; files in use stay.

    Args:
        file: of `place`.
        listing: the pictures; one that changed since it was hashed is an error.
        chunks: rows that were read and the pictures of them that can be read, uint8 (N, C, H, W).
        broken: row and reason of the others, once all chunks have come.

    Raises:
        OSError: the disk is full or read-only, a picture changed, or not one could be read; nothing is left behind.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from convscope.data.builtin import digits
        >>> some = digits().take(range(3))
        >>> with TemporaryDirectory() as folder:
        ...     write(Path(folder) / "a.u8", some, [(range(3), some.store.rows(list(some.files)))], {})
        ...     len(Decoded(Path(folder) / "a.u8", (1, 8, 8), total=3))
        3
    """
    sums: list[int] = []
    with replacing(file) as stream:
        for rows, pictures in chunks:
            _refuse_changed(listing, rows)
            for picture in pictures.contiguous().numpy():
                stream.write(picture)
                sums.append(zlib.crc32(picture))
        if not sums:
            raise OSError("no picture")
        end = np.array(sums, "<u4").tobytes() + json.dumps(sorted(broken.items())).encode()
        stream.write(end + TAIL.pack(len(end) - 4 * len(sums), zlib.crc32(end), MAGIC))
    cache.keep_below(file.parent, cache.cap(), spare=[file, *_in_use])


def room(folder: Path | None = None) -> int:
    """Bytes that are free on the disk of the cache.

    Args:
        folder: the cache; None takes the user's.

    Example:
        >>> room(Path("nowhere")) > 0
        True
    """
    there = (folder or cache_folder()).absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free


def _refuse_changed(listing: Listing, rows: Sequence[int]) -> None:
    chosen = listing.take(rows)
    for file, before, now in zip(chosen.files, chosen.hashes, replace(chosen).hash(), strict=True):
        if before != now:
            raise OSError(f"{file} changed while it was read")
