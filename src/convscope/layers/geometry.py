"""Sizes of sliding windows: integers only, so that a picture, a table and a network cannot disagree."""

from math import ceil
from typing import NamedTuple

from convscope.errors import ModelError


def reach(kernel: int, dilation: int = 1) -> int:
    """Pixels that a kernel spans from its first to its last tap.

    >>> reach(3, dilation=2)
    5
    """
    return dilation * (kernel - 1) + 1


def out_size(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: tuple[int, int] | int = 0,
    dilation: int = 1,
    *,
    ceil_mode: bool = False,
) -> int:
    """Positions of a window along one axis: (size - kernel + padding) / stride + 1, rounded down.

    Args:
        size: pixels of the input.
        kernel: taps of the window.
        stride: pixels from one position to the next.
        padding: pixels added, at both ends each, or (before, after).
        dilation: pixels from one tap to the next.
        ceil_mode: round up instead, but start no window behind the last real pixel, as PyTorch does.

    Raises:
        ModelError: the window is larger than the padded input.
    Source:
        Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016.

    Example:
        >>> out_size(227, kernel=11, stride=4)      # AlexNet's first layer
        55
        >>> out_size(112, kernel=3, stride=2), out_size(112, kernel=3, stride=2, ceil_mode=True)
        (55, 56)
    """
    before, after = (padding, padding) if isinstance(padding, int) else padding
    room = size + before + after - reach(kernel, dilation)
    if room < 0:
        raise ModelError(
            f"a window of {reach(kernel, dilation)} pixels does not fit into {size} with {before} + {after} of "
            "padding; take a larger picture or a smaller kernel"
        )
    if not ceil_mode:
        return room // stride + 1
    positions = ceil(room / stride) + 1
    return positions - 1 if (positions - 1) * stride >= size + before else positions


def same_pad(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Pixels to add (before, after) so that the output has ceil(size / stride) positions, as TensorFlow does.

    An odd total leaves the extra pixel after: bottom and right.

    Args:
        size: pixels of the input.
        kernel: taps of the window.
        stride: pixels from one position to the next.
        dilation: pixels from one tap to the next.

    Example:
        >>> same_pad(224, kernel=3, stride=2)
        (0, 1)
    """
    total = max((ceil(size / stride) - 1) * stride + reach(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def legal_strides(size: int, kernel: int, padding: int = 0) -> list[int]:
    """Strides at which the last window ends exactly on the last pixel: the divisors of size - kernel + 2 padding.

    When the window fits exactly once, every stride is legal, and 1 stands for all.

    Args:
        size: pixels of the input.
        kernel: taps of the window.
        padding: pixels added at both ends.

    Raises:
        ModelError: the window is larger than the padded input.

    Example:
        >>> legal_strides(7, kernel=3)
        [1, 2, 4]
    """
    room = out_size(size, kernel, padding=padding) - 1
    return [stride for stride in range(1, max(room, 1) + 1) if room % stride == 0]


def lost_columns(size: int, kernel: int, stride: int, padding: tuple[int, int] | int = 0, dilation: int = 1) -> int:
    """Trailing columns, padding first, that no window reaches.

    Args:
        size: pixels of the input.
        kernel: taps of the window.
        stride: pixels from one position to the next.
        padding: pixels added, at both ends each, or (before, after).
        dilation: pixels from one tap to the next.

    Raises:
        ModelError: the window is larger than the padded input.

    Example:
        >>> lost_columns(6, kernel=3, stride=2)
        1
    """
    return (out_size(size, kernel, padding=padding, dilation=dilation) - 1) % stride


class Field(NamedTuple):
    """What one output cell sees of the input, along one axis.

    Attributes:
        size: pixels from the first to the last that it sees.
        jump: pixels between the fields of two neighbouring cells.
        centre: where the first cell's field has its middle, in pixels from the middle of the first pixel.
    """

    size: int = 1
    jump: int = 1
    centre: float = 0.0

    def then(self, kernel: int, stride: int = 1, before: int = 0, dilation: int = 1) -> "Field":
        """The field after one more layer.

        Args:
            kernel: taps of the layer's window.
            stride: pixels from one position to the next.
            before: pixels of padding before the first (left or top).
            dilation: pixels from one tap to the next.
        Source:
            Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019.

        Example:
            >>> Field().then(5).then(2, stride=2).then(5)       # LeNet-5: C1, S2, C3
            Field(size=14, jump=2, centre=6.5)
        """
        wide = reach(kernel, dilation) - 1
        return Field(
            size=self.size + wide * self.jump,
            jump=self.jump * stride,
            centre=self.centre + (wide / 2 - before) * self.jump,
        )
