"""Pictures at the network's size: decoded once and kept in memory or on disk, or decoded as they are needed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.data import decoded
from convscope.data.ahead import ahead
from convscope.data.decoded import Decoded
from convscope.data.listing import Listing
from convscope.data.memory import free_memory
from convscope.data.preprocess import Preprocess
from convscope.data.stores import Arrays
from convscope.errors import DataError, UnreadableImage
from convscope.words import SILENT, Listener

Keep = Literal["auto", "memory", "disk", "none"]
Rows = NDArray[np.int64]

CHUNK = 256
MEMORY_SHARE = 0.4
# of what pictures take on disk, how much must be free: a training run writes more than pictures
DISK_TIMES = 2
GIGABYTE = 1e9


@dataclass(frozen=True)
class Broken:
    """A picture that was left out, and why."""

    file: str
    reason: str


class Pixels:
    """The readable pictures of a listing, as the bytes that `Preprocess.fit` makes of them.

    Opening reads every picture once, so that a damaged one is named before any training starts; where they lie
    decoded on disk, nothing is decoded.

    Args:
        listing: the pictures.
        preprocess: cut and size.
        keep: `memory`, `disk` (in the cache, for later runs, too) or `none`, which decodes anew for every batch;
            `auto` takes memory where they fill at most 40 % of what is free, else the disk where twice as much is free.
        threads: decoders at work.
        workers: threads that read ahead of who asks; None takes `threads`, 0 reads nothing ahead.
        allow_none: whether a listing without one readable picture is taken, too.
        listener: hears how many are read.

    Attributes:
        listing: the readable pictures only.
        broken: the others, with the reason.
        kept: where they are: "memory", "disk" or "none".

    Raises:
        DataError: not one picture can be read, and `allow_none` is False; or memory was asked for and is too small.
    """

    def __init__(
        self,
        listing: Listing,
        preprocess: Preprocess,
        *,
        keep: Keep = "auto",
        threads: int = 2,
        workers: int | None = None,
        allow_none: bool = False,
        listener: Listener = SILENT,
    ) -> None:
        self.preprocess = preprocess
        self.threads = threads
        self.workers = threads if workers is None else workers
        found: dict[int, str] = {}
        self._kept: Tensor | Decoded | None = None
        choice = _choose(listing, preprocess, keep, listener)
        if choice == "disk":
            self._kept = _on_disk(listing, preprocess, threads, found, listener)
        else:
            chunks = _chunks(listing, preprocess, threads, found, listener)
            self._kept = _in_memory(listing, preprocess, chunks) if choice == "memory" else None
            for _ in chunks:
                pass
        self.kept = "memory" if isinstance(self._kept, Tensor) else "disk" if self._kept else "none"
        self.broken = tuple(Broken(listing.files[row], reason) for row, reason in sorted(found.items()))
        if len(found) == len(listing) and not allow_none:
            first = f": {self.broken[0].file}: {self.broken[0].reason}" if found else ""
            raise DataError(f"{listing.title}: not one of {len(listing):,} pictures can be read{first}")
        self.listing = listing.take([row for row in range(len(listing)) if row not in found]) if found else listing
        self._place = np.arange(len(self.listing))  # of each picture in what is kept

    def take(self, rows: Rows) -> "Pixels":
        """The pictures at `rows`, in that order; nothing is read again and nothing copied."""
        some = copy(self)
        some.listing = self.listing.take(rows)
        some._place = self._place[rows]
        return some

    def to(self, device: torch.device) -> "Pixels":
        """The same pictures where memory keeps them on a device; those that are kept elsewhere stay as they are."""
        some = copy(self)
        if isinstance(self._kept, Tensor):
            some._kept = self._kept[torch.from_numpy(self._place)].to(device)
            some._place = np.arange(len(self.listing))
        return some

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, rows: Rows) -> Tensor:
        """The pictures at `rows`, uint8 (N, channels, size, size)."""
        threads = self.threads if self.workers and not isinstance(self._kept, Tensor) else 0
        return next(ahead([rows], self._read, threads))[1]

    def batches(self, order: Rows, size: int) -> Iterator[tuple[Rows, Tensor]]:
        """Rows and pictures, `size` at a time in the order given; see `split` and `grouped`."""
        return self.grouped(split(order, size))

    def grouped(
        self, groups: list[Rows], change: Callable[[Rows, Tensor], Tensor] | None = None
    ) -> Iterator[tuple[Rows, Tensor]]:
        """Each group's rows and pictures, in order; the next groups are read, and changed, meanwhile.

        Args:
            groups: rows of each.
            change: what is done to some of the pictures, by rows and pictures; in several threads at once.
        """
        if change is None:
            return ahead(groups, self._read, 0 if isinstance(self._kept, Tensor) else self.workers)
        return ahead(groups, lambda rows: change(rows, self._read(rows)), self.workers)

    def _read(self, rows: Rows) -> Tensor:
        if isinstance(self._kept, Tensor):
            return self._kept[torch.from_numpy(self._place[rows]).to(self._kept.device)]
        if self._kept is None:
            return self._decode(rows)
        pictures, damaged = self._kept.read(self._place[rows])
        if damaged:
            pictures[damaged] = self._decode(rows[damaged])
        return pictures

    def _decode(self, rows: Rows) -> Tensor:
        pictures, faults = _fit(self.listing, [int(row) for row in rows], self.preprocess)
        if faults:
            row, reason = next(iter(faults.items()))
            raise DataError(f"{self.listing.files[row]} could be read before and cannot now: {reason}")
        return pictures


def split(order: Rows, size: int) -> list[Rows]:
    """The order in groups of `size`; a last group of one joins the one before it.

    Batch normalisation cannot train on one picture.

    Args:
        order: of rows.
        size: of a group.

    Example:
        >>> [len(rows) for rows in split(np.arange(9), 4)], [len(rows) for rows in split(np.arange(0), 4)]
        ([4, 5], [])
    """
    if not len(order):
        return []
    cuts = list(range(0, len(order), size))
    if len(cuts) > 1 and len(order) - cuts[-1] == 1:
        cuts.pop()
    return np.split(order, cuts[1:])


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


def _choose(listing: Listing, preprocess: Preprocess, keep: Keep, listener: Listener) -> Keep:
    """Where pictures are kept: "memory", "disk" or "none"; what is not as it was wished is told."""
    wanted, free = len(listing) * preprocess.channels * preprocess.size**2, free_memory()
    sizes = {"wanted": wanted / GIGABYTE, "memory": free / GIGABYTE}
    if keep == "memory" and wanted > free:
        needs = f"{len(listing):,} pictures take {sizes['wanted']:.1f} GB, and {sizes['memory']:.1f} are free"
        raise DataError(f"keep memory: {needs}; take auto, disk or none")
    if keep in {"memory", "none"} or (keep == "auto" and wanted <= MEMORY_SHARE * free) or not wanted:
        return "none" if keep == "none" else "memory"
    file = decoded.place(listing, preprocess)
    space = decoded.room()
    if file.exists() or space >= (wanted if keep == "disk" else DISK_TIMES * wanted):
        return "disk"
    listener.message("pictures.none", **sizes, disk=space / GIGABYTE, folder=file.parent)
    return "none"


def _in_memory(listing: Listing, preprocess: Preprocess, chunks: Iterator[tuple[range, Tensor]]) -> Tensor:
    shape = (len(listing), preprocess.channels, preprocess.size, preprocess.size)
    kept, filled = torch.empty(shape, dtype=torch.uint8), 0
    for _, pictures in chunks:
        kept[filled : filled + len(pictures)] = pictures
        filled += len(pictures)
    return kept[:filled]


def _on_disk(
    listing: Listing, preprocess: Preprocess, threads: int, found: dict[int, str], listener: Listener
) -> Decoded | None:
    """The pictures on disk, written first where they are not there; None, and told, where that fails."""
    file, shape = decoded.place(listing, preprocess), (preprocess.channels, preprocess.size, preprocess.size)
    try:
        kept = Decoded(file, shape, len(listing))
        listener.message("pictures.known", count=len(kept), file=file)
        found |= kept.broken
        return kept
    except ValueError as error:
        listener.message("pictures.damaged", file=file, reason=str(error))
    except OSError:  # not there, or not for us to read
        pass
    chunks = _chunks(listing, preprocess, threads, found, listener)
    try:
        decoded.write(file, listing, chunks, found)
        kept = Decoded(file, shape, len(listing))
        listener.message("pictures.written", file=file, size=file.stat().st_size / GIGABYTE)
        return kept
    except (OSError, ValueError) as error:
        for _ in chunks:  # the others may be broken, too
            pass
        listener.message("pictures.failed", file=file, reason=getattr(error, "strerror", None) or str(error))
        return None


def _chunks(
    listing: Listing, preprocess: Preprocess, threads: int, found: dict[int, str], listener: Listener
) -> Iterator[tuple[range, Tensor]]:
    """Rows and the readable pictures among them, some at a time; the others come into `found`, with the reason."""
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(listing), CHUNK):
            rows = range(start, min(start + CHUNK, len(listing)))
            pictures, faults = _fit(listing, rows, preprocess, pool)
            found |= faults
            yield rows, pictures
            listener.progress("read", rows.stop, len(listing))


def _fit(
    listing: Listing, rows: Sequence[int], preprocess: Preprocess, pool: ThreadPoolExecutor | None = None
) -> tuple[Tensor, dict[int, str]]:
    """The pictures at `rows` that can be read, and why the others cannot."""
    if isinstance(listing.store, Arrays) and len(rows):
        return preprocess.fit(listing.store.rows([listing.files[row] for row in rows])), {}

    each = (pool.map if pool else map)(lambda row: fitted(listing, row, preprocess), rows)
    results = list(zip(rows, each, strict=True))  # a row may come twice
    broken = {row: result.reason for row, result in results if isinstance(result, Broken)}
    pictures = [result for _, result in results if isinstance(result, Tensor)]
    shape = (0, preprocess.channels, preprocess.size, preprocess.size)
    return (torch.stack(pictures) if pictures else torch.empty(shape, dtype=torch.uint8)), broken
