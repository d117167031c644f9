"""The learning rate as a pure function of how far training is: nothing to save, nothing to restore."""

import math
from collections.abc import Mapping, Sequence
from math import cos, pi

from convscope.training.recipe import Recipe

# of one-cycle: where it starts and ends, as a share of the peak, and how much of training its rise takes
START, END, RISE = 1 / 25, 1 / 25e4, 0.3


def rate_at(recipe: Recipe, step: int, steps_per_epoch: int, history: Sequence[Mapping[str, float]] = ()) -> float:
    """The rate of step `step`, counted from 0 over the whole run.

    `one-cycle` changes the rate alone: momentum stays, where its paper lets it fall while the rate rises.

    Args:
        recipe: its schedule, warm-up and peak.
        step: steps taken so far.
        steps_per_epoch: steps of one epoch.
        history: a row for each epoch that is over; `plateau` reads its `val_loss`.
    Source:
        cosine: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, eq. 5,
        one cycle down to zero. one-cycle: Smith & Topin, "Super-Convergence", 2019, with the shares of PyTorch's
        OneCycleLR. inverse: Caffe's policy "inv". warm-up: Goyal et al., "Accurate, Large Minibatch SGD", 2017,
        section 2.2.

    Example:
        >>> recipe = Recipe(epochs=10, rate=1.0)
        >>> [round(rate_at(recipe, step, 1), 3) for step in (0, 5, 9)]
        [1.0, 0.5, 0.024]
    """
    if recipe.schedule == "one-cycle":
        return recipe.rate * _one_cycle(recipe, step, steps_per_epoch)
    epoch = step / steps_per_epoch
    if epoch < recipe.warmup_epochs:
        return recipe.rate * (step + 1) / (recipe.warmup_epochs * steps_per_epoch + 1)
    if recipe.schedule == "inverse":
        return float(recipe.rate * (1 + recipe.inverse_pace * step) ** -recipe.inverse_power)
    if recipe.schedule == "cosine":
        done = (epoch - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
        return recipe.rate * (1 + cos(pi * done)) / 2
    return recipe.rate * recipe.step_factor ** _falls(recipe, step // steps_per_epoch, history)


def _falls(recipe: Recipe, epochs: int, history: Sequence[Mapping[str, float]]) -> int:
    """How often the rate has fallen after so many epochs: never where it is constant."""
    if recipe.schedule == "plateau":
        return plateaus(recipe, history)
    if recipe.schedule == "step":
        return sum(after <= epochs for after in recipe.step_at) if recipe.step_at else epochs // recipe.step_epochs
    return 0


def plateaus(recipe: Recipe, history: Sequence[Mapping[str, float]]) -> int:
    """How often the validation loss stood still for the recipe's `plateau_checks` epochs, each counted once.

    Args:
        recipe: its `plateau_checks`, and the `min_delta` by which a loss must fall to be better.
        history: a row with `val_loss` for each epoch that is over.

    Example:
        >>> rows = [{"val_loss": loss} for loss in (1.0, 1.1, 1.2, 0.9, 1.0, 1.0, 1.0, 1.0)]
        >>> plateaus(Recipe(plateau_checks=2), rows)
        3
    """
    best, waited, falls = math.inf, 0, 0
    for row in history:
        if row["val_loss"] < best - recipe.min_delta:
            best, waited = row["val_loss"], 0
        else:
            waited += 1
        if waited == recipe.plateau_checks:
            falls, waited = falls + 1, 0
    return falls


def _one_cycle(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Share of the peak: up along a half cosine, then down along another, the last step at the very end."""
    total = recipe.epochs * steps_per_epoch
    rise = recipe.warmup_epochs * steps_per_epoch if recipe.warmup_epochs else RISE * total
    top, last = max(rise - 1, 0.0), total - 1
    if step < top:
        return _half_cosine(START, 1.0, step / top)
    return _half_cosine(1.0, END, min(1.0, (step - top) / (last - top)) if last > top else 0.0)


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + cos(pi * share)) / 2
