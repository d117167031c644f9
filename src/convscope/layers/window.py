"""The window that a layer slides: each brick registers its own rule under its own class."""

from functools import singledispatch
from typing import Any, NamedTuple

from torch import nn

from convscope.errors import ModelError
from convscope.layers.geometry import out_size, reach, same_pad


class Window(NamedTuple):
    """A sliding window, rows first.

    Attributes:
        kernel: taps.
        stride: pixels from one position to the next.
        padding: pixels of (top, bottom, left, right).
        dilation: pixels from one tap to the next.
        ceil_mode: whether a last window may hang over the end.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil_mode: bool = False

    def lost(self, size: tuple[int, int]) -> tuple[int, int]:
        """Trailing rows and columns, padding first, that no position reaches.

        >>> Window((3, 3), (2, 2)).lost((6, 7))
        (1, 0)
        """
        top, bottom, left, right = self.padding
        unread = []
        for axis, pads in enumerate(((top, bottom), (left, right))):
            kernel, stride, dilation = self.kernel[axis], self.stride[axis], self.dilation[axis]
            positions = out_size(size[axis], kernel, stride, pads, dilation, ceil_mode=self.ceil_mode)
            end = (positions - 1) * stride + reach(kernel, dilation)  # of the last window
            unread.append(max(0, size[axis] + sum(pads) - end))
        return unread[0], unread[1]


@singledispatch
def window(layer: Any, size: tuple[int, int]) -> Window | None:  # noqa: ANN401 (attributes of any brick)
    """The window of a layer on a map of `size` (rows, columns), or None where it slides none.

    Args:
        layer: any brick; one with `kernel_size`, `stride` and `padding` as PyTorch's needs no rule of its own.
        size: of its input; only padding that depends on the input looks at it.

    Example:
        >>> window(nn.Conv2d(3, 96, 11, stride=4), (227, 227)).kernel
        (11, 11)
    """
    if not hasattr(layer, "kernel_size"):
        return None
    kernel, dilation = pair(layer.kernel_size), pair(getattr(layer, "dilation", 1))
    stride = kernel if layer.stride is None else pair(layer.stride)
    padding = getattr(layer, "padding", 0)
    if padding == "same":  # PyTorch's, at stride 1: an odd pixel goes after
        (top, bottom), (left, right) = (same_pad(s, k, 1, d) for s, k, d in zip(size, kernel, dilation, strict=True))
    else:
        top, left = (0, 0) if padding == "valid" else pair(padding)
        bottom, right = top, left
    return Window(kernel, stride, (top, bottom, left, right), dilation, bool(getattr(layer, "ceil_mode", False)))


@window.register
def _(_layer: nn.ConvTranspose2d, _size: tuple[int, int]) -> Window | None:
    return None  # it spreads a pixel over a window; the arithmetic of sliding does not hold


@window.register
def _(layer: nn.AdaptiveAvgPool2d, size: tuple[int, int]) -> Window | None:
    wanted = layer.output_size if isinstance(layer.output_size, tuple) else (layer.output_size,) * 2
    return Window((1, 1)) if wanted == size else None  # a map that has the size already passes as it is


def side_after(layers: nn.Sequential, size: int, name: str = "the network") -> int:
    """Side of the map that a chain of layers makes of a square picture.

    Args:
        layers: run one after the other.
        size: side of the picture in pixels.
        name: what to call the network in an error.

    Raises:
        ModelError: the map shrinks to nothing on the way.

    Example:
        >>> side_after(nn.Sequential(nn.Conv2d(3, 96, 11, stride=4), nn.MaxPool2d(3, 2)), 227)
        27
    """
    side = size
    for layer in layers:
        slid = window(layer, (side, side))
        if slid:
            (kernel, _), (stride, _), (before, after, _, _), (dilation, _), ceil_mode = slid
            try:
                side = out_size(side, kernel, stride, (before, after), dilation, ceil_mode=ceil_mode)
            except ModelError as error:
                raise ModelError(f"{name} cannot take a picture of {size} pixels: {error}") from None
    return side


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns, where a layer says both with one number.

    >>> pair(3), pair((1, 2))
    ((3, 3), (1, 2))
    """
    return (value, value) if isinstance(value, int) else (value[0], value[1])
