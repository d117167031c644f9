"""From a network's scores to probabilities: the one place that divides by a temperature."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def probabilities(scores: Tensor, temperature: float = 1.0) -> NDArray[np.float32]:
    """The softmax of scores divided by a temperature; which class is the most probable never depends on it.

    What is equal in float32 at one temperature may not be so at another; there the answer at temperature 1 is kept, by
    as little as float32 can tell apart.

    Args:
        scores: (N, K), of any floating type; computed in float64.
        temperature: above 1 makes the answers less sure, below 1 surer.

    Returns:
        (N, K), rows adding up to 1.

    Source:
        C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.

    Example:
        >>> probabilities(torch.tensor([[0.0, 2.0]])).round(3).tolist()
        [[0.11900000274181366, 0.8809999823570251]]
        >>> probabilities(torch.tensor([[0.0, 2.0]]), temperature=2).round(3).tolist()
        [[0.26899999380111694, 0.7310000061988831]]
    """
    exact = scores.double()
    plain: NDArray[np.float32] = torch.softmax(exact, dim=1).float().cpu().numpy()
    if temperature == 1 or not len(plain):
        return plain
    scaled: NDArray[np.float32] = torch.softmax(exact / temperature, dim=1).float().cpu().numpy()
    first = plain.argmax(axis=1)
    for row in np.flatnonzero(scaled.argmax(axis=1) != first):
        best, other = first[row], scaled[row].argmax()
        scaled[row, [best, other]] = scaled[row, [other, best]]
        if scaled[row].argmax() != best:
            scaled[row, best] = np.nextafter(scaled[row, best], np.float32(2))
    return scaled
