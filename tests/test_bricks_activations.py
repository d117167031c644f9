"""Activations, against a table worked out in double precision."""

import pytest
import torch
from torch import nn

from convscope.errors import ModelError
from convscope.layers.activations import ACTIVATIONS, activation
from convscope.layers.cost import parameters


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def close(found, expected, tolerance=1e-6):
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)


def with_slope(layer, points):
    """Values and derivatives at some points."""
    points = points.clone().requires_grad_()
    values = layer(points)
    (slopes,) = torch.autograd.grad(values.sum(), points)
    return values.detach(), slopes


POINTS = double(-3, -1, -0.5, 0, 0.5, 1, 3)
# name: (options, values at POINTS, derivatives there)
TABLE = {
    "linear": ({}, POINTS.tolist(), [1] * 7),
    "sigmoid": (
        {},
        [0.047426, 0.268941, 0.377541, 0.5, 0.622459, 0.731059, 0.952574],
        [0.045177, 0.196612, 0.235004, 0.25, 0.235004, 0.196612, 0.045177],
    ),
    "tanh": (
        {},
        [-0.995055, -0.761594, -0.462117, 0, 0.462117, 0.761594, 0.995055],
        [0.009866, 0.419974, 0.786448, 1, 0.786448, 0.419974, 0.009866],
    ),
    "scaled_tanh": (
        {},
        [-1.654175, -0.999997, -0.551684, 0, 0.551684, 0.999997, 1.654175],
        [0.08082, 0.755412, 1.025684, 1.143933, 1.025684, 0.755412, 0.08082],
    ),
    "relu": ({}, [0, 0, 0, 0, 0.5, 1, 3], [0, 0, 0, 0, 1, 1, 1]),
    "relu6": ({}, [0, 0, 0, 0, 0.5, 1, 3], [0, 0, 0, 0, 1, 1, 1]),
    "leaky_relu": ({}, [-0.03, -0.01, -0.005, 0, 0.5, 1, 3], [0.01] * 4 + [1] * 3),
    "leaky_relu, course notes": ({"slope": 0.1}, [-0.3, -0.1, -0.05, 0, 0.5, 1, 3], [0.1] * 4 + [1] * 3),
    "leaky_relu, keras": ({"slope": 0.3}, [-0.9, -0.3, -0.15, 0, 0.5, 1, 3], [0.3] * 4 + [1] * 3),
    "prelu": ({}, [-0.75, -0.25, -0.125, 0, 0.5, 1, 3], [0.25] * 4 + [1] * 3),
    "rrelu": ({}, [-0.6875, -0.2291667, -0.1145833, 0, 0.5, 1, 3], [0.2291667] * 4 + [1] * 3),
    "swish": (
        {},
        [-0.142278, -0.268941, -0.18877, 0, 0.31123, 0.731059, 2.857722],
        [-0.088104, 0.072329, 0.260039, 0.5, 0.739961, 0.927671, 1.088104],
    ),
    "hard_swish": (
        {},
        [0, -1 / 3, -0.2083333, 0, 0.2916667, 2 / 3, 3],
        [0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1],
    ),
    "hard_sigmoid": ({}, [0, 1 / 3, 0.4166667, 0.5, 0.5833333, 2 / 3, 1], [0, *[1 / 6] * 5, 0]),
}


@pytest.mark.parametrize("case", TABLE)
def test_an_activation_has_the_values_of_the_table(case):
    options, expected, expected_slopes = TABLE[case]
    layer = activation(case.split(",")[0], **options).double().eval()

    values, slopes = with_slope(layer, POINTS)

    close(values, double(*expected))
    close(slopes, double(*expected_slopes))


@pytest.mark.parametrize(
    ("name", "value", "slope"),
    [
        ("elu", -0.632121, 0.367879),
        ("selu", -1.111331, 0.646769),
        ("gelu", -0.158655, -0.083315),
        ("softplus", 0.313262, 0.268941),
    ],
)
def test_a_smooth_rectifier_at_minus_one(name, value, slope):
    values, slopes = with_slope(activation(name), double(-1))

    close(values, double(value))
    close(slopes, double(slope))


