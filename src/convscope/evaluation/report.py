"""`Report`: how good a model is on given pictures, as figures, files and one page."""

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from convscope.data.files import write_csv, write_json, write_text
from convscope.errors import DataError
from convscope.evaluation import metrics
from convscope.evaluation.predictions import Predictions
from convscope.words import Language

SCHEMA = 1

# (key of the texts, value): a value is shown as it is, or is itself a key of the texts with what to fill in
Facts = Sequence[tuple[str, str | tuple[str, dict[str, object]]]]


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
    predictions: Predictions | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, predictions: Predictions, **facts: Any) -> "Report":  # noqa: ANN401 (forwarded to the fields)
        """Compute the figures of `predictions`; `facts` are the fields that predictions do not know."""
        truth, predicted, classes = predictions.truth, predictions.predicted, predictions.classes
        return cls(
            top1=metrics.top_k(predictions.probabilities, truth, 1),
            top5=metrics.top_k(predictions.probabilities, truth, 5) if len(classes) > 5 else None,
            top1_interval=metrics.wilson(int((predicted == truth).sum()), len(predictions)),
            n=len(predictions),
            classes=classes,
            per_class=metrics.per_class(truth, predicted, classes),
            confusion=metrics.confusion(truth, predicted, len(classes)).tolist(),
            text=metrics.text_report(truth, predicted, classes),
            predictions=predictions,
            **facts,
        )

    def to_dict(self) -> dict[str, Any]:
        """What report.json holds."""
        content = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "predictions"}
        return {"schema": SCHEMA, **content}

    def write(
        self,
        folder: Path,
        *,
        picture: Callable[[int], bytes | None],
        curves: Sequence[dict[str, float]] = (),
        facts: Facts = (),
        language: Language = "en",
        found: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        """Write report.json, predictions.csv, confusion.csv and report.html.

        Args:
            folder: made if it is not there.
            picture: row of the predictions to a small JPEG of it, or None.
            curves: rows of metrics.csv, for a run's own report.
            facts: about the run, shown at the foot of the page.
            language: what the page opens in; it holds both.
            found: what the doctor found in the run; None where none watched.
        """
        from convscope.evaluation.page.render import render

        assert self.predictions is not None
        write_json(folder / "report.json", self.to_dict())
        self.predictions.write(folder / "predictions.csv")
        rows = [[name, *counts] for name, counts in zip(self.classes, self.confusion, strict=True)]
        write_csv(folder / "confusion.csv", ["true \\ predicted", *self.classes], rows)
        write_text(folder / "report.html", render(self, picture, curves, facts, language, found))

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
            return cls(**content)
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
        body = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{row['precision']:.3f}</td><td>{row['recall']:.3f}</td>"
            f"<td>{row['f1']:.3f}</td><td>{row['support']}</td></tr>"
            for name, row in self.per_class.items()
        )
        head = "".join(f"<th>{word}</th>" for word in ("", "precision", "recall", "f1", "support"))
        title = f"<b>top-1 {self.top1:.1%}</b> ({low:.1%} to {high:.1%}, {self.n:,} pictures)"
        return f"{title}<table><tr>{head}</tr>{body}</table>"
