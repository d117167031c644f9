"""Figures of every class, as a table and as scikit-learn prints them."""

from typing import TYPE_CHECKING

from convscope.evaluation.page.matrix import MOST_WITH_NUMBERS
from convscope.evaluation.page.svg import bar
from convscope.evaluation.page.texts import percent
from convscope.words.markup import both, escape, name

if TYPE_CHECKING:
    from convscope.evaluation.report import Report

SHARES = ("precision", "recall", "f1")
NONE = '<span class="none">&ndash;</span>'


def class_table(report: "Report") -> str:
    """Precision, recall, F1 and support, class by class; a dash where a figure has no meaning."""
    many = len(report.classes) > MOST_WITH_NUMBERS
    number = '<th scope="col" class="number">#</th>' if many else ""
    heads = "".join(f'<th scope="col" class="number">{both(f"report.classes.{key}")}</th>' for key in SHARES)
    rows = "".join(_row(report, index, numbered=many) for index in range(len(report.classes)))
    return (
        f"<section><h2>{both('report.classes')}</h2><p>{both('report.classes.note')}</p>"
        f'<div class="scroll{" tall" if many else ""}"><table class="list classes"><thead><tr>{number}'
        f'<th scope="col">{both("report.classes.name")}</th>{heads}'
        f'<th scope="col" class="number">{both("report.classes.support")}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f"<details><summary>{both('report.classes.text')}</summary>"
        f'<div class="scroll"><pre>{escape(report.text)}</pre></div></details></section>'
    )


def _row(report: "Report", index: int, *, numbered: bool) -> str:
    each = report.classes[index]
    figures = report.per_class[each]
    support, answered = int(figures["support"]), sum(row[index] for row in report.confusion)
    # scikit-learn writes 0 where it divides by 0: no picture answered so, or none there to find
    known = {"precision": answered > 0, "recall": support > 0, "f1": answered + support > 0}
    shares = "".join(
        f'<td class="number">{escape(percent(figures[key])) + bar(figures[key]) if known[key] else NONE}</td>'
        for key in SHARES
    )
    number = f'<td class="number none">{index + 1}</td>' if numbered else ""
    return f'<tr>{number}<th scope="row">{name(each)}</th>{shares}<td class="number">{support:,}</td></tr>'
