"""What training makes small."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# what the loss of an auxiliary head counts beside that of the scores (Szegedy et al., 2015, section 5)
AUXILIARY = 0.3

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Criterion:
    """What the recipe makes small.

    Attributes:
        smoothing: share of the target that all classes get alike.
        margin: of the MAP criterion; None takes cross-entropy.
        weights: what a picture of each class counts, (K,); None counts all the same.

    Source:
        smoothing: Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, 2016, section 7.

    Example:
        >>> scores, label = torch.tensor([[0.0, 0.0]]), torch.tensor([1])
        >>> round(Criterion(weights=torch.tensor([1.0, 3.0]))(scores, label).item(), 4)     # 3 ln 2
        2.0794
    """

    smoothing: float = 0.0
    margin: float | None = None
    weights: Tensor | None = None

    def __call__(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Mean over the batch, in float32.

        Shape:
            (N, K), (N,) labels or (N, K) shares of classes -> ()
        """
        if self.margin is not None:
            return maximum_a_posteriori(scores, targets, self.margin)
        if self.weights is None:
            return functional.cross_entropy(scores.float(), targets, label_smoothing=self.smoothing)
        each = functional.cross_entropy(scores.float(), targets, label_smoothing=self.smoothing, reduction="none")
        weights = self.weights.to(scores.device)
        return (each * (weights[targets] if targets.ndim == 1 else targets @ weights)).mean()


def even_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """What a picture of each class must count for classes to count the same; the mean over the pictures is 1.

    Args:
        labels: of the training pictures.
        classes: how many there are.

    Example:
        >>> even_weights(np.array([0, 0, 0, 1]), 2)
        tensor([0.6667, 2.0000])
    """
    counts = np.bincount(labels, minlength=classes)
    return torch.tensor(len(labels) / (classes * counts.clip(min=1)), dtype=torch.float32)


def with_heads(
    output: Tensor | tuple[Tensor, ...], labels: Tensor, loss: Loss, share: float = AUXILIARY
) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, their loss, and what training makes small: that loss with a share of the auxiliary heads'.

    Args:
        output: (N, K), or several of them, the network's own scores first.
        labels: (N,), index of the true class, or (N, K), shares of classes.
        loss: of scores and labels.
        share: what the loss of an auxiliary head counts.

    Example:
        >>> ten = torch.zeros(1, 10)
        >>> _, own, total = with_heads((ten, ten, ten), torch.tensor([3]), cross_entropy)
        >>> round(own.item(), 4), round(total.item(), 4)        # ln 10, and ln 10 · (1 + 2 · 0.3)
        (2.3026, 3.6841)
    """
    scores, *inner = output if isinstance(output, tuple) else (output,)
    own = total = loss(scores, labels)
    for head in inner:
        total = total + share * loss(head, labels)
    return scores, own, total


def cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean over the batch of -log softmax(scores)[label], in float32.

    Shape:
        (N, K), (N,) -> ()

    Example:
        >>> round(cross_entropy(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([2])).item(), 6)
        0.407606
    """
    return functional.cross_entropy(scores.float(), labels)


def maximum_a_posteriori(scores: Tensor, labels: Tensor, margin: float) -> Tensor:
    """LeNet-5's criterion on scores that are minus squared distances: cross-entropy with a rubbish class of score -j.

    It pushes wrong distances away only while they are small beside `margin`.

    Shape:
        (N, K), (N,) -> ()

    Args:
        scores: minus the distances y.
        labels: index of the true class.
        margin: the paper's j.
    Source:
        LeCun, Bottou, Bengio & Haffner, 1998, eq. 9.

    Example:
        >>> round(maximum_a_posteriori(torch.zeros(1, 1), torch.tensor([0]), margin=0.0).item(), 6)
        0.693147
    """
    rubbish = torch.full_like(scores[:, :1], -margin)
    return cross_entropy(torch.cat([scores, rubbish], dim=1), labels)
