"""Receptive fields: what the gradient says, on a copy with one channel, against what the summary prints."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from convscope.layers.activations import ScaledTanh
from convscope.layers.lrn import LocalResponseNorm
from convscope.layers.same import SameConv2d
from convscope.layers.shortcut import PadShortcut
from convscope.layers.sparse import SparseConv2d
from convscope.layers.squeeze import SqueezeExcite
from convscope.layers.subsample import Subsample
from convscope.layers.summary import summarise
from convscope.layers.window import pair
from convscope.models import zoo

TWO_AXES = 600  # up to this many pixels the whole picture is looked at, above one axis
PASSED = (
    nn.ReLU, nn.ReLU6, nn.Hardswish, ScaledTanh, nn.BatchNorm2d, nn.Dropout, nn.Identity, LocalResponseNorm,
    SqueezeExcite,
)  # fmt: skip


class Averaged(nn.Module):
    """One map of what comes in, by the mean over channels, then a layer of one channel."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.mean(dim=1, keepdim=True))


class Every(nn.Module):
    """The pixels that a shortcut with a stride takes."""

    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[:, :, :: self.stride, :: self.stride]


def stand_in(layer, axes):
    """A layer that hides and cancels nothing: the same window, one channel, equal weights."""

    def narrow(value, one):
        return tuple(pair(value)) if axes == 2 else (pair(value)[0], one)

    if isinstance(layer, PASSED):
        return nn.Identity()
    if isinstance(layer, PadShortcut):
        return Averaged(Every(layer.stride))
    if isinstance(layer, (nn.Conv2d, SparseConv2d)):
        kernel, stride = narrow(layer.kernel_size, 1), narrow(layer.stride, 1)
        kind = SameConv2d if isinstance(layer, SameConv2d) else nn.Conv2d
        conv = kind(1, 1, kernel, stride, narrow(layer.padding, 0), bias=False)
        nn.init.constant_(conv.weight, 1 / conv.weight.numel())
        return Averaged(conv)
    assert isinstance(layer, (nn.MaxPool2d, nn.AvgPool2d, Subsample)), layer
    ceil = getattr(layer, "ceil_mode", False)
    return Averaged(
        nn.AvgPool2d(narrow(layer.kernel_size, 1), narrow(layer.stride, 1), narrow(layer.padding, 0), ceil_mode=ceil)
    )


def one_channel(features, axes):
    """A copy of `features` in which every layer has a stand-in; branches, sums and their order are its own."""
    features = copy.deepcopy(features)

    def replace(part):
        for name, child in list(part.named_children()):
            if isinstance(child, PASSED) or not list(child.children()):
                setattr(part, name, stand_in(child, axes))
            else:
                replace(child)

    replace(features)
    return features.double()


def seen_by_the_middle_cell(features, axes, start):
    """Extent of the gradient of the middle cell of the last map, in pixels, on a picture that cuts nothing off."""
    wide = start
    while True:
        x = torch.zeros(1, 1, wide, wide if axes == 2 else 1, dtype=torch.float64, requires_grad=True)
        maps = features(x)
        maps[0, :, maps.shape[2] // 2, maps.shape[3] // 2].sum().backward()  # branches are channels
        extents = [x.grad[0, 0].sum(dim=1 - axis).nonzero().flatten() for axis in range(axes)]
        if all(extent[0] > 0 and extent[-1] < wide - 1 for extent in extents):
            return {int(extent[-1] - extent[0]) + 1 for extent in extents}
        wide += start


@pytest.mark.parametrize(("name", "size"), [(name, size) for name, row in zoo.NETWORKS.items() for size in row.sizes])
def test_one_cell_of_the_last_map_sees_its_receptive_field(name, size):
    torch.set_num_threads(1)
    field = zoo.receptive_field(zoo.describe(name, size=size))
    axes = 2 if field <= TWO_AXES else 1
    with torch.device("meta"):
        outlined = zoo.build(name, 2, size=size).features
    features = one_channel(outlined.to_empty(device="cpu"), axes)

    assert seen_by_the_middle_cell(features, axes, start=field + 96) == {field}


def test_a_planted_wrong_stride_is_caught():
    with torch.device("meta"):
        outlined = zoo.build("resnet18", 2).features
    features = one_channel(outlined.to_empty(device="cpu"), axes=1)
    features.stage3.block1.body.conv1.layer.stride = (1, 1)
    features.stage3.block1.shortcut.conv.layer.stride = (1, 1)

    assert seen_by_the_middle_cell(features, axes=1, start=531) != {435}


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        ([nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)], 5),  # two 3×3 see as far as one 5×5
        ([nn.Conv2d(1, 1, 3)] * 3, 7),
        ([nn.Conv2d(1, 1, 3, stride=2)] * 2, 7),  # not 5: the notes' "2 strides"
        ([nn.Conv2d(1, 1, 3, stride=2)] * 3, 15),
    ],
)
def test_small_stacks_see_what_the_sheet_says(layers, field):
    stack = nn.Sequential(*(copy.deepcopy(layer) for layer in layers))

    assert summarise(stack, (1, 63, 63)).layers[-1].receptive_field == field


def test_where_branches_meet_the_largest_field_counts():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.near, self.far = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 5, padding=2)

        def forward(self, x):
            return torch.cat([self.near(x), self.far(x)], dim=1) + 1.0

    summary = summarise(nn.Sequential(Two(), nn.Conv2d(4, 1, 3)), (1, 9, 9))

    assert [layer.receptive_field for layer in summary.layers] == [1, 5, 7]
    assert summary.stage("0").field.size == 5


def test_what_sees_the_whole_picture_does_not_hide_the_field_of_the_map():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), SqueezeExcite(4, 2), nn.Conv2d(4, 1, 3))

    assert summarise(network, (1, 9, 9)).layers[-1].receptive_field == 5


class Functional(nn.Module):
    """A network that does its work between layers."""

    def __init__(self, work):
        super().__init__()
        self.first, self.work, self.last = nn.Conv2d(4, 4, 3, padding=1), work, nn.Conv2d(4, 4, 1)

    def forward(self, x):
        return self.last(self.work(self.first(x)))


@pytest.mark.parametrize(
    ("work", "field"),
    [
        (lambda x: x.relu() + 1, 3),
        (lambda x: torch.cat(x.chunk(2, dim=1), dim=1), 3),  # split and joined again
        (lambda x: x * x.mean(dim=(2, 3), keepdim=True), 3),  # a gate that sees everything is left out
        (lambda x: functional.conv2d(x, torch.ones(4, 4, 5, 5), padding=2), None),  # a window that nobody told of
        (lambda x: x + functional.max_pool2d(x, 3, 1, 1), None),  # and it stays unknown where maps meet
        (lambda x: functional.interpolate(functional.avg_pool2d(x, 3), size=x.shape[2:]), None),
    ],
)
def test_what_happens_between_layers_is_followed_or_said_to_be_unknown(work, field):
    assert summarise(nn.Sequential(Functional(work)), (4, 9, 9)).layers[-1].receptive_field == field


def test_a_sum_in_place_sees_what_both_see():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.near, self.far, self.last = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 5, padding=2), nn.ReLU()

        def forward(self, x):
            y = self.near(x)
            y += self.far(x)
            return self.last(y)

    assert summarise(nn.Sequential(Sum()), (1, 9, 9)).layers[-1].receptive_field == 5
