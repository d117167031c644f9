"""The pictures the model got wrong, the surest answers first."""

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from convscope.evaluation.page.svg import bar
from convscope.evaluation.page.texts import percent
from convscope.words.markup import both, escape, name

if TYPE_CHECKING:
    from convscope.evaluation.predictions import Predictions
    from convscope.evaluation.report import Report

MOST = 24


def worst_mistakes(report: "Report", picture: Callable[[int], bytes | None]) -> str:
    """A card for each of the worst mistakes; nothing for a report read back without its predictions."""
    if report.predictions is None:
        return ""
    rows = report.predictions.mistakes()
    if len(rows) == 0:
        body = f'<p class="good">{both("report.mistakes.none", n=f"{report.n:,}")}</p>'
    else:
        note = both("report.mistakes.note", shown=min(len(rows), MOST), total=f"{len(rows):,}")
        cards = "".join(_card(report.predictions, int(row), picture(int(row))) for row in rows[:MOST])
        body = f'<p>{note}</p><ol class="cards">{cards}</ol>'
    return f"<section><h2>{both('report.mistakes')}</h2>{body}</section>"


def _card(predictions: "Predictions", row: int, jpeg: bytes | None) -> str:
    true, predicted = int(predictions.truth[row]), int(predictions.predicted[row])
    file = predictions.files[row]
    if jpeg is None:
        image = f'<div class="picture missing">{both("report.mistakes.missing")}</div>'
    else:
        source = f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"
        image = f'<div class="picture"><img src="{source}" alt="{escape(file)}"></div>'
    answers = "".join(
        f'<div class="{kind}"><dt>{both(key)}<span class="chance">{escape(percent(chance))}</span></dt>'
        f"<dd>{name(predictions.classes[index])}{bar(chance, kind)}</dd></div>"
        for kind, key, index in (
            ("miss", "report.mistakes.predicted", predicted),
            ("hit", "report.mistakes.true", true),
        )
        for chance in [float(predictions.probabilities[row, index])]
    )
    return f'<li class="card">{image}<dl>{answers}</dl><p class="file">{name(file)}</p></li>'
