"""Maxout, dropouts, padding and shortcuts: against sums by hand and against PyTorch."""

from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional

from convscope.errors import ModelError
from convscope.layers.cost import macs, parameters
from convscope.layers.dropout import OriginalDropout, RandomDropout
from convscope.layers.maxout import Maxout, MaxoutConv2d
from convscope.layers.pad import keras_pad
from convscope.layers.probe import watching
from convscope.layers.shortcut import PadShortcut


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def close(found, expected, tolerance=1e-6):
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)


def test_maxout_keeps_the_largest_of_neighbouring_maps():
    maps = double(1, 5, -2, 4, 3, -7)[None, :, None, None]

    assert Maxout(2)(maps).flatten().tolist() == [5, 4, 3]
    assert Maxout(3)(maps).flatten().tolist() == [5, 4]


def test_the_absolute_value_is_a_maxout():
    layer = nn.Sequential(nn.Linear(1, 2, bias=False), Maxout(2))
    layer[0].weight.data = torch.tensor([[1.0], [-1.0]])

    assert layer(torch.tensor([[-3.0], [0.5]])).tolist() == [[3.0], [0.5]]


def test_a_maxout_convolution_is_the_larger_of_two_convolutions():
    layer, x = MaxoutConv2d(3, 4, 3, stride=2, padding=1).double(), torch.randn(2, 3, 7, 7, dtype=torch.float64)
    weight, bias = layer[0].weight, layer[0].bias
    one, other = (functional.conv2d(x, weight[start::2], bias[start::2], 2, 1) for start in (0, 1))

    close(layer(x), torch.maximum(one, other), 1e-12)


def test_a_maxout_convolution_costs_all_its_pieces():
    layer = MaxoutConv2d(3, 8, 5, pieces=3)
    with watching(layer) as seen:
        layer(torch.zeros(1, 3, 9, 9))

    assert parameters(layer) == 3 * 8 * 76
    assert sum(macs(part, out.shape[1:]) for _, part, _, out in seen) == 3 * 8 * 75 * 5 * 5


def test_maps_that_cannot_be_shared_out_are_refused():
    with pytest.raises(ModelError, match="cannot share 5 maps out among 2 pieces; let the layer before"):
        Maxout(2)(torch.zeros(1, 5, 2, 2))


def test_pytorchs_dropout_of_a_quarter_leaves_zeros_and_four_thirds():
    values = nn.Dropout(0.25)(torch.ones(100_000))

    assert values.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (values == 0).float().mean().item() == pytest.approx(0.25, abs=0.006)


def test_the_original_dropout_scales_when_it_answers():
    layer, x = OriginalDropout(0.5), torch.tensor([1.0, -2.0, 4.0])

    assert layer.eval()(x).tolist() == [0.5, -1.0, 2.0]  # AlexNet: multiply by 0.5


def test_the_original_dropout_leaves_what_stays():
    values = OriginalDropout(0.25).train()(torch.ones(100_000))

    assert values.unique().tolist() == [0.0, 1.0]
    assert values.mean().item() == pytest.approx(0.75, abs=0.006)


def test_the_gradient_of_dropout_passes_where_the_value_did():
    x = torch.ones(50, requires_grad=True)
    values = OriginalDropout(0.5).train()(x)
    values.sum().backward()

    assert x.grad.tolist() == values.tolist()
    assert set(x.grad.tolist()) == {0.0, 1.0}


def test_half_the_weights_are_the_geometric_mean_of_all_networks_that_dropout_makes():
    weight, bias, x = (torch.randn(*size, dtype=torch.float64) for size in [(4, 6), (4,), (6,)])
    masks = torch.tensor([*product([0.0, 1.0], repeat=6)], dtype=torch.float64)  # (64, 6)
    mean = (masks * x @ weight.T + bias).log_softmax(dim=1).mean(dim=0)

    original = nn.Sequential(OriginalDropout(0.5), nn.Linear(6, 4)).double().eval()
    original[1].weight.data, original[1].bias.data = weight, bias

    close(mean.softmax(dim=0), (0.5 * weight @ x + bias).softmax(dim=0), 1e-12)
    close(mean.softmax(dim=0), original(x).softmax(dim=0), 1e-12)


