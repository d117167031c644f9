"""What the folds of a k-fold run come to: one report over the answers of all of them."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from convscope.data.files import write_json
from convscope.data.listing import Listing
from convscope.data.stores import printable
from convscope.errors import RunError
from convscope.evaluation.page.texts import percent
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.publish import publish
from convscope.evaluation.report import Report
from convscope.models.bundle import Bundle
from convscope.training.recipe import Recipe
from convscope.training.run import Run
from convscope.words import Language, Listener

REPORT = "report.json"
CHANCE = "p:"  # before a class's name, in the header of a predictions.csv


@dataclass(frozen=True)
class FoldedRun(Run):
    """A finished k-fold run: its folder holds one run for each fold.

    Attributes:
        folds: "count", "top1" and "n" of each fold, their "mean" and its "standard_error", "out_of_fold" and its
            "interval" over all pictures, "aside" (test pictures that no fold saw) and the "runs".
    """

    folds: dict[str, Any]

    @property
    def model(self) -> Path:
        """There is none: the folds' models tell how good a recipe is.

        Raises:
            RunError: always.
        """
        raise RunError(f"{self.path}: a k-fold run has a model in every fold; train without --folds for one to use")

    def to_dict(self) -> dict[str, Any]:
        """What `convscope train --folds --json` prints."""
        return {
            "run": str(self.path),
            "model": None,
            "network": self.report.model,
            "epochs": self.epochs,
            "seconds": round(self.seconds, 2),
            "val_top1": self.val_top1,
            "test_top1": None,
            "broken": list(self.report.broken),
            "folds": self.folds,
        }


def finished(folder: Path) -> bool:
    """Whether a k-fold run came to its end: its report tells of the folds once all files are written."""
    try:
        return "folds" in json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def pooled(
    runs: Sequence[Path],
    folder: Path,
    listing: Listing,
    aside: int,
    recipe: Recipe,
    listener: Listener,
    language: Language,
) -> FoldedRun:
    """One report over the answers of all folds, in the folder that holds them; its time is still to be told.

    Args:
        runs: the folds', finished.
        folder: of all.
        listing: their pictures.
        aside: how many of those stayed out of all folds.
        recipe: of all.
        listener: hears what it came to.
        language: what the report opens in.
    """
    reports = [Report.read(run) for run in runs]
    answers = _together([_answers(run, listing.classes) for run in runs], listing)
    tops, counts = [each.top1 for each in reports], [each.n for each in reports]
    report = Report.of(
        answers,
        views="centre",
        seconds_per_image=float(np.average([each.seconds_per_image for each in reports], weights=counts)),
        split="folds",
        model=reports[0].model,
        precision=reports[0].precision,
        data=listing.title,
        broken=tuple({fault["file"]: fault for each in reports for fault in each.broken}.values()),
    )
    if report.calibration:  # each fold's answers were made at a temperature of its own
        report = replace(report, calibration=report.calibration | {"temperature": None, "ece_uncalibrated": None})
    mean, error = float(np.mean(tops)), float(np.std(tops, ddof=1) / len(tops) ** 0.5)
    folds = {
        "count": len(runs),
        "top1": tops,
        "n": counts,
        "mean": mean,
        "standard_error": error,
        "out_of_fold": report.top1,
        "interval": list(report.top1_interval),
        "aside": aside,
        "runs": [str(run) for run in runs],
    }
    dumped = recipe.model_dump(exclude={"data", "definition"})
    told = {key for key, val in dumped.items() if val != Recipe.model_fields[key].default} | {"test_share"}
    given = ", ".join(f"{key}={val!r}" for key, val in dumped.items() if key in told)
    value: dict[str, object] = {"count": len(runs), "mean": percent(mean), "error": percent(error)}
    publish(
        report,
        folder,
        listing,
        command="convscope train --config config.yaml",
        python=f"import convscope as cs\n\nrun = cs.train({listing.title!r}, cs.Recipe({given}))\nprint(run.folds)",
        facts=[
            ("report.fact.model", report.model),
            ("report.fact.folds", ("report.value.folds", value)),
            ("report.fact.seed", str(recipe.seed)),
            ("report.fact.precision", report.precision),
            ("report.fact.versions", f"convscope {version('convscope')}"),
        ],
        listener=listener,
        language=language,
    )
    # last: a run whose report tells of the folds is finished
    write_json(folder / REPORT, report.to_dict() | {"folds": folds})
    listener.message("folds.mean", count=len(runs), mean=mean, error=error)
    listener.message("folds.meaning")
    vals = [Bundle.load(run).card.scores["val_top1"] or 0.0 for run in runs]
    epochs = sum((run / "metrics.csv").read_text(encoding="utf-8").count("\n") - 1 for run in runs)
    return FoldedRun(folder, epochs, 0.0, float(np.mean(vals)), None, report, folds)


def _answers(run: Path, classes: Sequence[str]) -> Predictions:
    """The answers of a fold, from its predictions.csv."""
    with (run / "predictions.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    index = {name: place for place, name in enumerate(classes)}
    chances = np.array([[row[CHANCE + name] for name in classes] for row in rows], np.float32)
    predicted = np.array([index[row["predicted"]] for row in rows])
    best = chances.max(axis=1)
    tied = chances.argmax(axis=1) != predicted  # six digits do not tell two classes apart that the model did
    chances[tied, predicted[tied]] = np.nextafter(best[tied], np.float32(2))
    truth = np.array([index[row["true"]] for row in rows], np.int64)
    return Predictions(tuple(row["file"] for row in rows), truth, chances, tuple(classes))


def _together(answers: Sequence[Predictions], listing: Listing) -> Predictions:
    """All answers, in the order of the pictures and under their own names."""
    places = {printable(file): row for row, file in enumerate(listing.files)}
    rows = np.array([places[file] for each in answers for file in each.files])
    order = np.argsort(rows, kind="stable")
    return Predictions(
        tuple(listing.files[row] for row in rows[order]),
        np.concatenate([each.truth for each in answers])[order],
        np.concatenate([each.probabilities for each in answers])[order],
        answers[0].classes,
    )
