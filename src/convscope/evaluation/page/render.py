"""`render`: a report as one HTML file that loads nothing."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from convscope.evaluation.page.classes import class_table
from convscope.evaluation.page.curves import training
from convscope.evaluation.page.headline import head, headline
from convscope.evaluation.page.matrix import confusions
from convscope.evaluation.page.mistakes import worst_mistakes
from convscope.evaluation.page.notes import broken_files, foot, seen_before
from convscope.words import LANGUAGES, Language, say
from convscope.words.markup import escape, switch_script

if TYPE_CHECKING:
    from convscope.evaluation.report import Facts, Report


def render(
    report: "Report",
    picture: Callable[[int], bytes | None],
    curves: Sequence[dict[str, float]],
    facts: "Facts",
    language: Language,
) -> str:
    """The page, in both languages.

    Args:
        report: what is shown.
        picture: row of the predictions to a small JPEG of it, or None.
        curves: rows of metrics.csv; keys that the page does not know are left out.
        facts: (key of the texts, value) pairs for the foot of the page; see `Facts`.
        language: what the page opens in.
    """
    style, script = _asset("page.css"), switch_script()
    titles = {each: escape(say("report.title", each, model=report.model)) for each in LANGUAGES}
    # the browser itself refuses whatever this file did not bring along, and any script but this one
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    body = [
        head(report),
        "<main>",
        headline(report, language),
        training(curves, language),
        confusions(report, language),
        worst_mistakes(report, picture),
        class_table(report),
        broken_files(report),
        seen_before(report),
        "</main>",
        foot(facts),
    ]
    return (
        f'<!doctype html>\n<html lang="{language}" data-language="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f'<title data-en="{titles["en"]}" data-ko="{titles["ko"]}">{titles[language]}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n" + "\n".join(part for part in body if part) + "\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _asset(file: str) -> str:
    return files("convscope.evaluation.page").joinpath(file).read_text(encoding="utf-8")
