"""Looking at layers while a network runs; every hook leaves with its `with`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Seen(NamedTuple):
    """One layer, caught at work.

    Attributes:
        name: full name inside the network.
        layer: the layer itself.
        x: the first tensor that goes in.
        out: the first tensor that comes out.
    """

    name: str
    layer: nn.Module
    x: Tensor
    out: Tensor


def leaves(network: nn.Module) -> dict[str, nn.Module]:
    """The layers that hold no other layer, or parameters of their own, by full name, in the order they were built.

    >>> list(leaves(nn.Sequential(nn.Sequential(nn.Linear(1, 1)), nn.ReLU())))
    ['0.0', '1']
    """
    return {
        name: layer
        for name, layer in network.named_modules()
        if name and (not list(layer.children()) or list(layer.parameters(recurse=False)))
    }


def tensors(values: Any) -> Iterator[Tensor]:  # noqa: ANN401 (whatever a layer takes or returns)
    """Every tensor in nested lists, tuples and dictionaries.

    >>> len(list(tensors([torch.zeros(1), (torch.zeros(1), None)])))
    2
    """
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from tensors(value)
    elif isinstance(values, dict):
        yield from tensors(list(values.values()))


@contextmanager
def watching(network: nn.Module) -> Iterator[list[Seen]]:
    """Collect (name, layer, input, output) of every leaf, in the order they run.

    Example:
        >>> with watching(nn.Sequential(nn.Flatten())) as seen:
        ...     pass
        >>> seen
        []
    """
    seen: list[Seen] = []
    handles = []
    for name, leaf in leaves(network).items():
        # whatever the layer takes and returns
        def note(layer: nn.Module, inputs: Any, named: Any, output: Any, name: str = name) -> None:  # noqa: ANN401
            x, out = (next(tensors(values), None) for values in ([inputs, named], output))
            if x is not None and out is not None:
                seen.append(Seen(name, layer, x, out))

        handles.append(leaf.register_forward_hook(note, with_kwargs=True))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def catching(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what one layer gives, each time it runs, cut off from what came before: gradients end there.

    What follows goes on with a copy, so that no layer that writes over its input can change what was caught.

    Example:
        >>> layer = nn.ReLU()
        >>> with catching(layer) as caught:
        ...     _ = layer(torch.tensor([-1.0, 2.0]))
        >>> caught
        [tensor([0., 2.], requires_grad=True)]
    """
    caught: list[Tensor] = []

    def note(_: nn.Module, __: Any, output: Any) -> Any:  # noqa: ANN401 (whatever the layer takes and returns)
        if not isinstance(output, Tensor):
            return None
        caught.append(output.detach().requires_grad_())
        return caught[-1].clone()

    handle = layer.register_forward_hook(note)
    try:
        yield caught
    finally:
        handle.remove()


def first_not_finite(network: nn.Module, x: Tensor) -> str | None:
    """The first layer whose output, or whose parameters, hold NaN or infinity; None when all are sound.

    Args:
        network: left in the mode it is in.
        x: (N, C, H, W), a batch that it is run on.

    Example:
        >>> first_not_finite(nn.Sequential(nn.ReLU(), nn.Linear(1, 1)), torch.tensor([[float("nan")]]))
        '0'
    """
    with torch.no_grad(), watching(network) as seen:
        network(x)
    for name, layer, _, output in seen:
        sound = all(bool(torch.isfinite(parameter).all()) for parameter in layer.parameters())
        if not sound or not bool(torch.isfinite(output).all()):
            return name
    return None
