"""Two models that answered the same pictures: whether one is better, and by how much."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 10_000


def mcnemar(only_first: int, only_second: int) -> float:
    """How likely two equally good models differ at least so much: the exact two-sided p-value.

    Where one of two models is right and the other wrong, equally good ones are right as a fair coin falls.

    Args:
        only_first: pictures that only the first gets right.
        only_second: pictures that only the second gets right.

    Example:
        >>> mcnemar(1, 9) == 2 * (1 + 10) / 2**10
        True
        >>> mcnemar(3, 3), mcnemar(0, 0)
        (1.0, 1.0)
    """
    count, tail, term = only_first + only_second, 0, 1
    for heads in range(min(only_first, only_second) + 1):
        tail += term
        term = term * (count - heads) // (heads + 1)
    p_value: float = 2 * tail / 2**count  # whole numbers: nothing is rounded before the division
    return min(1.0, p_value)


def bootstrap(only_first: int, only_second: int, pairs: int, seed: int = 0) -> tuple[float, float]:
    """By how much the first of two models is right more often: the 95 % interval of the paired bootstrap.

    The pictures are drawn anew, with replacement, 10,000 times, both models' answers together. All that counts of a
    picture is which of the two alone is right, so that drawing pictures is drawing these three counts.

    Args:
        only_first: pictures that only the first gets right.
        only_second: pictures that only the second gets right.
        pairs: all pictures.
        seed: of the drawing.

    Returns:
        The 2.5th and the 97.5th percentile of the difference of the accuracies, shares of 1.

    Source:
        B. Efron & R. Tibshirani, "An introduction to the bootstrap", 1993, section 13.3 (percentile interval).

    Example:
        >>> bootstrap(0, 0, 50), bootstrap(50, 0, 50)
        ((0.0, 0.0), (1.0, 1.0))
        >>> low, high = bootstrap(9, 1, 40)
        >>> 0 < low < 0.2 < high < 0.4
        True
    """
    shares = np.array([only_first, only_second, pairs - only_first - only_second]) / pairs
    drawn = np.random.default_rng(seed).multinomial(pairs, shares, size=RESAMPLES)
    low, high = np.percentile((drawn[:, 0] - drawn[:, 1]) / pairs, [2.5, 97.5])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, corrected so that one chance finding among all of them stays as rare as said.

    Args:
        p_values: one for each test.

    Example:
        >>> holm([0.04, 0.01, 0.03])
        [0.06, 0.03, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, least = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p_values[index]))
        corrected[index] = least
    return corrected
