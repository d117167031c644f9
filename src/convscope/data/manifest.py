"""A manifest: a CSV that says of every picture which class and part it belongs to, and which ones are not used.

Columns file,label,split,sha256,note. The pictures stay where they are: what a manifest changes, it changes on reading.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from convscope.data.files import write_csv
from convscope.data.listing import UNLABELLED, Listing, build
from convscope.data.splits import FOLDER_NAMES
from convscope.data.stores import plain, printable
from convscope.data.tables import named_rows
from convscope.errors import DataError
from convscope.words import SILENT, Listener

DROP = "drop"
BROKEN = "broken"  # in a run's split.csv: what could not be read
NEEDED = ("file", "label", "split")


@dataclass(frozen=True)
class Entry:
    """One line of a manifest.

    Attributes:
        file: name of the picture inside the data, "/" between folders.
        label: class name, which may be another than its folder's; "" leaves the one that the data says.
        split: "train", "val", "test", "" where it is still to be drawn, or "drop": not used.
        sha256: of the file, in hex; "" where it is not checked.
        note: why, for people.
    """

    file: str
    label: str
    split: str = ""
    sha256: str = ""
    note: str = ""


def entries(listing: Listing, listener: Listener = SILENT) -> list[Entry]:
    """What a listing says, line by line: the manifest that changes nothing.

    Args:
        listing: the pictures; they are hashed.
        listener: hears how far that is.

    Example:
        >>> from convscope.data.builtin import digits
        >>> entries(digits().take([0]))[0].split
        'train'
    """
    labels = [listing.classes[label] if label != UNLABELLED else "" for label in listing.labels]
    return [
        Entry(printable(file), label, part, content)
        for file, label, part, content in zip(listing.files, labels, listing.parts, listing.hash(listener), strict=True)
    ]


def write(path: Path, lines: Sequence[Entry]) -> None:
    """Write a manifest at once, or not at all.

    Args:
        path: a CSV, which is replaced.
        lines: what it holds.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write(Path(folder) / "split.csv", [Entry("cat/1.jpg", "cat", "drop", note="blurred")])
        ...     print((Path(folder) / "split.csv").read_text())
        file,label,split,sha256,note
        cat/1.jpg,cat,drop,,blurred
        <BLANKLINE>
    """
    write_csv(path, [field.name for field in fields(Entry)], [astuple(line) for line in lines])


def read(path: Path) -> list[Entry]:
    """Read a manifest, also one that a spreadsheet saved, or a run's split.csv.

    Args:
        path: a CSV with at least the columns file, label and split.

    Raises:
        DataError: no such file, another kind of table, a split that is none, or a file that is named twice.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write(Path(folder) / "split.csv", [Entry("cat/1.jpg", "cat", "val")])
        ...     read(Path(folder) / "split.csv")
        [Entry(file='cat/1.jpg', label='cat', split='val', sha256='', note='')]
    """
    columns, lines = named_rows(path, f"{path}: the manifest")
    missing = [column for column in NEEDED if column not in columns]
    if missing:
        raise DataError(
            f"{path}: not a manifest: no column {' or '.join(missing)}; expected file,label,split,sha256,note, "
            "as convscope check DATA --fix writes it"
        )
    found: dict[str, Entry] = {}
    for number, row in lines:
        line = _entry(row, f"{path} line {number}")
        before = found.setdefault(line.file, line)
        if (before.label, before.split) != (line.label, line.split):
            raise DataError(f"{path} line {number}: {line.file} is named before, with another class or part; keep one")
    if not found:
        raise DataError(f"{path}: the manifest names no picture")
    return list(found.values())


def apply(listing: Listing, lines: Sequence[Entry], listener: Listener = SILENT) -> Listing:
    """The listing as a manifest wants it: the pictures it names, less the dropped ones, with its classes and parts.

    Pictures that the manifest does not name are not used; they count among the listing's `ignored`.

    Args:
        listing: the data as it was read.
        lines: the manifest; a line without a label leaves the class, one without a split the part.
        listener: hears how far the pictures are hashed, where the manifest holds hashes.

    Raises:
        DataError: a picture that is to be used is gone or has another content, or none is left.

    Example:
        >>> from convscope.data.builtin import digits
        >>> some = digits().take([0, 1, 2])
        >>> lines = [Entry(some.files[0], "zero", "val"), Entry(some.files[1], "", "drop")]
        >>> changed = apply(some, lines)
        >>> changed.classes, changed.parts, len(changed.ignored)
        (('zero',), ('val',), 1)
    """
    rows = {printable(file): row for row, file in enumerate(listing.files)}
    spelt = {plain(file): row for row, file in enumerate(listing.files)}  # a zip or a Mac may spell Hangul otherwise
    places = {line: rows.get(line.file, spelt.get(plain(line.file), -1)) for line in lines}
    used = {line: row for line, row in places.items() if line.split != DROP}
    _refuse(listing, [line for line, row in used.items() if row < 0], len(used), "not there")
    if any(line.sha256 for line in used):
        now = listing.hash(listener)
        changed = [line for line, row in used.items() if line.sha256 and line.sha256.lower() != now[row]]
        _refuse(listing, changed, len(used), "not as they were when it was made")
    if not used:
        raise DataError(f"{listing.title}: the manifest drops every picture; change a split from drop")

    order = sorted(used.items(), key=lambda pair: pair[1])
    twice = [second for (second, row), (_, before) in zip(order[1:], order, strict=False) if row == before]
    _refuse(listing, twice, len(used), "named twice, in two spellings")
    blank = [line for line, row in order if not line.label and listing.labels[row] == UNLABELLED]
    _refuse(listing, blank, len(used), "without a class")
    labels = [line.label or listing.classes[listing.labels[row]] for line, row in order]
    parts = [line.split or listing.parts[row] for line, row in order]
    chosen = listing.take([row for _, row in order])
    named = set(places.values())
    unnamed = [file for row, file in enumerate(listing.files) if row not in named]
    changed_listing = build(
        listing.store,
        list(zip(chosen.files, labels, parts, strict=True)),
        [*listing.ignored, *unnamed],
        listing.title,
    )
    if "hashes" in chosen.__dict__:
        changed_listing.__dict__["hashes"] = chosen.hashes
    return changed_listing


def _entry(row: dict[str, str], where: str) -> Entry:
    split = row["split"].strip().lower()
    if split == BROKEN:
        split = DROP
    part = split if split in ("", DROP) else FOLDER_NAMES.get(split)
    if part is None:
        raise DataError(f"{where}: split {split!r}: allowed: train, val, test, {DROP}, or nothing")
    if not row["file"]:
        raise DataError(f"{where}: no file is named")
    return Entry(
        row["file"], plain(row["label"]), part, row.get("sha256", "").strip().lower(), row.get("note", "").strip()
    )


def _refuse(listing: Listing, lines: Sequence[Entry], count: int, what: str) -> None:
    if lines:
        raise DataError(
            f"{listing.title}: {len(lines):,} of {count:,} pictures that the manifest uses are {what} "
            f"(first: {lines[0].file}); give the data it was made for, or make it anew with convscope check --fix"
        )
