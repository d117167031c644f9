"""Explicit padding, written as course notes write it."""

from torch import nn

from convscope.errors import ModelError


def keras_pad(sides: tuple[tuple[int, int], tuple[int, int]]) -> nn.ZeroPad2d:
    """A border of zeros, ((top, bottom), (left, right)) pixels wide as Keras' `ZeroPadding2D` counts.

    PyTorch's own `nn.ZeroPad2d` counts the other way round: (left, right, top, bottom).

    Args:
        sides: pixels of ((top, bottom), (left, right)).

    Raises:
        ModelError: a side is negative.

    Example:
        >>> import torch
        >>> x, ones = torch.arange(36.0).reshape(1, 1, 6, 6), torch.ones(1, 1, 3, 3)
        >>> def sums(padded): return nn.functional.conv2d(padded, ones, stride=2).flatten().int().tolist()
        >>> sums(keras_pad(((0, 1), (0, 1)))(x))        # what "same" does: the extra row and column come last
        [63, 81, 63, 171, 189, 135, 168, 180, 126]
        >>> sums(keras_pad(((1, 0), (1, 0)))(x))        # what PyTorch's padding=1 amounts to at stride 2
        [14, 30, 42, 75, 126, 144, 147, 234, 252]
    """
    (top, bottom), (left, right) = sides
    if min(top, bottom, left, right) < 0:
        raise ModelError(f"a border of {sides} pixels: no side can be negative")
    return nn.ZeroPad2d((left, right, top, bottom))
