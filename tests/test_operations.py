"""What lessons rely on: the operations of the course notes, worked out by hand, as PyTorch does them.

Nothing here is ours: if a new version of PyTorch computes otherwise, this file says what the lessons must say.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def close(found, expected, tolerance=1e-6):
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)


def slide(x, kernel, **options):
    """Cross-correlation of two matrices."""
    return functional.conv2d(x[None, None], kernel[None, None], **options)[0, 0]


X = torch.arange(1.0, 10, dtype=torch.float64).reshape(3, 3)
KERNEL = double([1, 2], [3, 4])


def test_a_layer_cross_correlates():
    assert slide(X, KERNEL).tolist() == [[37, 47], [67, 77]]


def test_a_convolution_turns_the_kernel_round_first():
    turned = KERNEL.flip(0, 1)

    assert slide(X, turned).tolist() == [[23, 33], [53, 63]]
    assert slide(X, turned, padding=1).tolist() == [[1, 4, 7, 6], [7, 23, 33, 24], [19, 53, 63, 42], [21, 52, 59, 36]]


@pytest.mark.parametrize(("at", "expected"), [((0, 0), 37), ((1, 1), 4), ((-1, -1), 77)])
def test_the_notes_formula_is_a_cross_correlation_read_backwards(at, expected):
    i, j = at
    inside = [(m, n) for m in range(2) for n in range(2) if 0 <= m - i < 3 and 0 <= n - j < 3]

    # sum of x[m - i, n - j] w[m, n]: what a layer gives at (-i, -j)
    assert sum(X[m - i, n - j] * KERNEL[m, n] for m, n in inside) == expected
    assert slide(X, KERNEL, padding=1)[1 - i, 1 - j] == expected


def test_channels_add_up_to_one_number():
    maps = double([[1, 2], [3, 4]], [[0, 1], [1, 0]], [[2, 2], [2, 2]])
    kernels = double([[1, 0], [0, 1]], [[1, 1], [1, 1]], [[0.5, 0.5], [0.5, 0.5]])

    assert (maps * kernels).sum(dim=(1, 2)).tolist() == [5, 2, 4]
    assert functional.conv2d(maps[None], kernels[None], double(1)).item() == 5 + 2 + 4 + 1


def test_convolving_is_multiplying_polynomials():
    # (1 + 2x)(3 + 4x) = 3 + 10x + 8x^2
    found = functional.conv1d(double([1, 2]), double([[4, 3]]), padding=1)

    assert found.tolist() == [[3, 10, 8]]


def test_two_convolutions_without_a_bend_are_one():
    x, first, second = torch.randn(9, 9).double(), torch.randn(3, 3).double(), torch.randn(4, 4).double()

    together = slide(second, first.flip(0, 1), padding=2)  # the full convolution of the two kernels

    assert together.shape == (3 + 4 - 1, 3 + 4 - 1)
    close(slide(slide(x, first), second), slide(x, together), 1e-12)


def test_one_filter_is_shared_by_all_positions():
    layer = nn.Conv2d(3, 96, 11, stride=4)
    positions = layer(torch.zeros(1, 3, 227, 227))[0].numel()

    assert sum(parameter.numel() for parameter in layer.parameters()) == 34_848 + 96
    assert positions * (3 * 11 * 11 + 1) == 105_705_600  # without sharing
    assert functional.unfold(torch.zeros(1, 3, 227, 227), 11, stride=4).shape == (1, 363, 55 * 55)


def test_the_gradients_of_a_convolution_are_convolutions():
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    out = functional.conv2d(x, weight, bias)
    pull = torch.randn_like(out)
    out.backward(pull)

    close(x.grad, functional.conv_transpose2d(pull, weight), 1e-12)
    close(x.grad, functional.conv2d(pull, weight.flip(2, 3).transpose(0, 1), padding=2), 1e-12)  # "full"
    close(weight.grad, functional.conv2d(x.transpose(0, 1), pull.transpose(0, 1)).transpose(0, 1), 1e-12)
    close(bias.grad, pull.sum(dim=(0, 2, 3)), 1e-12)


TOEPLITZ = double(
    [1, 2, 0, 3, 4, 0, 0, 0, 0], [0, 1, 2, 0, 3, 4, 0, 0, 0], [0, 0, 0, 1, 2, 0, 3, 4, 0], [0, 0, 0, 0, 1, 2, 0, 3, 4]
)


def test_a_convolution_is_one_large_matrix():
    ones = torch.ones(1, 1, 2, 2, dtype=torch.float64)
    by_pixel = torch.stack([slide(one.reshape(3, 3), KERNEL).flatten() for one in torch.eye(9).double()], dim=1)

    assert torch.equal(by_pixel, TOEPLITZ)
    assert (TOEPLITZ @ X.flatten()).tolist() == [37, 47, 67, 77]
    assert (TOEPLITZ.T @ ones.flatten()).tolist() == [1, 3, 2, 4, 10, 6, 3, 7, 4]
    assert functional.conv_transpose2d(ones, KERNEL[None, None]).flatten().tolist() == [1, 3, 2, 4, 10, 6, 3, 7, 4]


def test_a_convolution_is_a_row_times_the_patches():
    x, kernel = torch.arange(16.0).reshape(1, 1, 4, 4), torch.arange(1.0, 10)
    patches = functional.unfold(x, 3)

    assert patches.shape == (1, 9, 4)
    assert patches[0, :, 0].tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert (kernel @ patches[0]).tolist() == [303, 348, 483, 528]
    assert slide(x[0, 0], kernel.reshape(3, 3)).flatten().tolist() == [303, 348, 483, 528]


def covered(padding):
    """How many windows of 3x3 see each pixel of 5x5."""
    ones = torch.ones(1, 9, 5 * 5 if padding else 3 * 3)
    return functional.fold(ones, (5, 5), 3, padding=padding)[0, 0]


def test_a_pixel_in_the_middle_is_seen_nine_times_as_often_as_a_corner():
    valid = covered(padding=0)

    assert valid.tolist() == [[1, 2, 3, 2, 1], [2, 4, 6, 4, 2], [3, 6, 9, 6, 3], [2, 4, 6, 4, 2], [1, 2, 3, 2, 1]]
    assert valid.sum() == 9 * 9


def test_padding_does_not_make_it_even():
    same = covered(padding=1)

    assert same.tolist() == [[4, 6, 6, 6, 4], *[[6, 9, 9, 9, 6]] * 3, [4, 6, 6, 6, 4]]
    assert (same.sum(), 25 * 9 - same.sum()) == (169, 56)


def matrix(rows):
    return torch.tensor(rows, dtype=torch.float32)


CURVE = torch.zeros(7, 7)
for place in [(0, 5), (1, 4), (2, 3), (3, 3), (4, 3), (5, 3)]:
    CURVE[place] = 30
LIKE_IT = matrix([
    [0, 0, 0, 0, 0, 0, 30], [0, 0, 0, 0, 50, 50, 50], [0, 0, 0, 20, 50, 0, 0], *[[0, 0, 0, 50, 50, 0, 0]] * 4,
])  # fmt: skip
UNLIKE_IT = matrix([
    [0] * 7, [0, 40, 0, 0, 0, 0, 0], [40, 0, 40, 0, 0, 0, 0], [40, 20, 0, 0, 0, 0, 0], [0, 50, 0, 0, 0, 0, 0],
    [0, 0, 50, 0, 0, 0, 0], [25, 25, 0, 50, 0, 0, 0],
])  # fmt: skip


@pytest.mark.parametrize(("patch", "expected"), [(LIKE_IT, 6600), (UNLIKE_IT, 0)])
def test_a_filter_answers_to_its_pattern(patch, expected):
    assert slide(patch, CURVE).item() == expected


def test_a_brighter_patch_answers_louder_and_is_no_more_alike():
    once, twice = LIKE_IT.flatten(), 2 * LIKE_IT.flatten()

    assert CURVE.flatten() @ twice == 2 * 6600
    close(*(functional.cosine_similarity(CURVE.flatten(), patch, dim=0) for patch in (once, twice)))


@pytest.mark.parametrize(("patch", "expected"), [([[1, 0], [0, 1]], 2), ([[0, 1], [1, 0]], -2), ([[7, 7], [7, 7]], 0)])
def test_the_diagonal_detector_tells_backslash_from_slash(patch, expected):
    assert slide(matrix(patch), matrix([[1, -1], [-1, 1]])).item() == expected


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # said once per process: a padded copy is made
def test_pytorchs_same_puts_the_odd_pixel_last():
    found = functional.conv1d(double([1, 2, 3]), double([[1, 10]]), padding="same")

    assert found.tolist() == [[21, 32, 3]]


def test_pytorch_has_no_same_with_a_stride():
    with pytest.raises(ValueError, match="not supported for strided"):
        nn.Conv2d(1, 1, 3, stride=2, padding="same")
    with pytest.raises(RuntimeError, match="not supported for strided"):
        functional.conv2d(X[None, None], KERNEL[None, None], stride=2, padding="same")


def test_max_pooling_pads_with_less_than_anything():
    x = -torch.ones(1, 1, 4, 4)

    assert functional.max_pool2d(x, 3, padding=1).unique().tolist() == [-1]
    assert functional.max_pool2d(functional.pad(x, (1, 1, 1, 1)), 3)[0, 0, 0, 0] == 0


def test_average_pooling_counts_its_border_unless_told_otherwise():
    x = matrix([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None]

    assert functional.avg_pool2d(x, 3, 1, padding=1)[0, 0, 0].item() == pytest.approx(13 / 9)
    assert functional.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)[0, 0, 0].item() == 13 / 4
