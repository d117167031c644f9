"""What moves the weights: PyTorch's optimisers with the recipe's numbers."""

from typing import Any

from torch import nn, optim

from convscope.training.recipe import Recipe

NO_DECAY = "no decay"

# TensorFlow, whose RMSprop the MobileNets' papers used, forgets faster than PyTorch and adds its epsilon, 0.001, inside
# the root: a gradient that vanishes is divided by sqrt(0.001).
FORGETTING, EPSILON = 0.9, 0.0316


def make_optimiser(recipe: Recipe, trained: nn.Module | list[dict[str, Any]]) -> optim.Optimizer:
    """The recipe's optimiser over a network's parameters, or over groups of them.

    Adam, AdamW and SGD take fused steps; RMSprop has none. SGD's momentum is plain unless the recipe says Nesterov's.
    RMSprop is PyTorch's, which adds epsilon after the root and starts from a mean square of 0, with numbers that make
    it behave like TensorFlow's: it forgets with 0.9, and its epsilon is sqrt(0.001).

    Args:
        recipe: its optimiser, rate, momentum and decay.
        trained: the network, or groups of its parameters; what a group has beside `params`, such as its share of the
            rate, it keeps.
    Source:
        Adam: Kingma & Ba, ICLR 2015. AdamW: Loshchilov & Hutter, ICLR 2019. Nesterov momentum: Sutskever, Martens,
        Dahl & Hinton, ICML 2013. RMSprop: Tieleman & Hinton, 2012; epsilon as in torchvision's references.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        >>> optimiser = make_optimiser(Recipe(optimiser="sgd", decay=0.1, decay_all=False), network)
        >>> [(len(group["params"]), group["weight_decay"]) for group in optimiser.param_groups]
        [(1, 0.1), (3, 0.0)]
    """
    groups = trained if isinstance(trained, list) else [{"params": list(trained.parameters())}]
    if recipe.decay and not recipe.decay_all:
        groups = [part for group in groups for part in _apart(group, recipe.decay)]
    rate, decay = recipe.rate, recipe.decay
    if recipe.optimiser == "sgd":
        nesterov = recipe.nesterov and recipe.momentum > 0
        return optim.SGD(groups, rate, recipe.momentum, weight_decay=decay, nesterov=nesterov, fused=True)
    if recipe.optimiser == "rmsprop":
        return optim.RMSprop(groups, rate, FORGETTING, EPSILON, weight_decay=decay, momentum=recipe.momentum)
    if recipe.optimiser == "adamw":
        return optim.AdamW(groups, rate, weight_decay=decay, fused=True)
    return optim.Adam(groups, rate, weight_decay=decay, fused=True)


def _apart(group: dict[str, Any], decay: float) -> list[dict[str, Any]]:
    """A group as two: matrices and kernels, which decay pulls at, and biases and scales, which it leaves alone."""
    parameters = list(group["params"])
    shaped = [values for values in parameters if values.ndim > 1]
    flat = [values for values in parameters if values.ndim <= 1]
    parts = [group | {"params": shaped, "weight_decay": decay}]
    parts.append({"name": NO_DECAY} | group | {"params": flat, "weight_decay": 0.0})
    return [part for part in parts if part["params"]]
