"""Writing files so that a reader, or a crash, never meets half of one."""

import csv
import errno
import io
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """A stream to write to: what it took replaces `file` at once at the end of the block, and not if the block fails.

    It goes to a temporary neighbour; then come fsync, rename, fsync of the folder.

    Args:
        file: what is to be replaced, or made.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with replacing(Path(folder) / "a.txt") as stream:
        ...         _ = stream.write(b"whole")
        ...         before = (Path(folder) / "a.txt").exists()
        ...     before, (Path(folder) / "a.txt").read_bytes()
        (False, b'whole')
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_dir():  # the rename would say so, too, but only when all the work is done
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    part = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    if os.name == "posix":
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems know no fsync of a folder; the rename has happened
                os.fsync(folder)
        finally:
            os.close(folder)


def write_bytes(file: Path, content: bytes) -> None:
    """Replace `file` at once; see `replacing`."""
    with replacing(file) as stream:
        stream.write(content)


def write_text(file: Path, text: str) -> None:
    """The same for text; a file name that is not Unicode is written with its bytes escaped."""
    write_bytes(file, _encoded(text))


def write_json(file: Path, content: object) -> None:
    """The same for JSON, readable by people."""
    write_text(file, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def write_csv(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The same for a table; rows are written as they come, however many there are."""
    with replacing(file) as stream:
        for row in chain([header], rows):
            stream.write(_encoded(_line(row)))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")


def _line(row: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(row)  # while it ends lines with \r\n, it quotes cells that hold either
    return line.getvalue().removesuffix("\r\n") + "\n"


def as_rows(records: Sequence[Mapping[str, object]]) -> tuple[list[str], list[list[object]]]:
    """Header and rows of a list of records that share their keys.

    >>> as_rows([{"epoch": 1, "loss": 0.5}])
    (['epoch', 'loss'], [[1, 0.5]])
    """
    header = list(records[0]) if records else []
    return header, [[record[key] for key in header] for record in records]
