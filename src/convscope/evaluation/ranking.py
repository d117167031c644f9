"""How well each class is told from the rest, whatever the threshold: ROC and precision-recall, by scikit-learn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# points of a curve that a report keeps, at most, and classes beyond which it keeps the areas only
MOST_POINTS = 60
MOST_CURVES = 50


def ranking(
    probabilities: NDArray[np.float32], truth: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """ROC and precision-recall of every class against the rest.

    Areas are those of the whole curves; the curves themselves are thinned.

    Args:
        probabilities: (N, K), finite.
        truth: (N,).
        classes: K names.

    Returns:
        By class {"auc", "average_precision", "roc": [[false, true positive rate]], "pr": [[recall, precision]]}; areas
        are None and curves empty of a class that is absent, or all there is. Of many classes without the curves.

    Example:
        >>> told = ranking(np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]]), np.array([0, 0, 1]), ("a", "b"))
        >>> told["b"]["auc"], told["b"]["average_precision"], told["b"]["roc"]
        (1.0, 1.0, [[0.0, 0.0], [0.0, 1.0], [0.5, 1.0], [1.0, 1.0]])
    """
    with_curves = len(classes) <= MOST_CURVES
    return {name: _of_class(probabilities[:, k], truth == k, with_curves) for k, name in enumerate(classes)}


def _of_class(scores: NDArray[np.float32], positive: NDArray[np.bool_], with_curves: bool) -> dict[str, Any]:
    from sklearn.metrics import auc, roc_curve

    curves: dict[str, Any] = {"roc": [], "pr": []} if with_curves else {}
    if positive.all() or not positive.any():
        return {"auc": None, "average_precision": None, **curves}
    false, recall, _ = roc_curve(positive, scores, drop_intermediate=False)
    # the other curve has the same points; sorting them again would take as long again
    hits, misses = recall * positive.sum(), false * (~positive).sum()
    precision = np.concatenate([[1.0], hits[1:] / (hits[1:] + misses[1:])])
    areas = {"auc": float(auc(false, recall)), "average_precision": float(np.diff(recall) @ precision[1:])}
    if with_curves:
        curves = {"roc": thinned(false, recall), "pr": thinned(recall, precision)}
    return areas | curves


def thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[list[float]]:
    """At most `MOST_POINTS` points of a curve, the first and the last among them, evenly along its length.

    Args:
        x: (N,), rising.
        y: (N,).

    Example:
        >>> steps = np.linspace(0, 1, 1001)
        >>> few = thinned(steps, steps)
        >>> len(few), few[0], few[-1]
        (60, [0.0, 0.0], [1.0, 1.0])
    """
    along = np.concatenate([[0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    kept = np.arange(len(x))
    if len(x) > MOST_POINTS:
        kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], MOST_POINTS)).clip(0, len(x) - 1))
        kept[0], kept[-1] = 0, len(x) - 1
    return np.stack([x[kept], y[kept]], axis=1).round(4).tolist()  # type: ignore[no-any-return]
