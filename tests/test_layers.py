"""The bricks, against sums by hand and against PyTorch's own layers; what they cost, and looking at them."""

from itertools import pairwise
from math import sqrt

import pytest
import torch
from torch import nn
from torch.nn import functional

from convscope.errors import ModelError
from convscope.layers.activations import ScaledTanh
from convscope.layers.cost import macs, parameters
from convscope.layers.initialise import keras_default, lecun_1998
from convscope.layers.probe import first_not_finite, leaves, watching
from convscope.layers.rbf import RBF
from convscope.layers.sparse import SparseConv2d
from convscope.layers.subsample import Subsample
from convscope.layers.summary import summarise
from convscope.models.lenet import TABLE_I


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def subsample(weight, bias):
    layer = Subsample(len(weight))
    layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    return layer


def test_subsampling_scales_and_shifts_the_sum_of_four():
    maps = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, -2.0]]])[None]

    answer = subsample([0.5, 3.0], [1.0, -1.0])(maps)

    assert answer.tolist() == [[[[0.5 * 10 + 1]], [[3 * -1 - 1]]]]


def test_subsampling_is_four_times_an_average_pooling():
    maps = torch.randn(2, 3, 6, 8)
    weight, bias = [0.5, -1.0, 2.0], [0.1, 0.2, 0.3]

    expected = 4 * functional.avg_pool2d(maps, 2) * torch.tensor(weight)[:, None, None]

    torch.testing.assert_close(subsample(weight, bias)(maps), expected + torch.tensor(bias)[:, None, None])


def test_subsampling_drops_an_odd_row_and_column():
    assert subsample([1.0], [0.0])(torch.ones(1, 1, 5, 7)).tolist() == [[[[4.0] * 3] * 2]]


def dense_twin(layer, table):
    """A full convolution with zeros wherever the table has no link."""
    twin = nn.Conv2d(layer.channels, len(table), layer.kernel_size)
    nn.init.zeros_(twin.weight)
    twin.bias.data = torch.randn(len(table))
    layer.bias.data = twin.bias.data.clone()
    link = 0
    for out, row in enumerate(table):
        for into in row:
            twin.weight.data[out, into] = layer.weight.data[link]
            link += 1
    return twin


@pytest.mark.parametrize("table", [TABLE_I, [(2,), (), (5, 0)]], ids=["lenet5", "unordered"])
def test_a_sparse_convolution_is_a_full_one_with_zeros(table):
    layer, maps = SparseConv2d(6, table, 5), torch.randn(2, 6, 14, 14)
    twin = dense_twin(layer, table)

    torch.testing.assert_close(layer(maps), twin(maps))


def test_the_gradient_reaches_each_of_the_60_kernels_and_nothing_else():
    layer = SparseConv2d(6, TABLE_I, 5)
    twin, maps, pull = dense_twin(layer, TABLE_I), torch.randn(2, 6, 14, 14), torch.randn(2, 16, 10, 10)
    layer(maps).backward(pull)
    twin(maps).backward(pull)

    links = [(out, into) for out, row in enumerate(TABLE_I) for into in row]
    expected = torch.stack([twin.weight.grad[link] for link in links])

    assert layer.weight.grad.shape == (60, 5, 5)
    assert (layer.weight.grad.abs().amax(dim=(1, 2)) > 0).all()
    torch.testing.assert_close(layer.weight.grad, expected)
    torch.testing.assert_close(layer.bias.grad, twin.bias.grad)


@pytest.mark.parametrize("table", [[(0, 6)], [(-1,)], [(0, 1), (2, 2)]], ids=["beyond", "negative", "twice"])
def test_a_table_that_names_a_map_wrongly_is_refused(table):
    with pytest.raises(ModelError, match="each of the 6 input maps at most once"):
        SparseConv2d(6, table, 5)


CODES = torch.tensor([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]])


def test_rbf_scores_are_minus_the_squared_distances():
    answer = RBF(CODES)(torch.tensor([[1.0, -1.0, 1.0], [0.0, 0.5, 2.0]]))

    assert answer.tolist() == [[0.0, -4.0], [-(1 + 2.25 + 1), -(1 + 2.25 + 1)]]


def test_rbf_is_the_distance_that_pytorch_measures():
    codes, x = torch.randn(10, 84), torch.randn(5, 84)

    torch.testing.assert_close(
        RBF(codes)(x), -(torch.cdist(x, codes, compute_mode="donot_use_mm_for_euclid_dist") ** 2)
    )


def test_rbf_pulls_towards_the_code():
    x = torch.tensor([[0.5, 0.0, 3.0]], requires_grad=True)

    RBF(CODES)(x)[0, 0].backward()

    assert x.grad.tolist() == [[-2 * (0.5 - 1), -2 * (0 + 1), -2 * (3 - 1)]]


def test_rbf_codes_are_kept_but_not_trained():
    layer = RBF(CODES)

    assert list(layer.state_dict()) == ["codes"]
    assert not list(layer.parameters())


def test_the_squashing_function_has_the_papers_values():
    points = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0], dtype=torch.float64, requires_grad=True)
    values = ScaledTanh()(points)
    values.sum().backward()

    half = torch.tensor([1.654175, 0.999997, 0.551684], dtype=torch.float64)
    slopes = torch.tensor([0.08082, 0.755412, 1.025684], dtype=torch.float64)

    torch.testing.assert_close(values, torch.cat([-half, torch.zeros(1), half.flip(0)]), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        points.grad, torch.cat([slopes, torch.tensor([1.143933]), slopes.flip(0)]), rtol=0, atol=1e-6
    )


