"""ResNet's way around a block that changes the shape, without a trained number."""

from torch import Tensor, nn
from torch.nn import functional

from convscope.errors import ModelError


class PadShortcut(nn.Module):
    """Take every `stride`-th row and column, and add maps of zeros up to `channels_out`: option A of ResNet.

    y[c, i, j] = x[c, stride i, stride j] for the maps c that come in, 0 for the maps after them. The paper says only
    "extra zero entries": here all of them come after the maps that are carried on (some re-implementations put half
    of them before).

    Shape:
        (N, channels_in, H, W) -> (N, channels_out, ceil(H / stride), ceil(W / stride))

    Args:
        channels_in: maps that come in.
        channels_out: maps that go out, at least as many.
        stride: pixels from one that is taken to the next.

    Raises:
        ModelError: fewer maps are to go out than come in, or the stride is below one.
    Source:
        He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 3.3, option A.

    Example:
        >>> import torch
        >>> PadShortcut(1, 2, stride=2)(torch.arange(9.0).reshape(1, 1, 3, 3)).tolist()
        [[[[0.0, 2.0], [6.0, 8.0]], [[0.0, 0.0], [0.0, 0.0]]]]
    """

    kernel_size = 1
    padding = 0

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        if channels_out < channels_in or stride < 1:
            raise ModelError(
                f"a shortcut of zeros cannot lead from {channels_in} to {channels_out} maps with stride {stride}; "
                "it only adds maps, and its stride is at least 1"
            )
        self.channels_in = channels_in
        self.channels_out = channels_out
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Subsample, then append zeros."""
        taken = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(taken, (0, 0, 0, 0, 0, self.channels_out - self.channels_in))

    def extra_repr(self) -> str:
        """Maps in, maps out, stride."""
        return f"{self.channels_in}, {self.channels_out}, stride={self.stride}"
