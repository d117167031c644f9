"""Confident learning: from out-of-fold probabilities to how many labels are wrong, and which ones probably are.

Source:
    C. Northcutt, L. Jiang & I. Chuang, "Confident learning: estimating uncertainty in dataset labels", Journal of
    Artificial Intelligence Research 70, 2021.
"""

import numpy as np
from numpy.typing import NDArray


def thresholds(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """How sure a picture must be of a class to count as one of it: the mean over the pictures that bear its label.

    Args:
        chances: (N, K), out-of-fold probabilities.
        labels: (N,), as given; each class at least once.

    Returns:
        (K,). Equation 2 of the paper.

    Example:
        >>> chances = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
        >>> thresholds(chances, np.array([0, 0, 1])).round(3).tolist()
        [0.7, 0.8]
    """
    return np.array([chances[labels == label, label].mean() for label in range(chances.shape[1])])


def confident_joint(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts of pictures by given label (rows) and by the class that they are sure of (columns).

    A picture that reaches the threshold of several classes counts for its most probable one of those; one that reaches
    none does not count.

    Args:
        chances: (N, K), out-of-fold probabilities.
        labels: (N,), as given.

    Returns:
        (K, K). Equation 1 of the paper.

    Example:
        >>> chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
        >>> confident_joint(chances, np.array([0, 0, 0, 1])).tolist()
        [[2, 1], [0, 1]]
    """
    sure = chances >= thresholds(chances, labels) - 1e-9  # a mean of equal numbers may come out above them
    likely = np.where(sure, chances, -1.0).argmax(axis=1)
    counts = np.zeros((chances.shape[1],) * 2, np.int64)
    counted = sure.any(axis=1)
    np.add.at(counts, (labels[counted], likely[counted]), 1)
    return counts


def joint(counts: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of pictures of every pair of given and true label, so that rows agree with the labels' frequencies.

    Args:
        counts: (K, K), the confident joint.
        labels: (N,), as given.

    Returns:
        (K, K), adding up to 1. Equation 3 of the paper.

    Example:
        >>> joint(np.array([[2, 1], [0, 1]]), np.array([0, 0, 0, 1])).tolist()
        [[0.5, 0.25], [0.0, 0.25]]
    """
    frequency = np.bincount(labels, minlength=len(counts)).astype(np.float64)
    rows = counts.astype(np.float64)
    uncounted = rows.sum(axis=1) == 0  # nothing speaks against such a label
    rows[uncounted, uncounted] = 1
    shares: NDArray[np.float64] = rows / rows.sum(axis=1, keepdims=True) * (frequency / len(labels))[:, None]
    return shares


def wrong_labels(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> int:
    """About how many labels are wrong: the estimated joint off its diagonal, in pictures.

    Args:
        chances: (N, K), out-of-fold probabilities.
        labels: (N,), as given.

    Example:
        >>> chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
        >>> wrong_labels(chances, np.array([0, 0, 0, 1]))
        1
    """
    shares = joint(confident_joint(chances, labels), labels)
    return round(float(1 - np.trace(shares)) * len(labels))


def self_confidence(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probability of the given label: the lower, the more likely it is wrong.

    Args:
        chances: (N, K), out-of-fold probabilities.
        labels: (N,), as given.

    Example:
        >>> self_confidence(np.array([[0.9, 0.1]]), np.array([1])).tolist()
        [0.1]
    """
    given: NDArray[np.float64] = chances[np.arange(len(labels)), labels]
    return given


def margin(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The normalised margin: the probability of the given label less that of the most probable other one.

    Args:
        chances: (N, K), out-of-fold probabilities.
        labels: (N,), as given.

    Example:
        >>> margin(np.array([[0.75, 0.25, 0.0]]), np.array([1])).tolist()
        [-0.5]
    """
    given = self_confidence(chances, labels)
    others = chances.copy()
    others[np.arange(len(labels)), labels] = -1
    difference: NDArray[np.float64] = given - others.max(axis=1)
    return difference


def ranked(chances: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows by how likely their label is wrong, the likeliest first: by self-confidence, then by margin, then in order.

    Self-confidence was better than the margin where classes resemble each other (docs/mistakes.md).

    Args:
        chances: (N, K), out-of-fold probabilities.
        labels: (N,), as given.

    Example:
        >>> ranked(np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]]), np.array([0, 0, 0])).tolist()
        [1, 2, 0]
    """
    return np.lexsort((margin(chances, labels), self_confidence(chances, labels)))
