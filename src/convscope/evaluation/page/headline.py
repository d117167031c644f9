"""The top of the page: what was judged, the one big number, and what it is worth."""

from typing import TYPE_CHECKING

from convscope.evaluation.page.shell import masthead
from convscope.evaluation.page.svg import interval
from convscope.evaluation.page.texts import duration, percent
from convscope.words import Language
from convscope.words.markup import both, both_in_svg, escape, name, spoken

if TYPE_CHECKING:
    from convscope.evaluation.report import Report

FEW = 100  # pictures below which the width of the interval is explained


def head(report: "Report") -> str:
    """Title, data, split, and the language switch."""
    dot = '<span class="dot">·</span>'
    judged = dot.join((name(report.data), both(f"report.split.{report.split}"), both(f"report.views.{report.views}")))
    return masthead(both("report.title", model=report.model), f'<p class="judged">{judged}</p>')


def headline(report: "Report", language: Language) -> str:
    """The accuracy with its interval, what it beats, and what to beware of."""
    low, high = report.top1_interval
    right = sum(row[index] for index, row in enumerate(report.confusion))
    commonest, share = majority(report)
    aloud = spoken("report.interval.aria", language, share=percent(report.top1), low=percent(low), high=percent(high))
    judgement = both(f"report.verdict.{verdict(low, high, share)}", name=commonest, share=percent(share))
    picture = interval(report.top1, low, high, (share, both_in_svg("report.interval.baseline")), aloud)
    warnings = "".join(f'<p class="warning">{text}</p>' for text in _warnings(report))
    number, unit = escape(percent(report.top1)).rsplit("\N{NO-BREAK SPACE}", 1)
    return (
        '<section class="headline">'
        f'<div class="number"><p class="big">{number}<small>\N{NO-BREAK SPACE}{unit}</small></p>'
        f'<p class="what">{both("report.top1", precision=report.precision)}</p>'
        f'<p class="count">{both("report.right", right=f"{right:,}", total=f"{report.n:,}")}</p></div>'
        f'<div class="range"><p>{both("report.interval", low=percent(low), high=percent(high))}</p>{picture}</div>'
        f'<p class="verdict">{judgement}</p>{warnings}{_figures(report)}</section>'
    )


def majority(report: "Report") -> tuple[str, float]:
    """The commonest true class and its share of the pictures: what one gets right without looking."""
    counts = [sum(row) for row in report.confusion]
    most = max(counts)
    return report.classes[counts.index(most)], most / report.n


def verdict(low: float, high: float, baseline: float) -> str:
    """Whether an interval lies above, around or below what is right without looking.

    >>> verdict(0.7, 0.9, baseline=0.5), verdict(0.4, 0.6, baseline=0.5), verdict(0.1, 0.3, baseline=0.5)
    ('better', 'unclear', 'worse')
    """
    return "better" if low > baseline else "worse" if high < baseline else "unclear"


def _warnings(report: "Report") -> list[str]:
    low, high = report.top1_interval
    texts = []
    if report.n < FEW:
        texts.append(both("report.few", n=report.n, points=f"{(high - low) * 100:.0f}"))
    flattered = len(report.trained_on) - report.refused
    if report.split == "train":
        texts.append(both("report.warning.train"))
    elif flattered > 0:
        texts.append(both("report.warning.trained_on", count=f"{flattered:,}"))
    return texts


def _figures(report: "Report") -> str:
    figures = [
        ("report.figure.pictures", f"{report.n:,}"),
        ("report.figure.classes", f"{len(report.classes):,}"),
        ("report.figure.seconds", duration(report.seconds_per_image)),
    ]
    if report.top5 is not None:
        figures.insert(0, ("report.figure.top5", percent(report.top5)))
    pairs = "".join(f"<div><dt>{both(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in figures)
    return f'<dl class="figures">{pairs}</dl>'
