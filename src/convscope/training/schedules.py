"""The learning rate as a pure function of how far training is: nothing to save, nothing to restore."""

from math import cos, pi

from convscope.training.recipe import Recipe


def rate_at(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The rate of step `step`, counted from 0 over the whole run.

    Args:
        recipe: its schedule, warm-up and peak.
        step: steps taken so far.
        steps_per_epoch: steps of one epoch.
    Source:
        cosine: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, eq. 5,
        one cycle down to zero.

    Example:
        >>> recipe = Recipe(epochs=10, rate=1.0)
        >>> [round(rate_at(recipe, step, 1), 3) for step in (0, 5, 9)]
        [1.0, 0.5, 0.024]
    """
    epoch = step / steps_per_epoch
    if epoch < recipe.warmup_epochs:
        return recipe.rate * (step + 1) / (recipe.warmup_epochs * steps_per_epoch + 1)
    if recipe.schedule == "constant":
        return recipe.rate
    if recipe.schedule == "step":
        return recipe.rate * recipe.step_factor ** (int(epoch) // recipe.step_epochs)
    done = (epoch - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
    return recipe.rate * (1 + cos(pi * done)) / 2
