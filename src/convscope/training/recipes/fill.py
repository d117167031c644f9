"""What the recipe leaves open, from the paper or from what is practical."""

from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from convscope.data.preprocess import Preprocess
from convscope.models.network import Network
from convscope.training.recipe import Recipe
from convscope.training.recipes.papers import paper
from convscope.training.recipes.practical import practical


def fill(recipe: Recipe, row: Network, pictures: int, classes: int, preprocess: Preprocess) -> Recipe:
    """The recipe with what nobody chose taken from `recipe.recipe`; what was given stays.

    Where other epochs are given than the paper's, its falls of the rate and its warm-up move in proportion. Where
    another optimiser is given, the paper's rate is not taken, for it would mean something else.

    Args:
        recipe: settled in network and mode.
        row: of the network.
        pictures: to learn from.
        classes: that they show.
        preprocess: of the network's input.

    Raises:
        RecipeError: no paper prints one for the network.
    """
    if recipe.recipe == "plain":
        return recipe
    given = {name: getattr(recipe, name) for name in recipe.model_fields_set}
    if recipe.recipe == "paper":
        settings = _at_pace(paper(recipe.network).settings, given)
        if preprocess.channels == 1:  # grey has no colours to shift
            settings["colour"] = "none"
    else:
        settings = practical(
            recipe.network,
            pictures,
            preprocess.size,
            preprocess.channels,
            has_norm=has_batch_norm(row, classes, preprocess),
            given=given,
        )
    return recipe.settle(**{name: value for name, value in settings.items() if name not in given})


def takes(row: Network, classes: int, preprocess: Preprocess, share: float) -> bool:
    """Whether the network takes pictures of a share of its side, too; one that flattens its last map does not.

    Args:
        row: of the network.
        classes: of its head.
        preprocess: of its input.
        share: of the input's side.
    """
    side = round(preprocess.size * share)
    with torch.device("meta"):
        network: nn.Module = row.build(classes, preprocess.channels, preprocess.size)
        try:
            network(torch.empty(2, preprocess.channels, side, side))  # in training, for heads inside count as well
        except (RuntimeError, ValueError):
            return False
    return True


def has_batch_norm(row: Network, classes: int, preprocess: Preprocess) -> bool:
    """Whether the network normalises over the batch.

    Args:
        row: of the network.
        classes: of its head.
        preprocess: of its input.
    """
    with torch.device("meta"):
        network: nn.Module = row.build(classes, preprocess.channels, preprocess.size)
    return any(isinstance(layer, _NormBase) and layer.track_running_stats for layer in network.modules())


def _at_pace(printed: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The paper's settings for another number of epochs and another optimiser."""
    settings = dict(printed)
    epochs = given.get("epochs", settings["epochs"])
    pace = epochs / settings["epochs"]
    if pace != 1:
        if "step_at" in settings:
            settings["step_at"] = tuple(max(1, round(after * pace)) for after in settings["step_at"])
        if "step_epochs" in settings:
            settings["step_epochs"] = max(1, round(settings["step_epochs"] * pace))
        if "warmup_epochs" in settings:
            settings["warmup_epochs"] *= pace
    if given.get("optimiser", settings["optimiser"]) != settings["optimiser"]:
        del settings["rate"]
    return settings
