"""`render`: a report as one HTML file that loads nothing."""

from typing import TYPE_CHECKING, Any

from convscope.evaluation.page.answers import Answers, as_script
from convscope.evaluation.page.classes import class_table, curves_of
from convscope.evaluation.page.curves import training
from convscope.evaluation.page.doctor import doctor_section
from convscope.evaluation.page.gallery import MOST, gallery
from convscope.evaluation.page.headline import head, headline
from convscope.evaluation.page.matrix import confusions
from convscope.evaluation.page.network import layer_table
from convscope.evaluation.page.notes import broken_files, foot, seen_before
from convscope.evaluation.page.shell import asset, document
from convscope.evaluation.page.shown import Shown
from convscope.evaluation.page.sureness import calibration_section, threshold_section
from convscope.evaluation.page.svg import LEFT, RIGHT, WIDTH
from convscope.words import LANGUAGES, Language, say

if TYPE_CHECKING:
    from convscope.evaluation.report import Report

SCRIPTS = ("page.js", "gallery.js", "figures.js")
# what the scripts say, and the keys of its texts
WORDS = {
    "copied": "report.copied",
    "found": "report.pictures.found",
    "missing": "report.mistakes.missing",
    "more": "report.pictures.more",
    "nothing": "report.pictures.nothing",
    "pr": "report.curve.pr",
    "pr.x": "report.curve.pr.x",
    "pr.y": "report.curve.pr.y",
    "roc": "report.curve.roc",
    "roc.x": "report.curve.roc.x",
    "roc.y": "report.curve.roc.y",
}


def render(report: "Report", shown: Shown, language: Language) -> str:
    """The page, in both languages.

    Args:
        report: its figures.
        shown: what it tells beside them.
        language: what the page opens in.
    """
    answers = Answers.of(report.predictions, shown) if report.predictions is not None else None
    body = [
        head(report),
        "<main>",
        headline(report, language),
        training(shown.curves, language),
        doctor_section(shown.found) if shown.found is not None else "",
        confusions(report),
        gallery(answers, report.classes),
        class_table(report),
        calibration_section(report, language),
        threshold_section(report, language),
        layer_table(shown.layers),
        broken_files(report),
        seen_before(report),
        "</main>",
        foot(shown),
        f'<script type="application/json" id="data">{as_script(_data(report, answers))}</script>',
    ]
    titles = {each: say("report.title", each, model=report.model) for each in LANGUAGES}
    script = "".join(asset(file) for file in SCRIPTS)
    style = asset("report.css")
    return document(titles, "\n".join(part for part in body if part), language, style, extra_script=script)


def _data(report: "Report", answers: Answers | None) -> dict[str, Any]:
    """What the scripts read."""
    content: dict[str, Any] = answers.data(report.classes, MOST) if answers else {}
    if report.threshold:
        content["threshold"] = {"table": report.threshold["table"], "left": LEFT, "wide": WIDTH - LEFT - RIGHT}
    words = {key: {language: _text(text, language) for language in LANGUAGES} for key, text in WORDS.items()}
    return content | {"curves": curves_of(report), "words": words}


def _text(key: str, language: Language) -> str:
    """A text as the table holds it: the script fills it in."""
    return say(key, language, count="{count}", area="{area}")
