"""Two bricks that a network of your own needs beside PyTorch's: uneven padding, and a way around a block."""

from torch import Tensor, nn
from torch.nn import functional

from convscope.layers.window import Window, window

Sides = tuple[int, int]
Pads = tuple[int, int, int, int]


class PaddedConv2d(nn.Conv2d):
    """A convolution with its own number of zeros on each side.

    Shape:
        (N, channels, H, W) -> (N, filters, (top + H + bottom - rows) // stride + 1, likewise)

    Args:
        channels: maps that come in.
        filters: maps that go out.
        kernel: rows and columns of the window.
        stride: pixels from one position to the next.
        around: pixels of zeros (top, bottom, left, right).
        dilation: pixels from one tap to the next.
        groups: parts that the maps are divided into.
        bias: whether each filter adds a number.
    Source:
        Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016; PyTorch's own takes one number
        for top and bottom, and one for left and right.

    Example:
        >>> import torch
        >>> PaddedConv2d(1, 1, (3, 3), (1, 1), (1, 0, 0, 2))(torch.zeros(1, 1, 4, 4)).shape
        torch.Size([1, 1, 3, 4])
    """

    def __init__(
        self, channels: int, filters: int, kernel: Sides, stride: Sides, around: Pads,
        dilation: Sides = (1, 1), groups: int = 1, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(channels, filters, kernel, stride, dilation=dilation, groups=groups, bias=bias)
        self.around = around

    def forward(self, x: Tensor) -> Tensor:
        """Pad with zeros, then convolve."""
        top, bottom, left, right = self.around
        return super().forward(functional.pad(x, (left, right, top, bottom)))

    def extra_repr(self) -> str:
        """Sizes and sides, for printing."""
        return f"{self.in_channels}, {self.out_channels}, {self.kernel_size}, {self.stride}, around={self.around}"


@window.register
def _(layer: PaddedConv2d, _size: Sides) -> Window | None:
    (rows, columns), (down, across), (tall, wide) = layer.kernel_size, layer.stride, layer.dilation
    return Window((rows, columns), (down, across), layer.around, (tall, wide))


class ResidualBlock(nn.Module):
    """y = layers(x) + x, or + shortcut(x) where the layers change the shape.

    Shape:
        (N, C, H, W) -> what `layers` makes of it
    Args:
        layers: what is learned beside the way around.
        shortcut: brings x to the shape that the layers make; None leaves it as it is.
    Source:
        He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, eq. 1 and 2.

    Example:
        >>> import torch
        >>> ResidualBlock(nn.Sequential(nn.ReLU()))(torch.tensor([[-1.0, 2.0]])).tolist()
        [[-1.0, 4.0]]
    """

    def __init__(self, layers: nn.Sequential, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = layers
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Both ways, added."""
        learned: Tensor = self.layers(x)
        return learned + (x if self.shortcut is None else self.shortcut(x))
