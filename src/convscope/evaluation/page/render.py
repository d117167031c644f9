"""`render`: a report as one HTML file that loads nothing."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from convscope.evaluation.page.classes import class_table
from convscope.evaluation.page.curves import training
from convscope.evaluation.page.doctor import doctor_section
from convscope.evaluation.page.headline import head, headline
from convscope.evaluation.page.matrix import confusions
from convscope.evaluation.page.mistakes import worst_mistakes
from convscope.evaluation.page.notes import broken_files, foot, seen_before
from convscope.evaluation.page.shell import document
from convscope.words import LANGUAGES, Language, say

if TYPE_CHECKING:
    from convscope.evaluation.report import Facts, Report


def render(
    report: "Report",
    picture: Callable[[int], bytes | None],
    curves: Sequence[dict[str, float]],
    facts: "Facts",
    language: Language,
    found: Sequence[dict[str, Any]] | None = None,
) -> str:
    """The page, in both languages.

    Args:
        report: what is shown.
        picture: row of the predictions to a small JPEG of it, or None.
        curves: rows of metrics.csv; keys that the page does not know are left out.
        facts: (key of the texts, value) pairs for the foot of the page; see `Facts`.
        language: what the page opens in.
        found: what the doctor found; None where none watched.
    """
    body = [
        head(report),
        "<main>",
        headline(report, language),
        training(curves, language),
        doctor_section(found) if found is not None else "",
        confusions(report, language),
        worst_mistakes(report, picture),
        class_table(report),
        broken_files(report),
        seen_before(report),
        "</main>",
        foot(facts),
    ]
    titles = {each: say("report.title", each, model=report.model) for each in LANGUAGES}
    return document(titles, "\n".join(part for part in body if part), language)
