"""`Predictions`: what a model answered, picture by picture."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.data.files import write_csv
from convscope.data.stores import printable


@dataclass(frozen=True, eq=False)
class Predictions:
    """Answers beside the truth; every figure of a report is computed from this.

    Attributes:
        files: names of the pictures.
        truth: (N,), index of the true class.
        probabilities: (N, K), each row adds up to 1.
        classes: names of the K classes.
    """

    files: tuple[str, ...] = field(repr=False)
    truth: NDArray[np.int64] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(N,), index of the most probable class; the first one of a tie."""
        best: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return best

    def mistakes(self) -> NDArray[np.int64]:
        """Rows where the answer is wrong, the surest first."""
        wrong = np.flatnonzero(self.predicted != self.truth)
        sure = self.probabilities[wrong, self.predicted[wrong]]
        return wrong[np.argsort(-sure, kind="stable")]

    def write(self, file: Path) -> None:
        """Write `predictions.csv`: file, true and predicted class, its probability, then every class's."""
        header = ["file", "true", "predicted", "probability", *(f"p:{name}" for name in self.classes)]
        rows = (
            [
                printable(name),
                self.classes[truth],
                self.classes[predicted],
                f"{chances[predicted]:.6f}",
                *(f"{chance:.6f}" for chance in chances),
            ]
            for name, truth, predicted, chances in zip(
                self.files, self.truth, self.predicted, self.probabilities, strict=True
            )
        )
        write_csv(file, header, rows)
