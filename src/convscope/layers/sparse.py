"""A convolution in which each output map sees only some of the input maps."""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.errors import ModelError
from convscope.layers.cost import macs


class SparseConv2d(nn.Module):
    """y[o] = bias[o] + sum of x[i] * kernel[o, i] over the input maps i that the table links to o.

    Shape:
        (N, channels, H, W) -> (N, len(table), H - kernel_size + 1, W - kernel_size + 1)

    Args:
        channels: input maps.
        table: for each output map, the input maps it sees.
        kernel_size: side of the square kernels, in pixels.

    Raises:
        ModelError: the table names an input map that is not there, or names one twice.
    Source:
        LeCun, Bottou, Bengio & Haffner, 1998, section II.B, layer C3 and Table I.

    Example:
        >>> layer = SparseConv2d(3, table=[(0,), (0, 2)], kernel_size=5)
        >>> layer.weight.shape
        torch.Size([3, 5, 5])
    """

    stride = 1
    padding = 0

    def __init__(self, channels: int, table: Sequence[Sequence[int]], kernel_size: int) -> None:
        super().__init__()
        links = [(out, into) for out, row in enumerate(table) for into in row]
        if len(set(links)) != len(links) or not all(0 <= into < channels for _, into in links):
            raise ModelError(f"the connection table must name each of the {channels} input maps at most once per row")
        self.channels = channels
        self.kernel_size = kernel_size
        self.weight = nn.Parameter(torch.empty(len(links), kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(len(table)))
        # plain lists: a buffer would be lost when a network is built on the meta device and filled from a file
        self._out, self._into = [out for out, _ in links], [into for _, into in links]
        self.fans = [len(table[out]) * kernel_size**2 for out, _ in links]
        self.reset()

    def reset(self) -> None:
        """Draw new weights with spread 1 / sqrt(fan-in); each output map has a fan-in of its own."""
        with torch.no_grad():
            for kernel, fan in zip(self.weight, self.fans, strict=True):
                bound = sqrt(3 / fan)
                kernel.uniform_(-bound, bound)
            self.bias.zero_()

    def dense(self) -> Tensor:
        """The kernels in their places, zeros elsewhere: (out, in, kernel_size, kernel_size)."""
        shape = (len(self.bias), self.channels, self.kernel_size, self.kernel_size)
        kernels = self.weight.new_zeros(shape)
        kernels[self._out, self._into] = self.weight
        return kernels

    def forward(self, x: Tensor) -> Tensor:
        """Convolve with the kernels in their places."""
        return functional.conv2d(x, self.dense(), self.bias)


@macs.register
def _(layer: SparseConv2d, out: torch.Size) -> int:
    return layer.weight.numel() * out[-2] * out[-1]
