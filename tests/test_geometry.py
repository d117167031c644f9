"""Sizes of sliding windows: against tables worked out by hand, and against what PyTorch really makes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from convscope.errors import ModelError
from convscope.layers.geometry import Field, legal_strides, lost_columns, out_size, reach, same_pad


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        (227, 11, 4, 0, 55),  # AlexNet as Caffe runs it
        (224, 11, 4, 2, 55),  # AlexNet as torchvision runs it: 55.25
        (224, 11, 4, 0, 54),  # AlexNet as printed: 54.25, impossible
        (224, 7, 2, 3, 112),
        (32, 5, 1, 0, 28),
        (32, 5, 1, 2, 32),
        (7, 3, 1, 0, 5),
        (7, 3, 2, 0, 3),
        (28, 5, 1, 2, 28),
        (11, 5, 2, 0, 4),
        (10, 3, 2, 0, 4),  # 4.5
        (5, 3, 1, 1, 5),
        (6, 3, 2, 0, 2),
        (6, 3, 2, (0, 1), 3),
        (3, 3, 5, 0, 1),
    ],
)
def test_a_window_has_so_many_positions(size, kernel, stride, padding, expected):
    assert out_size(size, kernel, stride, padding) == expected


@pytest.mark.parametrize(
    ("size", "floor", "ceiling", "padded"),
    [
        (112, 55, 56, 56), (56, 27, 28, 28), (55, 27, 27, 28), (28, 13, 14, 14),
        (27, 13, 13, 14), (14, 6, 7, 7), (13, 6, 6, 7),
    ],
)  # fmt: skip
def test_pooling_of_three_by_two_rounds_as_its_library_does(size, floor, ceiling, padded):
    assert out_size(size, 3, 2) == floor
    assert out_size(size, 3, 2, ceil_mode=True) == ceiling
    assert out_size(size, 3, 2, padding=1) == padded


def test_rounding_up_starts_no_window_behind_the_last_pixel():
    assert out_size(2, 1, 4, ceil_mode=True) == 1  # ceil(1 / 4) + 1 = 2, but the second would start at 4


@pytest.mark.parametrize(("kernel", "dilation", "expected"), [(3, 1, 3), (3, 2, 5), (1, 9, 1), (5, 3, 13)])
def test_a_dilated_kernel_reaches_farther(kernel, dilation, expected):
    assert reach(kernel, dilation) == expected


# size, kernel, stride, dilation; SAME: positions, (before, after); PyTorch with padding kernel // 2: positions,
# columns never read; VALID: positions, columns lost
SAME = [
    (5, 3, 1, 1, 5, (1, 1), 5, 0, 3, 0),
    (5, 3, 2, 1, 3, (1, 1), 3, 0, 2, 0),
    (6, 3, 1, 1, 6, (1, 1), 6, 0, 4, 0),
    (6, 3, 2, 1, 3, (0, 1), 3, 1, 2, 1),
    (7, 3, 2, 1, 4, (1, 1), 4, 0, 3, 0),
    (6, 2, 1, 1, 6, (0, 1), 7, 0, 5, 0),
    (6, 2, 2, 1, 3, (0, 0), 4, 0, 3, 0),
    (7, 2, 2, 1, 4, (0, 1), 4, 1, 3, 1),
    (28, 3, 2, 1, 14, (0, 1), 14, 1, 13, 1),
    (28, 5, 1, 1, 28, (2, 2), 28, 0, 24, 0),
    (224, 3, 2, 1, 112, (0, 1), 112, 1, 111, 1),
    (225, 3, 2, 1, 113, (1, 1), 113, 0, 112, 0),
    (224, 7, 2, 1, 112, (2, 3), 112, 1, 109, 1),
    (224, 11, 4, 1, 56, (3, 4), 56, 3, 54, 1),
    (227, 11, 4, 1, 57, (4, 4), 57, 2, 55, 0),
    (10, 5, 3, 1, 4, (2, 2), 4, 0, 2, 2),
    (5, 4, 1, 1, 5, (1, 2), 6, 0, 2, 0),
    (8, 1, 2, 1, 4, (0, 0), 4, 1, 4, 1),
    (7, 3, 1, 2, 7, (2, 2), None, None, 3, 0),
    (32, 3, 2, 2, 16, (1, 2), None, None, 14, 1),
]


@pytest.mark.parametrize("row", SAME, ids=lambda row: "-".join(map(str, row[:4])))
def test_same_padding_is_tensorflows(row):
    size, kernel, stride, dilation, out, pads = row[:6]

    assert same_pad(size, kernel, stride, dilation) == pads
    assert out_size(size, kernel, stride, pads, dilation) == out


@pytest.mark.parametrize("row", SAME, ids=lambda row: "-".join(map(str, row[:4])))
def test_without_same_padding_columns_are_lost(row):
    size, kernel, stride, dilation, *_, symmetric, unread, valid, lost = row

    assert out_size(size, kernel, stride, dilation=dilation) == valid
    assert lost_columns(size, kernel, stride, dilation=dilation) == lost
    if symmetric is not None:
        assert out_size(size, kernel, stride, kernel // 2) == symmetric
        assert lost_columns(size, kernel, stride, kernel // 2) == unread


@pytest.mark.parametrize(
    ("pads", "expected"),
    [
        ((0, 1), [63, 81, 63, 171, 189, 135, 168, 180, 126]),  # TensorFlow's SAME: bottom and right
        ((1, 0), [14, 30, 42, 75, 126, 144, 147, 234, 252]),  # PyTorch's padding=1, whose last row is never read
        ((0, 0), [63, 81, 171, 189]),
    ],
)
def test_the_side_of_the_padding_changes_the_values(pads, expected):
    picture = torch.arange(36.0).reshape(1, 1, 6, 6)

    padded = functional.pad(picture, (*pads, *pads))
    answer = functional.conv2d(padded, torch.ones(1, 1, 3, 3), stride=2)

    assert answer.flatten().tolist() == expected
    assert answer.shape[-1] == out_size(6, 3, 2, pads)


@pytest.mark.parametrize(
    ("size", "kernel", "padding", "expected"),
    [
        (7, 3, 0, [1, 2, 4]),
        (7, 3, 1, [1, 2, 3, 6]),
        (10, 3, 0, [1, 7]),  # not 2: 4.5, the invalid example of cs231n
        (32, 5, 0, [1, 3, 9, 27]),
        (227, 11, 0, [1, 2, 3, 4, 6, 8, 9, 12, 18, 24, 27, 36, 54, 72, 108, 216]),
        (224, 11, 0, [1, 3, 71, 213]),
        (224, 11, 2, [1, 7, 31, 217]),
        (224, 7, 3, [1, 223]),  # the stem of ResNet, which strides by 2, loses a padded column
        (3, 3, 0, [1]),
    ],
)
def test_legal_strides_divide_what_is_left_of_the_window(size, kernel, padding, expected):
    assert legal_strides(size, kernel, padding) == expected


def test_at_a_legal_stride_nothing_is_lost():
    assert all(lost_columns(227, 11, stride) == 0 for stride in legal_strides(227, 11))
    assert lost_columns(224, 11, 4) == 1
    assert lost_columns(6, 3, 2) == 1


@pytest.mark.parametrize("call", [out_size, legal_strides, lambda size, kernel: lost_columns(size, kernel, 2)])
def test_a_window_that_does_not_fit_is_refused(call):
    with pytest.raises(ModelError, match=r"a window of 5 pixels does not fit into 4 with 0 \+ 0 of padding"):
        call(4, 5)


def test_a_dilated_window_that_does_not_fit_is_refused():
    with pytest.raises(ModelError, match="a window of 5 pixels does not fit into 2"):
        out_size(2, 3, padding=(1, 0), dilation=2)


def test_padding_may_make_a_window_fit():
    assert out_size(3, 5, padding=1) == 1


timeless = settings(deadline=None)  # a first convolution loads libraries

SIDES, KERNELS, STRIDES, SMALL = st.integers(1, 40), st.integers(1, 11), st.integers(1, 6), st.integers(1, 3)


@timeless
@given(SIDES, KERNELS, STRIDES, st.integers(0, 4), SMALL)
def test_convolutions_of_pytorch_have_that_size(size, kernel, stride, padding, dilation):
    picture, weight = torch.zeros(1, 1, 1, size), torch.zeros(1, 1, 1, kernel)
    try:
        answer = functional.conv2d(picture, weight, None, (1, stride), (0, padding), (1, dilation)).shape[-1]
    except RuntimeError:
        answer = None  # the window does not fit

    if answer is None:
        with pytest.raises(ModelError, match="does not fit"):
            out_size(size, kernel, stride, padding, dilation)
    else:
        assert out_size(size, kernel, stride, padding, dilation) == answer


@timeless
@given(SIDES, KERNELS, STRIDES, SMALL, st.booleans(), st.data())
def test_poolings_of_pytorch_have_that_size(size, kernel, stride, dilation, ceil_mode, data):
    padding = data.draw(st.integers(0, kernel // 2))
    if size + 2 * padding < reach(kernel, dilation):
        return
    picture = torch.zeros(1, 1, size)

    answer = functional.max_pool1d(picture, kernel, stride, padding, dilation, ceil_mode).shape[-1]

    assert out_size(size, kernel, stride, padding, dilation, ceil_mode=ceil_mode) == answer


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@timeless
@given(SIDES, KERNELS, SMALL)
def test_same_padding_without_a_stride_is_pytorchs(size, kernel, dilation):
    before, after = same_pad(size, kernel, 1, dilation)
    picture, weight = torch.arange(float(size))[None, None], torch.arange(1.0, kernel + 1)[None, None]

    ours = functional.conv1d(functional.pad(picture, (before, after)), weight, dilation=dilation)

    torch.testing.assert_close(ours, functional.conv1d(picture, weight, padding="same", dilation=dilation))


@timeless
@given(SIDES, KERNELS, STRIDES, SMALL)
def test_same_padding_gives_one_output_for_each_stride(size, kernel, stride, dilation):
    pads = same_pad(size, kernel, stride, dilation)

    assert out_size(size, kernel, stride, pads, dilation) == -(-size // stride)
    assert 0 <= pads[1] - pads[0] <= 1


def fields(*layers):
    """Receptive field after each (kernel, stride)."""
    field, sizes = Field(), []
    for kernel, stride in layers:
        field = field.then(kernel, stride)
        sizes.append(field.size)
    return sizes


THREE, TWICE, HALVE = (3, 1), (3, 2), (2, 2)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([THREE] * 3, [3, 5, 7], id="3x3"),
        pytest.param([TWICE] * 3, [3, 7, 15], id="3x3/2"),
        pytest.param([(5, 1), HALVE, (5, 1), HALVE, (5, 1)], [5, 6, 14, 16, 32], id="lenet5"),
        pytest.param(
            [(11, 4), TWICE, (5, 1), TWICE, THREE, THREE, THREE, TWICE], [11, 19, 51, 67, 99, 131, 163, 195],
            id="alexnet",
        ),
        pytest.param(
            [(7, 2), TWICE, (5, 2), TWICE, THREE, THREE, THREE, TWICE], [7, 11, 27, 43, 75, 107, 139, 171],
            id="zfnet",
        ),
    ],
)  # fmt: skip
def test_receptive_fields_grow_as_published(layers, expected):
    assert fields(*layers) == expected


@pytest.mark.parametrize(
    ("stages", "expected"),
    [((1, 1, 2, 2, 2), 150), ((2, 2, 2, 2, 2), 156), ((2, 2, 3, 3, 3), 212), ((2, 2, 4, 4, 4), 268)],
    ids=["vgg11", "vgg13", "vgg16", "vgg19"],
)
def test_the_fields_of_vgg_are_those_published(stages, expected):
    layers = [layer for depth in stages for layer in [THREE] * depth + [HALVE]]

    assert fields(*layers)[-1] == expected


def test_what_the_first_hidden_unit_of_vgg16_sees():
    layers = [layer for depth in (2, 2, 3, 3, 3) for layer in [THREE] * depth + [HALVE]]

    assert fields(*layers, (7, 1))[-1] == 404


def test_jumps_multiply_in_lenet5():
    field, jumps = Field(), []
    for kernel, stride in [(5, 1), (2, 2), (5, 1), (2, 2), (5, 1)]:
        field = field.then(kernel, stride)
        jumps.append(field.jump)

    assert jumps == [1, 2, 2, 4, 4]


def test_the_centre_moves_by_half_a_window_less_the_padding():
    assert Field().then(3, before=1).centre == 0  # the first cell sits on the first pixel
    assert Field().then(7, 2, before=3).then(3, 2, before=1).centre == 0
    assert Field().then(2, 2).then(2, 2).centre == 1.5  # the middle of pixels 0 to 3
    assert Field().then(3, dilation=2).centre == 2


def test_dilation_widens_the_field():
    assert Field().then(3, dilation=2) == Field().then(5)
