"""`Report`: how good a model is on given pictures, as figures, files and one page."""

import html
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from convscope.data.files import write_csv, write_json, write_text
from convscope.errors import DataError
from convscope.evaluation import calibration, metrics
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.ranking import ranking
from convscope.evaluation.threshold import Foreign, coverage
from convscope.words import Language

SCHEMA = 1


@dataclass(frozen=True)
class Report:
    """Every figure of an evaluation; `to_dict` is `report.json`.

    Attributes:
        top1: share of pictures whose most probable class is right.
        top5: the same for the five most probable; None with five classes or fewer.
        top1_interval: 95 % Wilson interval of `top1`.
        n: pictures judged.
        classes: names, in the order of rows and columns of `confusion`.
        per_class: precision, recall, f1 and support by class name.
        confusion: counts; rows are true classes, columns predicted ones.
        views: "centre" (one view of each picture).
        seconds_per_image: reading and decoding included.
        text: scikit-learn's classification report.
        split: the part that was judged: "train", "val", "test" or "all".
        model: name of the network.
        precision: arithmetic of the network, "f32" or "bf16".
        data: what the pictures came from.
        own_split: whether the pictures were mostly the model's own data, judged by the run's split.
        broken: files that could not be read, with the reason.
        trained_on: files judged, or asked for, that the model had been trained on.
        refused: how many of those were left out of every figure (in a test, all).
        averages: precision, recall and f1, "macro" (every class counts the same) and "weighted" (by support).
        calibration: "ece" (see `calibration.ece`), its "bins", the model's "temperature", and "ece_uncalibrated", at
            temperature 1; None in files of older versions.
        ranking: by class name "auc" and "average_precision" of the class against the rest, each None where there is
            nothing to rank, and the curves "roc" [[false, true positive rate]] and "pr" [[recall, precision]]; the
            curves are left out where there are many classes.
        threshold: what "none of these" gives and costs (see `threshold.coverage`); None in files of older versions.
        members: the models of an ensemble; empty where there is one.
        predictions: the answers themselves; not part of report.json.
    """

    top1: float
    top5: float | None
    top1_interval: tuple[float, float]
    n: int
    classes: tuple[str, ...]
    per_class: dict[str, dict[str, float]] = field(repr=False)
    confusion: list[list[int]] = field(repr=False)
    views: str
    seconds_per_image: float
    text: str = field(repr=False)
    split: str
    model: str
    precision: str
    data: str
    own_split: bool = False
    broken: tuple[dict[str, str], ...] = ()
    trained_on: tuple[str, ...] = field(default=(), repr=False)
    refused: int = 0
    averages: dict[str, dict[str, float]] = field(default_factory=dict, repr=False)
    calibration: dict[str, Any] | None = field(default=None, repr=False)
    ranking: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    threshold: dict[str, Any] | None = field(default=None, repr=False)
    members: tuple[str, ...] = ()
    predictions: Predictions | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        predictions: Predictions,
        *,
        temperature: float = 1.0,
        threshold: float | None = None,
        foreign: Foreign | None = None,
        **facts: Any,  # noqa: ANN401 (forwarded to the fields)
    ) -> "Report":
        """Compute the figures of `predictions`.

        Args:
            predictions: the answers.
            temperature: that the model made them with.
            threshold: the model's, of the top probability, below which a picture is none of its classes.
            foreign: answers to pictures that are of none of its classes.
            facts: the fields that predictions do not know.
        """
        truth, predicted, classes = predictions.truth, predictions.predicted, predictions.classes
        chances = predictions.probabilities
        averaged = facts.get("views") != "centre" or bool(facts.get("members"))
        if np.isfinite(chances).all():
            facts |= {
                "calibration": calibration.figures(chances, truth, temperature, averaged=averaged),
                "ranking": ranking(chances, truth, classes),
                "threshold": coverage(chances, truth, threshold, foreign),
            }
        return cls(
            top1=metrics.top_k(chances, truth, 1),
            top5=metrics.top_k(chances, truth, 5) if len(classes) > 5 else None,
            top1_interval=metrics.wilson(int((predicted == truth).sum()), len(predictions)),
            n=len(predictions),
            classes=classes,
            per_class=metrics.per_class(truth, predicted, classes),
            averages=metrics.averages(truth, predicted, len(classes)),
            confusion=metrics.confusion(truth, predicted, len(classes)).tolist(),
            text=metrics.text_report(truth, predicted, classes),
            predictions=predictions,
            **facts,
        )

    def to_dict(self) -> dict[str, Any]:
        """What report.json holds."""
        content = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "predictions"}
        return {"schema": SCHEMA, **content}

    def write(self, folder: Path, *, language: Language = "en", **shown: Any) -> None:  # noqa: ANN401 (of the fields)
        """Write report.json, predictions.csv, confusion.csv and report.html.

        Args:
            folder: made if it is not there.
            language: what the page opens in; it holds both.
            shown: what the page tells beside the figures, the fields of `page.shown.Shown`; `picture` is one of them.
        """
        from convscope.evaluation.page.render import render
        from convscope.evaluation.page.shown import Shown

        assert self.predictions is not None
        write_json(folder / "report.json", self.to_dict())
        self.predictions.write(folder / "predictions.csv")
        rows = [[name, *counts] for name, counts in zip(self.classes, self.confusion, strict=True)]
        write_csv(folder / "confusion.csv", ["true \\ predicted", *self.classes], rows)
        write_text(folder / "report.html", render(self, Shown(**shown), language))

    @classmethod
    def read(cls, folder: Path) -> "Report":
        """The report of a folder that `write` filled, with its predictions left in their file.

        Raises:
            DataError: no report there, or one of a newer convscope.
        """
        file = folder / "report.json"
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            schema = content.pop("schema")
            if schema > SCHEMA:
                raise DataError(f"{file}: from a newer convscope (schema {schema}, known up to {SCHEMA}); update it")
            for key in ("top1_interval", "classes", "broken", "trained_on"):
                content[key] = tuple(content[key])
            content["members"] = tuple(content.get("members", ()))
            return cls(**{field.name: content[field.name] for field in fields(cls) if field.name in content})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise DataError(f"{file}: no report of convscope there; `convscope evaluate` writes one") from None

    def worst_confusions(self, most: int = 5) -> list[tuple[str, str, int]]:
        """(true, predicted, pictures) of the cells off the diagonal, fullest first."""
        matrix = np.array(self.confusion)
        np.fill_diagonal(matrix, 0)
        order = np.argsort(-matrix, axis=None, kind="stable")[:most]
        cells = [np.unravel_index(cell, matrix.shape) for cell in order]
        return [
            (self.classes[row], self.classes[column], int(matrix[row, column]))
            for row, column in cells
            if matrix[row, column]
        ]

    def _repr_html_(self) -> str:
        low, high = self.top1_interval
        rows = [*self.per_class.items(), *((f"{how} average", row) for how, row in self.averages.items())]
        body = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{row['precision']:.3f}</td><td>{row['recall']:.3f}</td>"
            f"<td>{row['f1']:.3f}</td><td>{row.get('support', '')}</td></tr>"
            for name, row in rows
        )
        head = "".join(f"<th>{word}</th>" for word in ("", "precision", "recall", "f1", "support"))
        title = f"<b>top-1 {self.top1:.1%}</b> ({low:.1%} to {high:.1%}, {self.n:,} pictures)"
        sure = f", calibration error {self.calibration['ece']:.3f}" if self.calibration else ""
        return f"{title}{sure}<table><tr>{head}</tr>{body}</table>"
