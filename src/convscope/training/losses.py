"""What training makes small."""

import torch
from torch import Tensor
from torch.nn import functional


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
