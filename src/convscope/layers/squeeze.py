"""Squeeze and excite: channels that are turned up or down by what the whole picture shows."""

from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """y = x * gate, gate = hard_sigmoid(expand(relu(reduce(mean of x)))), one number between 0 and 1 a channel.

    Shape:
        (N, channels, H, W) -> (N, channels, H, W)

    Args:
        channels: of the map.
        squeezed: numbers in the narrow middle.
    Source:
        Hu, Shen & Sun, "Squeeze-and-Excitation Networks", CVPR 2018; with the hard sigmoid of Howard et al., "Searching
        for MobileNetV3", ICCV 2019, section 5.2.

    Example:
        >>> import torch
        >>> SqueezeExcite(16, 8)(torch.zeros(1, 16, 4, 4)).shape
        torch.Size([1, 16, 4, 4])
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.relu = nn.ReLU()
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels."""
        gate: Tensor = self.gate(self.expand(self.relu(self.reduce(self.pool(x)))))
        return x * gate
