"""The frozen head: multinomial logistic regression on embeddings, an ordinary linear layer in the end."""

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from convscope.inference import cpu
from convscope.words import SILENT, Listener

# inverses of the penalty on weights that are tried, from the strongest penalty to the weakest: each starts where the
# one before it ended
STRENGTHS = (1e-3, 1e-2, 0.1, 1.0, 10.0)
# where too few pictures are there to try any; near the middle of what cross-validation chose on photos
USUAL = 0.1
FOLDS = 3
# cross-validation looks at no more pictures than these: it chooses one number
MOST_TRIED = 2_000
# and it is left out where there are so many weights that it would take minutes
MOST_WEIGHTS = 400_000
# one thread below: threads that wait for each other over small matrices take ten times as long on a busy machine
LARGE = 1_000_000_000
ROUGH, FINE = 1e-3, 1e-4
MOST_STEPS = 500
# of the mean spread: what a direction counts as at least, for a few pictures may hardly differ where others do; five
# photos a class of ants and bees gave 0.91 instead of 0.86 (docs/decisions/0017-transfer.md)
LEAST_SPREAD = 0.5


@dataclass(frozen=True)
class Head:
    """A linear layer that was fitted.

    Attributes:
        weight: (K, D).
        bias: (K,).
        strength: inverse of the penalty.
        tried: mean log loss of each strength that was tried, by cross-validation; empty when none was.
        weighted: whether rare classes count as much as frequent ones and that makes a difference.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    strength: float
    tried: dict[float, float]
    weighted: bool

    def put_into(self, layer: nn.Linear) -> None:
        """Give a linear layer these numbers."""
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(self.weight))
            layer.bias.copy_(torch.from_numpy(self.bias))

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """(N, D) to (N, K), rows adding up to 1."""
        scores = (vectors @ self.weight.T + self.bias).astype(np.float64)
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = chances / chances.sum(axis=1, keepdims=True)
        return shares


def fit(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    *,
    strength: float | None = None,
    balance: bool = True,
    seed: int = 0,
    groups: int = 1,
    listener: Listener = SILENT,
) -> Head:
    """Fit the head by L-BFGS, its strength by stratified cross-validation unless it is given.

    Embeddings are standardised for the fit, and the layer takes that into its own numbers.

    Args:
        vectors: (N, D) embeddings.
        labels: (N,) from 0 to `classes` - 1, each at least once.
        classes: K.
        strength: inverse of the penalty on squared weights; None tries several.
        balance: weigh each picture by the inverse of its class's frequency.
        seed: of the folds.
        groups: how often each picture is there, one block after the other: looks at one picture share a fold.
        listener: hears what was chosen.

    Source:
        Pedregosa et al., "Scikit-learn: Machine Learning in Python", JMLR 2011 (the solver).
    """
    from threadpoolctl import threadpool_limits

    mean = vectors.mean(axis=0)
    spread = vectors.std(axis=0)
    spread = np.maximum(spread, max(LEAST_SPREAD * float(spread.mean()), float(np.finfo(np.float32).tiny)))
    standard = ((vectors - mean) / spread).astype(np.float32)
    counts = Counter(labels.tolist())
    weighted = balance and len(set(counts.values())) > 1
    with threadpool_limits(cpu.threads() if vectors.size * classes > LARGE else 1):
        tried: dict[float, float] = {}
        if strength is None and _worth_trying(counts, groups, classes * vectors.shape[1]):
            tried = _cross_validate(standard, labels, balance, seed, groups, listener)
        chosen = strength or (min(tried, key=lambda key: tried[key]) if tried else USUAL)
        model = _model(balance, FINE)
        model.C = chosen
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # one picture a class is a class all the same
            model.fit(standard, labels)
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:  # of two classes scikit-learn keeps the difference
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / spread
    bias = bias - weight @ mean
    return Head(weight.astype(np.float32), bias.astype(np.float32), chosen, tried, weighted)


def _model(balance: bool, tolerance: float) -> Any:  # noqa: ANN401 (scikit-learn has no types)
    from sklearn.linear_model import LogisticRegression

    weights = "balanced" if balance else None
    return LogisticRegression(class_weight=weights, tol=tolerance, max_iter=MOST_STEPS, warm_start=True)


def _worth_trying(counts: Counter[int], groups: int, weights: int) -> bool:
    """Whether every class can be in every fold, and the choice costs seconds rather than minutes."""
    return min(counts.values()) // groups >= FOLDS and weights <= MOST_WEIGHTS


def _cross_validate(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    balance: bool,
    seed: int,
    groups: int,
    listener: Listener,
) -> dict[float, float]:
    """Mean log loss of each strength."""
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold

    pictures = len(labels) // groups
    kept = _some(labels[:pictures], seed)
    losses = {strength: 0.0 for strength in STRENGTHS}
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for number, (learned, judged) in enumerate(folds.split(kept, labels[kept])):
        rows = np.concatenate([kept[learned] + block * pictures for block in range(groups)])
        asked = kept[judged]
        model = _model(balance, ROUGH)
        for strength in STRENGTHS:
            model.C = strength
            model.fit(vectors[rows], labels[rows])
            chances = model.predict_proba(vectors[asked])
            losses[strength] += float(log_loss(labels[asked], chances, labels=model.classes_)) / FOLDS
        listener.progress("head", number + 1, FOLDS)
    return losses


def _some(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """At most `MOST_TRIED` pictures with each class's share, at least `FOLDS` of each."""
    if len(labels) <= MOST_TRIED:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    of_class = [order[labels[order] == label] for label in np.unique(labels)]
    chosen = [rows[: max(FOLDS, round(len(rows) * MOST_TRIED / len(labels)))] for rows in of_class]
    return np.sort(np.concatenate(chosen))
