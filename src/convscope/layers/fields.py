"""Receptive fields through a network of any shape: chains, branches, shortcuts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from convscope.layers.geometry import Field
from convscope.layers.probe import tensors
from convscope.layers.window import window

# where a tensor keeps its field; a tensor without it is no map of the picture (a weight, a constant)
KEY = "receptive_field"

# functions that slide a window, called by a network itself and not by a layer: what they see is not worked out
SLIDING = {
    torch.conv2d, functional.max_pool2d, functional.avg_pool2d, functional.lp_pool2d, torch.max_pool2d,
    functional.conv_transpose2d, functional.interpolate, functional.fold, functional.unfold,
}  # fmt: skip


def field_of(x: Tensor) -> Field | None:
    """The field of one cell of `x`, along the rows; None where a cell sees everything, or nobody has worked it out.

    >>> field_of(torch.zeros(1)) is None
    True
    """
    return getattr(x, KEY, None)


class _Following(TorchFunctionMode):
    """Hands fields on through what happens between layers: sums, concatenations, functions.

    Where several maps meet, a cell sees all that any of them sees, hence the largest field; one map whose field nobody
    knows makes the result's unknown. A tensor of another height or width does not count: the gate of
    squeeze-and-excite sees the whole picture and is left out.
    """

    def __torch_function__(
        self,
        func: Any,  # noqa: ANN401 (PyTorch's own signature)
        _types: Any,  # noqa: ANN401 (as above)
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 (as above)
        before = [(x, getattr(x, KEY)) for x in tensors(args) if hasattr(x, KEY)]
        result = func(*args, **(kwargs or {}))
        for made in tensors(result):
            met = [field for x, field in before if made.ndim == 4 and x.shape[2:] == made.shape[2:]]
            known = bool(met) and None not in met and func not in SLIDING
            if before:
                setattr(made, KEY, max(met) if known else None)
        return result


@contextmanager
def following(network: nn.Module, picture: Tensor) -> Iterator[None]:
    """While `network` runs on `picture` in this block, every map carries its field, which `field_of` reads.

    Args:
        network: any layers; each slides the window that `window` tells.
        picture: (N, C, H, W).
    Source:
        Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019.

    Example:
        >>> layer, x = nn.Conv2d(1, 1, 3), torch.zeros(1, 1, 9, 9)
        >>> with following(layer, x):
        ...     field_of(layer(x)).size
        3
    """
    setattr(picture, KEY, Field())

    def look(_layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        arrived.append([(x, field_of(x)) for x in tensors(inputs)][:1])

    def slide(layer: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ANN401 (whatever it returns)
        first = arrived.pop()
        for made in tensors(output):
            setattr(made, KEY, _after(layer, *first[0], made) if first else None)

    arrived: list[list[tuple[Tensor, Field | None]]] = []
    handles = []
    for layer in network.modules():
        if not list(layer.children()):
            handles += [layer.register_forward_pre_hook(look), layer.register_forward_hook(slide)]
    try:
        with _Following():
            yield
    finally:
        for handle in handles:
            handle.remove()


def _after(layer: nn.Module, x: Tensor, before: Field | None, made: Tensor) -> Field | None:
    """The field of what a layer makes of a map."""
    slid = window(layer, (x.shape[-2], x.shape[-1])) if x.ndim == 4 else None
    if before and slid:
        return before.then(slid.kernel[0], slid.stride[0], slid.padding[0], slid.dilation[0])
    # flattened, pooled whole or enlarged: from here on nothing is said
    return before if made.ndim == 4 and made.shape[2:] == x.shape[2:] else None
