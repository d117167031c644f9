"""`Listing`: the pictures of a data set, their classes and parts; nothing is decoded yet."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from convscope.data import splits
from convscope.data.decode import Shrink, is_grey
from convscope.data.stores import Arrays, Store
from convscope.errors import DataError, UnreadableImage
from convscope.words import SILENT, Listener

UNLABELLED = -1


@dataclass(frozen=True, eq=False, repr=False)
class Listing:
    """Pictures with their classes and parts.

    Attributes:
        store: where they lie.
        files: their names there, "/" between folders.
        labels: (N,), index into `classes`; -1 where there is no label.
        classes: class names in the order of the network's outputs.
        parts: "train", "val", "test", or "" where the data does not say.
        ignored: names of files that were passed over: junk, or pictures that no class folder holds.
        title: what the user called it.
    """

    store: Store
    files: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    parts: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    title: str = ""

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        return f"Listing({self.title!r}, {len(self):,} pictures, {len(self.classes):,} classes)"

    def picture(self, row: int, shrink: Shrink | None = None) -> Tensor:
        """Decode one picture, uint8 (1 or 3, H, W); a JPEG smaller by what `shrink` allows (see `decode`)."""
        return self.store.picture(self.files[row], shrink)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Listing":
        """The pictures at `rows`, in that order."""
        chosen = [int(row) for row in rows]
        taken = replace(
            self,
            files=tuple(self.files[row] for row in chosen),
            labels=self.labels[chosen],
            parts=tuple(self.parts[row] for row in chosen),
        )
        if "hashes" in self.__dict__:
            taken.__dict__["hashes"] = tuple(self.hashes[row] for row in chosen)
        return taken

    def part(self, name: str) -> "Listing":
        """The pictures of one part; empty when nothing is marked so."""
        return self.take([row for row, part in enumerate(self.parts) if part == name])

    @property
    def train(self) -> "Listing":
        """The training pictures of a default split; `train` draws its own, after leaving out what is damaged."""
        return self.split().part("train")

    @property
    def val(self) -> "Listing":
        """The validation pictures of that split."""
        return self.split().part("val")

    @property
    def test(self) -> "Listing":
        """The test pictures of that split."""
        return self.split().part("test")

    def split(
        self, seed: int = 0, val_share: float = 0.1, test_share: float = 0.1, listener: Listener = SILENT
    ) -> "Listing":
        """The same pictures, each in a part; see `splits.assign`.

        Raises:
            DataError: a class with too few pictures.
        """
        if {"train", "val", "test"} <= set(self.parts) and "" not in self.parts:
            return self
        labels = [self.classes[label] for label in self.labels]
        hashes = self.hash(listener)
        parts = splits.assign(labels, hashes, self.parts, seed=seed, val_share=val_share, test_share=test_share)
        divided = replace(self, parts=tuple(parts))
        divided.__dict__["hashes"] = hashes
        return divided

    @cached_property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of every picture's bytes, in hex; "" where they cannot be read."""
        return self.hash()

    def hash(self, listener: Listener = SILENT) -> tuple[str, ...]:
        """The same, telling how far it is; remembered."""
        if "hashes" not in self.__dict__:
            self.__dict__["hashes"] = tuple(self._hash(listener))
        return self.hashes

    def _hash(self, listener: Listener) -> list[str]:
        hashes: list[str] = []
        chunks = [self.files[start : start + 256] for start in range(0, len(self), 256)]
        with ThreadPoolExecutor(4) as pool:
            for chunk in pool.map(self._hash_chunk, chunks):
                hashes += chunk
                listener.progress("hash", len(hashes), len(self))
        return hashes

    def _hash_chunk(self, files: tuple[str, ...]) -> list[str]:
        hashes = []
        for file in files:
            try:
                hashes.append(sha256(self.store.content(file)).hexdigest())
            except UnreadableImage:
                hashes.append("")
        return hashes

    @cached_property
    def channels(self) -> int:
        """1 when every one of up to 64 pictures, spread over the data, is stored grey; else 3."""
        if isinstance(self.store, Arrays):
            return int(self.store.pixels.shape[1])
        rows = np.linspace(0, len(self) - 1, num=min(len(self), 64), dtype=int)
        return 1 if all(self._is_grey(row) for row in rows) else 3

    def _is_grey(self, row: int) -> bool:
        try:
            return is_grey(self.store.content(self.files[row]))
        except UnreadableImage:
            return False

    @cached_property
    def side(self) -> int | None:
        """The side in pixels, when the pictures are arrays that all have the same square size."""
        if isinstance(self.store, Arrays) and self.store.pixels.shape[2] == self.store.pixels.shape[3]:
            return int(self.store.pixels.shape[2])
        return None

    def counts(self) -> dict[str, dict[str, int]]:
        """Pictures per class, per part ("" where undecided)."""
        counted = Counter(zip(self.labels.tolist(), self.parts, strict=True))
        parts = [part for part in (*splits.PARTS, "") if part in self.parts]
        return {name: {part: counted[label, part] for part in parts} for label, name in enumerate(self.classes)}

    def _repr_html_(self) -> str:
        counts = self.counts()
        parts = next(iter(counts.values()), {})
        head = "".join(f"<th>{part or 'pictures'}</th>" for part in parts)
        body = "".join(
            f"<tr><td>{html.escape(name)}</td>{''.join(f'<td>{count}</td>' for count in row.values())}</tr>"
            for name, row in counts.items()
        )
        return f"<b>{html.escape(self.title)}</b>: {len(self):,} pictures<table><tr><th></th>{head}</tr>{body}</table>"


def build(
    store: Store, entries: Sequence[tuple[str, str, str]], ignored: Sequence[str] = (), title: str = ""
) -> Listing:
    """A listing from (file, class name, part) entries; classes are sorted as people count.

    Raises:
        DataError: there is no entry.
    """
    if not entries:
        raise DataError(
            f"{title}: no pictures of a class were found"
            + (f" ({len(ignored)} other files, such as {ignored[0]})" if ignored else "")
            + "; expected one folder per class with pictures inside, or a CSV, list file, zip or IDX files"
            + " (predict takes pictures without classes)" * bool(ignored)
        )
    classes = sort_classes({label for _, label, _ in entries})
    index = {name: position for position, name in enumerate(classes)}
    return Listing(
        store=store,
        files=tuple(file for file, _, _ in entries),
        labels=np.array([index[label] for _, label, _ in entries], dtype=np.int64),
        classes=classes,
        parts=tuple(part for _, _, part in entries),
        ignored=tuple(ignored),
        title=title,
    )


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in the one order that everything uses; "1" and "01" are two.

    >>> sort_classes({"10", "2", "01", "1"})
    ('01', '1', '2', '10')
    """
    return tuple(sorted(names, key=lambda name: (natural(name), name)))


def natural(name: str) -> list[tuple[int, int | str]]:
    """Sort key that puts 10 after 2.

    >>> sorted(["10", "2", "b1", "a"], key=natural)
    ['2', '10', 'a', 'b1']
    """
    pieces = re.split(r"(\d+)", name)
    return [(0, int(piece)) if piece.isdecimal() else (1, piece) for piece in pieces if piece]
