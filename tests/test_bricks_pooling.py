"""Poolings: the 4x4 example of the notes by hand, PyTorch's own, and what is drawn by lot."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from convscope.errors import ModelError
from convscope.layers.fractional import FractionalMaxPool, edges
from convscope.layers.l2pool import RMSPool2d
from convscope.layers.stochastic import StochasticPool2d

NOTES = torch.tensor([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None, None]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.MaxPool2d(2), [6, 8, 3, 4]),
        (nn.AvgPool2d(2), [3.25, 5.25, 2, 2]),
        (nn.LPPool2d(2, 2), [7.937254, 11.532563, 4.242641, 5.099020]),  # the roots of 63, 133, 18 and 26
        (RMSPool2d(2), [3.968627, 5.766281, 2.121320, 2.549510]),
        (nn.MaxPool2d(3, stride=1), [7, 8, 7, 8]),
        (nn.AdaptiveAvgPool2d(1), [3.125]),
        # weights of (1, 1, 5, 6): 63 / 13, and so on
        (StochasticPool2d(2).eval(), [63 / 13, 133 / 21, 18 / 8, 26 / 8]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_the_notes_4x4_map_is_pooled(layer, expected):
    assert layer(NOTES).flatten().tolist() == pytest.approx(expected, abs=1e-6)


def test_two_by_two_keeps_a_quarter_of_the_values():
    assert nn.MaxPool2d(2)(NOTES).numel() / NOTES.numel() == 0.25


def gradient(layer, x):
    x = x.clone().requires_grad_()
    layer(x).sum().backward()
    return x.grad


def test_max_pooling_has_its_gradient_at_the_largest_alone():
    assert gradient(nn.MaxPool2d(2), NOTES)[0, 0].tolist() == [[0, 0, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 1]]
    assert gradient(nn.MaxPool2d(2), torch.ones(1, 1, 2, 2)).sum() == 1  # a tie: one of them


def test_average_pooling_shares_its_gradient_out():
    assert gradient(nn.AvgPool2d(2), NOTES).unique().tolist() == [0.25]


def test_rms_pooling_is_l2_pooling_without_the_size_of_the_window():
    x = torch.randn(2, 3, 9, 9, dtype=torch.float64)

    torch.testing.assert_close(RMSPool2d(3, 2)(x), nn.LPPool2d(2, 3, 2)(x) / 3)
    torch.testing.assert_close(RMSPool2d(3, 2)(x), nn.AvgPool2d(3, 2)(x.square()).sqrt())


def test_rms_pooling_leaves_a_constant_map_as_it_is():
    assert RMSPool2d(2)(torch.full((1, 1, 4, 4), 7.0)).unique().tolist() == [7.0]


def test_the_gradient_of_rms_pooling_is_zero_where_all_is_zero():
    x = torch.tensor([[0.0, 0, 3, 4], [0, 0, 0, 0]])[None, None]

    # d sqrt((9 + 16) / 4) / dx = x / 4 / 2.5
    assert gradient(RMSPool2d(2), x)[0, 0].flatten().tolist() == pytest.approx([0, 0, 0.3, 0.4, 0, 0, 0, 0])


def test_a_lot_falls_on_a_value_as_often_as_it_is_large():
    window = torch.tensor([[1.0, 2], [0, 5]]).expand(1, 40_000, 2, 2)

    values = StochasticPool2d(2).train()(window).flatten()

    assert values.unique().tolist() == [1, 2, 5]
    for value, share in [(1, 1 / 8), (2, 2 / 8), (5, 5 / 8)]:
        assert (values == value).float().mean().item() == pytest.approx(share, abs=0.01)
    mean = StochasticPool2d(2).eval()(window[:, :1]).item()
    assert mean == (1 + 4 + 25) / 8
    assert values.mean().item() == pytest.approx(mean, abs=0.04)


def test_every_window_draws_its_own_lot():
    values = StochasticPool2d(2).train()(torch.tensor([[1.0, 1], [1, 2]]).repeat(8, 3, 4, 4))

    assert (values == 2).float().mean().item() == pytest.approx(2 / 5, abs=0.1)
    assert len({tuple(one.flatten().tolist()) for one in values}) == 8


def test_the_gradient_of_a_lot_is_at_the_picked_value():
    x = torch.rand(1, 2, 4, 4, requires_grad=True)
    values = StochasticPool2d(2).train()(x)
    values.sum().backward()

    assert x.grad.sum() == values.numel()
    assert sorted(x[x.grad == 1].tolist()) == sorted(values.flatten().tolist())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("window", [[0.0, 0.0, 0.0, 0.0], [-1.0, 0.0, -3.0, -2.0]])
def test_a_window_without_a_positive_value_gives_zero(training, window):
    x = torch.tensor(window).reshape(1, 1, 2, 2)
    layer = StochasticPool2d(2).train(training)

    assert layer(x).item() == 0
    assert gradient(layer, x).tolist() == torch.zeros(1, 1, 2, 2).tolist()


@pytest.mark.parametrize("training", [True, False])
def test_a_negative_value_is_never_picked(training):
    x = torch.tensor([-9.0, 3.0, 0.0, -1.0]).reshape(1, 1, 2, 2).expand(1, 500, 2, 2)

    assert StochasticPool2d(2).train(training)(x).unique().tolist() == [3.0]


def test_windows_by_lot_may_overlap():
    assert StochasticPool2d(3, stride=2).train()(torch.rand(2, 3, 9, 8)).shape == (2, 3, 4, 3)


@pytest.mark.parametrize("brick", [RMSPool2d, StochasticPool2d])
@pytest.mark.parametrize(("kernel", "stride"), [(0, None), (2, 0)])
def test_a_window_needs_a_pixel(brick, kernel, stride):
    with pytest.raises(ModelError, match="both need at least 1"):
        brick(kernel, stride)


def test_the_sequence_of_the_paper():
    # 10 / 7 (i + 1/2) = .71 2.14 3.57 5 6.43 7.86 9.29 10.71, rounded up: 1 3 4 5 7 8 10 11
    assert edges(10, 7, 0.5) == [0, 2, 3, 4, 6, 7, 9, 10]
    # 10 / 7 i = 0 1.43 2.86 4.29 5.71 7.14 8.57 10
    assert edges(10, 7, 0.0) == [0, 2, 3, 5, 6, 8, 9, 10]


@given(st.integers(2, 300), st.data(), st.floats(0, 1, exclude_max=True))
def test_regions_cover_everything_and_differ_by_one_pixel_at_most(size, data, offset):
    regions = data.draw(st.integers(1, size - 1))

    sequence = edges(size, regions, offset)

    assert (sequence[0], sequence[-1], len(sequence)) == (0, size, regions + 1)
    assert {end - start for start, end in pairwise(sequence)} <= {size // regions, -(-size // regions)}


def test_ten_pixels_become_seven():
    x = torch.randn(2, 3, 10, 10)

    assert FractionalMaxPool(0.7)(x).shape == nn.FractionalMaxPool2d(2, output_ratio=0.7)(x).shape == (2, 3, 7, 7)


@pytest.mark.parametrize("size", [25, 32, 33, 94])
@pytest.mark.parametrize("ratio", [0.5, 0.6, 2**-0.5, 0.75])
def test_as_many_pixels_come_out_as_of_pytorchs(size, ratio):
    x = torch.zeros(1, 1, size, size)

    assert FractionalMaxPool(ratio)(x).shape == nn.FractionalMaxPool2d(2, output_ratio=ratio)(x).shape


def by_hand(x, rows, columns, shared):
    """The largest of every region, region by region."""
    return torch.stack([
        torch.stack([x[..., top : bottom + shared, left : right + shared].amax((2, 3)) for left, right in columns], -1)
        for top, bottom in rows
    ], -2)  # fmt: skip


@pytest.mark.parametrize(("overlapping", "length"), [(False, 10), (True, 9)])
def test_every_region_gives_its_largest_value(overlapping, length):
    x = torch.randn(2, 3, 10, 10)
    regions = list(pairwise(edges(length, 7, 0.5)))

    answer = FractionalMaxPool(0.7, overlapping=overlapping).eval()(x)

    assert torch.equal(answer, by_hand(x, regions, regions, int(overlapping)))


def test_in_training_the_regions_are_drawn_for_rows_and_columns():
    layer, x = FractionalMaxPool(0.7).train(), torch.randn(1, 1, 10, 10)

    answers = {tuple(layer(x).flatten().tolist()) for _ in range(40)}
    patterns = {tuple(edges(10, 7, (step + 0.5) / 70)) for step in range(70)}
    possible = {
        tuple(by_hand(x, pairwise(rows), list(pairwise(columns)), 0).flatten().tolist())
        for rows in patterns
        for columns in patterns
    }

    assert len(patterns) == 7
    assert 10 < len(answers) <= len(possible)
    assert answers <= possible


def test_in_evaluation_a_picture_has_one_answer_and_pytorchs_has_many():
    x = torch.randn(1, 1, 10, 10)
    ours, theirs = FractionalMaxPool(0.7).eval(), nn.FractionalMaxPool2d(2, output_ratio=0.7).eval()

    assert all(torch.equal(ours(x), ours(x)) for _ in range(20))
    assert not all(torch.equal(theirs(x), theirs(x)) for _ in range(20))


def test_halving_is_max_pooling():
    x = torch.randn(1, 2, 8, 6)

    assert torch.equal(FractionalMaxPool(0.5).train()(x), functional.max_pool2d(x, 2))


def test_the_gradient_of_fractional_pooling_is_at_one_largest_value():
    assert gradient(FractionalMaxPool(0.7).eval(), torch.ones(1, 1, 10, 10)).sum() == 49


@pytest.mark.parametrize("ratio", [0, 1, 1.5, float("nan")])
def test_a_ratio_shrinks(ratio):
    with pytest.raises(ModelError, match="between 0 and 1"):
        FractionalMaxPool(ratio)


def test_a_map_does_not_shrink_to_nothing():
    with pytest.raises(ModelError, match=r"by 0.7 leaves nothing of 1 pixels"):
        FractionalMaxPool(0.7)(torch.zeros(1, 1, 1, 1))


@pytest.mark.parametrize(
    "layer",
    [
        RMSPool2d(2, 1), StochasticPool2d(2).eval(), FractionalMaxPool(0.7).eval(),
        FractionalMaxPool(0.7, overlapping=True).eval(),
    ],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_the_gradient_is_that_of_the_formula(layer):
    x = torch.rand(2, 2, 5, 5, dtype=torch.float64) + 0.1

    assert torch.autograd.gradcheck(layer, x.requires_grad_())
