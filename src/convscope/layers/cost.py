"""What a layer costs: each brick registers its own rule under its own class."""

from functools import singledispatch

import torch
from torch import nn


def parameters(network: nn.Module) -> int:
    """Trainable numbers; running statistics and fixed codes are not among them.

    >>> parameters(nn.Linear(84, 10))
    850
    """
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


@singledispatch
def macs(_layer: nn.Module, _out: torch.Size) -> int:
    """Multiply-accumulates that a layer spends on one picture, to make an output of shape `out`.

    One for each use of a weight of a convolution or dense layer, as the papers' tables count. Biases, normalisation,
    pooling (trained or not) and distances to fixed codes cost nothing.

    Args:
        _layer: the brick.
        _out: shape of its output for one picture, (C, H, W) or (J,).

    Example:
        >>> macs(nn.Conv2d(3, 96, 11, stride=4), torch.Size([96, 55, 55]))
        105415200
    """
    return 0


@macs.register
def _(layer: nn.Conv2d, out: torch.Size) -> int:
    return layer.weight.numel() * out[-2] * out[-1]


@macs.register
def _(layer: nn.Linear, out: torch.Size) -> int:
    return layer.weight.numel() * (out.numel() // out[-1])
