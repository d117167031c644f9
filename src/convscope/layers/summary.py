"""Layer by layer: shape, window, parameters, cost and field, as data."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from convscope.errors import ModelError
from convscope.layers.cost import macs, parameters
from convscope.layers.geometry import Field, reach
from convscope.layers.probe import watching


@dataclass(frozen=True)
class Layer:
    """One row of a summary.

    Attributes:
        name: full name inside the network.
        kind: class of the layer.
        shape: of its output for one picture, (C, H, W) or (J,).
        kernel: side of the window in pixels, or None.
        stride: pixels from one position to the next, or None.
        padding: pixels of (top, bottom, left, right), or None.
        parameters: trainable numbers.
        macs: multiply-accumulates of trained weights for one picture.
        receptive_field: pixels of the input that one output cell sees along one axis; None once it sees everything.
        formula: the output size, worked out; "" where there is no window.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    kernel: tuple[int, int] | None
    stride: tuple[int, int] | None
    padding: tuple[int, int, int, int] | None
    parameters: int
    macs: int
    receptive_field: int | None
    formula: str


@dataclass(frozen=True)
class Summary:
    """A network's layers, and their sums."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """Trainable numbers of the whole network."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one picture."""
        return sum(layer.macs for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """What `convscope summary --json` prints."""
        layers = [asdict(layer) for layer in self.layers]
        return {"name": self.name, "parameters": self.parameters, "macs": self.macs, "layers": layers}


def summarise(network: nn.Module, input_shape: tuple[int, int, int], name: str = "") -> Summary:
    """Run one empty picture through a chain of layers and write down what each does.

    Args:
        network: layers that run one after the other; on the meta device nothing is computed.
        input_shape: (C, H, W).
        name: what to call it.

    Raises:
        ModelError: a window does not fit.

    Example:
        >>> summarise(nn.Sequential(nn.Conv2d(1, 6, 5)), (1, 28, 28)).layers[0].formula
        '(28 − 5 + 0)/1 + 1 = 24'
    """
    device = next(iter([*network.parameters(), *network.buffers()]), torch.empty(0)).device
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad(), watching(network) as seen:
            network(torch.zeros(1, *input_shape, device=device))
    except RuntimeError as error:
        picture = "x".join(map(str, input_shape))
        raise ModelError(f"{name or 'the network'} cannot take a picture of {picture} ({error})") from None
    finally:
        for module, training in modes.items():
            module.training = training

    rows: list[Layer] = []
    field: Field | None = Field()
    for path, layer, x, out in seen:
        shape = tuple(out.shape[1:])
        window = _window(layer)
        if window and field:
            (kernel, _), (stride, _), (before, _, _, _) = window
            field = field.then(kernel, stride, before, _dilation(layer))
        elif out.shape[2:] != x.shape[2:]:
            field = None  # flattened, or pooled whole: from here on every number sees the whole picture
        rows.append(
            Layer(
                name=path,
                kind=type(layer).__name__,
                shape=shape,
                kernel=window[0] if window else None,
                stride=window[1] if window else None,
                padding=window[2] if window else None,
                parameters=parameters(layer),
                macs=macs(layer, out.shape[1:]),
                receptive_field=field.size if field else None,
                formula=_formula(layer, x.shape[-2], window, shape[-2]) if window else "",
            )
        )
    return Summary(name, tuple(rows))


Window = tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]


def _window(layer: nn.Module) -> Window | None:
    """(kernel, stride, padding) of a layer that slides one; both axes, padding as (top, bottom, left, right)."""
    if not hasattr(layer, "kernel_size"):
        return None
    kernel, stride, padding = (_pair(getattr(layer, name)) for name in ("kernel_size", "stride", "padding"))
    return kernel, stride, (padding[0], padding[0], padding[1], padding[1])


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _dilation(layer: nn.Module) -> int:
    return _pair(getattr(layer, "dilation", 1))[0]


def _formula(layer: nn.Module, size: int, window: Window, out: int) -> str:
    kernel, stride, padding = reach(window[0][0], _dilation(layer)), window[1][0], window[2]
    pads = f"{padding[0]}·2" if padding[0] else "0"
    worked = f"({size} − {kernel} + {pads})/{stride} + 1"
    if (size - kernel + padding[0] + padding[1]) % stride == 0:
        return f"{worked} = {out}"
    return f"⌈{worked}⌉ = {out}" if getattr(layer, "ceil_mode", False) else f"⌊{worked}⌋ = {out}"
