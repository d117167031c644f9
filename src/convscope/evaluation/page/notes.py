"""What stands under the figures: files left out, pictures seen before, and how the model was made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convscope.evaluation.page.shown import Shown
    from convscope.evaluation.report import Report

from convscope.words.markup import both, escape, name

MOST = 50  # files named one by one


def broken_files(report: "Report") -> str:
    """The files that could not be read, each with its reason."""
    head = f"<section><h2>{both('report.broken')}</h2>"
    if not report.broken:
        return f"{head}<p>{both('report.broken.none')}</p></section>"
    items = [f'{name(each["file"])}<span class="reason">{name(each["reason"])}</span>' for each in report.broken]
    return f"{head}<p>{both('report.broken.note', count=f'{len(items):,}')}</p>{_list(items)}</section>"


def seen_before(report: "Report") -> str:
    """The pictures that the model had been trained on; nothing if there are none."""
    if not report.trained_on:
        return ""
    kept = len(report.trained_on) - report.refused
    texts = []
    if report.refused:
        texts.append(both("report.trained_on.refused", count=f"{report.refused:,}"))
    if kept > 0:
        texts.append(both("report.trained_on.kept", count=f"{kept:,}"))
    notes = "".join(f"<p>{text}</p>" for text in texts)
    files = _list([name(file) for file in report.trained_on])
    return f"<section><h2>{both('report.trained_on')}</h2>{notes}{files}</section>"


def foot(shown: "Shown") -> str:
    """Facts of the run, the command that made the page, and who made it."""
    rows = "".join(f"<div><dt>{both(key)}</dt><dd>{_value(value)}</dd></div>" for key, value in shown.facts)
    table = f'<h2>{both("report.facts")}</h2><dl class="facts">{rows}</dl>' if shown.facts else ""
    calls = _code("report.command", shown.command) + _code("report.python", shown.python)
    return f'<footer>{table}{calls}<p class="made">{both("report.made")}</p></footer>'


def _code(key: str, text: str) -> str:
    """What to type, with a button that copies it once there is a script."""
    if not text:
        return ""
    button = f'<button type="button" class="plain" data-copy hidden>{both("report.copy")}</button>'
    return f'<h3>{both(key)}</h3><div class="code"><pre>{escape(text)}</pre>{button}</div>'


def _value(value: "str | tuple[str, dict[str, object]]") -> str:
    return name(value) if isinstance(value, str) else both(value[0], **value[1])


def _list(items: Sequence[str]) -> str:
    shown = "".join(f"<li>{item}</li>" for item in items[:MOST])
    rest = len(items) - MOST
    more = f'<p class="more">{both("report.more", count=f"{rest:,}")}</p>' if rest > 0 else ""
    return f'<ul class="files">{shown}</ul>{more}'
