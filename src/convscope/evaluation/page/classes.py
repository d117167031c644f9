"""Figures of every class, as a table to sort and as scikit-learn prints them."""

from typing import TYPE_CHECKING

from convscope.evaluation.page.svg import bar
from convscope.evaluation.page.texts import percent
from convscope.words.markup import both, escape, name

if TYPE_CHECKING:
    from convscope.evaluation.report import Report

SHARES = ("precision", "recall", "f1")
MANY = 40  # classes, beyond which the table scrolls by itself
NONE = '<span class="none">&ndash;</span>'


def class_table(report: "Report") -> str:
    """Precision, recall, F1 and support, class by class, and averaged; a dash where a figure has no meaning."""
    keys = ("name", *SHARES, *(["auc"] if report.ranking else []), "support")
    heads = "".join(_head(key, numeric=key != "name") for key in keys)
    rows = "".join(_row(report, index) for index in range(len(report.classes)))
    ranked = f" {both('report.classes.note.auc')}" if report.ranking else ""
    asks = f' <span class="asks" hidden>{both("report.classes.ask")}</span>' if _curves(report) else ""
    tall = " tall" if len(report.classes) > MANY else ""
    return (
        f"<section><h2>{both('report.classes')}</h2><p>{both('report.classes.note')}{ranked}{asks}</p>"
        f'<div class="scroll{tall}"><table class="list classes"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody>{_averages(report)}</table></div>"
        f"<details><summary>{both('report.classes.text')}</summary>"
        f'<div class="scroll"><pre>{escape(report.text)}</pre></div></details></section>'
    )


def curves_of(report: "Report") -> dict[int, dict[str, object]]:
    """What the page's script draws of a class when it is asked: its curves and their areas, by its index."""
    return {
        index: told
        for index, each in enumerate(report.classes)
        if (told := report.ranking.get(each, {})) and told.get("roc") and told.get("auc") is not None
    }


def _curves(report: "Report") -> bool:
    return bool(curves_of(report))


def _head(key: str, *, numeric: bool) -> str:
    kind = ' class="number"' if numeric else ""
    words = both(f"report.classes.{key}")
    return f'<th scope="col"{kind}><span class="sort" data-sort="{key}">{words}</span></th>'


def _row(report: "Report", index: int) -> str:
    each = report.classes[index]
    figures = report.per_class[each]
    support, answered = int(figures["support"]), sum(row[index] for row in report.confusion)
    # scikit-learn writes 0 where it divides by 0: no picture answered so, or none there to find
    known = {"precision": answered > 0, "recall": support > 0, "f1": answered + support > 0}
    values = [figures[key] if known[key] else None for key in SHARES]
    if report.ranking:
        values.append(report.ranking.get(each, {}).get("auc"))
    bars = len(report.classes) <= MANY
    cells = "".join(_share(value, bars=bars) for value in values)
    told = f'<span class="opens" data-curves="{index}">{name(each)}</span>'
    return (
        f'<tr data-class="{index}"><th scope="row">{told}</th>{cells}'
        f'<td class="number" data-value="{support}">{support:,}</td></tr>'
    )


def _share(value: float | None, *, bars: bool) -> str:
    if value is None:
        return f'<td class="number" data-value="-1">{NONE}</td>'
    return f'<td class="number" data-value="{value:.6f}">{escape(percent(value))}{bar(value) if bars else ""}</td>'


def _averages(report: "Report") -> str:
    rows = "".join(
        f'<tr><th scope="row">{both(f"report.classes.{which}")}</th>'
        + "".join(f'<td class="number">{escape(percent(report.averages[which][key]))}</td>' for key in SHARES)
        + ("<td></td>" if report.ranking else "")
        + f'<td class="number">{report.n:,}</td></tr>'
        for which in ("macro", "weighted")
        if which in report.averages
    )
    return f"<tfoot>{rows}</tfoot>" if rows else ""