def test_softplus_of_zero_is_the_logarithm_of_two():
    assert activation("softplus")(torch.zeros(1)).item() == pytest.approx(0.693147, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "lowest", "where"),
    [("swish", -0.2784645, -1.278465), ("hard_swish", -0.375, -1.5), ("gelu", -0.169971, None)],
)
def test_a_swish_dips_below_zero(name, lowest, where):
    points = torch.linspace(-5, 5, 1_000_001, dtype=torch.float64)
    values = activation(name)(points)

    assert values.min().item() == pytest.approx(lowest, abs=1e-6)
    assert where is None or points[values.argmin()].item() == pytest.approx(where, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "steepest", "where"),
    [("sigmoid", 0.25, 0), ("tanh", 1, 0), ("scaled_tanh", 1.143933, 0), ("swish", 1.0998393, 2.39936)],
)
def test_an_activation_is_steepest_where_the_table_says(name, steepest, where):
    points = torch.linspace(-5, 5, 1_000_001, dtype=torch.float64)
    _, slopes = with_slope(activation(name), points)

    assert slopes.max().item() == pytest.approx(steepest, abs=1e-6)
    assert points[slopes.argmax()].item() == pytest.approx(where, abs=2e-5)


def test_the_derivative_of_swish_falls_below_zero_too():
    points = torch.linspace(-5, 0, 500_001, dtype=torch.float64)
    _, slopes = with_slope(activation("swish"), points)

    assert slopes.min().item() == pytest.approx(-0.0998393, abs=1e-6)
    assert points[slopes.argmin()].item() == pytest.approx(-2.39936, abs=2e-5)


def test_tanh_is_a_stretched_sigmoid():
    close(activation("tanh")(POINTS), 2 * activation("sigmoid")(2 * POINTS) - 1, 1e-15)


def test_a_random_slope_is_drawn_in_training_from_an_eighth_to_a_third():
    slopes = -activation("rrelu").train()(torch.full((10_000,), -1.0))

    assert 0.125 <= slopes.min() < 0.126
    assert 0.332 < slopes.max() <= 1 / 3
    assert slopes.mean().item() == pytest.approx((1 / 8 + 1 / 3) / 2, abs=0.002)


@pytest.mark.parametrize(("depth", "expected"), [(5, 9.765625e-4), (8, 1.525879e-5), (10, 9.536743e-7), (20, 9.09e-13)])
def test_a_chain_of_sigmoids_passes_at_best_a_quarter_to_the_depth(depth, expected):
    sigmoid = activation("sigmoid")

    def chain(x):
        for _ in range(depth):
            x = sigmoid(x) - 0.5  # back to where it is steepest
        return x

    assert with_slope(chain, double(0))[1].item() == pytest.approx(expected, rel=1e-3)


def first_gradient(name, depth):
    """How long the gradient of the first of `depth` layers is, with He's spread of the weights."""
    layers = [nn.Linear(64, 64) for _ in range(depth)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight)
    chain = nn.Sequential(*(part for layer in layers for part in (layer, activation(name))))
    chain(torch.randn(64, 64)).square().sum().backward()
    return layers[0].weight.grad.norm().item()


def test_the_gradient_vanishes_through_sigmoids_and_not_through_rectifiers():
    sigmoids = [first_gradient("sigmoid", depth) for depth in (4, 8, 12)]
    rectifiers = [first_gradient("relu", depth) for depth in (4, 8, 12)]

    assert sigmoids[0] > 50 * sigmoids[1] > 50**2 * sigmoids[2]
    assert max(rectifiers) < 10 * min(rectifiers)


def test_every_name_makes_a_layer_that_runs():
    for name in ACTIVATIONS:
        assert activation(name)(torch.randn(2, 4, 3, 3)).shape == (2, 2 if name == "maxout" else 4, 3, 3)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sigmoyd", {}, "no activation is called 'sigmoyd'; did you mean sigmoid"),
        ("zzz", {}, "known: elu, gelu, hard_sigmoid"),
        ("leaky_relu", {"slop": 0.1}, "has no option 'slop'; did you mean slope?"),
        ("relu", {"slope": 0.1}, "'relu' has no option 'slope'; it has none"),
        ("leaky_relu", {"slope": "steep"}, "slope of activation 'leaky_relu' is 'steep'; it needs to be one float"),
        ("leaky_relu", {"slope": True}, "is True; it needs to be one float"),
        ("maxout", {"pieces": 2.5}, "is 2.5; it needs to be one int"),
        ("maxout", {"pieces": 1}, "at least 2 pieces, not 1"),
        ("prelu", {"channels": 0}, "channels of activation 'prelu' is 0; it needs to be at least 1"),
    ],
)
def test_a_wrong_activation_is_refused_with_the_right_one(name, options, message):
    with pytest.raises(ModelError, match=message):
        activation(name, **options)


def test_one_slope_for_all_maps_or_one_for_each():
    assert parameters(activation("prelu")) == 1
    assert parameters(activation("prelu", channels=6)) == 6


@pytest.mark.parametrize("name", ["scaled_tanh", "swish", "gelu", "elu", "softplus"])
def test_the_gradient_is_that_of_the_formula(name):
    assert torch.autograd.gradcheck(activation(name), torch.randn(2, 4, dtype=torch.float64, requires_grad=True))
