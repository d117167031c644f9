"""Folds: the pictures dealt into equal parts, by class and by content, so that each can be judged by the others."""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray


def deal(
    labels: Sequence[int] | NDArray[np.int64], hashes: Sequence[str], count: int, seed: int = 0
) -> NDArray[np.int64]:
    """The fold of every picture, from 0: each fold has its share of every class, and copies of a picture share a fold.

    Who lies where depends on the seed and on the pictures' content alone, so renaming files changes nothing. A content
    that bears several labels is dealt with the one that it bears most often.

    Args:
        labels: (N,), class of each picture.
        hashes: content hash of each picture; those without one ("") are different pictures.
        count: folds.
        seed: another seed deals otherwise.

    Returns:
        (N,), from 0 to `count` - 1.

    Example:
        >>> dealt = deal([0, 0, 0, 1, 1, 1, 1], ["a", "a", "b", "c", "d", "e", "f"], 2)
        >>> bool(dealt[0] == dealt[1]), sorted(np.bincount(dealt[3:]).tolist())
        (True, [2, 2])
    """
    members: dict[str, list[int]] = {}
    for row, content in enumerate(hashes):
        members.setdefault(content or f"row {row}", []).append(row)
    of_class: dict[int, list[str]] = {}
    for content, rows in members.items():
        counted = Counter(int(labels[row]) for row in rows)
        of_class.setdefault(min(counted, key=lambda label: (-counted[label], label)), []).append(content)

    def order(content: str) -> tuple[int, bytes]:  # the many copies first: the others make up for what they unbalance
        return -len(members[content]), sha256(f"{seed}:{content}".encode()).digest()

    folds = np.empty(len(hashes), np.int64)
    sizes = [0] * count
    for label in sorted(of_class):
        dealt = [0] * count  # of this class
        for content in sorted(of_class[label], key=order):
            fold = min(range(count), key=lambda each: (dealt[each], sizes[each], each))
            folds[members[content]] = fold
            dealt[fold] += len(members[content])
            sizes[fold] += len(members[content])
    return folds
