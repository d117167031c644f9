"""TensorFlow's SAME padding: as many outputs as input divided by stride, the odd pixel below and to the right."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.layers.geometry import same_pad
from convscope.layers.window import Window, pair, window


def pads(size: tuple[int, int], layer: nn.Module) -> tuple[int, int, int, int]:
    """Pixels of (left, right, top, bottom) for a layer on a map of `size`, in the order of `functional.pad`.

    >>> pads((224, 224), SameConv2d(3, 32, 3, stride=2))
    (0, 1, 0, 1)
    """
    kernel, stride, dilation = (pair(getattr(layer, name, 1)) for name in ("kernel_size", "stride", "dilation"))
    top, bottom = same_pad(size[0], kernel[0], stride[0], dilation[0])
    left, right = same_pad(size[1], kernel[1], stride[1], dilation[1])
    return left, right, top, bottom


class SameConv2d(nn.Conv2d):
    """A convolution with SAME padding at any stride; PyTorch's own takes it at stride one only.

    Shape:
        (N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))
    Source:
        TensorFlow's `tf.nn.convolution`, padding "SAME"; Keras 3.

    Example:
        >>> SameConv2d(1, 1, 3, stride=2)(torch.zeros(1, 1, 6, 6)).shape
        torch.Size([1, 1, 3, 3])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Pad with zeros as the input's size asks for, then convolve."""
        return super().forward(_padded(x, self))


class SameMaxPool2d(nn.MaxPool2d):
    """Maximum pooling with SAME padding; padded cells never win.

    Shape:
        (N, C, H, W) -> (N, C, ceil(H / stride), ceil(W / stride))
    Source:
        TensorFlow's `tf.nn.max_pool`, padding "SAME".

    Example:
        >>> SameMaxPool2d(2)(-torch.ones(1, 1, 3, 3)).tolist()
        [[[[-1.0, -1.0], [-1.0, -1.0]]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Pad with minus infinity, then pool."""
        return functional.max_pool2d(_padded(x, self, -torch.inf), self.kernel_size, self.stride, 0, self.dilation)


class SameAvgPool2d(nn.AvgPool2d):
    """Average pooling with SAME padding; padded cells do not count, so that a corner's mean is that of real pixels.

    Shape:
        (N, C, H, W) -> (N, C, ceil(H / stride), ceil(W / stride))
    Source:
        TensorFlow's `tf.nn.avg_pool`, padding "SAME".

    Example:
        >>> SameAvgPool2d(2)(torch.ones(1, 1, 3, 3)).tolist()
        [[[[1.0, 1.0], [1.0, 1.0]]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Sum of the cells over the number of real ones."""
        real = torch.ones_like(x[:1, :1])
        total, count = (
            functional.avg_pool2d(_padded(cells, self), self.kernel_size, self.stride, divisor_override=1)
            for cells in (x, real)
        )
        return total / count


def _padded(x: Tensor, layer: nn.Module, value: float = 0.0) -> Tensor:
    around = pads((x.shape[-2], x.shape[-1]), layer)
    return functional.pad(x, around, value=value) if any(around) else x


@window.register(SameConv2d)
@window.register(SameMaxPool2d)
@window.register(SameAvgPool2d)
def _(layer: nn.Module, size: tuple[int, int]) -> Window | None:
    kernel, stride, dilation = (pair(getattr(layer, name, 1)) for name in ("kernel_size", "stride", "dilation"))
    left, right, top, bottom = pads(size, layer)
    return Window(kernel, stride, (top, bottom, left, right), dilation)
