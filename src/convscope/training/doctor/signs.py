"""Signs of an illness as plain arithmetic: no network, no state."""

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import median

import numpy as np
from numpy.typing import NDArray

PARTS = 8


def near(value: float, wanted: float, share: float) -> bool:
    """Whether a value lies within a share of what is wanted.

    >>> near(2.31, 2.3026, 0.02), near(2.2, 2.3026, 0.02)
    (True, False)
    """
    return abs(value - wanted) <= share * abs(wanted)


def commonest(counts: Sequence[float]) -> tuple[int, float]:
    """Which is the largest of the counts, and its share of them all; a share of 0 where nothing was counted.

    >>> commonest([1, 3, 0])
    (1, 0.75)
    """
    total = sum(counts)
    most = max(range(len(counts)), key=counts.__getitem__)
    return most, counts[most] / total if total else 0.0


def flow(gradients: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each layer's gradient beside its weights, as a ratio of norms; layers that are all zero say nothing: NaN.

    >>> flow(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    ratios: NDArray[np.float64] = np.divide(gradients, weights, out=np.full(len(weights), np.nan), where=weights > 0)
    return ratios


def ends(ratios: NDArray[np.float64], last: int = 3) -> tuple[float, float] | None:
    """The ratio of the first layer, and the median of those of the last layers; None where there are too few layers.

    A single last layer would not do: a fresh head's weights are small, and its ratio large.

    >>> ends(np.array([1e-6, 1e-4, 1e-2, 2e-2, 4e-2]))
    (1e-06, 0.02)
    """
    known = ratios[np.isfinite(ratios)]
    if len(known) <= last:
        return None
    return float(known[0]), float(np.median(known[-last:]))


def quotient(over: float, under: float) -> float:
    """One ratio beside another, infinite where only the latter is nothing.

    >>> quotient(1.0, 4.0), quotient(1.0, 0.0), quotient(0.0, 0.0)
    (0.25, inf, 1.0)
    """
    if under == 0:
        return float("inf") if over > 0 else 1.0
    return over / under


def moved(before: NDArray[np.float64], after: NDArray[np.float64], starts: Sequence[int]) -> NDArray[np.float64]:
    """How far each layer's weights moved in a step, as a share of their own size; NaN for layers that were all zero.

    Args:
        before: a sample of all layers' weights, one layer after the other.
        after: the same weights a step later.
        starts: where each layer begins in them.

    Example:
        >>> moved(np.array([3.0, 4.0, 1.0]), np.array([3.0, 4.5, 1.0]), [0, 2]).tolist()
        [0.1, 0.0]
    """
    steps = np.sqrt(np.add.reduceat((after - before) ** 2, starts))
    return flow(steps, np.sqrt(np.add.reduceat(before**2, starts)))


def middle(values: Sequence[float]) -> float | None:
    """The median of what is finite, or None.

    >>> middle([1.0, float("nan"), 3.0]), middle([])
    (2.0, None)
    """
    known = [value for value in values if isfinite(value)]
    return median(known) if known else None


def part_of(step: int, steps: int) -> int:
    """Which eighth of an epoch a step lies in.

    >>> part_of(0, 100), part_of(99, 100), part_of(5, 3)
    (0, 7, 7)
    """
    return min(step * PARTS // max(steps, 1), PARTS - 1)


def means(totals: Sequence[float], counts: Sequence[int]) -> list[float]:
    """Mean of each part of an epoch that has any steps.

    >>> means([4.0, 0.0, 1.0], [2, 0, 1])
    [2.0, 1.0]
    """
    return [total / count for total, count in zip(totals, counts, strict=True) if count]


def least(rows: Sequence[Mapping[str, float]], key: str) -> float:
    """The lowest value of a column; infinite where there is none.

    >>> least([{"loss": 2.0}, {"loss": 1.0}], "loss")
    1.0
    """
    return min((row[key] for row in rows), default=float("inf"))
