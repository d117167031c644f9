"""AlexNet's normalisation across neighbouring channels."""

from torch import Tensor, nn
from torch.nn import functional

from convscope.errors import ModelError


class LocalResponseNorm(nn.Module):
    """Divide every activation by the energy of its neighbouring channels.

    b[c] = a[c] / (k + alpha * sum(a[j]**2))**beta, over the `size` channels j centred on c.

    Shape:
        (N, C, H, W) -> (N, C, H, W)

    Args:
        size: channels in the window; odd, so that the window has a centre.
        alpha: weight of the *sum* of squares, as printed in the paper. `torch.nn.LocalResponseNorm` and Caffe weigh
            their *mean*: their alpha is `size` times this one.
        beta: exponent of the denominator.
        k: what the denominator is when every neighbour is silent, before the exponent; 2 in the paper, 1 in Caffe.

    Raises:
        ModelError: `size` is even, or less than one.
    Source:
        Krizhevsky, Sutskever & Hinton, NIPS 2012, section 3.3, whose values are the defaults.

    Example:
        >>> import torch
        >>> LocalResponseNorm(size=1, alpha=3.0, beta=1.0, k=1.0)(torch.ones(1, 1, 1, 1)).item()
        0.25
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        if size < 1 or size % 2 == 0:
            raise ModelError(
                f"a window of {size} channels has no centre: local response normalisation needs an odd size"
            )
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; PyTorch's function takes alpha over the mean."""
        return functional.local_response_norm(x, self.size, self.alpha * self.size, self.beta, self.k)

    def extra_repr(self) -> str:
        """The four numbers, for printing."""
        return f"size={self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
