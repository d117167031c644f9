"""Runs side by side: accuracy with its interval against training time, as one SVG and as one page."""

from collections.abc import Callable
from math import log
from typing import TYPE_CHECKING
from unicodedata import east_asian_width, normalize

from convscope.evaluation.page.shell import asset, document, masthead
from convscope.evaluation.page.svg import spread, ticks
from convscope.evaluation.page.texts import percent
from convscope.words import LANGUAGES, Language, say
from convscope.words.markup import NO_BREAK, both, both_in_svg, escape, spoken

if TYPE_CHECKING:
    from convscope.evaluation.compare import Compared, Comparison

Words = Callable[..., str]

WIDTH, MARGIN = 960, 24
LEFT, TOP, HEIGHT = 76, 24, 300  # of the field: where it begins, what is above it, how tall it is
TITLE, AXIS = 48, 74  # space for the title and for the axis of time
ROW, RADIUS = 28, 11  # of the list: height of a line, and the disc that holds its number
DOT, APART = 5, 26  # of the field: a mark, and how far two are apart at least
RIGHT, INTERVAL, TIME, SAID = 486, 626, 700, 724  # of the list: where its columns end, the last where it begins
LABEL_CELLS, NAME_CELLS = 32, 20
TIMES = (
    *((count, "s", count) for count in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)),
    *((60 * count, "min", count) for count in (1, 2, 5, 10, 20, 30)),
    *((3600 * count, "h", count) for count in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)
SPAN = 4  # the last time of the axis is at least so many times the first


def chart(comparison: "Comparison", language: Language, *, in_page: bool = False) -> str:
    """The drawing: a numbered mark for each run, and a list that says which is which.

    Args:
        comparison: what is drawn.
        language: of its words.
        in_page: for the inside of our page: words in both languages, and no title of its own.
    """

    def alone(key: str, **values: object) -> str:
        return escape(say(key, language, **values))

    words: Words = both_in_svg if in_page else alone
    top = TOP + (0 if in_page else TITLE)
    parts = [] if in_page else [_text(MARGIN, 44, words("compare.drawn"), "title")]
    timed = {number: run for number, run in enumerate(comparison.runs, 1) if run.seconds is not None}
    if timed:
        parts += _field(timed, top, words)
    below = top + (HEIGHT + AXIS if timed else 0)
    for number, run in enumerate(comparison.runs, 1):
        parts += _row(number, run, below + ROW * (number - 1) + RADIUS, words)
    height = below + ROW * len(comparison.runs) + MARGIN / 2
    size = "" if in_page else f' width="{WIDTH}" height="{height:g}"'
    aloud = spoken("compare.aria", language, count=len(comparison.runs))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="runs"{size} viewBox="0 0 {WIDTH} {height:g}" {aloud}>'
        f'<style>{asset("runs.css")}</style><rect class="paper" width="{WIDTH}" height="{height:g}"/>'
        f"{''.join(parts)}</svg>\n"
    )


def page(comparison: "Comparison", language: Language) -> str:
    """One HTML file that needs nothing else, in both languages.

    Args:
        comparison: what is shown.
        language: what the page opens in.
    """

    def both_of(sentence: Callable[[Language], str]) -> str:
        return "".join(f'<span lang="{each}">{escape(sentence(each))}</span>' for each in LANGUAGES)

    body = (
        f"{masthead(both('compare.title'))}\n<main>"
        f'<section class="headline"><p class="verdict">{both_of(comparison.verdict)}</p></section>\n'
        f"<section><h2>{both('compare.drawn')}</h2><p>{both('compare.drawn.note')}</p>\n"
        f'<div class="scroll">{chart(comparison, language, in_page=True)}</div>\n'
        f"<p>{both_of(comparison.paired)}</p><p>{both_of(comparison.tested)}</p><p>{both_of(comparison.differing)}</p></section></main>\n"
        f'<footer><p class="made">{both("compare.made")}</p></footer>'
    )
    wide = ".runs { min-width: 50rem; width: 100%; height: auto; margin-bottom: 1rem; }\n"
    return document({each: say("compare.title", each) for each in LANGUAGES}, body, language, wide)


