"""An average of the weights over the steps, which answers better than the last step's weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average of all floating-point weights and statistics of a network.

    The first steps count more: after step t the decay is at most (1 + t) / (10 + t), as in TensorFlow's average.

    Args:
        network: whose values it starts from.
        decay: share of the old average that each step keeps.

    Source:
        Polyak & Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False).requires_grad_(False)
        >>> average = Average(layer.apply(lambda part: part.weight.fill_(0.0)), decay=0.5)
        >>> _ = layer.weight.fill_(1.0)
        >>> average.update(layer, step=8)
        >>> average.tensors["weight"].item()
        0.5
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: values.detach().clone() for name, values in _moving(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the network's values after `step` steps, counted from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        now = _moving(network)
        torch._foreach_lerp_(list(self.tensors.values()), [now[name] for name in self.tensors], 1 - decay)

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from an average that was saved."""
        for name, values in self.tensors.items():
            values.copy_(tensors[name])

    @contextmanager
    def within(self, network: nn.Module) -> Iterator[None]:
        """In this block the network has the average's values; afterwards its own, to the bit."""
        own = {name: values.detach().clone() for name, values in _moving(network).items()}
        _put(network, self.tensors)
        try:
            yield
        finally:
            _put(network, own)


def _moving(network: nn.Module) -> dict[str, Tensor]:
    return {name: values for name, values in network.state_dict().items() if values.is_floating_point()}


@torch.no_grad()
def _put(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    for name, values in _moving(network).items():
        values.copy_(tensors[name])
