"""Pictures at the network's size: decoded once and kept while they fit in memory, else decoded as they are needed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.data.stores import Arrays
from convscope.errors import DataError, UnreadableImage
from convscope.words import SILENT, Listener

CHUNK = 256
MEMORY_SHARE = 0.4


@dataclass(frozen=True)
class Broken:
    """A picture that was left out, and why."""

    file: str
    reason: str


class Pixels:
    """The readable pictures of a listing, as the bytes that `Preprocess.fit` makes of them.

    Opening reads every picture once, so that a damaged one is named before any training starts.

    Args:
        listing: the pictures.
        preprocess: cut and size.
        memory_bytes: what may be kept; above it, pictures are decoded anew for every batch. None takes 40 % of
            what is free.
        threads: decoders at work.
        allow_none: whether a listing without one readable picture is taken, too.
        listener: hears how many are read.

    Attributes:
        listing: the readable pictures only.
        broken: the others, with the reason.

    Raises:
        DataError: not one picture can be read, and `allow_none` is False.
    """

    def __init__(
        self,
        listing: Listing,
        preprocess: Preprocess,
        *,
        memory_bytes: int | None = None,
        threads: int = 2,
        allow_none: bool = False,
        listener: Listener = SILENT,
    ) -> None:
        self.preprocess = preprocess
        self.threads = threads
        wanted = len(listing) * preprocess.channels * preprocess.size**2
        keep = wanted <= (int(MEMORY_SHARE * free_memory()) if memory_bytes is None else memory_bytes)

        shape = (len(listing) if keep else 0, preprocess.channels, preprocess.size, preprocess.size)
        kept, filled = torch.empty(shape, dtype=torch.uint8), 0
        broken: dict[int, Broken] = {}
        with ThreadPoolExecutor(threads) as pool:
            for start in range(0, len(listing), CHUNK):
                rows = range(start, min(start + CHUNK, len(listing)))
                pictures, faults = _fit(listing, rows, preprocess, pool)
                broken |= faults
                if keep:
                    kept[filled : filled + len(pictures)] = pictures
                    filled += len(pictures)
                listener.progress("read", rows.stop, len(listing))
        self.broken = tuple(broken.values())
        if len(broken) == len(listing) and not allow_none:
            first = f": {self.broken[0].file}: {self.broken[0].reason}" if broken else ""
            raise DataError(f"{listing.title}: not one of {len(listing):,} pictures can be read{first}")
        self.listing = listing.take([row for row in range(len(listing)) if row not in broken]) if broken else listing
        self._kept = kept[:filled] if keep else None
        self._place = np.arange(len(self.listing))  # of each picture in what is kept

    def take(self, rows: NDArray[np.int64]) -> "Pixels":
        """The pictures at `rows`, in that order; nothing is read again and nothing copied."""
        some = copy(self)
        some.listing = self.listing.take(rows)
        some._place = self._place[rows]
        return some

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, rows: NDArray[np.int64]) -> Tensor:
        """The pictures at `rows`, uint8 (N, channels, size, size)."""
        if self._kept is not None:
            return self._kept[torch.from_numpy(self._place[rows])]
        with ThreadPoolExecutor(self.threads) as pool:
            pictures, faults = _fit(self.listing, [int(row) for row in rows], self.preprocess, pool)
        if faults:
            lost = next(iter(faults.values()))
            raise DataError(f"{lost.file} could be read before and cannot now: {lost.reason}")
        return pictures

    def batches(self, order: NDArray[np.int64], size: int) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Rows and pictures, `size` at a time in the order given; the next batch is decoded meanwhile.

        A last batch of one joins the one before it: batch normalisation cannot train on one picture.
        """
        if not len(order):
            return
        cuts = list(range(0, len(order), size))
        if len(cuts) > 1 and len(order) - cuts[-1] == 1:
            cuts.pop()
        groups = np.split(order, cuts[1:])
        if self._kept is not None:
            yield from ((rows, self[rows]) for rows in groups)
            return
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self.__getitem__, groups[0])
            for position, rows in enumerate(groups):
                pictures = coming.result()
                if position + 1 < len(groups):
                    coming = ahead.submit(self.__getitem__, groups[position + 1])
                yield rows, pictures


def fitted(listing: Listing, row: int, preprocess: Preprocess) -> Tensor | Broken:
    """One picture at the network's size, or why it cannot be read: where every path from a file begins.

    Args:
        listing: the pictures.
        row: which of them.
        preprocess: cut and size.

    Shape:
        -> uint8 (channels, size, size)

    Example:
        >>> from convscope.data.builtin import digits
        >>> fitted(digits(), 7, Preprocess(size=28, mean=(0.5,) * 3, spread=(0.5,) * 3)).shape
        torch.Size([3, 28, 28])
    """
    try:
        return preprocess.fit(listing.picture(row, preprocess.shrink))
    except UnreadableImage as error:
        return Broken(listing.files[row], str(error))


def free_memory(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that may still be taken, by the machine's account and by the container's.

    Args:
        root: where the control groups are mounted.

    Example:
        >>> free_memory() > 0
        True
    """
    free = [psutil.virtual_memory().available]
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # no such version of control groups, or "max": no limit
            free.append(int((root / limit).read_text()) - int((root / used).read_text()))
    return max(0, min(free))


def _fit(
    listing: Listing, rows: range | list[int], preprocess: Preprocess, pool: ThreadPoolExecutor
) -> tuple[Tensor, dict[int, Broken]]:
    """The pictures at `rows` that can be read, and the others."""
    if isinstance(listing.store, Arrays):
        return preprocess.fit(listing.store.rows([listing.files[row] for row in rows])), {}

    results = dict(zip(rows, pool.map(lambda row: fitted(listing, row, preprocess), rows), strict=True))
    broken = {row: result for row, result in results.items() if isinstance(result, Broken)}
    pictures = [result for result in results.values() if isinstance(result, Tensor)]
    shape = (0, preprocess.channels, preprocess.size, preprocess.size)
    return (torch.stack(pictures) if pictures else torch.empty(shape, dtype=torch.uint8)), broken
