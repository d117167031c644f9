"""Network, mode and weights of a run, where the recipe leaves them open."""

from dataclasses import dataclass
from pathlib import Path

from convscope.data.listing import Listing
from convscope.errors import ModelError, RecipeError
from convscope.models.pretrained.at_hand import BACKBONES, weights_for
from convscope.training.recipe import Recipe
from convscope.training.transfer.start import missing
from convscope.words import Listener

CLASSIC = "lenet5_modern"
TINY = 32


@dataclass(frozen=True)
class Backbone:
    """What a run starts from.

    Attributes:
        recipe: with network and mode settled, and the file of weights, if there is one, by its full path.
        file: of weights; None from scratch.
    """

    recipe: Recipe
    file: Path | None


def choose(recipe: Recipe, listing: Listing, listener: Listener) -> Backbone:
    """Network, mode and weights for these pictures.

    Args:
        recipe: with a network of one's own read from its file.
        listing: the pictures.
        listener: hears why a run starts from nothing.

    Raises:
        RecipeError: weights without the network they belong to.
        ModelError: weights that were asked for and are not to be had; the message says where they would come from.
    """
    plain = {} if recipe.definition else {"model": recipe.model or CLASSIC}
    own_numbers = recipe.mode == "auto" and (recipe.recipe != "plain" or recipe.start_from)  # of training from scratch
    if own_numbers and recipe.weights not in {"default", "none"}:
        raise RecipeError(f"weights {recipe.weights}: a recipe is for training from scratch; leave one out")
    if recipe.mode == "scratch" or recipe.weights == "none" or own_numbers:
        return Backbone(recipe.settle(mode="scratch", weights="none", **plain), None)
    folder = Path(recipe.weights_dir) if recipe.weights_dir else None
    if recipe.weights != "default":
        if not recipe.network:
            raise RecipeError(f"--weights {recipe.weights}: needs --model NAME, the network that they belong to")
        return _start(recipe, recipe.network, weights_for(recipe.network, recipe.weights, folder))
    suits = listing.channels == 3 and (listing.side is None or listing.side > TINY)
    if recipe.mode != "auto" or (suits and not recipe.definition):
        for name in (recipe.network,) if recipe.network else BACKBONES:
            file = weights_for(name, "default", folder)
            if file:
                return _start(recipe, name, file)
        if recipe.mode != "auto":
            raise ModelError(missing(recipe.network or BACKBONES[0], recipe.mode))
    if suits:
        listener.message("train.scratch", model=recipe.network or CLASSIC)
        listener.message("train.scratch.more", better=BACKBONES[0])
    return Backbone(recipe.settle(mode="scratch", weights="none", **plain), None)


def _start(recipe: Recipe, network: str, file: Path | None) -> Backbone:
    assert file is not None
    mode = "frozen" if recipe.mode == "auto" else recipe.mode
    named = {} if recipe.definition else {"model": network}
    return Backbone(recipe.settle(mode=mode, weights=str(file.absolute()), **named), file)
