"""LeNet-5's pooling: a sum that is scaled and shifted by two trained numbers per map."""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional


class Subsample(nn.Module):
    """y = weight * (x1 + x2 + x3 + x4) + bias over 2x2 cells that do not overlap, one weight and bias per map.

    Shape:
        (N, channels, H, W) -> (N, channels, H // 2, W // 2)

    Args:
        channels: maps.
    Source:
        LeCun, Bottou, Bengio & Haffner, 1998, section II.B, layers S2 and S4; the squashing that follows is a layer
        of its own here.

    Example:
        >>> layer = Subsample(1)
        >>> _ = nn.init.constant_(layer.weight, 0.5), nn.init.constant_(layer.bias, 1.0)
        >>> layer(torch.ones(1, 1, 2, 2)).item()
        3.0
    """

    kernel_size = 2
    stride = 2
    padding = 0

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset()

    def reset(self) -> None:
        """Draw new weights with spread 1 / sqrt(4), four being the fan-in."""
        bound = sqrt(3 / 4)
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Sum, scale and shift."""
        total = functional.avg_pool2d(x, 2, divisor_override=1)
        return total * self.weight[:, None, None] + self.bias[:, None, None]