def _field(timed: dict[int, "Compared"], top: float, words: Words) -> list[str]:
    """Axes, and every run's interval with its number where its accuracy is."""
    seconds = [max(run.seconds or 0, TIMES[0][0]) for run in timed.values()]
    first, last = min(seconds) / 1.4, max(seconds) * 1.4
    widen = max(1.0, SPAN * first / last) ** 0.5
    first, last = first / widen, last * widen
    bounds = [bound for run in timed.values() for bound in run.interval]
    levels = [level for level in ticks(min(bounds), max(bounds)) if 0 <= level <= 1]
    floor = top + HEIGHT

    def across(value: float) -> float:
        return LEFT + log(value / first) / log(last / first) * (WIDTH - MARGIN - LEFT)

    def down(share: float) -> float:
        return floor - (share - levels[0]) / (levels[-1] - levels[0]) * HEIGHT

    parts = []
    for level in levels:
        parts.append(f'<path class="grid" d="M{LEFT} {down(level):.1f}H{WIDTH - MARGIN}"/>')
        parts.append(_text(LEFT - 10, down(level) + 4.5, f"{level * 100:g}{NO_BREAK}%", anchor="end"))
    for value, unit, count in TIMES:
        if first <= value <= last:
            parts.append(f'<path class="axis" d="M{across(value):.1f} {floor}v5"/>')
            parts.append(
                _text(across(value), floor + 20, words(f"compare.unit.{unit}", count=f"{count:g}"), anchor="middle")
            )
    parts.append(f'<path class="axis" d="M{LEFT} {floor}H{WIDTH - MARGIN}"/>')
    parts.append(_text((LEFT + WIDTH - MARGIN) / 2, floor + 42, words("compare.axis"), anchor="middle"))
    places = spread([across(value) for value in seconds], APART, WIDTH - MARGIN - APART)
    for x, (number, run) in zip(places, timed.items(), strict=True):
        low, high = (down(bound) for bound in run.interval)
        whisker = f'<path class="whisker" d="M{x - 5:.1f} {low:.1f}h10m-5 0V{high:.1f}m-5 0h10"/>'
        dot = f'<circle cx="{x:.1f}" cy="{down(run.top1):.1f}" r="{DOT}"/>'
        parts.append(
            f'<g class="{_kind(run)}">{whisker}{dot}{_text(x + 10, down(run.top1) + 5, str(number), "digit")}</g>'
        )
    return parts


def _row(number: int, run: "Compared", y: float, words: Words) -> list[str]:
    """One line of the list: number, network and mode, folder, accuracy, interval, time, and what the test says."""
    label = escape(_cut(", ".join(filter(None, (run.network, run.mode))), LABEL_CELLS))
    folder = f'<tspan class="folder" dx="8">{escape(_cut(run.name, NAME_CELLS))}</tspan>'
    low, high = run.interval
    digit = _text(MARGIN + RADIUS, y + 4.2, str(number), "digit", "middle")
    p_value = {} if run.p_value is None else {"p": run.probability}
    text = y + 4.5
    return [
        f'<g class="{_kind(run)}"><circle cx="{MARGIN + RADIUS}" cy="{y:.1f}" r="{RADIUS}"/>{digit}</g>',
        _text(MARGIN + 3 * RADIUS, text, f'<tspan class="name">{label}</tspan>{folder}'),
        _text(RIGHT, text, escape(percent(run.top1)), "name", "end"),
        _text(INTERVAL, text, escape(f"{percent(low)} – {percent(high)}"), anchor="end"),
        _text(TIME, text, _time(run.seconds, words), anchor="end"),
        _text(SAID, text, words(f"compare.{_kind(run)}", **p_value)),
    ]


def _kind(run: "Compared") -> str:
    return "best" if run.p_value is None else "worse" if run.worse else "unclear"


def _time(seconds: float | None, words: Words) -> str:
    if seconds is None:
        return words("compare.untimed")
    unit, size = next((pair for pair in (("h", 3600), ("min", 60)) if seconds >= 2 * pair[1]), ("s", 1))
    return words(f"compare.unit.{unit}", count=f"{seconds / size:.1f}")


def _cut(text: str, cells: int) -> str:
    """A text that fits, its middle left out where it must be; a Hangul syllable takes two cells.

    >>> _cut("mobilenet", 5), _cut("고양이와 강아지", 9)
    ('mo…et', '고양…아지')
    """
    text = normalize("NFC", text)
    if _cells(text) <= cells:
        return text
    half = len(text) // 2
    start, end = text[:half], text[half:]
    while _cells(start) > (cells - 1) // 2:
        start = start[:-1]
    while _cells(end) > (cells - 1) // 2:
        end = end[1:]
    return f"{start}…{end}"


def _cells(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _text(x: float, y: float, markup: str, name: str = "", anchor: str = "start") -> str:
    kind = f' class="{name}"' if name else ""
    return f'<text{kind} x="{x:g}" y="{y:.1f}" text-anchor="{anchor}">{markup}</text>'
