"""Activations that PyTorch does not have."""

import torch
from torch import Tensor, nn


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x / 3), which is close to -1 and 1 at -1 and 1, and steepest in its middle.

    Shape:
        any -> the same
    Source:
        LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition",
        Proc. IEEE 86, 1998, appendix A.

    Example:
        >>> ScaledTanh()(torch.tensor([0.0, 1.0])).round(decimals=4).tolist()
        [0.0, 1.0]
    """

    AMPLITUDE = 1.7159
    SLOPE = 2 / 3

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to every element."""
        return self.AMPLITUDE * torch.tanh(self.SLOPE * x)
