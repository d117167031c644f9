"""Small pictures drawn as text: line charts, the interval of an accuracy, bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from convscope.words.markup import NO_BREAK

WIDTH, HEIGHT = 440, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 104, 26, 40  # the right margin holds the names of the lines
LINE_HEIGHT = 16


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        points: (x, y), in order of x; at least one.
        kind: class of the style sheet that colours it.
        label: markup of its name, written at its end.
    """

    points: Sequence[tuple[float, float]]
    kind: str
    label: str


@dataclass(frozen=True)
class Chart:
    """Lines over a common axis of whole numbers.

    Attributes:
        lines: what is drawn; at least one.
        spoken: attributes that describe the chart to those who cannot see it.
        x_title: markup of the name of the x axis.
        mark: an x to point out, and the markup of what to say there.
        share: y is a share of one, written in percent; otherwise the axis starts at 0.
        dots: whether the mark also shows on the lines.
    """

    lines: Sequence[Line]
    spoken: str
    x_title: str
    mark: tuple[float, str] | None = None
    share: bool = False
    dots: bool = True


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers, evenly spaced, the first at or below `low` and the last at or above `high`.

    Args:
        low: start of the data.
        high: end of the data, not less than `low`.
        most: steps between them, at most (rounding outwards may add one at each end).

    Example:
        >>> ticks(0, 2.3)
        [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
        >>> ticks(0.7, 0.7)
        [0.6, 0.8]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most + 1e-9)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [float(f"{position * step:.10g}") for position in range(first, max(last, first + 1) + 1)]


def spread(places: Sequence[float], gap: float, last: float) -> list[float]:
    """`places` moved as little as needed so that any two are `gap` apart and none is beyond `last`.

    >>> spread([10, 12, 40], gap=5, last=42)
    [10, 15, 40]
    >>> spread([41, 40], gap=5, last=42)
    [42, 37]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + gap)
    limit = last
    for index in reversed(order):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - gap
    return moved


def draw(chart: Chart) -> str:
    """The chart as inline SVG."""
    every_x = [x for line in chart.lines for x, _ in line.points]
    every_y = [y for line in chart.lines for _, y in line.points]
    first, last = min(every_x), max(every_x)
    low, high = (min(every_y) if chart.share else min(0.0, *every_y)), max(every_y)
    if chart.share and low == high == 1:
        low = 0.9  # a flat line at the very top still needs an axis below it
    levels = ticks(low, high)
    if chart.share:
        levels = [level for level in levels if 0 <= level <= 1]
    bottom, top = levels[0], levels[-1]

    def across(x: float) -> float:
        part = (x - first) / (last - first) if last > first else 0.5
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        return HEIGHT - BOTTOM - (y - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" {chart.spoken}>']
    for level in levels:
        y, text = down(level), f"{level * 100:g}{NO_BREAK}%" if chart.share else f"{level:g}"
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    floor_y = HEIGHT - BOTTOM
    for value in [tick for tick in ticks(first, last) if first <= tick <= last and tick == int(tick)]:
        x = across(value)
        parts.append(f'<path class="axis" d="M{x:.1f} {floor_y}v4"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{floor_y + 17}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {floor_y}H{WIDTH - RIGHT}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="tick" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{chart.x_title}</text>')

    if chart.mark is not None:
        x, label = across(chart.mark[0]), chart.mark[1]
        anchor = "start" if x < WIDTH / 3 else "end" if x > WIDTH - RIGHT - 30 else "middle"
        parts.append(f'<path class="mark" d="M{x:.1f} {TOP - 6}V{floor_y}"/>')
        parts.append(f'<text class="mark-label" x="{x:.1f}" y="{TOP - 12}" text-anchor="{anchor}">{label}</text>')

    ends = spread([down(line.points[-1][1]) for line in chart.lines], LINE_HEIGHT, floor_y)
    for line, end in zip(chart.lines, ends, strict=True):
        path = "L".join(f"{across(x):.1f} {down(y):.1f}" for x, y in line.points)
        shown = [point for point in line.points if _has_dot(point[0], line, chart)]
        dots = "".join(f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3.5"/>' for x, y in shown)
        name_x = max(across(line.points[-1][0]), WIDTH - RIGHT) + 8
        parts.append(f'<g class="{line.kind}"><path class="line" d="M{path}"/>{dots}')
        parts.append(f'<text class="line-name" x="{name_x:.1f}" y="{end + 4:.1f}">{line.label}</text></g>')
    return "".join([*parts, "</svg>"])


def interval(share: float, low: float, high: float, baseline: tuple[float, str], spoken: str) -> str:
    """A share of one with its interval on an axis from 0 to 100 %, beside a share to compare it with.

    Args:
        share: drawn as a needle.
        low: where the bar starts.
        high: where the bar ends.
        baseline: the share to compare with, and markup of what it is.
        spoken: attributes that describe the picture.
    """
    # coordinates in percent and no viewBox: the bar takes the width there is, the letters keep their size
    parts = [f'<svg class="interval" width="100%" height="92" {spoken}>']
    parts.append('<rect class="track" x="0" y="38" width="100%" height="14" rx="7"/>')
    parts.append(f'<rect class="band" x="{low:.2%}" y="38" width="{max(high - low, 0.004):.2%}" height="14" rx="3"/>')
    place, label = baseline
    anchor = "start" if place < 0.35 else "end" if place > 0.65 else "middle"
    parts.append(f'<line class="mark" x1="{place:.2%}" x2="{place:.2%}" y1="24" y2="58"/>')
    parts.append(f'<text class="mark-label" x="{place:.2%}" y="16" text-anchor="{anchor}">{label}</text>')
    parts.append(f'<line class="needle" x1="{share:.2%}" x2="{share:.2%}" y1="33" y2="57"/>')
    for tick in (0, 25, 50, 75, 100):
        side = {0: "start", 100: "end"}.get(tick, "middle")
        parts.append(f'<text class="tick" x="{tick}%" y="78" text-anchor="{side}">{tick}{NO_BREAK}%</text>')
    return "".join([*parts, "</svg>"])


def bar(share: float, kind: str = "plain") -> str:
    """A share of one as a thin bar beside a number that says the same.

    >>> bar(0.5)
    '<span class="bar plain"><i style="width:50.0%"></i></span>'
    """
    return f'<span class="bar {kind}"><i style="width:{share * 100:.1f}%"></i></span>'


def _has_dot(x: float, line: Line, chart: Chart) -> bool:
    return len(line.points) == 1 or (chart.dots and chart.mark is not None and x == chart.mark[0])
