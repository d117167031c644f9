"""Results in a few lines, as several commands print them."""

from typing import Any

from convscope.evaluation.report import Report
from convscope.ui.console import Terminal
from convscope.words import say

MOST_NAMED = 50


def show_report(terminal: Terminal, report: Report, *, name_broken: bool = True) -> None:
    """Accuracy with its interval, the classification report, and what was left out, unless it has been named."""
    low, high = report.top1_interval
    split_name = say(f"split.{report.split}", terminal.language)
    if not terminal.quiet:
        terminal.line(report.text)
    if name_broken:
        for fault in report.broken[:MOST_NAMED]:
            terminal.say("result.broken", **fault)
        if len(report.broken) > MOST_NAMED:
            terminal.say("result.broken.more", count=len(report.broken) - MOST_NAMED)
    if report.trained_on:
        key = "result.refused" if report.refused else "result.trained_on"
        terminal.say(key, count=len(report.trained_on), first=report.trained_on[0])
    terminal.say(
        "result.accuracy",
        split_name=split_name,
        top1=report.top1,
        low=low,
        high=high,
        n=report.n,
        precision=report.precision,
    )
    if report.top5 is not None:
        terminal.say("result.top5", split_name=split_name, top5=report.top5)
    if report.calibration:
        told = report.calibration
        key = "result.calibration" if told["ece_uncalibrated"] is None or told["temperature"] == 1 else "result.mended"
        terminal.say(key, ece=told["ece"], before=told["ece_uncalibrated"], temperature=told["temperature"])
    if report.threshold:
        _show_threshold(terminal, report.threshold)


def _show_threshold(terminal: Terminal, told: dict[str, Any]) -> None:
    """What "none of these" gives and costs, where the model has a threshold or foreign pictures were judged."""
    if told["value"] is not None and told["accuracy"] is not None:
        low, high = told["accuracy_interval"]
        figures = {key: told[key] for key in ("value", "coverage", "accuracy")}
        terminal.say("result.threshold", **figures, low=low, high=high)
    if told["foreign"]:
        low, high = told["foreign"]["interval"]
        terminal.say("result.foreign", **told["foreign"], low=low, high=high)
