"""Two dropouts that PyTorch does not have: the original one, and one whose rate is drawn."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.errors import ModelError


class OriginalDropout(nn.Module):
    """Training: y = x or 0. Evaluation: y = (1 - rate) x. As dropout was invented, and as AlexNet has it.

    `torch.nn.Dropout` is turned inside out: it divides by 1 - rate in training and leaves evaluation alone. Both
    expect the same of every value, in training as in evaluation; here they expect it of smaller values, so that
    weights trained with the one do not fit the other.

    Shape:
        any -> the same

    Args:
        rate: probability that a value is dropped, as PyTorch's `p`; the papers' p is often the share that stays.

    Raises:
        ModelError: `rate` is not between 0 and 1.
    Source:
        Hinton, Srivastava, Krizhevsky, Sutskever & Salakhutdinov, "Improving neural networks by preventing
        co-adaptation of feature detectors", 2012; Krizhevsky, Sutskever & Hinton, NIPS 2012, section 4.2: "multiply
        their outputs by 0.5".

    Example:
        >>> OriginalDropout(0.5).eval()(torch.tensor([2.0, 4.0])).tolist()
        [1.0, 2.0]
    """

    def __init__(self, rate: float = 0.5) -> None:
        super().__init__()
        if not 0 <= rate <= 1:
            raise ModelError(f"a share of {rate} cannot be dropped; it is between 0 and 1")
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Drop, or scale."""
        keep = 1 - self.rate
        return x * torch.empty_like(x).bernoulli_(keep) if self.training else x * keep

    def extra_repr(self) -> str:
        """Rate, for printing."""
        return f"rate={self.rate}"


class RandomDropout(nn.Module):
    """Dropout whose rate is drawn anew, evenly from `low` to `high`, each time that the layer runs in training.

    One rate holds for the whole batch. Values that stay are divided by 1 - rate, as in `torch.nn.Dropout`, so that
    evaluation changes nothing. The paper's idea is the drawn rate; the bounds and the division are choices made here
    (by default a quarter is dropped on average).

    Shape:
        any -> the same

    Args:
        low: smallest probability that a value is dropped.
        high: largest, below one.

    Raises:
        ModelError: not 0 <= low <= high < 1.
    Source:
        Fukui, Yamashita, Yamauchi, Fujiyoshi & Murase, "Pedestrian Detection Based on Deep Convolutional Neural
        Network with Ensemble Inference Network", IEEE Intelligent Vehicles Symposium 2015: Random Dropout.

    Example:
        >>> RandomDropout().eval()(torch.tensor([2.0, 4.0])).tolist()
        [2.0, 4.0]
    """

    def __init__(self, low: float = 0.0, high: float = 0.5) -> None:
        super().__init__()
        if not 0 <= low <= high < 1:
            raise ModelError(f"a rate cannot be drawn from {low} to {high}; 0 <= low <= high < 1")
        self.low = low
        self.high = high

    def forward(self, x: Tensor) -> Tensor:
        """Draw a rate, then drop."""
        if not self.training:
            return x
        return functional.dropout(x, self.low + (self.high - self.low) * torch.rand((), device="cpu").item())

    def extra_repr(self) -> str:
        """Bounds, for printing."""
        return f"low={self.low}, high={self.high}"
