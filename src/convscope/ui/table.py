"""A table that fits the terminal: what matters least is said shorter, and at last left out."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

UNKNOWN = 200  # cells a line may take where nobody says: a file, a pipe
BETWEEN = 2


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        heading: what stands above it.
        cells: from top to bottom.
        rank: 0 for what is never left out; the highest goes first.
        right: whether numbers are flush on the right.
        short: heading and cells in fewer letters, where there is a way.
        least: cells of width that long texts may be cut to; 0 cuts nothing.
        tail: whether a cut text loses its start, where names are alike, or its end.
    """

    heading: str
    cells: Sequence[str]
    rank: int = 0
    right: bool = False
    short: tuple[str, Sequence[str]] | None = None
    least: int = 0
    tail: bool = False

    @property
    def width(self) -> int:
        """Cells that it takes uncut."""
        return max(map(cells, (self.heading, *self.cells)))


def width_here() -> int:
    """Cells of a line of the terminal, or of what COLUMNS says.

    Anything below 40 is taken as 40.
    """
    return max(40, shutil.get_terminal_size((UNKNOWN, 40)).columns)


def fit(columns: Sequence[Column], width: int) -> tuple[list[str], list[str]]:
    """The lines of a table at most `width` cells wide, and the headings of the columns that are left out.

    All short forms are tried before anything is cut, and cutting before the column of the highest rank goes.

    Args:
        columns: in the order they are shown.
        width: cells; the columns of rank 0 may take more.

    Example:
        >>> name, kind = Column("layer", ["c1", "s2"]), Column("kind", ["Conv2d", "MaxPool2d"], rank=1)
        >>> fit([name, kind], 20)[0]
        ['layer  kind', 'c1     Conv2d', 's2     MaxPool2d']
        >>> fit([name, kind], 12)
        (['layer', 'c1', 's2'], ['kind'])
    """
    left = list(columns)
    gone: list[str] = []
    while True:
        for shown in (left, [_shorter(column) for column in left]):
            if _needed(shown) <= width:
                return _lines(shown, [column.width for column in shown]), gone
        widths = _cut(shown, width)
        if sum(widths) + BETWEEN * (len(widths) - 1) <= width or not any(column.rank for column in left):
            return _lines(shown, widths), gone
        least = max(left, key=lambda column: column.rank)
        left.remove(least)
        gone.insert(0, least.heading)


def cells(text: str) -> int:
    """Cells that a text takes in a terminal: a Hangul syllable takes two.

    >>> cells("kernel"), cells("커널")
    (6, 4)
    """
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(text: str, width: int) -> list[str]:
    """A sentence in lines that fit, the later ones indented.

    >>> wrapped("k kernel, s stride", 10)
    ['k kernel,', '  s stride']
    """
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line.strip() and cells(longer) > width:
            lines.append(line)
            longer = f"  {word}"
        line = longer
    return [*lines, line]


def _shorter(column: Column) -> Column:
    if column.short is None:
        return column
    return Column(column.short[0], column.short[1], column.rank, column.right, least=column.least, tail=column.tail)


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + BETWEEN * (len(columns) - 1)


def _cut(columns: Sequence[Column], width: int) -> list[int]:
    """Widths after the widest columns that may be cut have given what is missing."""
    widths = [column.width for column in columns]
    missing = _needed(columns) - width
    while missing > 0:
        spare = [(found, at) for at, found in enumerate(widths) if columns[at].least and found > columns[at].least]
        if not spare:
            break
        widths[max(spare)[1]] -= 1
        missing -= 1
    return widths


def _lines(columns: Sequence[Column], widths: Sequence[int]) -> list[str]:
    filled = [[column.heading, *column.cells] for column in columns]
    return [
        (" " * BETWEEN)
        .join(_placed(text, width, column) for text, width, column in zip(row, widths, columns, strict=True))
        .rstrip()
        for row in zip_longest(*filled, fillvalue="")
    ]


def _placed(text: str, width: int, column: Column) -> str:
    if cells(text) > width:
        kept = text
        while cells(kept) > width - 1:
            kept = kept[1:] if column.tail else kept[:-1]
        text = f"…{kept}" if column.tail else f"{kept}…"
    space = " " * (width - cells(text))
    return space + text if column.right else text + space
