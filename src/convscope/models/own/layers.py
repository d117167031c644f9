"""The kinds of layer that a network of your own may have, and the options of each."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer
from torch import nn

from convscope.errors import nearest
from convscope.layers.activations import ACTIVATIONS
from convscope.layers.l2pool import RMSPool2d
from convscope.layers.lrn import LocalResponseNorm
from convscope.layers.same import SameAvgPool2d, SameMaxPool2d
from convscope.layers.stochastic import StochasticPool2d
from convscope.models.own.chain import Chain
from convscope.models.own.options import (
    VALID,
    Activation,
    Around,
    Function,
    Layer,
    Number,
    OptionalPair,
    Pair,
    Weighted,
    Whole,
    bend,
    read_function,
    write_function,
)  # fmt: skip


class Conv(Weighted):
    """A convolution, then what normalises and bends it."""

    word, short, example = "conv", "filters", "conv: {filters: 32, kernel: 3}"

    filters: Whole
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Around = VALID
    dilation: Pair = (1, 1)
    groups: Whole = 1

    def add(self, chain: Chain) -> None:
        """Convolution, normalisation, activation."""
        name = chain.name(self.word)
        chain.convolve(
            name, self.filters, self.kernel, self.stride, self.padding, self.dilation, self.groups, bias=self.biased
        )
        self.finish(chain, name)


class Depthwise(Weighted):
    """A convolution of each map by itself."""

    word, short, example = "depthwise", "kernel", "depthwise: {kernel: 3, padding: same}"

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Around = VALID
    multiplier: Whole = 1
    """Maps made of each."""

    def add(self, chain: Chain) -> None:
        """As many groups as maps."""
        name = chain.name(self.word)
        channels, *_ = chain.map()
        filters = channels * self.multiplier
        chain.convolve(name, filters, self.kernel, self.stride, self.padding, groups=channels, bias=self.biased)
        self.finish(chain, name)


class Separable(Weighted):
    """A depthwise convolution and a pointwise one (1×1), each normalised and bent, as MobileNet has it."""

    word, short, example = "separable", "filters", "separable: {filters: 64, kernel: 3, padding: same}"

    filters: Whole
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Around = VALID

    def add(self, chain: Chain) -> None:
        """Two convolutions."""
        name = chain.name(self.word)
        channels, *_ = chain.map()
        deep = f"{name}_depthwise"
        chain.convolve(deep, channels, self.kernel, self.stride, self.padding, groups=channels, bias=self.biased)
        self.finish(chain, deep)
        chain.convolve(f"{name}_pointwise", self.filters, (1, 1), bias=self.biased)
        self.finish(chain, f"{name}_pointwise")


class Pool(Layer):
    """Maximum, mean, L2 or stochastic pooling, or the mean of each whole map; padding never counts."""

    word, short, example = "pool", "kernel", "pool: {kind: max, kernel: 2}"

    kind: Literal["max", "average", "l2", "stochastic", "global"] = "max"
    kernel: OptionalPair = None
    stride: OptionalPair = None
    """None: as many pixels as the kernel has."""
    padding: Around = VALID
    ceil: bool = False
    """Whether a last window may hang over the end, instead of losing rows and columns."""

    def add(self, chain: Chain) -> None:
        """The pool of its kind."""
        channels, *_ = chain.map()
        plain = self.padding == VALID and not self.ceil
        if self.kind == "global":
            if self.kernel or self.stride or not plain:
                chain.fail("pool: global takes each whole map; leave kernel, stride, padding and ceil out")
            chain.classify()
            chain.put(chain.name(self.word), nn.AdaptiveAvgPool2d(1))
            chain.reshape(channels, 1, 1)
            return
        if self.kernel is None:
            chain.fail(f"needs `kernel`; for example - {self.example}")
        kernel, stride = self.kernel, self.stride or self.kernel
        name = chain.name(self.word)
        if self.kind in {"l2", "stochastic"}:
            if kernel[0] != kernel[1] or stride[0] != stride[1] or not plain:
                chain.fail(f"{self.kind} pooling has square windows, no padding and no ceil")
            chain.put(name, (RMSPool2d if self.kind == "l2" else StochasticPool2d)(kernel[0], stride[0]))
        elif self.padding == "same":
            if self.ceil:
                chain.fail("ceil and padding: same are two answers to one question; leave one of them out")
            chain.put(name, (SameMaxPool2d if self.kind == "max" else SameAvgPool2d)(kernel, stride))
        else:
            top, bottom, left, right = self.padding
            if top != bottom or left != right or 2 * top > kernel[0] or 2 * left > kernel[1]:
                chain.fail("a pool is padded by one number of pixels, at most half of its kernel; or padding: same")
            if self.kind == "max":
                chain.put(name, nn.MaxPool2d(kernel, stride, (top, left), ceil_mode=self.ceil))
            else:
                chain.put(name, nn.AvgPool2d(kernel, stride, (top, left), self.ceil, count_include_pad=False))
        chain.slide(name, channels, kernel, stride, self.padding, ceil_mode=self.ceil)


class Dropout(Layer):
    """Dropout of single values, in training only."""

    word, short, example = "dropout", "rate", "dropout: 0.25"

    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share that is dropped."""

    def add(self, chain: Chain) -> None:
        """Dropout."""
        chain.put(chain.name(self.word), nn.Dropout(self.rate))


