"""SAME padding, local response normalisation and first values: by hand, from the papers, and against PyTorch."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from convscope.errors import ModelError
from convscope.layers.geometry import out_size, same_pad
from convscope.layers.initialise import gaussian, he, lecun_1998_uniform
from convscope.layers.lrn import LocalResponseNorm
from convscope.layers.same import SameAvgPool2d, SameConv2d, SameMaxPool2d
from convscope.layers.sparse import SparseConv2d
from convscope.layers.subsample import Subsample
from convscope.layers.summary import summarise
from convscope.layers.window import Window, side_after, window
from convscope.models import zoo

SIX = torch.arange(36.0).reshape(1, 1, 6, 6)


def ones(layer):
    nn.init.ones_(layer.weight)
    return layer


def test_same_at_stride_two_pads_below_and_to_the_right():
    conv = ones(SameConv2d(1, 1, 3, stride=2, bias=False))

    assert conv(SIX).flatten().tolist() == [63, 81, 63, 171, 189, 135, 168, 180, 126]


def test_the_notes_padding_above_and_to_the_left_is_pytorchs_and_differs():
    conv = ones(nn.Conv2d(1, 1, 3, stride=2, bias=False))
    notes = conv(functional.pad(SIX, (1, 0, 1, 0)))

    assert notes.flatten().tolist() == [14, 30, 42, 75, 126, 144, 147, 234, 252]
    assert torch.equal(notes, ones(nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False))(SIX))
    assert conv(SIX).flatten().tolist() == [63, 81, 171, 189]  # valid


def test_on_an_odd_input_same_is_pytorchs_padding_of_one():
    x = torch.arange(49.0).reshape(1, 1, 7, 7)
    same = ones(SameConv2d(1, 1, 3, stride=2, bias=False))

    assert torch.equal(same(x), ones(nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False))(x))


# W, F, S, D: (out, before, after), from the sheet
SAME = {
    (5, 3, 1, 1): (5, 1, 1), (5, 3, 2, 1): (3, 1, 1), (6, 3, 1, 1): (6, 1, 1), (6, 3, 2, 1): (3, 0, 1),
    (7, 3, 2, 1): (4, 1, 1), (6, 2, 1, 1): (6, 0, 1), (6, 2, 2, 1): (3, 0, 0), (7, 2, 2, 1): (4, 0, 1),
    (28, 3, 2, 1): (14, 0, 1), (28, 5, 1, 1): (28, 2, 2), (224, 3, 2, 1): (112, 0, 1), (225, 3, 2, 1): (113, 1, 1),
    (224, 7, 2, 1): (112, 2, 3), (224, 11, 4, 1): (56, 3, 4), (227, 11, 4, 1): (57, 4, 4), (10, 5, 3, 1): (4, 2, 2),
    (5, 4, 1, 1): (5, 1, 2), (8, 1, 2, 1): (4, 0, 0), (7, 3, 1, 2): (7, 2, 2), (32, 3, 2, 2): (16, 1, 2),
}  # fmt: skip


@pytest.mark.parametrize(("size", "kernel", "stride", "dilation"), SAME)
def test_the_layer_and_its_row_pad_as_the_sheet_says(size, kernel, stride, dilation):
    out, before, after = SAME[size, kernel, stride, dilation]
    layer = SameConv2d(1, 1, kernel, stride, dilation=dilation)
    row = summarise(nn.Sequential(layer), (1, size, size)).layers[0]

    assert same_pad(size, kernel, stride, dilation) == (before, after)
    assert (row.shape, row.padding) == ((1, out, out), (before, after, before, after))


def test_a_corner_of_same_average_pooling_is_the_mean_of_real_pixels():
    corner = SameAvgPool2d(3, 1)(torch.tensor([[[[1.0, 2, 9], [3, 4, 9], [9, 9, 9]]]]))[0, 0, 0, 0]

    assert corner.item() == (1 + 2 + 3 + 4) / 4  # 10 / 9 if padded zeros counted


def test_padded_cells_never_win_same_maximum_pooling():
    assert SameMaxPool2d(3, 2)(-SIX - 1).flatten().tolist() == [-1, -3, -5, -13, -15, -17, -25, -27, -29]


def test_same_pooling_without_an_odd_pixel_is_pytorchs():
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    assert torch.equal(SameMaxPool2d(2)(x), functional.max_pool2d(x, 2))
    torch.testing.assert_close(SameAvgPool2d(2)(x), functional.avg_pool2d(x, 2))


@pytest.mark.parametrize(
    ("layer", "slid"),
    [
        (nn.Conv2d(1, 1, (3, 1), (2, 1), (1, 0)), Window((3, 1), (2, 1), (1, 1, 0, 0))),
        (nn.MaxPool2d(3, 2, ceil_mode=True), Window((3, 3), (2, 2), ceil_mode=True)),
        (nn.AdaptiveAvgPool2d(7), Window((1, 1))),  # a map that has the size already
        (nn.AdaptiveAvgPool2d(1), None),
        (SameMaxPool2d(3, 2), Window((3, 3), (2, 2), (1, 1, 1, 1))),
        (nn.ReLU(), None),
    ],
)
def test_a_layers_window_is_read_off_it(layer, slid):
    assert window(layer, (7, 7)) == slid


@pytest.mark.parametrize(
    ("layer", "size", "slid"),
    [
        (nn.LPPool2d(2, 2), 8, Window((2, 2), (2, 2))),
        (nn.Conv2d(1, 1, 3, padding="same"), 8, Window((3, 3), (1, 1), (1, 1, 1, 1))),
        (nn.Conv2d(1, 1, 4, padding="same"), 8, Window((4, 4), (1, 1), (1, 2, 1, 2))),
        (nn.Conv2d(1, 1, 3, padding="valid"), 8, Window((3, 3))),
        (nn.ConvTranspose2d(1, 1, 3, stride=2), 8, None),
    ],
)
def test_the_less_usual_windows_are_read_off_too(layer, size, slid):
    assert window(layer, (size, size)) == slid


@pytest.mark.parametrize(
    ("layer", "size", "formula", "lost"),
    [
        (nn.MaxPool2d(2, 2, padding=1, ceil_mode=True), 3, "⌈(3 − 2 + 2·1)/2 + 1⌉ − 1 = 2", 1),  # 2.5, and one left out
        (nn.MaxPool2d(1, 4, ceil_mode=True), 6, "⌈(6 − 1 + 2·0)/4 + 1⌉ − 1 = 2", 1),
        (nn.MaxPool2d(3, 2, ceil_mode=True), 112, "⌈(112 − 3 + 2·0)/2 + 1⌉ = 56", 0),
    ],
)
def test_a_last_window_behind_the_picture_is_left_out(layer, size, formula, lost):
    row = summarise(nn.Sequential(layer), (1, size, size)).layers[0]

    assert row.shape == (1, *layer(torch.zeros(1, 1, size, size)).shape[2:])
    assert (row.formula, row.lost) == (formula, (lost, lost))


def test_same_maximum_pooling_obeys_its_dilation():
    assert SameMaxPool2d(3, 1, dilation=2)(torch.arange(49.0).reshape(1, 1, 7, 7)).shape == (1, 1, 7, 7)


def test_rows_and_columns_that_no_window_reaches_are_counted_apart():
    assert Window((3, 3), (2, 2)).lost((6, 7)) == (1, 0)
    assert Window((11, 11), (4, 4)).lost((227, 224)) == (0, 1)
    assert Window((3, 3), (2, 2), ceil_mode=True).lost((6, 6)) == (0, 0)


def test_a_chain_that_shrinks_to_nothing_is_told_with_the_sizes():
    chain = nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2), nn.MaxPool2d(2))

    assert side_after(chain, 8) == 1
    with pytest.raises(ModelError, match=r"^this cannot take a picture of 4 pixels: .*does not fit into 1"):
        side_after(chain, 4, "this")


PAPERS = [0.59429158, 1.18787101, 1.78014039, 2.37041856, 2.95805523, 3.54241152, 4.13527149, 4.73042177]
TORCHS = [0.59454113, 1.18893961, 1.78307520, 2.37681006, 2.97001116, 3.56254592, 4.15680146, 4.75151963]
EIGHT = torch.arange(1.0, 9.0, dtype=torch.float64).reshape(1, 8, 1, 1)


def test_lrn_gives_the_papers_numbers_and_not_pytorchs():
    torch.testing.assert_close(LocalResponseNorm()(EIGHT).flatten().tolist(), PAPERS, rtol=1e-7, atol=0)
    torch.testing.assert_close(
        nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)(EIGHT).flatten().tolist(), TORCHS, rtol=1e-7, atol=0
    )


def test_lrn_is_pytorchs_with_alpha_times_size():
    x = torch.randn(2, 9, 4, 4, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(LocalResponseNorm(5, alpha=1e-4)(x), nn.LocalResponseNorm(5, alpha=5e-4, k=2.0)(x))


def test_lrn_of_silence_divides_by_two_to_the_three_quarters():
    tiny = torch.full((1, 8, 1, 1), 1e-6, dtype=torch.float64)

    torch.testing.assert_close(LocalResponseNorm()(tiny) / tiny, torch.full_like(tiny, 2**-0.75))
    assert round(2**-0.75, 7) == 0.5946036


@pytest.mark.parametrize("size", [0, 2, 4])
def test_lrn_without_a_centre_is_refused(size):
    with pytest.raises(ModelError, match="odd size"):
        LocalResponseNorm(size)


def spread(layer, start):
    torch.manual_seed(0)
    start(layer)
    return layer.weight.std().item()


def test_first_values_have_the_spread_that_their_paper_says():
    assert spread(nn.Conv2d(64, 64, 3), he) == pytest.approx(0.0589256, rel=0.02)  # sqrt(2 / 576)
    assert spread(nn.Conv2d(256, 256, 3), he) == pytest.approx(0.0294628, rel=0.02)
    assert spread(nn.Linear(400, 400), partial(gaussian, spread=0.01)) == pytest.approx(0.01, rel=0.02)
    assert spread(nn.Linear(240, 400), lecun_1998_uniform) == pytest.approx(0.01 / 3**0.5, rel=0.02)  # ±2.4 / 240
    assert nn.Conv2d(3, 64, 3).weight.abs().max().item() == pytest.approx(27**-0.5, rel=0.01)  # PyTorch's own: 0.19245


def test_lenets_first_values_count_the_inputs_of_each_unit():
    network = nn.Sequential(SparseConv2d(6, [(0,), (0, 1, 2, 3)], 5), Subsample(2))
    lecun_1998_uniform(network)

    assert network[0].weight[0].abs().max() <= 2.4 / 25
    assert network[0].weight[1:].abs().max() <= 2.4 / 100
    assert network[1].weight.abs().max() <= 2.4 / 4
    assert not network[0].bias.any()


def test_alexnets_paper_opens_the_relus_of_five_layers():
    network = zoo.build("alexnet", 10, size=67, as_printed=True)

    biases = {name: layer.bias.unique().tolist() for name, layer in network.named_modules() if hasattr(layer, "bias")}
    assert [name.split(".")[1] for name, values in biases.items() if values == [1.0]] == [
        "conv2", "conv4", "conv5", "fc6", "fc7",
    ]  # fmt: skip
    assert network.classifier.fc6.weight.std().item() == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("name", ["vgg11", "resnet18", "googlenet_tv", "mobilenet_v2", "mobilenet_v3_small", "alexnet"])
def test_a_fresh_network_is_as_wrong_as_guessing(name):
    torch.manual_seed(0)
    network = zoo.build(name, 10, size=32).train()
    pictures, labels = torch.randn(16, 3, 32, 32), torch.arange(16) % 10
    with torch.no_grad():
        scores = network(pictures)
    loss = functional.cross_entropy(scores[0] if isinstance(scores, tuple) else scores, labels)

    assert loss.item() == pytest.approx(2.302585, abs=0.25)  # ln 10


def test_v1_and_v1_5_differ_in_where_a_bottleneck_halves_its_map():
    strides = {
        name: [row.stride[0] for row in zoo.describe(name).layers if "stage2.block1.body.conv" in row.name]
        for name in ("resnet50", "resnet50_v1")
    }

    assert strides == {"resnet50": [1, 2, 1], "resnet50_v1": [2, 1, 1]}


def test_pooling_sizes_are_the_sheets():
    sizes = {
        112: (55, 56, 56), 56: (27, 28, 28), 55: (27, 27, 28), 28: (13, 14, 14), 27: (13, 13, 14), 14: (6, 7, 7),
        13: (6, 6, 7),
    }  # fmt: skip
    for size, (floor, ceiling, padded) in sizes.items():
        assert out_size(size, 3, 2) == floor
        assert out_size(size, 3, 2, ceil_mode=True) == ceiling
        assert out_size(size, 3, 2, padding=1) == padded
