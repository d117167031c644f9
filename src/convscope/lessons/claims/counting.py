"""Counting on the networks themselves: what the claims about them ask."""

from functools import cache

from convscope.layers.summary import Layer, Summary
from convscope.models import zoo

ALEXNETS = ("alexnet", "alexnet_owt")
VGGS = (
    "vgg11", "vgg11_lrn", "vgg13", "vgg16c", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
)  # fmt: skip
RESNETS = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet50_v1", "resnet101_v1", "resnet152_v1",
)  # fmt: skip
CIFAR_RESNETS = tuple(f"resnet{depth}_cifar" for depth in (20, 32, 44, 56, 110))
MOBILENETS = tuple(
    name + padding
    for name in (
        "mobilenet_v1", "mobilenet_v1_075", "mobilenet_v1_050", "mobilenet_v1_025",
        "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small",
    )
    for padding in ("", "_same")
)  # fmt: skip

# How a sentence calls them.
TITLES = {
    "zfnet": "ZFNet", "nin": "Network in Network", "googlenet": "GoogLeNet", "resnet18": "ResNet-18",
    "resnet50": "ResNet-50", "resnet152": "ResNet-152", "mobilenet_v1": "MobileNet v1", "mobilenet_v2": "MobileNet v2",
}  # fmt: skip


@cache
def figures(name: str) -> Summary:
    """The layers of a network at its paper's own input and head."""
    return zoo.describe(name)


def convolutions(name: str) -> list[Layer]:
    """Its convolutions, in the order they run: what has a window and weights in four dimensions, and no pooling."""
    return [layer for layer in figures(name).layers if "Conv" in layer.kind]


def dense(name: str) -> list[Layer]:
    """Its fully connected layers."""
    return [layer for layer in figures(name).layers if layer.kind == "Linear"]


def poolings(name: str) -> list[Layer]:
    """Its layers that pool, the global ones too."""
    return [layer for layer in figures(name).layers if "Pool" in layer.kind]


def count(name: str, kind: str) -> int:
    """How many layers of one class it has."""
    return sum(layer.kind == kind for layer in figures(name).layers)


def sides(layers: list[Layer]) -> list[int]:
    """Sides of their windows, each once, in the order they come.

    >>> sides(convolutions("lenet5_modern"))
    [5]
    """
    return list(dict.fromkeys(layer.kernel[0] for layer in layers if layer.kernel))


def striding(layers: list[Layer]) -> list[Layer]:
    """Those that move by more than one pixel."""
    return [layer for layer in layers if layer.stride and max(layer.stride) > 1]
