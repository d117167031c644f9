"""Whether a model is as sure as it is right: calibration error, reliability, and the temperature that mends both."""

from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.models.bundle import LEAST_TEMPERATURE, MOST_TEMPERATURE

BINS = 15
# validation pictures below which no temperature is fitted: it would follow the few pictures rather than the network
FEWEST = 30
# pictures' worth of belief that the network is right about itself. Where the fit had 30 to 100 pictures of digits,
# Fashion-MNIST and imagenette, this lost the least log loss of 0, 10, 20 and 40, whether temperature 1 was right or not
BELIEF = 40
# scores that a fit looks at, at most: it chooses one number
MOST_SCORES = 2_000_000
HALVINGS = 40


def reliability(probabilities: NDArray[np.floating[Any]], truth: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Pictures by how sure their answer is, in bins of equal width, each beside how often it is right.

    A bin holds what is above its lower edge, up to its upper edge; 0 is in the first.

    Args:
        probabilities: (N, K), finite; the answer is the most probable class.
        truth: (N,).

    Returns:
        For each bin {"low", "high", "n", "confidence", "accuracy"}: its edges, its pictures, their mean top probability
        and the share of right answers; both None of an empty one.

    Source:
        C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 2.

    Example:
        >>> bins = reliability(np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([0, 0]))
        >>> [(each["n"], each["accuracy"]) for each in bins if each["n"]]
        [(1, 0.0), (1, 1.0)]
    """
    top = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    edges = np.arange(BINS + 1) / BINS
    place = (np.searchsorted(edges, top, side="left") - 1).clip(0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    sure, hits = (np.bincount(place, weights=values, minlength=BINS) for values in (top, right))
    return [
        {
            "low": float(low),
            "high": float(high),
            "n": int(count),
            "confidence": float(total / count) if count else None,
            "accuracy": float(hit / count) if count else None,
        }
        for low, high, count, total, hit in zip(edges[:-1], edges[1:], counts, sure, hits, strict=True)
    ]


def ece(bins: list[dict[str, Any]]) -> float:
    """Expected calibration error: how far confidence and accuracy lie apart, on average over the pictures.

    Args:
        bins: from `reliability`.

    Example:
        >>> round(ece(reliability(np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([0, 0]))), 3)
        0.4
    """
    filled = [each for each in bins if each["n"]]
    apart = sum(each["n"] * abs(each["confidence"] - each["accuracy"]) for each in filled)
    return float(apart / sum(each["n"] for each in filled))


def figures(
    probabilities: NDArray[np.float32], truth: NDArray[np.int64], temperature: float = 1.0, *, averaged: bool = False
) -> dict[str, Any]:
    """What a report says of calibration.

    Args:
        probabilities: (N, K), at the model's temperature.
        truth: (N,).
        temperature: that the probabilities were made with.
        averaged: over several answers each, so that what they were at temperature 1 is not to be known.

    Returns:
        {"ece", "bins", "temperature", "ece_uncalibrated"}; the last at temperature 1, None of averages.

    Example:
        >>> figures(np.array([[0.8, 0.2]], np.float32), np.array([0]), temperature=2)["ece_uncalibrated"]
        0.058...
    """
    bins = reliability(probabilities, truth)
    before = ece(bins) if temperature == 1 else ece(reliability(at_one(probabilities, temperature), truth))
    return {
        "ece": ece(bins),
        "bins": bins,
        "temperature": temperature,
        "ece_uncalibrated": None if averaged else before,
    }


def at_one(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """What probabilities were before scores were divided by a temperature.

    Args:
        probabilities: (N, K), rows adding up to 1.
        temperature: of their softmax.

    Example:
        >>> at_one(np.array([[0.2, 0.8]], np.float32), temperature=2).round(4).tolist()
        [[0.0588, 0.9412]]
    """
    powers = (probabilities / probabilities.max(axis=1, keepdims=True)).astype(np.float64) ** temperature
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fit(scores: NDArray[np.floating[Any]], truth: NDArray[np.int64]) -> float:
    """The temperature at which pictures that were not learned from have the smallest log loss.

    The one number is found on a logarithmic scale, by the slope of the loss, which has a single minimum. Where a
    network makes no mistake on N pictures the loss alone would fall without end towards temperature 0. So each label
    counts as right with a probability of (N + 1) / (N + 2) only, and else as the most probable other class. Few
    pictures say little: beside them, `BELIEF` more count as if labelled by the network's own probabilities.

    Args:
        scores: (N, K), before any softmax.
        truth: (N,).

    Returns:
        The temperature, to four decimals; 1 of fewer than `FEWEST` pictures, of scores that are not all finite, and
        where no temperature makes any difference.

    Source:
        C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2. The targets: J. Platt,
        "Probabilistic outputs for support vector machines", 1999, section 2.2. The belief is a conjugate prior: P.
        Diaconis and D. Ylvisaker, "Conjugate priors for exponential families", Annals of Statistics 7, 1979.

    Example:
        >>> sure = np.array([[4.0, 0.0]] * 8000)  # a quarter of such answers is wrong: 3 to 1, and ln 3 is 1.1
        >>> round(4 / fit(sure, np.array([0, 0, 0, 1] * 2000)), 2)
        1.1
    """
    every = scores.size // MOST_SCORES + 1
    scores, truth = scores[::every].astype(np.float64), truth[::every]
    if len(scores) < FEWEST or not np.isfinite(scores).all():
        return 1.0
    scores -= scores.max(axis=1, keepdims=True)
    rows, doubt, belief = np.arange(len(truth)), 1 / (len(truth) + 2), BELIEF / (len(truth) + BELIEF)

    def expected(temperature: float) -> float:
        """The mean score of a class drawn by the network; falls as the temperature rises."""
        weights = np.exp(scores / temperature)
        return float(((weights * scores).sum(axis=1) / weights.sum(axis=1)).mean())

    if not expected(LEAST_TEMPERATURE) > expected(MOST_TEMPERATURE):
        return 1.0
    others = scores.copy()
    others[rows, truth] = -np.inf
    seen = float(((1 - doubt) * scores[rows, truth] + doubt * others.max(axis=1)).mean())
    wanted = (1 - belief) * seen + belief * expected(1)  # where the two are equal, the loss has its minimum
    low, high = log(LEAST_TEMPERATURE), log(MOST_TEMPERATURE)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(exp(middle)) > wanted else (low, middle)
    return float(round(exp((low + high) / 2), 4))
