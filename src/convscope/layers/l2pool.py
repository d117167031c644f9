"""L2 pooling as a mean; PyTorch has it as a sum."""

from torch import Tensor, nn
from torch.nn import functional

from convscope.errors import ModelError


class RMSPool2d(nn.Module):
    """y = sqrt(mean of x**2 over the window): the size of a typical value, whatever the window.

    The "L2-norm pooling" of course notes is the root of the *sum*, `torch.nn.LPPool2d(2, kernel_size)`; this is that
    divided by `kernel_size`. It leaves a constant map as it is and so can take the place of an average pooling.
    Where a window is all zeros the gradient is zero (the formula's own would be 0 / 0).

    Shape:
        (N, C, H, W) -> (N, C, (H - kernel_size) // stride + 1, (W - kernel_size) // stride + 1)

    Args:
        kernel_size: side of the square window, in pixels.
        stride: pixels from one window to the next; None takes `kernel_size`.

    Raises:
        ModelError: `kernel_size` or `stride` is less than one.
    Source:
        Sermanet, Chintala & LeCun, "Convolutional neural networks applied to house numbers digit classification",
        ICPR 2012: Lp pooling, with p = 2 and even weights, where theirs fall off from the centre.

    Example:
        >>> import torch
        >>> x = torch.tensor([[[[1.0, 1.0], [1.0, 5.0]]]])
        >>> RMSPool2d(2)(x).item(), nn.LPPool2d(2, 2)(x).item()     # 28 is the sum of squares
        (2.6457512378692627, 5.291502475738525)
    """

    padding = 0

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        if min(self.kernel_size, self.stride) < 1:
            raise ModelError(f"a window of {kernel_size} pixels with stride {self.stride}: both need at least 1")

    def forward(self, x: Tensor) -> Tensor:
        """The root of the sum, divided by the root of the number of cells."""
        return functional.lp_pool2d(x, 2.0, self.kernel_size, self.stride) / self.kernel_size

    def extra_repr(self) -> str:
        """Window and stride, for printing."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}"