def test_the_squashing_function_is_steepest_at_zero():
    points = torch.linspace(-4, 4, 801, dtype=torch.float64, requires_grad=True)
    ScaledTanh()(points).sum().backward()

    assert points[points.grad.argmax()].item() == pytest.approx(0, abs=1e-12)
    assert points.grad.max().item() == pytest.approx(1.143933, abs=1e-6)


@pytest.mark.parametrize(
    ("layer", "fan"), [(nn.Linear(400, 100), 400), (nn.Conv2d(16, 120, 5), 400), (Subsample(20_000), 4)]
)
def test_lecuns_weights_spread_as_one_over_the_root_of_the_fan_in(layer, fan):
    lecun_1998(layer)

    assert layer.weight.std().item() == pytest.approx(1 / sqrt(fan), rel=0.02)
    assert layer.weight.mean().item() == pytest.approx(0, abs=0.03 / sqrt(fan))
    assert layer.weight.abs().max().item() <= sqrt(3 / fan)  # uniform
    assert not layer.bias.any()


def test_each_map_of_a_sparse_convolution_has_a_fan_in_of_its_own():
    layer = SparseConv2d(8, [(0,), tuple(range(8))], 35)
    layer.bias.data.fill_(1)
    lecun_1998(layer)

    assert layer.weight[0].std().item() == pytest.approx(1 / 35, rel=0.05)
    assert layer.weight[1:].std().item() == pytest.approx(1 / sqrt(8) / 35, rel=0.05)
    assert not layer.bias.any()


def test_keras_default_is_glorots_uniform():
    layer = nn.Conv2d(64, 64, 3)
    keras_default(layer)

    assert 0.0721 < layer.weight.abs().max().item() <= 0.0721688  # sqrt(6 / (64 * 9 + 64 * 9))
    assert layer.weight.std().item() == pytest.approx(0.0416667, rel=0.01)
    assert not layer.bias.any()


@pytest.mark.parametrize("initialise", [lecun_1998, keras_default])
def test_layers_without_a_bias_are_initialised_too(initialise):
    layer = nn.Conv2d(1, 1, 3, bias=False)
    nn.init.constant_(layer.weight, 99)
    initialise(layer)

    assert layer.weight.abs().max() < 1


def small(*layers):
    return nn.Sequential(*(layers or (nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.Linear(2, 2), nn.Tanh()))))


def hooks(network):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


def test_watching_sees_every_layer_with_what_came_in_and_went_out():
    network, x = small(), torch.ones(3, 2)

    with watching(network) as seen:
        answer = network(x)

    assert [name for name, *_ in seen] == ["0", "1", "2.0", "2.1"] == list(leaves(network))
    assert seen[0][2] is x
    assert seen[-1][3] is answer
    assert all(later[2] is earlier[3] for earlier, later in pairwise(seen))


def test_hooks_leave_with_the_block():
    network = small()

    with watching(network):
        assert hooks(network) == 4

    assert hooks(network) == 0


@pytest.mark.parametrize("look", [first_not_finite, lambda network, x: summarise(network, tuple(x.shape[1:]))])
def test_hooks_leave_when_the_network_fails(look):
    network = small(nn.Flatten(), nn.Linear(2, 2))

    with pytest.raises((RuntimeError, ModelError)):
        look(network, torch.ones(1, 1, 3, 3))

    assert hooks(network) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("layer", ["0", "2.0"])
def test_a_spoilt_weight_names_its_layer(layer, value):
    network = small()
    network.get_submodule(layer).weight.data[0, 0] = value

    assert first_not_finite(network, torch.ones(1, 2)) == layer


def test_a_spoilt_weight_that_does_not_show_names_its_layer():
    network = small(nn.Linear(2, 2), nn.Hardtanh())
    network[0].bias.data[0] = float("inf")

    assert first_not_finite(network, torch.ones(1, 2)) == "0"


def test_a_spoilt_picture_names_the_first_layer():
    assert first_not_finite(small(), torch.tensor([[float("nan"), 0.0]])) == "0"


def test_an_overflow_names_the_layer_where_it_happens():
    network = small(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1), nn.Linear(1, 1))
    for layer in (network[0], network[2]):
        nn.init.constant_(layer.weight, 1e30)  # 1e30 still is a float32, 1e60 is not

    assert first_not_finite(network, torch.ones(1, 1)) == "2"
    assert first_not_finite(network[:2], torch.ones(1, 1)) is None


@pytest.mark.parametrize(
    ("layer", "out", "expected"),
    [
        (nn.Conv2d(3, 96, 11, stride=4), (96, 55, 55), 96 * 55 * 55 * 3 * 11 * 11),
        (nn.Conv2d(96, 256, 5, groups=2), (256, 27, 27), 256 * 27 * 27 * 48 * 5 * 5),
        (nn.Conv2d(32, 32, 3, groups=32), (32, 112, 112), 32 * 112 * 112 * 9),
        (nn.Linear(84, 10), (10,), 840),
        (SparseConv2d(6, TABLE_I, 5), (16, 10, 10), 60 * 25 * 100),
        (Subsample(6), (6, 14, 14), 0),
        (RBF(torch.ones(10, 84)), (10,), 0),
        (nn.ReLU(), (6, 28, 28), 0),
        (nn.MaxPool2d(2), (6, 14, 14), 0),
        (nn.BatchNorm2d(6), (6, 14, 14), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_layer_costs_its_weights_times_its_positions(layer, out, expected):
    assert macs(layer, torch.Size(out)) == expected


def test_only_numbers_that_are_trained_count_as_parameters():
    network = small(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(2, 2).requires_grad_(False), RBF(CODES))

    assert parameters(network) == 4 * 27 + 4 + 2 * 4
