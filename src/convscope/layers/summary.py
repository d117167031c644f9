"""Layer by layer: shape, window, parameters, cost and field, as data."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import ceil, prod
from typing import Any

import torch
from torch import Tensor, nn

from convscope.errors import ModelError
from convscope.layers.cost import macs, parameters
from convscope.layers.fields import field_of, following
from convscope.layers.geometry import Field, reach
from convscope.layers.probe import tensors, watching
from convscope.layers.window import Window, window

BYTES = 4  # of a float32
AUXILIARY = "aux_"  # begins the names of heads that serve training only


@dataclass(frozen=True)
class Layer:
    """One row of a summary.

    Attributes:
        name: full name inside the network.
        kind: class of the layer.
        shape: of its output for one picture, (C, H, W) or (J,).
        kernel: rows and columns of the window in pixels, or None.
        stride: pixels from one position to the next, or None.
        padding: pixels of (top, bottom, left, right), or None.
        parameters: trainable numbers.
        macs: multiply-accumulates of trained weights for one picture.
        receptive_field: pixels of the input that one output cell sees along one axis; None once it sees everything,
            or where windows vary in size.
        formula: the number of output rows, worked out; "" where there is no window.
        lost: trailing (rows, columns) that no window reaches, padding first; None where there is no window.
        activation_bytes: of its output for one picture, in float32.
        jump: pixels of the input between the fields of two neighbouring cells; None where there is no field.
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
    lost: tuple[int, int] | None
    activation_bytes: int
    jump: int | None = None


@dataclass(frozen=True)
class Stage:
    """A part of a network that holds layers: a block, a stage, one of the two halves.

    Attributes:
        name: full name inside the network.
        shape: of its output for one picture.
        parameters: trainable numbers of all its layers.
        field: what one output cell sees; None once it sees everything.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    field: Field | None


@dataclass(frozen=True)
class Summary:
    """A network's layers and stages, and their sums.

    Attributes:
        name: what it is called.
        layers: in the order they run.
        stages: the parts that hold layers, in the order they end.
        input_shape: (C, H, W) of the picture.
        parameters: trainable numbers of the whole network, less those of heads that serve training only.
    """

    name: str
    layers: tuple[Layer, ...]
    stages: tuple[Stage, ...] = ()
    input_shape: tuple[int, int, int] = (0, 0, 0)
    parameters: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one picture."""
        return sum(layer.macs for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Memory of the picture and of every layer's output, in float32."""
        return BYTES * prod(self.input_shape) + sum(layer.activation_bytes for layer in self.layers)

    def stage(self, name: str) -> Stage:
        """The part of that name.

        Raises:
            KeyError: there is none.
        """
        return {stage.name: stage for stage in self.stages}[name]

    def to_dict(self) -> dict[str, Any]:
        """What `convscope summary --json` prints."""
        return {
            "name": self.name,
            "input": list(self.input_shape),
            "parameters": self.parameters,
            "macs": self.macs,
            "activation_bytes": self.activation_bytes,
            "layers": [asdict(layer) for layer in self.layers],
        }


def summarise(network: nn.Module, input_shape: tuple[int, int, int], name: str = "") -> Summary:
    """Run one empty picture through a network and write down what each layer does.

    Args:
        network: layers in any order, with branches and shortcuts; on the meta device nothing is computed.
        input_shape: (C, H, W).
        name: what to call it.

    Raises:
        ModelError: a window does not fit.

    Example:
        >>> summarise(nn.Sequential(nn.Conv2d(1, 6, 5)), (1, 28, 28)).layers[0].formula
        '(28 − 5 + 2·0)/1 + 1 = 24'
    """
    device = next(iter([*network.parameters(), *network.buffers()]), torch.empty(0)).device
    picture = torch.zeros(1, *input_shape, device=device)
    stages: list[Stage] = []

    def close(stage: str, layers: nn.Module, output: Any) -> None:  # noqa: ANN401 (whatever a part returns)
        for out in list(tensors(output))[:1]:
            stages.append(Stage(stage, tuple(out.shape[1:]), parameters(layers), field_of(out)))

    try:
        with torch.no_grad(), _evaluating(network), following(network, picture), watching(network) as seen:
            with _ending(network, close):
                network(picture)
            rows = tuple(_row(path, layer, x, out) for path, layer, x, out in seen)
    except (RuntimeError, ValueError) as error:
        shape = "x".join(map(str, input_shape))
        raise ModelError(f"{name or 'the network'} cannot take a picture of {shape} ({error})") from None
    heads = sum(parameters(head) for part, head in network.named_children() if part.startswith(AUXILIARY))
    return Summary(name, rows, tuple(stages), input_shape, parameters(network) - heads)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Every layer in evaluation, and afterwards in the mode it was in."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def _ending(network: nn.Module, close: Any) -> Iterator[None]:  # noqa: ANN401 (a function of three)
    """Call `close` with name, module and output whenever a part that holds layers has run."""
    handles = [
        part.register_forward_hook(lambda layers, _, out, name=name: close(name, layers, out))
        for name, part in network.named_modules()
        if name and list(part.children())
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _row(name: str, layer: nn.Module, x: Tensor, out: Tensor) -> Layer:
    shape, size = tuple(out.shape[1:]), (x.shape[-2], x.shape[-1]) if x.ndim > 1 else (1, 1)
    slid = window(layer, size) if x.ndim == out.ndim == 4 else None
    field = field_of(out)
    return Layer(
        name=name,
        kind=type(layer).__name__,
        shape=shape,
        kernel=slid.kernel if slid else None,
        stride=slid.stride if slid else None,
        padding=slid.padding if slid else None,
        parameters=sum(values.numel() for values in layer.parameters(recurse=False) if values.requires_grad),
        macs=macs(layer, out.shape[1:]),
        receptive_field=field.size if field else None,
        formula=formula(size[0], slid, shape[-2]) if slid else "",
        lost=slid.lost(size) if slid else None,
        activation_bytes=BYTES * prod(shape),
        jump=field.jump if field else None,
    )


def formula(size: int, slid: Window, out: int) -> str:
    """How `size` rows become `out` rows, with the numbers filled in.

    >>> formula(227, Window((11, 11), (4, 4)), 55)
    '(227 − 11 + 2·0)/4 + 1 = 55'
    >>> formula(224, Window((3, 3), (2, 2), (0, 1, 0, 1)), 112)
    '(224 − 3 + 0 + 1)/2 + 1 = 112'
    """
    kernel, stride, (top, bottom, _, _) = reach(slid.kernel[0], slid.dilation[0]), slid.stride[0], slid.padding
    pads = f"2·{top}" if top == bottom else f"{top} + {bottom}"
    worked = f"({size} − {kernel} + {pads})/{stride} + 1"
    room = size - kernel + top + bottom
    if room % stride == 0 and out == room // stride + 1:
        return f"{worked} = {out}"
    if slid.ceil_mode:  # a last window that would begin behind the last pixel is left out
        clipped = out < ceil(room / stride) + 1
        return f"⌈{worked}⌉{' − 1' if clipped else ''} = {out}"
    return f"⌊{worked}⌋ = {out}"
