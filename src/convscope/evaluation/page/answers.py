"""Every picture's answers as the page's own data, and the pictures that are put into it."""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from convscope.data.stores import printable
from convscope.evaluation.page.shown import Shown

if TYPE_CHECKING:
    from convscope.evaluation.predictions import Predictions

TOP = 5
UNITS = 100_000  # of a probability of one
# what a page holds, so that it stays below 30 MB and opens at once
MOST_PICTURES, MOST_BYTES = 1_500, 15_000_000


@dataclass(frozen=True, eq=False)
class Answers:
    """What the page says of every picture, counted once.

    Attributes:
        files: names as they are shown.
        truth: (N,), index of the true class.
        best: (N, up to 5), the most probable classes, the first one of a tie first.
        chances: likewise, in 100,000ths; only a true 0 or 1 is written as such.
        own: (N,), the chance of the true class.
        pictures: row to the JPEG in base64, "" of one that can no longer be read; only of those the page has.
        heatmaps: row to two of them, for the predicted and for the true class.
        mistakes: rows of the wrong answers, the surest first.
    """

    files: tuple[str, ...]
    truth: NDArray[np.int64]
    best: NDArray[np.int64]
    chances: NDArray[np.int64]
    own: NDArray[np.int64]
    pictures: dict[int, str]
    heatmaps: dict[int, tuple[str, str]]
    mistakes: tuple[int, ...]

    @classmethod
    def of(cls, predictions: "Predictions", shown: Shown) -> "Answers":
        """Rank the answers and fetch the pictures, those of the mistakes first."""
        best = np.argsort(-predictions.probabilities, axis=1, kind="stable")[:, :TOP]
        chances = np.take_along_axis(predictions.probabilities, best, axis=1)
        own = predictions.probabilities[np.arange(len(predictions)), predictions.truth]
        mistakes = predictions.mistakes()
        return cls(
            files=tuple(normalize("NFC", printable(file)) for file in predictions.files),
            truth=predictions.truth,
            best=best,
            chances=_units(chances),
            own=_units(own),
            pictures=_pictures(wanted(predictions), shown),
            heatmaps=_heatmaps(mistakes, shown),
            mistakes=tuple(mistakes.tolist()),
        )

    def data(self, classes: tuple[str, ...], written: int) -> dict[str, Any]:
        """What the page's script reads, less the pictures of the first `written` mistakes, which stand in the page."""
        there = set(self.mistakes[:written])
        return {
            "classes": [normalize("NFC", each) for each in classes],
            "files": self.files,
            "truth": self.truth.tolist(),
            "top": self.best.shape[1],
            "best": self.best.ravel().tolist(),
            "chances": self.chances.ravel().tolist(),
            "own": self.own.tolist(),
            "pictures": {row: jpeg for row, jpeg in self.pictures.items() if row not in there},
            "heatmaps": {row: jpegs for row, jpegs in self.heatmaps.items() if row not in there},
        }


def wanted(predictions: "Predictions") -> NDArray[np.int64]:
    """Rows in the order in which pictures are worth their room: mistakes, the surest first; then right answers, the
    least sure of every class, the second least sure of every class, and so on.
    """
    mistakes = predictions.mistakes()
    right = np.setdiff1d(np.arange(len(predictions)), mistakes)
    sure = predictions.probabilities[right, predictions.truth[right]]
    by_class = right[np.lexsort((sure, predictions.truth[right]))]
    labels = predictions.truth[by_class]
    first = np.searchsorted(labels, labels)  # where the class begins
    place = np.arange(len(by_class)) - first
    return np.concatenate([mistakes, by_class[np.argsort(place, kind="stable")]])


def as_script(content: object) -> str:
    r"""JSON that cannot end the element it stands in, whatever names from outside it holds.

    >>> as_script(["</script><!-- & 고양이"])
    '["\\u003c/script\\u003e\\u003c!-- \\u0026 고양이"]'
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _units(chances: NDArray[np.float32]) -> NDArray[np.int64]:
    rounded = np.rint(chances.astype(np.float64) * UNITS).astype(np.int64)
    between = (chances > 0) & (chances < 1 - 1e-9)
    return np.where(between, rounded.clip(1, UNITS - 1), rounded)


def _pictures(rows: NDArray[np.int64], shown: Shown) -> dict[int, str]:
    found: dict[int, str] = {}
    total, room = min(len(rows), MOST_PICTURES), MOST_BYTES
    for row in rows[:total].tolist():
        found[row] = _encoded(shown.picture(row))
        room -= len(found[row])
        shown.listener.progress("pictures", len(found) if room > 0 else total, total)
        if room <= 0:
            break
    return found


def _heatmaps(mistakes: NDArray[np.int64], shown: Shown) -> dict[int, tuple[str, str]]:
    found: dict[int, tuple[str, str]] = {}
    if shown.heatmap is None:
        return found
    rows = mistakes[: shown.heatmaps].tolist()
    for done, row in enumerate(rows, start=1):
        if jpegs := shown.heatmap(row):
            found[row] = (_encoded(jpegs[0]), _encoded(jpegs[1]))
        shown.listener.progress("heatmaps", done, len(rows))
    return found


def _encoded(jpeg: bytes | None) -> str:
    return b64encode(jpeg).decode("ascii") if jpeg else ""
