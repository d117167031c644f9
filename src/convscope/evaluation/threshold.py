"""None of these: answers below a threshold of the top probability count as no answer, and what that gives and costs."""

from math import floor
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convscope.errors import DataError
from convscope.evaluation.metrics import wilson

# of the right answers, the share that a threshold must keep: the level at which false accepts are compared in the
# literature (S. Liang et al., "Enhancing the reliability of out-of-distribution image detection in neural networks",
# ICLR 2018: "FPR at 95 % TPR")
KEPT = 0.95
# right answers below which none is chosen: of fewer, not one may be lost, and a single odd picture would decide
FEWEST = 20
# no threshold is larger: a certain answer of one engine may be a float's last bit below 1 on another
MOST = 0.9999
# a number, "auto" for the model's own, or none
Wish = float | Literal["auto", "none"] | None
STEPS = (*(step / 100 for step in range(100)), 0.995, 0.999, 0.9995, 0.9999)


class Foreign(NamedTuple):
    """Answers to pictures that are of no class of the model.

    Attributes:
        data: what they came from.
        probabilities: (M, K).
    """

    data: str
    probabilities: NDArray[np.float32]


def choose(probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> float | None:
    """The largest threshold that keeps 95 % of the right answers.

    The top probability tells foreign pictures from known ones (D. Hendrycks and K. Gimpel, "A baseline for detecting
    misclassified and out-of-distribution examples in neural networks", ICLR 2017).

    Args:
        probabilities: (N, K), of validation pictures.
        truth: (N,).

    Returns:
        The threshold, rounded down to four decimals; None of fewer than `FEWEST` right answers.

    Example:
        >>> sure = np.linspace(0.6, 0.99, 40, dtype=np.float32)
        >>> choose(np.stack([sure, 1 - sure], axis=1), np.zeros(40, np.int64))
        0.62
    """
    top = np.sort(probabilities.max(axis=1)[probabilities.argmax(axis=1) == truth])
    if len(top) < FEWEST or not np.isfinite(top).all():
        return None
    lost = len(top) - int(np.ceil(KEPT * len(top)))
    return min(MOST, floor(float(top[lost]) * 10_000) / 10_000)


def known(probabilities: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Whether each answer counts, (N,).

    Args:
        probabilities: (N, K).
        threshold: of the top probability; an answer that reaches it counts.

    Example:
        >>> known(np.array([[0.5, 0.5], [0.2, 0.8]]), threshold=0.8).tolist()
        [False, True]
    """
    reached: NDArray[np.bool_] = probabilities.max(axis=1).astype(np.float64) >= threshold
    return reached


def asked(wish: Wish, of_model: float | None) -> float | None:
    """The threshold that somebody asks for.

    Args:
        wish: a number, "auto" for the model's own, or "none".
        of_model: what the model file holds.

    Raises:
        DataError: not from 0 to 1, or "auto" where the model has none.

    Example:
        >>> asked("auto", 0.7), asked(0.5, None), asked("none", 0.7)
        (0.7, 0.5, None)
    """
    if wish == "auto":
        if of_model is None:
            raise DataError(
                "--threshold auto: this model file holds no threshold: it is older, or validation gave fewer than "
                f"{FEWEST} right answers; give a number from 0 to 1"
            )
        return of_model
    if wish is None or wish == "none":
        return None
    if not 0 <= wish <= 1:
        raise DataError(f"--threshold {wish}: allowed: a number from 0 to 1, auto or none")
    return wish


def coverage(
    probabilities: NDArray[np.float32],
    truth: NDArray[np.int64],
    value: float | None = None,
    foreign: Foreign | None = None,
) -> dict[str, Any]:
    """What thresholds give and cost: the chosen one, and a table of about a hundred.

    Args:
        probabilities: (N, K), of pictures of known classes.
        truth: (N,).
        value: the chosen threshold; None where every picture is answered.
        foreign: answers to pictures of no known class.

    Returns:
        {"value", "coverage", "accuracy", "accuracy_interval", "table", "foreign"}: coverage is the share of pictures
        that are answered, accuracy that of the right ones among them, with its 95 % Wilson interval, both None where
        nothing is answered. A row of the table is [threshold, coverage, accuracy, share of foreign pictures accepted].
        "foreign" is None or {"data", "n", "accepted", "share", "interval"}.

    Example:
        >>> told = coverage(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 0]), value=0.7)
        >>> told["coverage"], told["accuracy"], told["table"][50]
        (0.5, 1.0, [0.5, 1.0, 0.5, None])
    """
    top, right = probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == truth
    strangers = foreign.probabilities.max(axis=1).astype(np.float64) if foreign else np.empty(0)
    answered, hits, accepted = (
        len(values) - np.searchsorted(np.sort(values), [*STEPS, value or 0]) for values in (top, top[right], strangers)
    )
    share = answered / len(top)
    accuracy = [float(hit / count) if count else None for hit, count in zip(hits, answered, strict=True)]
    shares = [float(count / len(strangers)) if len(strangers) else None for count in accepted]
    chosen = int(answered[-1])
    return {
        "value": value,
        "coverage": float(share[-1]),
        "accuracy": accuracy[-1],
        "accuracy_interval": list(wilson(int(hits[-1]), chosen)) if chosen else None,
        "table": [list(row) for row in zip(STEPS, share[:-1].tolist(), accuracy[:-1], shares[:-1], strict=True)],
        "foreign": _foreign(foreign.data, int(accepted[-1]), len(strangers)) if foreign and len(strangers) else None,
    }


def _foreign(data: str, accepted: int, count: int) -> dict[str, Any]:
    return {
        "data": data,
        "n": count,
        "accepted": accepted,
        "share": accepted / count,
        "interval": list(wilson(accepted, count)),
    }
