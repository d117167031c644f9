"""A summary says of each layer what the layer really does."""

import pytest
import torch
from torch import nn

from convscope.errors import ModelError
from convscope.layers.summary import summarise


def row(layer, side=112, channels=1):
    return summarise(nn.Sequential(layer), (channels, side, side)).layers[0]


@pytest.mark.parametrize(
    ("layer", "side", "formula"),
    [
        (nn.Conv2d(1, 6, 5), 28, "(28 − 5 + 2·0)/1 + 1 = 24"),
        (nn.Conv2d(1, 6, 11, stride=4, padding=2), 224, "⌊(224 − 11 + 2·2)/4 + 1⌋ = 55"),
        (nn.Conv2d(1, 6, 3, dilation=2), 7, "(7 − 5 + 2·0)/1 + 1 = 3"),
        (nn.MaxPool2d(3, 2), 112, "⌊(112 − 3 + 2·0)/2 + 1⌋ = 55"),
        (nn.MaxPool2d(3, 2, ceil_mode=True), 112, "⌈(112 − 3 + 2·0)/2 + 1⌉ = 56"),
        (nn.MaxPool2d(3, 2, ceil_mode=True), 55, "(55 − 3 + 2·0)/2 + 1 = 27"),
        (nn.AvgPool2d(2), 4, "(4 − 2 + 2·0)/2 + 1 = 2"),
        (nn.ReLU(), 4, ""),
    ],
)
def test_the_formula_gives_the_size_that_comes_out(layer, side, formula):
    assert row(layer, side).formula == formula


def test_a_row_holds_window_and_cost():
    layer = row(nn.Conv2d(3, 8, 3, stride=2, padding=(1, 0)), side=9, channels=3)

    assert (layer.kernel, layer.stride, layer.padding) == ((3, 3), (2, 2), (1, 1, 0, 0))
    assert (layer.kind, layer.shape) == ("Conv2d", (8, 5, 4))
    assert (layer.parameters, layer.macs) == (8 * 28, 8 * 27 * 5 * 4)


def test_the_field_passes_through_what_looks_at_one_pixel_only():
    chain = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.GELU(), nn.Dropout(), nn.Conv2d(2, 2, 3, dilation=2)
    )

    assert [layer.receptive_field for layer in summarise(chain, (1, 9, 9)).layers] == [3, 3, 3, 3, 7]


@pytest.mark.parametrize("whole", [nn.Flatten(), nn.AdaptiveAvgPool2d(1)])
def test_the_field_ends_where_everything_is_seen(whole):
    assert row(whole, side=6).receptive_field is None


def test_sums_and_keys_are_those_that_the_command_prints():
    content = summarise(nn.Sequential(nn.Conv2d(1, 6, 5), nn.Flatten(), nn.Linear(6, 2)), (1, 5, 5), "tiny").to_dict()

    assert content.keys() == {"name", "input", "parameters", "macs", "activation_bytes", "layers"}
    assert content["layers"][0].keys() == {
        "name", "kind", "shape", "kernel", "stride", "padding", "parameters", "macs", "receptive_field", "formula",
        "lost", "activation_bytes", "jump",
    }  # fmt: skip
    assert (content["name"], content["parameters"], content["macs"]) == ("tiny", 156 + 14, 150 + 12)


def test_summing_up_leaves_every_layer_in_its_mode():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(), nn.Flatten()).train()
    network[0].eval()  # frozen statistics

    summarise(network, (1, 4, 4))

    assert [layer.training for layer in network.modules()] == [True, False, True, True]
    assert not network[0].running_mean.any()


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_picture_that_does_not_fit_is_one_clear_error_and_changes_nothing(device):
    network = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Dropout()).to(torch.device(device)).train()

    with pytest.raises(ModelError, match=r"^tiny cannot take a picture of 1x3x3 \(.*\)$"):
        summarise(network, (1, 3, 3), "tiny")

    assert all(layer.training for layer in network.modules())
