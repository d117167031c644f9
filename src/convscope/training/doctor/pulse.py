"""The pulse of a run: at a few steps, how large each layer's gradient is and how far its weights move."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.layers.probe import leaves
from convscope.training.doctor import signs

# the first steps tell most; then every so many, which costs nothing beside the steps between
FIRST, EVERY = 10, 50
# weights of each layer that are followed over a step: enough to tell a thousandth from a millionth
FOLLOWED = 64

Floats = NDArray[np.float64]


class Beat(NamedTuple):
    """What a sampled step shows.

    Attributes:
        flow: gradient over weights of the first layer, and of the last ones; None of a network of few layers.
        first: the first layer that learns.
        top: the largest gradient over weights.
        loudest: the layer that has it.
    """

    flow: tuple[float, float] | None
    first: str
    top: float
    loudest: str


def sampled(step: int, taken: int) -> bool:
    """Whether a step is looked at.

    Args:
        step: in its epoch, from 0.
        taken: steps before it in the whole run.

    Example:
        >>> [sampled(step, taken) for step, taken in ((9, 9), (10, 10), (50, 50), (0, 75))]
        [True, False, True, True]
    """
    return taken < FIRST or step % EVERY == 0


class Pulse:
    """Feels the network at sampled steps, between gradient and move.

    Args:
        network: only read.
    """

    def __init__(self, network: nn.Module) -> None:
        self.weights = [
            (name, values)
            for name, layer in leaves(network).items()
            for values in layer.parameters(recurse=False)
            if values.ndim > 1
        ]
        self.norms = [
            (name, layer)
            for name, layer in network.named_modules()
            if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.affine and layer.running_mean is not None
        ]
        self.followed: dict[str, Any] = {}
        self.resting: dict[str, list[float]] = {}

    @torch.no_grad()
    def feel(self) -> Beat | None:
        """The gradients as they are now; None where nothing learns."""
        learning = [(name, values) for name, values in self.weights if values.grad is not None]
        if not learning:
            return None
        gradients = _norms([values.grad for _, values in learning if values.grad is not None])
        ratios = signs.flow(gradients, _norms([values for _, values in learning]))
        known = np.nan_to_num(ratios, nan=0.0)
        loudest = int(known.argmax())
        return Beat(signs.ends(ratios), learning[0][0], float(known[loudest]), learning[loudest][0])

    @torch.no_grad()
    def follow(self) -> None:
        """Note some weights of every layer that learns, to see at the next step how far they moved."""
        rows = [row for row, (_, values) in enumerate(self.weights) if values.grad is not None]
        self.followed = {"rows": rows, "values": self._sample(rows).tolist()} if rows else {}

    @torch.no_grad()
    def moves(self) -> Floats | None:
        """How far the weights that were followed have moved, layer by layer; None where none were."""
        if not self.followed:
            return None
        rows, before = self.followed["rows"], np.array(self.followed["values"])
        self.followed = {}
        sizes = [min(FOLLOWED, self.weights[row][1].numel()) for row in rows]
        starts = [0, *np.cumsum(sizes)[:-1].tolist()]
        return signs.moved(before, self._sample(rows), starts)

    @torch.no_grad()
    def restless(self) -> str | None:
        """A batch norm that is frozen, and whose statistics have changed since the last look; None where none has."""
        frozen = [(name, layer) for name, layer in self.norms if not any(p.requires_grad for p in layer.parameters())]
        sums = [total for _, layer in frozen for total in _statistics(layer)]
        values = torch.stack(sums).tolist() if sums else []
        now = {name: values[2 * row : 2 * row + 2] for row, (name, _) in enumerate(frozen)}
        before, self.resting = self.resting, now
        return next((name for name in now if name in before and before[name] != now[name]), None)

    def state(self) -> dict[str, Any]:
        """What is in mind between two steps."""
        return {"followed": self.followed, "resting": self.resting}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.followed, self.resting = dict(state["followed"]), dict(state["resting"])

    def _sample(self, rows: list[int]) -> Floats:
        """Weights at even distances in each layer's memory, in float64."""
        views = [_strided(self.weights[row][1]) for row in rows]
        return torch.cat(views).double().cpu().numpy()


def _strided(values: Tensor) -> Tensor:
    count = min(FOLLOWED, values.numel())
    return values.detach().as_strided((count,), (values.numel() // count,), values.storage_offset())


def _norms(each: list[Tensor]) -> Floats:
    norms: Floats = torch.stack(torch._foreach_norm(each)).double().cpu().numpy()
    return norms


def _statistics(norm: nn.modules.batchnorm._BatchNorm) -> tuple[Tensor, Tensor]:
    assert norm.running_mean is not None and norm.running_var is not None
    return norm.running_mean.sum(), norm.running_var.sum()
