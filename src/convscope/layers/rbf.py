"""LeNet-5's output: the distance to a fixed picture of each class."""

from torch import Tensor, nn


class RBF(nn.Module):
    """Score[k] = -sum over j of (x[j] - codes[k, j])**2: how close x is to each class's fixed code.

    The sign is turned against the paper's, so that the largest score wins as in every other network.

    Shape:
        (N, J) -> (N, K)

    Args:
        codes: (K, J), of -1 and 1; kept in the state, never trained.
    Source:
        LeCun, Bottou, Bengio & Haffner, 1998, section II.B, output layer, eq. 7.

    Example:
        >>> import torch
        >>> RBF(torch.tensor([[1.0, -1.0], [-1.0, -1.0]]))(torch.tensor([[1.0, 0.0]])).tolist()
        [[-1.0, -5.0]]
    """

    def __init__(self, codes: Tensor) -> None:
        super().__init__()
        self.register_buffer("codes", codes)
        self.codes: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Minus the squared distances, summed directly: expanding the square would cancel digits."""
        return -(x[:, None, :] - self.codes).square().sum(dim=-1)
