"""Results in a few lines, as several commands print them."""

from convscope.evaluation.report import Report
from convscope.ui.console import Terminal

MOST_BROKEN = 50


def show_report(terminal: Terminal, report: Report) -> None:
    """Accuracy with its interval, the classification report, and what was left out."""
    low, high = report.top1_interval
    if not terminal.quiet:
        terminal.line(report.text)
    for fault in report.broken[:MOST_BROKEN]:
        terminal.say("result.broken", **fault)
    if report.trained_on:
        key = "result.refused" if report.refused else "result.trained_on"
        terminal.say(key, count=len(report.trained_on), first=report.trained_on[0])
    terminal.say(
        "result.accuracy",
        split=report.split,
        top1=report.top1,
        low=low,
        high=high,
        n=report.n,
        precision=report.precision,
    )
    if report.top5 is not None:
        terminal.say("result.top5", split=report.split, top5=report.top5)
