"""Every network that convscope builds, in one dictionary that you can see."""

from typing import Any

from torch import nn

from convscope.errors import ModelError, UnknownModel
from convscope.layers.summary import Summary
from convscope.models import (
    alexnet,
    allcnn,
    course_cnn,
    googlenet,
    lenet,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    nin,
    own,
    resnet,
    vgg,
    zfnet,
)
from convscope.models.network import Network
from convscope.models.pretrained import timm_networks

NETWORKS: dict[str, Network] = {
    **lenet.NETWORKS, **course_cnn.NETWORKS, **alexnet.NETWORKS, **zfnet.NETWORKS, **nin.NETWORKS, **vgg.NETWORKS,
    **googlenet.NETWORKS, **resnet.NETWORKS, **mobilenet_v1.NETWORKS, **mobilenet_v2.NETWORKS, **mobilenet_v3.NETWORKS,
    **allcnn.NETWORKS,
}  # fmt: skip


def find(name: str) -> Network:
    """The row of that name: one of the zoo, a network of your own (a YAML file), or `timm:` and a name of timm's.

    Raises:
        UnknownModel: there is none; the message offers the nearest.
        ModelError: a YAML file that describes no network.

    Example:
        >>> find("lenet5").parameters
        60000
    """
    if name.endswith(own.SUFFIXES):
        return own.row(own.load(name))
    if name.startswith(timm_networks.PREFIX):
        return timm_networks.row(name)
    if name not in NETWORKS:
        raise UnknownModel(name, sorted(NETWORKS))
    return NETWORKS[name]


def build(
    name: str, classes: int, channels: int | None = None, size: int | None = None, *, as_printed: bool = False
) -> nn.Module:
    """A fresh network with halves `features` and `classifier`, raw scores out.

    Args:
        name: from `convscope models`.
        classes: outputs.
        channels: of the input, 1 or 3; None takes the paper's.
        size: side of the input in pixels; None takes the paper's.
        as_printed: the first values that the paper prints, where ours are others that let deep networks learn.

    Raises:
        UnknownModel: no network has that name.
        ModelError: it cannot be built at that size.

    Example:
        >>> import torch
        >>> build("lenet5_modern", classes=10)(torch.zeros(1, 1, 28, 28)).shape
        torch.Size([1, 10])
    """
    row = find(name)
    if classes < 1:
        raise ModelError(f"{name} with {classes} classes: needs at least 1")
    network = row.build(classes, channels or row.channels, size or row.sizes[0])
    if as_printed and row.initialise:
        row.initialise(network)
    return network


def describe(name: str, classes: int | None = None, channels: int | None = None, size: int | None = None) -> Summary:
    """A network's layers, worked out without computing: at the paper's own head and input unless told otherwise.

    Args:
        name: from `convscope models`.
        classes: outputs; None takes the paper's.
        channels: of the input, 1 or 3; None takes the paper's.
        size: side of the input in pixels; None takes the paper's.

    Raises:
        UnknownModel: no network has that name.
        ModelError: it cannot be built at that size.

    Example:
        >>> describe("lenet5").parameters
        60000
    """
    title = own.load(name).name if name.endswith(own.SUFFIXES) else name
    return find(name).describe(title, classes, channels, size)


def receptive_field(summary: Summary) -> int | None:
    """Pixels that one cell of the map which `features` returns sees along one axis.

    >>> receptive_field(describe("lenet5_modern"))
    16
    """
    fields = [stage.field for stage in summary.stages if stage.name == "features"]
    return fields[0].size if fields and fields[0] else None


def stored(name: str, definition: dict[str, Any] | None = None) -> Network:
    """The row of a network that a model file or a recipe holds; no other file is opened for it.

    Args:
        name: what it is called.
        definition: of a network of your own, whole; None for one of the zoo or of timm's.

    Raises:
        UnknownModel: there is none.
        ModelError: a definition that cannot be, or a file's name in its place.

    Example:
        >>> stored("tiny", {"name": "tiny", "input": [1, 28, 28], "layers": ["flatten"]}).parameters
        7850
    """
    if definition is not None:
        return own.row(own.parse(definition, name))
    if name.endswith(own.SUFFIXES):
        raise ModelError(f"{name}: a network of somebody's own, whose definition is missing")
    return find(name)
