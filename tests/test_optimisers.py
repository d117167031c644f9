"""One or two steps of each optimiser, worked out by hand."""

from math import sqrt

import pytest
import torch
from torch import nn

from convscope import Recipe
from convscope.training.optimisers import NO_DECAY, make_optimiser


def after(gradients, start=1.0, **settings):
    """A weight of a 1×1 matrix after a step for each gradient."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, start)
    optimiser = make_optimiser(Recipe(rate=0.1, **settings), layer)
    for gradient in gradients:
        layer.weight.grad = torch.full((1, 1), gradient)
        optimiser.step()
    return layer.weight.item()


def test_plain_momentum():
    # v = 2; w = 1 - 0.2; v = 0.9·2 + 1 = 2.8; w = 0.8 - 0.28
    assert after([2.0, 1.0], optimiser="sgd", nesterov=False) == pytest.approx(0.52)


def test_nesterovs_momentum_looks_ahead():
    # w = 1 - 0.1·(2 + 0.9·2) = 0.62; v = 2.8; w = 0.62 - 0.1·(1 + 0.9·2.8) = 0.268
    assert after([2.0, 1.0], optimiser="sgd") == pytest.approx(0.268)


def test_sgd_without_momentum_needs_no_nesterov():
    assert after([2.0], optimiser="sgd", momentum=0.0) == pytest.approx(0.8)


def test_decay_of_sgd_enters_the_gradient():
    # g = 2 + 0.5·1; w = 1 - 0.1·2.5
    assert after([2.0], optimiser="sgd", nesterov=False, decay=0.5) == pytest.approx(0.75)


def test_adams_first_step_is_the_rate():
    # m / (1 - 0.9) = g; sqrt(v / (1 - 0.999)) = |g|
    assert after([123.0], optimiser="adam") == pytest.approx(0.9, abs=1e-6)


def test_decay_of_adam_is_lost_in_the_root_and_adamws_is_not():
    # Adam: g + 0.5·w = 123.5, whose size does not count; AdamW: w·(1 - 0.1·0.5) - 0.1
    assert after([123.0], optimiser="adam", decay=0.5) == pytest.approx(0.9, abs=1e-6)
    assert after([123.0], optimiser="adamw", decay=0.5) == pytest.approx(0.85, abs=1e-6)


def test_rmsprop_forgets_like_tensorflow_and_adds_the_root_of_its_epsilon():
    first = 2 / (sqrt(0.1 * 4) + 0.0316)
    second = 0.9 * first + 1 / (sqrt(0.9 * 0.4 + 0.1 * 1) + 0.0316)

    assert after([2.0, 1.0], optimiser="rmsprop") == pytest.approx(1 - 0.1 * first - 0.1 * second)
    assert pytest.approx(sqrt(0.001), abs=1e-4) == 0.0316


@pytest.mark.parametrize("kind", ["sgd", "adamw", "rmsprop"])
def test_decay_leaves_biases_and_norms_alone_where_it_is_told_to(kind):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    recipe = Recipe(optimiser=kind, decay=0.1, decay_all=False)
    decayed, left = make_optimiser(recipe, network).param_groups

    assert (len(decayed["params"]), decayed["weight_decay"]) == (2, 0.1)
    assert (len(left["params"]), left["weight_decay"], left["name"]) == (4, 0.0, NO_DECAY)
    assert len(make_optimiser(Recipe(optimiser=kind, decay=0.1), network).param_groups) == 1


def test_groups_keep_their_share_of_the_rate():
    layer = nn.Linear(2, 2)
    groups = [{"params": list(layer.parameters()), "share": 0.5, "name": "head"}]
    found = make_optimiser(Recipe(optimiser="adamw", decay=0.1, decay_all=False), groups).param_groups

    assert [(group["share"], group["weight_decay"]) for group in found] == [(0.5, 0.1), (0.5, 0.0)]
