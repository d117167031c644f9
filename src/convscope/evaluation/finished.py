"""What the folder of a finished run tells: its answers by the pictures' content, how it learned, and how long."""

import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from convscope.data import splits
from convscope.errors import DataError
from convscope.evaluation.report import Report

COLUMNS = ["file", "true", "predicted"]


@dataclass(frozen=True)
class Finished:
    """A finished run, read from its files.

    Attributes:
        report: its figures.
        right: whether each picture was answered rightly, by its content hash and true class.
        mode: how much was learned; None where it does not say.
        seconds: from the first picture read to the last figure, over all its sittings; None where it does not say.
    """

    report: Report
    right: dict[tuple[str, str], bool]
    mode: str | None
    seconds: float | None

    @classmethod
    def read(cls, folder: Path) -> "Finished":
        """Read a run's folder.

        Raises:
            DataError: no finished run is there, or a file of it is damaged.
        """
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; compare takes the folders of finished runs, such as runs/NAME")
        report = Report.read(folder)
        contents = {row.file: row.sha256 for row in splits.read(folder / "split.csv")}
        right: dict[tuple[str, str], bool] = {}
        for file, true, predicted in _rows(folder / "predictions.csv"):
            if contents.get(file):
                right.setdefault((contents[file], true), true == predicted)
        return cls(report, right, _mode(folder / "config.yaml"), _seconds(folder / "log.jsonl"))


def _rows(file: Path) -> Iterator[tuple[str, str, str]]:
    """File, true and predicted class of every row of a predictions.csv."""
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            table = csv.reader(lines)
            if next(table, [])[: len(COLUMNS)] != COLUMNS:
                raise DataError(f"{file}: no predictions: expected a table that begins with {', '.join(COLUMNS)}")
            for name, true, predicted, *_ in table:
                yield name, true, predicted
    except OSError as error:
        raise DataError(f"{file}: the run's predictions cannot be read ({error.strerror})") from None
    except (ValueError, csv.Error) as error:
        raise DataError(f"{file}: damaged ({error})") from None


def _mode(config: Path) -> str | None:
    with suppress(OSError, ValueError, RecursionError, yaml.YAMLError):
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
        if isinstance(settings, dict) and isinstance(settings.get("mode"), str):
            return str(settings["mode"])
    return None


def _seconds(log: Path) -> float | None:
    """Seconds of all the sittings of a run: the last says its own, of one that was cut off the events tell."""
    events: list[dict[str, Any]] = []
    with suppress(OSError, UnicodeDecodeError):
        for line in log.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):  # a line that a crash cut off
                events.append(json.loads(line))
    total, begun = 0.0, 0.0
    try:
        for event, following in zip_longest(events, events[1:]):
            if event["event"] == "start":
                begun = event["time"]
            if event["event"] == "end":
                return float(total + event["seconds"])
            if following and following["event"] == "start":
                total += event["time"] - begun
    except (KeyError, TypeError):
        pass
    return None
