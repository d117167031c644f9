"""What the options of a layer of your own may be, each checked with a message of its own."""

import re
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from torch import nn

from convscope.errors import ModelError, nearest
from convscope.layers.activations import activation
from convscope.layers.maxout import Maxout
from convscope.models.own.bricks import Sides
from convscope.models.own.chain import Chain, Padding
from convscope.models.own.reader import shown

MOST = 65_536  # filters, units
MOST_PIXELS = 4096

Whole = Annotated[int, Field(strict=True, ge=1, le=MOST)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Function(NamedTuple):
    """An activation: name and options.

    Attributes:
        name: a key of `layers.activations.ACTIVATIONS`.
        options: of its own, such as ("slope", 0.1).
    """

    name: str
    options: tuple[tuple[str, int | float], ...] = ()


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MOST_PIXELS


def _pair(value: object) -> object:
    if _is_whole(value, 1):
        return value, value
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(_is_whole(each, 1) for each in value):
        return tuple(value)
    raise ValueError(f"expected a whole number from 1 to {MOST_PIXELS:,}, or two of them: [rows, columns]")


def _padding(value: object) -> object:
    if value == "same":
        return value
    if value == "valid" or _is_whole(value, 0):
        return (0 if value == "valid" else value,) * 4
    if isinstance(value, (list, tuple)) and len(value) == 4 and all(_is_whole(each, 0) for each in value):
        return tuple(value)
    raise ValueError(
        f"expected valid, same, a whole number from 0 to {MOST_PIXELS:,}, or four: [top, bottom, left, right]"
    )


def _pair_or_none(value: object) -> object:
    return None if value is None else _pair(value)


def _or_none(value: object) -> object:
    return None if value == "none" else value


def read_function(value: object) -> object:
    """An activation as a file writes it: a name, or a mapping with name and options."""
    if value is None or value == "none" or isinstance(value, Function):
        return None if value == "none" else value
    content = {"name": value} if isinstance(value, str) else value
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise ValueError("expected a name such as relu, or {name: leaky_relu, slope: 0.1}")
    options = {str(option): _plain(number) for option, number in content.items() if option != "name"}
    try:
        with torch.device("meta"):
            activation(content["name"], **options)
    except ModelError as error:
        raise ValueError(str(error)) from None
    return Function(content["name"], tuple(options.items()))


def _plain(value: object) -> float:
    """A number, even where YAML took it for a text, as it does 1e-4."""
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool) and abs(float(value)) < MOST:
            return value if isinstance(value, int) else float(value)
    except (ValueError, OverflowError):
        pass
    raise ValueError("the options of an activation are numbers")


def write_function(function: Function | None) -> dict[str, Any] | None:
    """The mapping that `read_function` reads."""
    return {"name": function.name, **dict(function.options)} if function else None


Pair = Annotated[Sides, BeforeValidator(_pair)]
OptionalPair = Annotated[Sides | None, BeforeValidator(_pair_or_none)]
Around = Annotated[Padding, BeforeValidator(_padding)]
Norm = Annotated[Literal["batch"] | None, BeforeValidator(_or_none)]
Activation = Annotated[Function | None, BeforeValidator(read_function), PlainSerializer(write_function)]

VALID = (0, 0, 0, 0)


class Layer(BaseModel):
    """One item of the list: a kind, and options that are checked before anything is built.

    Attributes:
        word: the kind, as a file writes it.
        short: the option that a value without a name stands for.
        example: how it is written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    word: ClassVar[str]
    short: ClassVar[str] = ""
    example: ClassVar[str]

    def what(self) -> str:
        """Kind and window, as messages name it."""
        kernel = getattr(self, "kernel", None)
        return self.word + (f", kernel {kernel[0] if kernel[0] == kernel[1] else list(kernel)}" if kernel else "")

    def written(self) -> dict[str, Any]:
        """The item with all its options, ready for YAML and JSON."""
        return {self.word: self.model_dump(mode="json", exclude_none=True)}

    @abstractmethod
    def add(self, chain: Chain) -> None:
        """Put its layers at the end of a chain."""


class Weighted(Layer):
    """A layer that has weights, then what normalises and bends its output."""

    bias: bool | None = None
    """None: only where no normalisation follows."""
    norm: Norm = None
    activation: Activation = None

    @property
    def biased(self) -> bool:
        """Whether each output adds a number of its own; the shift of a normalisation would make it superfluous."""
        return self.norm is None if self.bias is None else self.bias

    def finish(self, chain: Chain, name: str) -> None:
        """Put normalisation and activation behind the layer of that name."""
        if self.norm:
            chain.normalise(f"{name}_norm")
        if self.activation:
            bend(chain, f"{name}_{self.activation.name}", self.activation)


def bend(chain: Chain, name: str, function: Function) -> None:
    """Put an activation at the end of a chain.

    Args:
        chain: what it is added to.
        name: of the layer.
        function: which, and with which options.

    Raises:
        ModelError: it does not suit the number of maps.
    """
    layer = activation(function.name, **dict(function.options))
    channels, *sides = chain.shape
    if isinstance(layer, Maxout):
        if channels % layer.pieces:
            chain.fail(f"maxout cannot share {channels} maps out among {layer.pieces} pieces")
        chain.shape = (channels // layer.pieces, *sides)
    if isinstance(layer, nn.PReLU) and layer.num_parameters not in {1, channels}:
        chain.fail(f"prelu has {layer.num_parameters} slopes for {channels} maps; allowed: 1 or {channels}")
    chain.put(name, layer)


LIMITS = {"ge": "needs at least", "le": "may be at most", "lt": "must be less than"}


def complaint(error: ValidationError, kind: type[Layer]) -> str:
    """The first thing that is wrong with a layer's options, in one line.

    Args:
        error: pydantic's.
        kind: of the layer.
    """
    found = error.errors(include_url=False)  # a misspelt option is told before the one that is missing for it
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    option, value, context = str(first["loc"][0]), first["input"], first.get("ctx", {})
    match first["type"]:
        case "missing":
            return f"needs `{option}`; for example - {kind.example}"
        case "extra_forbidden":
            known = list(kind.model_fields)
            return f"no option is called {shown(option)}; {nearest(option[:60], known) if known else 'it has none'}"
        case "value_error":
            reason = str(context["error"])
        case "literal_error":
            reason = nearest(str(value)[:60], re.findall(r"'(\w+)'", context["expected"]))
        case "greater_than_equal" | "less_than_equal" | "less_than":
            reason = ", ".join(f"{LIMITS[name]} {limit:,}" for name, limit in context.items())
        case _:
            reason = first["msg"].replace("Input should be", "expected").replace("a valid integer", "a whole number")
    return f"{option}{'' if isinstance(value, dict) else f' {shown(value)}'}: {reason}"
