"""Receptive fields through a network of any shape: chains, branches, shortcuts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convscope.layers.geometry import Field
from convscope.layers.window import window

# where a tensor keeps its field; a tensor without it is no map of the picture (a weight, a constant)
KEY = "receptive_field"


def field_of(x: Tensor) -> Field | None:
    """The field of one cell of `x`, along the rows; None where a cell sees everything, or is no cell of a picture.

    >>> import torch
    >>> field_of(torch.zeros(1)) is None
    True
    """
    return getattr(x, KEY, None)


class _Following(TorchFunctionMode):
    """Hands fields on through what happens between layers: sums, concatenations, functions.

    Where several maps meet, a cell sees all that any of them sees, hence the largest field. A tensor of another
    height or width does not count: the gate of squeeze-and-excite sees the whole picture and is left out.
    """

    def __torch_function__(
        self,
        func: Any,  # noqa: ANN401 (PyTorch's own signature)
        _types: Any,  # noqa: ANN401 (as above)
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 (as above)
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not hasattr(result, KEY):
            fields = [
                found
                for x in _tensors(args)
                if result.ndim == 4 and x.shape[2:] == result.shape[2:] and (found := field_of(x))
            ]
            setattr(result, KEY, max(fields, default=None))
        return result


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


@contextmanager
def following(network: nn.Module, picture: Tensor) -> Iterator[None]:
    """While `network` runs on `picture` in this block, every map carries its field, which `field_of` reads.

    Args:
        network: any layers; each slides the window that `window` tells.
        picture: (N, C, H, W).
    Source:
        Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019.

    Example:
        >>> import torch
        >>> layer, x = nn.Conv2d(1, 1, 3), torch.zeros(1, 1, 9, 9)
        >>> with following(layer, x):
        ...     field_of(layer(x)).size
        3
    """
    setattr(picture, KEY, Field())

    def slide(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        x, before = inputs[0], field_of(inputs[0])
        slid = window(layer, (x.shape[-2], x.shape[-1])) if x.ndim == 4 else None
        after: Field | None = None
        if before and slid:
            after = before.then(slid.kernel[0], slid.stride[0], slid.padding[0], slid.dilation[0])
        elif output.ndim == 4 and output.shape[2:] == x.shape[2:]:
            after = before  # else flattened, or pooled whole: from here on every number sees the whole picture
        setattr(output, KEY, after)

    handles = [layer.register_forward_hook(slide) for layer in network.modules() if not list(layer.children())]
    try:
        with _Following():
            yield
    finally:
        for handle in handles:
            handle.remove()
