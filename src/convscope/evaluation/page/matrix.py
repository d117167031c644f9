"""Which classes are taken for which: the confusion matrix and its fullest cells."""

from math import sqrt
from typing import TYPE_CHECKING

from convscope.evaluation.page.svg import bar, ticks
from convscope.evaluation.page.texts import percent
from convscope.words import Language
from convscope.words.markup import both, both_in_svg, escape, name, spoken

if TYPE_CHECKING:
    from convscope.evaluation.report import Report

MOST_WITH_NUMBERS = 40  # classes; beyond, digits would be too small to read
MOST_WITH_SHARES = 4  # classes; up to here a cell has room for the share of its row
SIDEWAYS_BEYOND = 6  # letters of the longest name, with more classes than a few
LONGEST_NAME = 36  # letters of a label; the table of classes has the full names
PIXELS, MARGIN = 560, 60  # of the small matrix


def confusions(report: "Report", language: Language) -> str:
    """The confusion matrix, then the pairs most often confused."""
    many = len(report.classes) > MOST_WITH_NUMBERS
    matrix = _picture(report, language) if many else _table(report)
    note = both("report.confusion.note.many" if many else "report.confusion.note")
    legend = (
        f'<p class="legend"><span><i class="hit"></i>{both("report.confusion.hit")}</span>'
        f'<span><i class="miss"></i>{both("report.confusion.miss")}</span></p>'
    )
    return (
        f"<section><h2>{both('report.confusion')}</h2><p>{note}</p>{legend}{matrix}</section>"
        f"<section><h2>{both('report.pairs')}</h2>{_pairs(report, 20 if many else 5)}</section>"
    )


def shade(count: int, total: int) -> float:
    """Depth of a cell's colour, 0 to 1: the root of its share of the row, so that a single mistake can be seen.

    >>> shade(1, 100), shade(0, 0)
    (0.1, 0.0)
    """
    return sqrt(count / total) if total else 0.0


def _table(report: "Report") -> str:
    classes, size = report.classes, len(report.classes)
    longest = max(len(each) for each in classes)
    sideways = size > MOST_WITH_SHARES and (size > 12 or longest > SIDEWAYS_BEYOND)
    room = "few" if size <= MOST_WITH_SHARES else "some" if size <= 12 else "many" if size <= 24 else "crowd"
    columns = "".join(f'<th scope="col"><div>{name(each, LONGEST_NAME)}</div></th>' for each in classes)
    rows = "".join(
        f'<tr><th scope="row">{name(each, LONGEST_NAME)}</th>'
        + "".join(_cell(count, sum(counts), column == row, size) for column, count in enumerate(counts))
        + "</tr>"
        for row, (each, counts) in enumerate(zip(classes, report.confusion, strict=True))
    )
    return (
        f'<div class="scroll"><table class="matrix {room}{" sideways" if sideways else ""}">'
        f'<thead><tr><td></td><th class="axis" scope="colgroup" colspan="{size}"><span class="stay">'
        f"{both('report.confusion.predicted')} →</span></th></tr>"
        f'<tr><th class="axis corner">{both("report.confusion.true")} ↓</th>{columns}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(count: int, total: int, hit: bool, size: int) -> str:
    if count == 0:
        return f'<td class="{"hit" if hit else "miss"} none">0</td>'
    depth = shade(count, total)
    share = f"<small>{escape(percent(count / total))}</small>" if size <= MOST_WITH_SHARES else ""
    letters = " deep deepest" if depth > 0.85 else " deep" if depth > 0.65 else ""
    kind = ("hit" if hit else "miss") + letters
    return f'<td class="{kind}" style="--depth:{depth * 100:.0f}%">{count:,}{share}</td>'


def _picture(report: "Report", language: Language) -> str:
    size = len(report.classes)
    step = PIXELS / size
    side = MARGIN + PIXELS + 2
    aloud = spoken("report.confusion.aria", language, size=size)
    parts = [
        f'<svg class="small-matrix" viewBox="0 0 {side} {side}" {aloud}>',
        f'<rect class="frame" x="{MARGIN}" y="{MARGIN}" width="{PIXELS}" height="{PIXELS}"/>',
        f'<text class="mark-label" x="{MARGIN + PIXELS / 2}" y="18" text-anchor="middle">'
        f"{both_in_svg('report.confusion.predicted')}</text>",
        f'<text class="mark-label" transform="translate(16 {MARGIN + PIXELS / 2}) rotate(-90)" text-anchor="middle">'
        f"{both_in_svg('report.confusion.true')}</text>",
    ]
    for tick in [int(tick) or 1 for tick in ticks(0, size, 10) if tick <= size]:
        place = MARGIN + (tick - 0.5) * step
        parts.append(f'<text class="tick" x="{place:.1f}" y="{MARGIN - 6}" text-anchor="middle">{tick}</text>')
        parts.append(f'<text class="tick" x="{MARGIN - 6}" y="{place + 4:.1f}" text-anchor="end">{tick}</text>')
    for row, counts in enumerate(report.confusion):
        total = sum(counts)
        for column, count in enumerate(counts):
            if count:
                kind, depth = "hit" if row == column else "miss", shade(count, total)
                x, y, wide = MARGIN + column * step, MARGIN + row * step, max(step, 1.0)
                parts.append(
                    f'<rect class="{kind}" x="{x:.2f}" y="{y:.2f}" width="{wide:.2f}" height="{wide:.2f}" '
                    f'fill-opacity="{max(depth, 0.15):.2f}"/>'
                )
    return "".join([*parts, "</svg>"])


def _pairs(report: "Report", most: int) -> str:
    pairs = report.worst_confusions(most)
    if not pairs:
        return f"<p>{both('report.pairs.none')}</p>"
    support = {each: sum(counts) for each, counts in zip(report.classes, report.confusion, strict=True)}
    rows = "".join(
        f'<tr><td>{name(true)}</td><td>{name(predicted)}</td><td class="number">{count:,}</td><td class="number">'
        f"{escape(percent(count / support[true]))}{bar(count / support[true], 'miss')}</td></tr>"
        for true, predicted, count in pairs
    )
    heads = "".join(
        f'<th scope="col"{kind}>{both(f"report.pairs.{key}")}</th>'
        for key, kind in (("true", ""), ("predicted", ""), ("count", ' class="number"'), ("share", ' class="number"'))
    )
    return f'<div class="scroll"><table class="list"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
