"""Pictures named in a table: CSV or TSV with a header, or `file label` lines."""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Sequence
from pathlib import Path
from posixpath import join, normpath

from convscope.data.folders import Entry
from convscope.data.splits import FOLDER_NAMES
from convscope.data.stores import has_picture_suffix, plain
from convscope.errors import DataError

PATH_COLUMNS = (
    "path",
    "file",
    "filename",
    "file_name",
    "image",
    "img",
    "image_path",
    "filepath",
    "picture",
    "name",
    "id",
)
LABEL_COLUMNS = ("label", "class", "target", "category", "class_name", "label_name", "y")
SPLIT_COLUMNS = ("split", "subset", "partition", "part", "set", "fold")
CLASS_LISTS = ("classes.txt", "labels.txt")


def decode_text(content: bytes, name: str) -> str:
    """Text as Excel, Korean Windows and everyone else save it.

    >>> decode_text("고양이".encode("cp949"), "a.csv")
    '고양이'
    """
    excel = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))  # saved as "Unicode text"
    for encoding in ("utf-16",) if excel else ("utf-8-sig", "cp949"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError(f"{name}: text in an unknown encoding; save it as UTF-8")


def read_table(content: bytes, name: str) -> list[Entry]:
    """(file, class, part) of every line of a CSV or TSV.

    Columns are found by their usual names; a table without a header has path, label and, perhaps, split, in this order.
    Lines whose split is "drop" (see `manifest`) are passed over.

    Raises:
        DataError: no column of paths or labels, or a line without one of them.

    Example:
        >>> read_table(b"file,class\\na.jpg,cat\\n", "x.csv")
        [('a.jpg', 'cat', '')]
    """
    text = decode_text(content, name)
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max("\t;,", key=first.count) if first else ","
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise DataError(f"{name} line {reader.line_num}: not a table ({error})") from None
    lines = [(number, row) for number, row in lines if any(row)]
    if not lines:
        raise DataError(f"{name}: the table is empty")

    _, titles = lines[0]
    header = [cell.lower() for cell in titles]
    if has_picture_suffix(titles[0]):
        columns = {"path": 0, "label": 1, "split": 2 if len(header) > 2 else None}
        if len(header) < 2:
            raise _no_column("label", LABEL_COLUMNS, titles, name)
    else:
        columns = {
            "path": _column(header, PATH_COLUMNS),
            "label": _column(header, LABEL_COLUMNS),
            "split": _column(header, SPLIT_COLUMNS),
        }
        del lines[0]
    path, label, split = columns["path"], columns["label"], columns["split"]
    if label is None:
        raise _no_column("label", LABEL_COLUMNS, header, name)
    if path is None:
        raise _no_column("path", PATH_COLUMNS, header, name)
    dropped = set()
    if split is not None:
        dropped = {number for number, row in lines if "".join(row[split : split + 1]).strip().lower() == "drop"}
    return [_entry(row, number, path, label, split, name) for number, row in lines if number not in dropped]


def named_rows(path: Path, called: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns of a table on disk, in small letters, and its rows by column, each with its line's number.

    Args:
        path: a CSV or TSV, also one that a spreadsheet saved.
        called: how an error begins that says that it cannot be read.

    Raises:
        DataError: no such file, or no table.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "some.csv"
        ...     _ = file.write_text("File;Label\\na.png;cat\\n")
        ...     named_rows(file, "the table")
        (['file', 'label'], [(2, {'file': 'a.png', 'label': 'cat'})])
    """
    try:
        text = decode_text(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"{called} cannot be read ({error.strerror})") from None
    first = text.splitlines()[0] if text.strip() else ""
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        columns = table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
        return columns, [(table.line_num, {key: value or "" for key, value in row.items() if key}) for row in table]
    except csv.Error as error:
        raise DataError(f"{path} line {table.line_num}: not a table ({error})") from None


def read_list(content: bytes, name: str, part: str = "") -> list[Entry]:
    """(file, class, part) of every `file label` line; the label is the last word, so paths may hold spaces.

    >>> read_list(b"my cats/1.jpg 0\\n", "train.txt", "train")
    [('my cats/1.jpg', '0', 'train')]
    """
    entries: list[Entry] = []
    for number, line in enumerate(decode_text(content, name).splitlines(), start=1):
        if not line.strip():
            continue
        pieces = line.strip().rsplit(maxsplit=1)
        if len(pieces) < 2 or not has_picture_suffix(pieces[0]):
            raise DataError(f"{name} line {number}: expected `file label`, found {line.strip()[:60]!r}")
        entries.append((pieces[0].replace("\\", "/"), plain(pieces[1]), part))
    return entries


def name_classes(entries: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """Replace class numbers by the lines of a `classes.txt`, when every label is such a number.

    >>> name_classes([("a.jpg", "1", "")], ["ant", "bee"])
    [('a.jpg', 'bee', '')]
    """
    if not names or not all(label.isdecimal() and int(label) < len(names) for _, label, _ in entries):
        return list(entries)
    return [(file, plain(names[int(label)]), part) for file, label, part in entries]


def refuse_missing(entries: Sequence[Entry], has: Callable[[str], bool], name: str) -> None:
    """Raise when the table names files that are not there."""
    missing = [file for file, _, _ in entries if not has(file)]
    if missing:
        raise DataError(
            f"{name}: {len(missing):,} of {len(entries):,} files that it names are not there (first: {missing[0]}); "
            "paths count from the table's own folder"
        )


def refuse_contradictions(entries: Sequence[Entry], name: str) -> None:
    """Raise when the table gives one file two labels or two parts.

    >>> refuse_contradictions([("a.jpg", "cat", ""), ("a.jpg", "dog", "")], "x.csv")
    Traceback (most recent call last):
        ...
    convscope.errors.DataError: x.csv: a.jpg is named twice, as cat and as dog; keep one line
    """
    seen: dict[str, tuple[str, str]] = {}
    for file, label, part in entries:
        before = seen.setdefault(file, (label, part))
        if before != (label, part):
            one, other = (" ".join(word for word in words if word) for words in (before, (label, part)))
            raise DataError(f"{name}: {file} is named twice, as {one} and as {other}; keep one line")


def within(folder: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries with paths counted from the root instead of from the table's folder."""
    return [(normpath(join(folder, file)), label, part) for file, label, part in entries]


def respell(entries: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """The entries with paths spelt as the store has them: macOS keeps Hangul in pieces, a table in whole syllables.

    >>> respell([("e\\u0301.jpg", "cat", "")], ["\\u00e9.jpg"]) == [("\\u00e9.jpg", "cat", "")]
    True
    """
    spelt = {plain(name): name for name in names}
    return [(spelt.get(plain(file), file), label, part) for file, label, part in entries]


def _entry(row: list[str], line: int, path: int, label: int, split: int | None, name: str) -> Entry:
    if len(row) <= max(path, label):
        raise DataError(f"{name} line {line}: {len(row)} columns, where the header has more")
    if not row[path]:
        raise DataError(f"{name} line {line}: no path for {row[label]}")
    if not row[label]:
        raise DataError(f"{name} line {line}: no label for {row[path]}")
    word = row[split].lower() if split is not None and split < len(row) else ""
    part = FOLDER_NAMES.get(word, "")
    if word and not part:
        raise DataError(f"{name} line {line}: split {word!r} is not one of {', '.join(sorted(FOLDER_NAMES))}")
    return row[path].replace("\\", "/"), plain(row[label]), part


def _column(header: list[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _no_column(what: str, names: Sequence[str], header: Sequence[str], file: str) -> DataError:
    return DataError(f"{file}: no {what} column among {', '.join(header)}; call it {' or '.join(names[:4])}")


def part_of_list(name: str) -> str | None:
    """The part that a list file's name stands for; None when it is not a list file's name.

    >>> part_of_list("val.txt"), part_of_list("notes.txt")
    ('val', None)
    """
    match = re.fullmatch(r"(\w+)\.(txt|lst)", name.lower())
    return FOLDER_NAMES.get(match[1]) if match else None