def test_a_random_dropout_draws_one_rate_for_each_pass():
    layer, x = RandomDropout(0.2, 0.6).train(), torch.ones(20_000)
    passes = [layer(x) for _ in range(40)]

    rates = [(values == 0).float().mean().item() for values in passes]

    assert all(0.18 < rate < 0.62 for rate in rates)
    assert max(rates) - min(rates) > 0.2
    for rate, values in zip(rates, passes, strict=True):
        assert values.unique().tolist() == pytest.approx([0, 1 / (1 - rate)], rel=0.03)


def test_a_random_dropout_rests_when_it_answers():
    x = torch.randn(9)

    assert RandomDropout(0.5, 0.9).eval()(x) is x


@pytest.mark.parametrize("layer", [OriginalDropout, RandomDropout])
def test_a_dropout_obeys_the_seed(layer):
    def draw():
        torch.manual_seed(3)
        return layer().train()(torch.ones(50)).tolist()

    assert draw() == draw()


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_is_a_share(rate):
    with pytest.raises(ModelError, match="between 0 and 1"):
        OriginalDropout(rate)
    with pytest.raises(ModelError, match="low <= high < 1"):
        RandomDropout(0.0, rate)


def test_the_border_has_the_widths_in_the_order_of_keras():
    padded = keras_pad(((1, 2), (3, 4)))(torch.ones(1, 1, 5, 5))[0, 0]

    assert padded.shape == (1 + 5 + 2, 3 + 5 + 4)
    assert padded.nonzero().min(dim=0).values.tolist() == [1, 3]  # first real row and column


def test_a_border_is_not_negative():
    with pytest.raises(ModelError, match="no side can be negative"):
        keras_pad(((0, 1), (-1, 0)))


def test_the_shortcut_takes_every_second_pixel_and_adds_zeros_behind():
    x = torch.arange(32.0).reshape(1, 2, 4, 4)

    answer = PadShortcut(2, 4, stride=2)(x)

    assert answer[0, :2].tolist() == [[[0, 2], [8, 10]], [[16, 18], [24, 26]]]
    assert answer[0, 2:].tolist() == [[[0, 0], [0, 0]]] * 2


def test_the_shortcut_is_a_convolution_with_fixed_ones():
    x, ones = torch.randn(2, 3, 7, 7), torch.eye(5, 3)[:, :, None, None]

    torch.testing.assert_close(PadShortcut(3, 5, stride=2)(x), functional.conv2d(x, ones, stride=2))


def test_the_shortcut_has_nothing_to_train_and_costs_nothing():
    layer = PadShortcut(16, 32, stride=2)

    assert parameters(layer) == 0
    assert macs(layer, torch.Size([32, 16, 16])) == 0
    assert (layer.kernel_size, layer.stride, layer.padding) == (1, 2, 0)


@pytest.mark.parametrize(("channels_out", "stride"), [(2, 1), (3, 0)])
def test_a_shortcut_that_would_lose_maps_is_refused(channels_out, stride):
    with pytest.raises(ModelError, match="it only adds maps, and its stride is at least 1"):
        PadShortcut(3, channels_out, stride)


@pytest.mark.parametrize(
    "layer",
    [Maxout(2), PadShortcut(4, 6, stride=2), OriginalDropout(0.3).eval()],
    ids=lambda layer: type(layer).__name__,
)
def test_the_gradient_is_that_of_the_formula(layer):
    assert torch.autograd.gradcheck(layer, torch.randn(2, 4, 3, 3, dtype=torch.float64, requires_grad=True))
