"""Max pooling that shrinks a map by less than two."""

from fractions import Fraction
from itertools import pairwise
from math import ceil

import torch
from torch import Tensor, nn

from convscope.errors import ModelError


def edges(size: int, regions: int, offset: float) -> list[int]:
    """Where the regions begin, and behind the last one where it ends: ceil(alpha (i + offset)) from zero on.

    alpha is size / regions. Two edges are alpha apart, rounded up or down, in a pattern that the offset shifts.

    Args:
        size: pixels of the input along one axis.
        regions: outputs along that axis, at most `size`.
        offset: between 0 and 1, in regions: the paper's u.

    Source:
        Graham, "Fractional Max-Pooling", 2014, section 2: the pseudorandom sequence, which starts at 1 there.

    Example:
        >>> edges(10, 7, 0.5)
        [0, 2, 3, 4, 6, 7, 9, 10]
    """
    steps = [ceil(Fraction(size, regions) * (i + Fraction(offset))) for i in range(regions + 1)]  # exact: no float
    return [step - steps[0] for step in steps]


class FractionalMaxPool(nn.Module):
    """y[i, j] = max over rows a[i] to a[i+1] and columns b[j] to b[j+1]; a and b are pseudorandom sequences.

    PyTorch has `nn.FractionalMaxPool2d`, but draws new regions in evaluation too, so that a picture has no fixed
    answer. Here they are drawn anew for each batch in training, one offset for rows and one for columns, and stay at
    the offset 1/2 in evaluation (the paper averages the answers of many drawn regions instead). Where the paper's
    disjoint regions leave out the last row and column, these cover them.

    Shape:
        (N, C, H, W) -> (N, C, int(H * ratio), int(W * ratio)), as PyTorch rounds

    Args:
        ratio: output side divided by input side, 1 / alpha; between 1/2 and 1 in the paper.
        overlapping: whether a region takes in the first row and column of the next one as well.

    Raises:
        ModelError: `ratio` is not between 0 and 1, or (when it runs) leaves nothing of the map.
    Source:
        Graham, "Fractional Max-Pooling", 2014, section 2; https://arxiv.org/abs/1412.6071.

    Example:
        >>> x = torch.arange(9.0).flip(0).reshape(1, 1, 3, 3)       # 8 7 6, 5 4 3, 2 1 0
        >>> FractionalMaxPool(0.7).eval()(x).tolist()               # regions of two pixels and of one
        [[[[8.0, 6.0], [2.0, 0.0]]]]
        >>> FractionalMaxPool(0.7, overlapping=True).eval()(x).tolist()
        [[[[8.0, 7.0], [5.0, 4.0]]]]
    """

    def __init__(self, ratio: float, *, overlapping: bool = False) -> None:
        super().__init__()
        if not 0 < ratio < 1:
            raise ModelError(
                f"fractional pooling by {ratio}: the output's share of the input's side is between 0 and 1"
            )
        self.ratio = ratio
        self.overlapping = overlapping

    def forward(self, x: Tensor) -> Tensor:
        """Pool rows, then columns; in a tie one of the largest has the gradient."""
        offsets = torch.rand(2, device="cpu").tolist() if self.training else [0.5, 0.5]
        rows, columns = (self._regions(side, offset) for side, offset in zip(x.shape[2:], offsets, strict=True))
        by_rows = x[:, :, rows.to(x.device)].max(dim=3).values  # (N, C, H', W)
        return by_rows[..., columns.to(x.device)].max(dim=-1).values

    def _regions(self, size: int, offset: float) -> Tensor:
        """The pixels of every region; a short one repeats its last, which changes no maximum."""
        count = int(size * self.ratio)
        if count < 1:
            raise ModelError(f"fractional pooling by {self.ratio} leaves nothing of {size} pixels")
        shared = int(self.overlapping)
        bounds = list(pairwise(edges(size - shared, count, offset)))
        widest = max(end - start for start, end in bounds) + shared
        return torch.tensor([[min(start + step, end - 1 + shared) for step in range(widest)] for start, end in bounds])

    def extra_repr(self) -> str:
        """Ratio and kind, for printing."""
        return f"ratio={self.ratio}, overlapping={self.overlapping}"
