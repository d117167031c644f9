"""Which pictures of a data set are judged: the run's own split, the data's, or all; and never what was trained on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convscope.data import splits
from convscope.data.listing import UNLABELLED, Listing
from convscope.data.manifest import Entry
from convscope.data.stores import printable
from convscope.errors import DataError
from convscope.models.bundle import Card
from convscope.words import SILENT, Listener

SPLITS = ("test", "val", "all")
Record = list[splits.Row]


class Judged(NamedTuple):
    """The pictures to judge.

    Attributes:
        listing: those.
        split: the part they are called: "test", "val" or "all".
        own: whether the models' own split decided.
        trained_on: files among those asked for that a model was trained on.
        refused: how many of those were left out.
    """

    listing: Listing
    split: str
    own: bool
    trained_on: tuple[str, ...]
    refused: int


def chosen(
    listing: Listing,
    records: Sequence[Record],
    split: str | None = None,
    listener: Listener = SILENT,
    *,
    lines: Sequence[Entry] = (),
) -> Judged:
    """The pictures of a part, judged by the models' own split where there is one and all models share it.

    Args:
        listing: the data.
        records: who trained, validated and tested each model; see `recorded_split`.
        split: "test", "val" or "all"; None takes the test if there is one, else val, else all.
        listener: hears how far the pictures are fingerprinted, and what is not known.
        lines: of the manifest that the listing follows: its classes count, and its parts if it has the one asked for.

    Raises:
        DataError: no such pictures, or a test of pictures that were all trained on.

    Example:
        >>> from convscope.data.builtin import digits
        >>> judged = chosen(digits(), [[]])
        >>> judged.split, len(judged.listing), judged.own
        ('test', 360, False)
    """
    if not all(records):
        listener.message("result.no_record")
    hashes = listing.hash(listener)
    found = [own for own in (_own(listing, hashes, record) for record in records) if own]
    parts_of = [[part for part, _ in own] for own in found]
    own = found[0] if found and all(parts == parts_of[0] for parts in parts_of) else []
    if found and not own:
        listener.message("views.splits_differ")
    if own and not lines:
        listing = _labelled(listing, [label for _, label in own])
    elif {line.split for line in lines} & ({split} if split else {"test", "val"}):
        own = []
    parts = [part for part, _ in own] or list(listing.parts)
    if split is None:
        split = next((part for part in ("test", "val") if part in parts), "all")
    rows = [row for row, part in enumerate(parts) if split in ("all", part)]
    if not rows:
        have = sorted(set(parts) - {""})
        raise DataError(
            f"{listing.title}: no {split} pictures; it has {', '.join(have) if have else 'no split'}; "
            "--split all takes every picture"
        )
    trained = {row.sha256 for record in records for row in record if row.split == "train" and row.sha256}
    known = [row for row in rows if hashes[row] in trained]
    if split == "test":
        rows = sorted(set(rows) - set(known))
        if not rows:
            raise DataError(
                f"{listing.title}: all {len(known):,} test pictures were trained on, so they test nothing; "
                "give other pictures"
            )
    names = tuple(listing.files[row] for row in known)
    return Judged(listing.take(rows), split, bool(own), names, len(known) if split == "test" else 0)


def recorded_split(card: Card, path: Path | None) -> Record:
    """Who trained, validated and tested a model: from its run folder, else from the model file; else empty.

    Args:
        card: of the model.
        path: of its file, or None.
    """
    inside = [splits.Row("", "", part, content) for part, hashes in (card.hashes or {}).items() for content in hashes]
    beside = path.parent / "split.csv" if path else None
    if beside and beside.is_file():
        rows = splits.read(beside)
        # a model file that was copied next to another run's split knows better itself
        if not inside or {(row.split, row.sha256) for row in rows} == {(row.split, row.sha256) for row in inside}:
            return rows
    return inside


def with_classes(listing: Listing, classes: tuple[str, ...], codes: tuple[str, ...] = ()) -> Listing:
    """The listing with its labels counted in another order of classes.

    Args:
        listing: labelled with class names, with codes only, or with numbers only, which stand for positions.
        classes: names, in the order wanted.
        codes: another name of each, such as WordNet ids; or none.

    Raises:
        DataError: a class of one of its pictures that is not among them.
    """
    index = {name: position for position, name in enumerate(classes)}
    shown = [listing.classes[label] for label in np.unique(listing.labels) if label >= 0]
    unknown = [name for name in shown if name not in index]
    if unknown and set(shown) <= set(codes):
        index, unknown = {code: position for position, code in enumerate(codes)}, []
    elif len(unknown) == len(shown) and all(n.isdecimal() and int(n) < len(classes) for n in unknown):
        index, unknown = {name: int(name) for name in shown}, []
    if unknown:
        raise DataError(
            f"{listing.title}: {len(unknown)} of its classes are unknown to the model (first: {unknown[0]!r}); "
            f"the model knows {', '.join(classes[:10])}{' …' if len(classes) > 10 else ''}"
        )
    translation = np.array([index.get(name, UNLABELLED) for name in listing.classes])
    return replace(listing, labels=translation[listing.labels], classes=classes)


def _own(listing: Listing, hashes: tuple[str, ...], record: Record) -> list[tuple[str, str]]:
    """The run's own part and class of every picture, when most of the pictures are the run's; else nothing.

    A class is "" where the record does not tell it, as that in a model file does not, or tells several of one content.
    """
    exact = {(row.file, row.sha256): (row.split, row.label) for row in record}
    parts: dict[str, set[str]] = defaultdict(set)
    labels: dict[str, set[str]] = defaultdict(set)
    for row in record:
        parts[row.sha256].add(row.split)
        labels[row.sha256].add(row.label)
    if 2 * sum(content in parts for content in hashes) <= len(listing):
        return []

    def of(content: str) -> tuple[str, str]:
        # copies may lie in two parts: training before the others
        part = next((part for part in splits.PARTS if part in parts[content]), "")
        return part, next(iter(labels[content])) if len(labels[content]) == 1 else ""

    # the file's own line if it still has its name
    return [
        exact.get((printable(file), content)) or of(content)
        for file, content in zip(listing.files, hashes, strict=True)
    ]


def _labelled(listing: Listing, names: Sequence[str]) -> Listing:
    """The listing with the classes that its pictures had when they were trained on; "" leaves one as it is."""
    classes = list(dict.fromkeys([*listing.classes, *filter(None, names)]))
    index = {name: position for position, name in enumerate(classes)}
    labels = [index[name] if name else int(label) for name, label in zip(names, listing.labels, strict=True)]
    changed = replace(listing, labels=np.array(labels, dtype=np.int64), classes=tuple(classes))
    changed.__dict__["hashes"] = listing.hashes
    return changed
