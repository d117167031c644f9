"""Which classes are taken for which: the confusion matrix, whose cells ask for pictures, and its fullest cells."""

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from convscope.evaluation.page.svg import bar
from convscope.evaluation.page.texts import percent
from convscope.words.markup import both, escape, name

if TYPE_CHECKING:
    from convscope.evaluation.report import Report

MOST_CLASSES = 40  # of a whole matrix; beyond, digits would be too small to read
MOST_CONFUSED = 24  # classes of the matrix that stands for it then
MOST_WITH_SHARES = 4  # classes; up to here a cell has room for the share of its row
SIDEWAYS_BEYOND = 6  # letters of the longest name, with more classes than a few
LONGEST_NAME = 36  # letters of a label; the table of classes has the full names
PAIRS, PAIRS_OF_MANY = 5, 30


def confusions(report: "Report") -> str:
    """The confusion matrix, then the pairs most often confused."""
    many = len(report.classes) > MOST_CLASSES
    chosen = most_confused(report.confusion, MOST_CONFUSED) if many else range(len(report.classes))
    if many:
        note = both("report.confusion.note.many", shown=len(chosen), total=f"{len(report.classes):,}")
    else:
        note = both("report.confusion.note")
    asks = f' <span class="asks" hidden>{both("report.confusion.ask")}</span>' if report.predictions is not None else ""
    legend = (
        f'<p class="legend"><span><i class="hit"></i>{both("report.confusion.hit")}</span>'
        f'<span><i class="miss"></i>{both("report.confusion.miss")}</span></p>'
    )
    return (
        f"<section><h2>{both('report.confusion')}</h2><p>{note}{asks}</p>{legend}{_table(report, chosen)}</section>"
        f"<section><h2>{both('report.pairs')}</h2>{_pairs(report, PAIRS_OF_MANY if many else PAIRS)}</section>"
    )


def most_confused(confusion: Sequence[Sequence[int]], most: int) -> list[int]:
    """The classes that have most to do with mistakes, as the true or as the predicted class, in their own order.

    >>> most_confused([[5, 1, 0], [0, 9, 0], [0, 3, 4]], most=2)
    [1, 2]
    """
    counts = np.array(confusion)
    np.fill_diagonal(counts, 0)
    wrong = counts.sum(axis=0) + counts.sum(axis=1)
    return sorted(np.argsort(-wrong, kind="stable")[:most].tolist())


def shade(count: int, total: int) -> float:
    """Depth of a cell's colour, 0 to 1: the root of its share of the row, so that a single mistake can be seen.

    >>> shade(1, 100), shade(0, 0)
    (0.1, 0.0)
    """
    return sqrt(count / total) if total else 0.0


def _table(report: "Report", chosen: Sequence[int]) -> str:
    classes, size = [report.classes[index] for index in chosen], len(chosen)
    longest = max(len(each) for each in classes)
    sideways = size > MOST_WITH_SHARES and (size > 12 or longest > SIDEWAYS_BEYOND)
    room = "few" if size <= MOST_WITH_SHARES else "some" if size <= 12 else "many" if size <= 24 else "crowd"
    columns = "".join(f'<th scope="col"><div>{name(each, LONGEST_NAME)}</div></th>' for each in classes)
    rows = "".join(
        f'<tr><th scope="row">{name(report.classes[row], LONGEST_NAME)}</th>'
        + "".join(_cell(report, row, column, shares=size <= MOST_WITH_SHARES) for column in chosen)
        + "</tr>"
        for row in chosen
    )
    return (
        f'<div class="scroll"><table class="matrix {room}{" sideways" if sideways else ""}">'
        f'<thead><tr><td></td><th class="axis" scope="colgroup" colspan="{size}"><span class="stay">'
        f"{both('report.confusion.predicted')} →</span></th></tr>"
        f'<tr><th class="axis corner">{both("report.confusion.true")} ↓</th>{columns}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(report: "Report", row: int, column: int, *, shares: bool) -> str:
    count, kind = report.confusion[row][column], "hit" if row == column else "miss"
    if count == 0:
        return f'<td class="{kind} none">0</td>'
    total = sum(report.confusion[row])
    depth = shade(count, total)
    share = f"<small>{escape(percent(count / total))}</small>" if shares else ""
    letters = " deep deepest" if depth > 0.85 else " deep" if depth > 0.65 else ""
    shown = _asking(report, row, column, f"{count:,}{share}")
    return f'<td class="{kind}{letters}" style="--depth:{depth * 100:.0f}%">{shown}</td>'


def _asking(report: "Report", row: int, column: int, shown: str) -> str:
    """What asks for the pictures of a cell, where the page has them."""
    if report.predictions is None:
        return shown
    return f'<button type="button" data-cell="{row},{column}">{shown}</button>'


def _pairs(report: "Report", most: int) -> str:
    pairs = report.worst_confusions(most)
    if not pairs:
        return f"<p>{both('report.pairs.none')}</p>"
    place = {each: index for index, each in enumerate(report.classes)}
    rows = ""
    for true, predicted, count in pairs:
        share = count / sum(report.confusion[place[true]])
        rows += (
            f"<tr><td>{name(true)}</td><td>{name(predicted)}</td>"
            f'<td class="number">{_asking(report, place[true], place[predicted], f"{count:,}")}</td>'
            f'<td class="number">{escape(percent(share))}{bar(share, "miss")}</td></tr>'
        )
    heads = "".join(
        f'<th scope="col"{kind}>{both(f"report.pairs.{key}")}</th>'
        for key, kind in (("true", ""), ("predicted", ""), ("count", ' class="number"'), ("share", ' class="number"'))
    )
    return (
        f'<div class="scroll"><table class="list pairs"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
