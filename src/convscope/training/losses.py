"""What training makes small."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

# what the loss of an auxiliary head counts beside that of the scores (Szegedy et al., 2015, section 5)
AUXILIARY = 0.3

Loss = Callable[[Tensor, Tensor], Tensor]


def with_heads(output: Tensor | tuple[Tensor, ...], labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, their loss, and what training makes small: that loss with a share of the auxiliary heads'.

    Args:
        output: (N, K), or several of them, the network's own scores first.
        labels: (N,), index of the true class.
        loss: of scores and labels.

    Example:
        >>> ten = torch.zeros(1, 10)
        >>> _, own, total = with_heads((ten, ten, ten), torch.tensor([3]), cross_entropy)
        >>> round(own.item(), 4), round(total.item(), 4)        # ln 10, and ln 10 · (1 + 2 · 0.3)
        (2.3026, 3.6841)
    """
    scores, *inner = output if isinstance(output, tuple) else (output,)
    own = total = loss(scores, labels)
    for head in inner:
        total = total + AUXILIARY * loss(head, labels)
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
