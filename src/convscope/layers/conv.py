"""Convolution, normalisation and activation as one block, as networks since 2015 stack them."""

from collections import OrderedDict
from collections.abc import Callable

from torch import nn

from convscope.layers.same import SameConv2d


class ConvNorm(nn.Sequential):
    """Convolution without bias → batch normalisation → activation; the shift of the normalisation stands for the bias.

    Shape:
        (N, into, H, W) -> (N, out, ceil(H / stride), ceil(W / stride)), for an odd kernel

    Args:
        into: channels of the input.
        out: channels of the output.
        kernel: side of the square window in pixels.
        stride: pixels from one position to the next.
        groups: parts that the channels are divided into; `into` makes it depthwise.
        same: TensorFlow's padding instead of (kernel - 1) / 2 pixels on every side.
        activation: makes the last layer; None leaves the block linear.
        eps: added to the variance.
        momentum: weight of a new batch in the running statistics.
    Source:
        Ioffe & Szegedy, "Batch Normalization", ICML 2015, section 3.2.

    Example:
        >>> import torch
        >>> ConvNorm(3, 32, 3, stride=2)(torch.zeros(1, 3, 8, 8)).shape
        torch.Size([1, 32, 4, 4])
    """

    def __init__(
        self,
        into: int,
        out: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        *,
        same: bool = False,
        activation: Callable[[], nn.Module] | None = nn.ReLU,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> None:
        convolution = (
            SameConv2d(into, out, kernel, stride, groups=groups, bias=False)
            if same
            else nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        )
        layers: OrderedDict[str, nn.Module] = OrderedDict(conv=convolution, norm=nn.BatchNorm2d(out, eps, momentum))
        if activation:
            layers["act"] = activation()
        super().__init__(layers)
