"""A look at what a network's units answer to a batch; the network stays exactly as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from convscope.layers.probe import leaves, tensors

# pictures that tell a dead unit from one that waits for its class; more cost time and tell little more
PICTURES = 32
# of fewer pictures, a batch's own mean and variance say little
FEWEST = 16


def silent_units(network: nn.Module, x: Tensor) -> list[tuple[str, float]]:
    """Every layer of ReLUs with the share of its units that are zero for every picture, in the order they run.

    A unit is a map of a convolution, or a number of a fully connected layer. A ReLU that is no layer of its own is
    known by what the next layer gets: nothing below zero, and zeros; the layer before it gives the name. Batch norm
    that learns takes the batch's own statistics, as in training: averages that lag would silence units that are alive.

    Args:
        network: run once, in evaluation mode, without gradients; modes, buffers and random numbers stay.
        x: (N, C, H, W), scaled pictures; the first of them are looked at.

    Example:
        >>> layer = nn.Linear(1, 2)
        >>> _ = torch.nn.init.constant_(layer.weight, 0.0), layer.bias.data.copy_(torch.tensor([1.0, -1.0]))
        >>> silent_units(nn.Sequential(layer, nn.ReLU()), torch.zeros(1, 1))
        [('1', 0.5)]
    """
    found: dict[str, float] = {}
    norms = [norm for norm in _norms(network) if norm.weight is not None and norm.weight.requires_grad]
    x = x[:PICTURES]
    with _untouched(network, x), _watched(network, found), _by_own_statistics(norms if len(x) >= FEWEST else []):
        network(x)
    return list(found.items())


def right_by_own_statistics(network: nn.Module, x: Tensor, labels: Tensor) -> tuple[float, float] | None:
    """Accuracy on a batch by batch norm's running averages, and by the batch's own mean and variance.

    Where the second is far better, the averages lag behind the weights, and validation is worse than the network.

    Args:
        network: left as it was; None is answered where it has no batch norm.
        x: (N, C, H, W), scaled pictures.
        labels: (N,).
    """
    norms = _norms(network)
    if not norms or len(x) < FEWEST:
        return None
    with _untouched(network, x):
        averaged = network(x)
        with _by_own_statistics(norms):
            own = network(x)
    by_averages, by_own = ((scores.argmax(dim=1) == labels).float().mean().item() for scores in (averaged, own))
    return by_averages, by_own


def _norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """Normalisation over a batch of one process: what is synchronised would wait for the others, who do not look."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    return [layer for layer in layers if not isinstance(layer, nn.SyncBatchNorm)]


@contextmanager
def _untouched(network: nn.Module, x: Tensor) -> Iterator[None]:
    """Evaluation mode without gradients; modes and random numbers are what they were at the end."""
    modes = [(layer, layer.training) for layer in network.modules()]
    devices = [x.device] if x.device.type == "cuda" else []
    with torch.no_grad(), torch.random.fork_rng(devices):
        network.eval()
        try:
            yield
        finally:
            for layer, training in modes:
                layer.training = training


@contextmanager
def _by_own_statistics(norms: list[nn.modules.batchnorm._BatchNorm]) -> Iterator[None]:
    """Batch norm measures each batch, and changes no average: it trains without tracking."""
    before = [(norm, norm.training, norm.track_running_stats) for norm in norms]
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, training, tracks in before:
            norm.training, norm.track_running_stats = training, tracks


@contextmanager
def _watched(network: nn.Module, found: dict[str, float]) -> Iterator[None]:
    """Hooks that weigh each layer's answer at once and keep none of it."""
    known: set[int] = set()  # where tensors lie whose units have been counted
    last = ""

    def note(name: str, layer: nn.Module, x: Tensor | None, out: Tensor | None) -> None:
        nonlocal last
        if isinstance(layer, (nn.ReLU, nn.ReLU6)):
            if out is not None and _has_units(out):
                found[name] = _silent(out)
                last = ""
            return
        if x is None or not any(values.ndim > 1 for values in layer.parameters(recurse=False)):
            return
        if last and x.data_ptr() not in known and _has_units(x) and float(x.min()) == 0.0:
            found[last] = _silent(x)
        known.add(x.data_ptr())
        last = name

    handles = []
    try:
        for name, leaf in leaves(network).items():
            # whatever the layer takes and returns
            def hook(layer: nn.Module, inputs: Any, output: Any, name: str = name) -> None:  # noqa: ANN401
                note(name, layer, next(tensors(inputs), None), next(tensors(output), None))

            handles.append(leaf.register_forward_hook(hook))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _has_units(values: Tensor) -> bool:
    """Whether there are maps or numbers to count; single cells gate other maps, and many of them rest by design."""
    return values.ndim == 2 or (values.ndim == 4 and values.shape[-1] * values.shape[-2] > 1)


def _silent(values: Tensor) -> float:
    awake = (values != 0).transpose(0, 1).flatten(1).any(dim=1)
    return 1 - float(awake.float().mean())
