"""Pooling by lot: a large value is likely to be picked, and a small one has its chance."""

import torch
from torch import Tensor, nn

from convscope.errors import ModelError


class StochasticPool2d(nn.Module):
    """Training: y = x[i] with probability p[i]. Evaluation: y = sum of p[i] x[i]. p[i] = x[i] / sum of x.

    Meant for what leaves a ReLU: negative values count as zeros and are never picked; a window without a positive
    value gives 0. The lot is drawn for each window of each map of each picture, by PyTorch's generator.

    Shape:
        (N, C, H, W) -> (N, C, (H - kernel_size) // stride + 1, (W - kernel_size) // stride + 1)

    Args:
        kernel_size: side of the square window, in pixels.
        stride: pixels from one window to the next; None takes `kernel_size`.

    Raises:
        ModelError: `kernel_size` or `stride` is less than one.
    Source:
        Zeiler & Fergus, "Stochastic Pooling for Regularization of Deep Convolutional Neural Networks", ICLR 2013,
        section 3.

    Example:
        >>> StochasticPool2d(2).eval()(torch.tensor([[[[1.0, 0.0], [0.0, 3.0]]]])).item()   # (1 * 1 + 3 * 3) / 4
        2.5
    """

    padding = 0

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        if min(self.kernel_size, self.stride) < 1:
            raise ModelError(f"a window of {kernel_size} pixels with stride {self.stride}: both need at least 1")

    def forward(self, x: Tensor) -> Tensor:
        """Draw, or weigh."""
        rows = x.relu().unfold(2, self.kernel_size, self.stride)
        cells = rows.unfold(3, self.kernel_size, self.stride).flatten(-2)  # (N, C, H', W', kernel_size**2)
        if not self.training:
            total = cells.sum(dim=-1, keepdim=True)
            return (cells / total.where(total > 0, 1) * cells).sum(dim=-1)
        ends = cells.detach().float().cumsum(dim=-1)
        lot = torch.rand_like(ends[..., -1:]) * ends[..., -1:]
        # the first cell whose share ends behind the lot; with no share at all the last cell, which is 0 too
        picked = torch.searchsorted(ends, lot, right=True).clamp(max=self.kernel_size**2 - 1)
        return cells.gather(-1, picked).squeeze(-1)

    def extra_repr(self) -> str:
        """Window and stride, for printing."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}"
