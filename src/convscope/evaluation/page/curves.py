"""How training went: loss and accuracy over the epochs."""

from collections.abc import Sequence
from math import isfinite

from convscope.evaluation.page.svg import Chart, Line, draw
from convscope.words import Language
from convscope.words.markup import both, both_in_svg, spoken

LINES = {"train_loss": "train", "val_loss": "val", "val_top1": "val"}


def training(curves: Sequence[dict[str, float]], language: Language) -> str:
    """Two charts side by side, or nothing where a single epoch, or none, was recorded."""
    if len(curves) < 2:
        return ""
    best = best_epoch(curves)
    charts = [
        _chart("loss", _lines(curves, ("train_loss", "val_loss")), best, language),
        _chart("top1", _lines(curves, ("val_top1",)), best, language),
    ]
    if not any(charts):
        return ""
    note = f"<p>{both('report.curves.note')}</p>" if best is not None else ""
    return f'<section><h2>{both("report.curves")}</h2>{note}<div class="charts">{"".join(charts)}</div></section>'


def best_epoch(curves: Sequence[dict[str, float]]) -> float | None:
    """The epoch of the lowest validation loss, the first of a tie; None where none was measured.

    >>> best_epoch([{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.4}, {"epoch": 3, "val_loss": 0.6}])
    2
    """
    measured = _points(curves, "val_loss")
    return min(measured, key=lambda point: point[1])[0] if measured else None


def _points(curves: Sequence[dict[str, float]], key: str) -> list[tuple[float, float]]:
    return [(row["epoch"], row[key]) for row in curves if key in row and isfinite(row[key])]


def _lines(curves: Sequence[dict[str, float]], keys: Sequence[str]) -> list[Line]:
    return [
        Line(points, LINES[key], both_in_svg(f"report.curves.{LINES[key]}"))
        for key in keys
        if (points := _points(curves, key))
    ]


def _chart(which: str, lines: Sequence[Line], best: float | None, language: Language) -> str:
    if not lines:
        return ""
    chart = Chart(
        lines,
        spoken(f"report.curves.{which}.aria", language, epochs=len(lines[0].points)),
        both_in_svg("report.curves.epoch"),
        mark=None if best is None else (best, both_in_svg("report.curves.best", epoch=f"{best:g}")),
        share=which == "top1",
    )
    return f"<figure><figcaption>{both(f'report.curves.{which}')}</figcaption>{draw(chart)}</figure>"