class Normalisation(Layer):
    """Batch normalisation on its own, where it does not follow a convolution at once."""

    word, short, example = "norm", "kind", "norm: batch"

    kind: Literal["batch"] = "batch"

    def add(self, chain: Chain) -> None:
        """Batch normalisation of maps, or of single numbers."""
        chain.normalise(chain.name(self.word))


class LRN(Layer):
    """AlexNet's normalisation across neighbouring maps; alpha weighs their sum, as in the paper."""

    word, short, example = "lrn", "size", "lrn: {size: 5, alpha: 0.0001, beta: 0.75, k: 2}"

    size: Whole = 5
    alpha: Number = 1e-4
    beta: Number = 0.75
    k: Number = 2.0

    def add(self, chain: Chain) -> None:
        """Local response normalisation."""
        chain.map()
        if self.size % 2 == 0:
            chain.fail(f"size {self.size}: a window of maps has a centre only if its size is odd")
        chain.put(chain.name(self.word), LocalResponseNorm(self.size, self.alpha, self.beta, self.k))


class Bend(Layer):
    """An activation on its own; its name alone will do."""

    word, short, example = "activation", "function", "activation: {name: leaky_relu, slope: 0.1}"

    function: Annotated[Function, BeforeValidator(read_function), PlainSerializer(write_function)]

    def written(self) -> dict[str, Any]:
        """Name and options."""
        return {self.word: write_function(self.function)}

    def add(self, chain: Chain) -> None:
        """The activation."""
        bend(chain, chain.name(self.function.name), self.function)


class Flatten(Layer):
    """All maps in one row; dense layers do it by themselves."""

    word, example = "flatten", "flatten"

    def add(self, chain: Chain) -> None:
        """Flatten."""
        chain.map()
        chain.flatten()


class Dense(Weighted):
    """A dense layer, then what normalises and bends it."""

    word, short, example = "dense", "units", "dense: {units: 128, activation: relu}"

    units: Whole

    def add(self, chain: Chain) -> None:
        """Dense layer, normalisation, activation."""
        name = chain.name(self.word)
        chain.dense(name, self.units, bias=self.biased)
        self.finish(chain, name)


class Residual(Layer):
    """Layers with a way around them, which a 1×1 convolution brings to shape where they change it."""

    word, short, example = "residual", "layers", "residual: [conv: {filters: 32, kernel: 3, padding: same}]"

    layers: tuple[Layer, ...]
    activation: Activation = None
    """Of the sum."""

    def written(self) -> dict[str, Any]:
        """Its layers, written likewise."""
        return {self.word: {**self.model_dump(exclude={"layers"}, exclude_none=True),
                            "layers": [layer.written() for layer in self.layers]}}  # fmt: skip

    def add(self, chain: Chain) -> None:
        """Block, then activation of the sum."""
        normed = any(isinstance(layer, Normalisation) or getattr(layer, "norm", None) for layer in self.layers)
        name = chain.name(self.word)
        chain.residual(name, self.layers, normed=normed)
        if self.activation:
            bend(chain, f"{name}_{self.activation.name}", self.activation)


class Scores(Layer):
    """The scoring layer, one output a class; it stands last, or is left out, for it is always there."""

    word, example = "scores", "scores"

    def add(self, chain: Chain) -> None:
        """Nothing: the scoring layer comes when the number of classes is known."""


KINDS: dict[str, type[Layer]] = {
    kind.word: kind
    for kind in (
        Conv, Depthwise, Separable, Pool, Dropout, Normalisation, LRN, Bend, Residual, Flatten, Dense, Scores,
    )
}  # fmt: skip


def hint(word: str) -> str:
    """What a misspelt kind may have meant.

    >>> hint("Conv2D"), hint("maxpool")
    ('did you mean conv?', 'did you mean pool or maxout?')
    """
    return nearest(word.lower(), [*KINDS, *ACTIVATIONS])
