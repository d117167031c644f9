"""Whether the model is as sure as it is right: the reliability diagram, and what "none of these" gives and costs."""

from typing import TYPE_CHECKING, Any

from convscope.evaluation.page.svg import Chart, Line, draw
from convscope.evaluation.page.texts import percent
from convscope.words import Language
from convscope.words.markup import NO_BREAK, both, both_in_svg, escape, spoken

if TYPE_CHECKING:
    from convscope.evaluation.report import Report

SIDE, LEFT, TOP, COUNTS = (
    300,
    48,
    10,
    44,
)  # of the diagram, in its own units: the square, what is around it, the strip below
NEAR = 0.02  # confidence and accuracy closer than this count as the same
Bins = list[dict[str, Any]]


def calibration_section(report: "Report", language: Language) -> str:
    """How often the model is right beside how sure it is; nothing in reports that do not know."""
    told = report.calibration
    if not told or not any(each["n"] for each in told["bins"]):
        return ""
    bins: Bins = told["bins"]
    total = sum(each["n"] for each in bins)
    sure, right = (
        sum(each["n"] * each[key] for each in bins if each["n"]) / total for key in ("confidence", "accuracy")
    )
    verdict = "fair" if abs(sure - right) < NEAR else "over" if sure > right else "under"
    before = _before(report)
    error = both("report.calibration.ece", ece=percent(told["ece"]))
    if before:
        error += " " + both(
            "report.calibration.before", ece=percent(told["ece_uncalibrated"]), temperature=f"{told['temperature']:.2f}"
        )
    legend = [("hit", "report.calibration.now"), *([("miss", "report.calibration.was")] if before else [])]
    shown = "".join(f'<span><i class="{kind}"></i>{both(key)}</span>' for kind, key in legend)
    said = both(f"report.calibration.{verdict}", sure=percent(sure), right=percent(right))
    return (
        f"<section><h2>{both('report.calibration')}</h2>"
        f"<p>{said} {both('report.calibration.note')}</p>"
        f'<div class="beside"><figure>{_diagram(bins, before, language)}</figure>'
        f'<div><p>{error}</p><p class="legend">{shown}</p></div></div></section>'
    )


def threshold_section(report: "Report", language: Language) -> str:
    """What refusing the least sure answers gives and costs, with a slider to try; nothing in older reports."""
    told = report.threshold
    if not told or not told["table"]:
        return ""
    foreign, value = told["foreign"], told["value"]
    note = both("report.threshold.none") if value is None else both("report.threshold.chosen", value=f"{value:g}")
    figures = [
        ("threshold", f"{value or 0:g}"),
        ("coverage", percent(told["coverage"])),
        ("accuracy", "–" if told["accuracy"] is None else percent(told["accuracy"])),
    ]
    if foreign:
        figures.append(("foreign", percent(foreign["share"])))
        low, high = (percent(bound) for bound in foreign["interval"])
        counted = {"accepted": f"{foreign['accepted']:,}", "n": f"{foreign['n']:,}", "low": low, "high": high}
        note += f" {both('report.threshold.measured', data=foreign['data'], **counted)}"
    else:
        note += f" {both('report.threshold.unmeasured')}"
    pairs = "".join(
        f'<div><dt>{both(f"report.threshold.{key}")}</dt><dd data-figure="{key}">{escape(shown)}</dd></div>'
        for key, shown in figures
    )
    last = len(told["table"]) - 1
    at = max((row for row, (step, *_) in enumerate(told["table"]) if step <= (value or 0)), default=0)
    return (
        f'<section id="threshold"><h2>{both("report.threshold")}</h2><p>{both("report.threshold.note")} {note}</p>'
        f'<label class="slider" hidden><span>{both("report.threshold.move")}</span>'
        f'<input type="range" min="0" max="{last}" value="{at}"></label>'
        f'<dl class="figures">{pairs}</dl>'
        f'<figure class="wide">{_lines(told, language)}</figure></section>'
    )


def _before(report: "Report") -> Bins:
    """The bins at temperature 1, where the model has another and its answers are at hand."""
    told = report.calibration
    if not told or told["temperature"] == 1 or told["ece_uncalibrated"] is None or report.predictions is None:
        return []
    from convscope.evaluation.calibration import at_one, reliability

    chances = at_one(report.predictions.probabilities, told["temperature"])
    return reliability(chances, report.predictions.truth)


def _diagram(bins: Bins, before: Bins, language: Language) -> str:
    """Bars of accuracy over bins of confidence, beside the line where both are the same; below, how many pictures."""
    width, foot = LEFT + SIDE + 8, TOP + SIDE
    aloud = spoken("report.calibration.aria", language)
    parts = [f'<svg class="reliability" viewBox="0 0 {width} {foot + COUNTS + 62}" {aloud}>']
    for tick in (0, 25, 50, 75, 100):
        x, y = LEFT + SIDE * tick / 100, foot - SIDE * tick / 100
        parts.append(f'<path class="grid" d="M{LEFT} {y}h{SIDE}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{tick}{NO_BREAK}%</text>')
        under = foot + COUNTS + 24
        parts.append(f'<text class="tick" x="{x}" y="{under}" text-anchor="middle">{tick}{NO_BREAK}%</text>')
    most = max(each["n"] for each in bins)
    for each in bins:
        if not each["n"]:
            continue
        x, wide = LEFT + SIDE * each["low"] + 1, SIDE * (each["high"] - each["low"]) - 2
        tall, deep = SIDE * each["accuracy"], max(COUNTS * each["n"] / most, 1)
        parts.append(f'<rect class="hit" x="{x:.1f}" y="{foot - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"/>')
        parts.append(f'<rect class="count" x="{x:.1f}" y="{foot + 8}" width="{wide:.1f}" height="{deep:.1f}"/>')
    for each in before:
        if each["n"]:
            x, wide = LEFT + SIDE * each["low"] + 1, SIDE * (each["high"] - each["low"]) - 2
            parts.append(f'<path class="was" d="M{x:.1f} {foot - SIDE * each["accuracy"]:.1f}h{wide:.1f}"/>')
    parts.append(
        f'<path class="axis" d="M{LEFT} {foot}h{SIDE}"/><path class="mark" d="M{LEFT} {foot}L{LEFT + SIDE} {TOP}"/>'
    )
    middle = LEFT + SIDE / 2
    parts.append(
        f'<text class="tick" x="{middle}" y="{foot + COUNTS + 48}" text-anchor="middle">'
        f"{both_in_svg('report.calibration.x')}</text>"
        f'<text class="tick" transform="translate(10 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle">'
        f"{both_in_svg('report.calibration.y')}</text></svg>"
    )
    return "".join(parts)


def _lines(told: dict[str, Any], language: Language) -> str:
    table, last = told["table"], told["table"][-1][0]  # 0.9999, drawn where the axis ends
    columns = [("accuracy", 2, "val"), ("coverage", 1, "train")]
    if told["foreign"]:
        columns.append(("foreign", 3, "foreign"))
    lines = [
        Line(points, kind, both_in_svg(f"report.threshold.line.{key}"))
        for key, column, kind in columns
        if (points := [(100 * row[0] / last, row[column]) for row in table if row[column] is not None])
    ]
    mark = (100 * min((told["value"] or 0) / last, 1), both_in_svg("report.threshold.here"))
    aloud = spoken("report.threshold.aria", language)
    return draw(Chart(lines, aloud, both_in_svg("report.threshold.x"), mark=mark, share=True, dots=False))
