"""Figures from predictions: pure functions of arrays. What scikit-learn has is scikit-learn's."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054  # two-sided 95 % point of the normal distribution


def top_k(probabilities: NDArray[np.float32], truth: NDArray[np.int64], k: int) -> float:
    """Share of pictures whose true class is among the `k` most probable; ties count for the earlier class.

    Args:
        probabilities: (N, K).
        truth: (N,).
        k: 1 to K.

    Example:
        >>> top_k(np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), np.array([0, 1]), k=1)
        0.5
    """
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((best == truth[:, None]).any(axis=1).mean())


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of an accuracy of `hits` out of `count`, honest for few pictures and near 0 and 1.

    Source:
        E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Example:
        >>> [round(bound, 4) for bound in wilson(9, 10)]
        [0.5958, 0.9821]
    """
    share = hits / count
    scale = 1 + Z_95**2 / count
    middle = (share + Z_95**2 / (2 * count)) / scale
    half = Z_95 * sqrt(share * (1 - share) / count + Z_95**2 / (4 * count**2)) / scale
    # rounding must not push the share itself out at 0 and 1
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """(K, K) counts; rows are true classes, columns predicted ones.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    from sklearn.metrics import confusion_matrix

    matrix: NDArray[np.int64] = confusion_matrix(truth, predicted, labels=range(classes))
    return matrix


def per_class(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """Precision, recall, f1 and support of every class; 0 where nothing was predicted or nothing is there.

    >>> per_class(np.array([0, 0, 1]), np.array([0, 1, 1]), ("a", "b"))["a"]["recall"]
    0.5
    """
    from sklearn.metrics import precision_recall_fscore_support

    table = precision_recall_fscore_support(truth, predicted, labels=range(len(classes)), zero_division=0)
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for name, p, r, f, n in zip(classes, *table, strict=True)
    }


def averages(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> dict[str, dict[str, float]]:
    """Precision, recall and f1 over all classes: "macro", where each counts the same, and "weighted", by support.

    A class that is absent counts in the macro average as in scikit-learn's report: with 0.

    >>> averages(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2)["macro"]["recall"]
    0.75
    """
    from sklearn.metrics import precision_recall_fscore_support

    labels, told = range(classes), {}
    for how in ("macro", "weighted"):
        p, r, f, _ = precision_recall_fscore_support(truth, predicted, labels=labels, average=how, zero_division=0)
        told[how] = {"precision": float(p), "recall": float(r), "f1": float(f)}
    return told


def text_report(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: tuple[str, ...]) -> str:
    """The classification report of scikit-learn, letter by letter.

    >>> text_report(np.array([0, 1]), np.array([0, 1]), ("a", "b")).split()[:4]
    ['precision', 'recall', 'f1-score', 'support']
    """
    from sklearn.metrics import classification_report

    report: str = classification_report(
        truth, predicted, labels=range(len(classes)), target_names=list(classes), zero_division=0, digits=4
    )
    return report
