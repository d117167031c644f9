"""A network of your own, put together layer by layer: every size is worked out before a layer is made."""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from math import ceil, prod
from typing import Literal, NamedTuple, NoReturn, Protocol

from torch import nn

from convscope.errors import ModelError
from convscope.layers.geometry import legal_strides, out_size, reach, same_pad
from convscope.layers.same import SameConv2d
from convscope.layers.window import Window
from convscope.models.own.bricks import PaddedConv2d, Pads, ResidualBlock, Sides

Padding = Literal["same"] | Pads  # pixels of (top, bottom, left, right)

# a stranger's file asks for no more: numbers of one layer, and numbers that one layer makes of one picture
MOST_WEIGHTS = 10**10
MOST_NUMBERS = 2**31
MOST_CHANNELS = 65_536


class Lost(NamedTuple):
    """Pixels that a layer's stride leaves unseen, as the text `own.lost` tells them.

    Attributes:
        number: of the layer in its file, such as "3", or "5.1" inside a block.
        name: of the layer in the network.
        rows: of the picture's own rows, padding aside, that no window reaches.
        columns: likewise.
        size: of the map that comes in.
        stride: pixels from one position to the next.
        strides: those that lose nothing.
    """

    number: str
    name: str
    rows: int
    columns: int
    size: str
    stride: str
    strides: str


class Brick(Protocol):
    """One item of a file's list of layers."""

    def what(self) -> str:
        """Its kind, and its window if it has one."""

    def add(self, chain: "Chain") -> None:
        """Put its layers at the end of a chain."""


class Chain:
    """Layers one behind the other, and the shape of what comes out of the last.

    Args:
        shape: (C, H, W) of what goes in.
        outer: the chain that this one is a block of.

    Attributes:
        shape: (C, H, W), or (J,) once rows and columns are gone.
        parts: (name, layer), in order.
        cut: where the classifier begins among the parts; None while all is features.
        strides: product of all strides, rows and columns.
        sizes: of the maps so far, in words.
        lost: pixels that strides leave unseen.
        number: of the item that is being added.
        place: the same, in words.
    """

    def __init__(self, shape: tuple[int, ...], outer: "Chain | None" = None) -> None:
        self.shape = shape
        self.parts: list[tuple[str, nn.Module]] = []
        self.cut: int | None = None
        self.strides: Sides = (1, 1)
        self.sizes: list[str] = outer.sizes if outer else [_side(shape[1], shape[2])]
        self.lost: list[Lost] = outer.lost if outer else []
        self.number = self.place = ""
        self._counts: Counter[str] = Counter()

    def follow(self, bricks: Sequence[Brick], inside: str = "") -> None:
        """Add items in order.

        Args:
            bricks: the items.
            inside: number of the item that holds them, with a dot.

        Raises:
            ModelError: one cannot be; the message says where and why.
        """
        for number, brick in enumerate(bricks, 1):
            self.number = f"{inside}{number}"
            self.place = f"layer {self.number} ({brick.what()})"
            brick.add(self)

    def fail(self, reason: str) -> NoReturn:
        """Refuse the item that is being added."""
        raise ModelError(f"{self.place}: {reason}")

    def name(self, kind: str) -> str:
        """A name for the next layer of a kind.

        >>> chain = Chain((1, 28, 28))
        >>> chain.name("conv"), chain.name("pool"), chain.name("conv")
        ('conv1', 'pool1', 'conv2')
        """
        self._counts[kind] += 1
        return f"{kind}{self._counts[kind]}"

    def put(self, name: str, layer: nn.Module) -> None:
        """Add a layer that leaves the shape as it is, or whose shape was set before."""
        self.parts.append((name, layer))

    def map(self) -> tuple[int, int, int]:
        """Channels, rows and columns; refuses the item where there are none any more."""
        if len(self.shape) != 3:
            self.fail("it needs rows and columns, and after flatten or dense there are none; move it up")
        channels, rows, columns = self.shape
        return channels, rows, columns

    def classify(self) -> None:
        """What follows belongs to the classifier."""
        if self.cut is None:
            self.cut = len(self.parts)

    def flatten(self) -> int:
        """Lay all maps out in one row, if that has not been done; the numbers in it."""
        self.classify()
        if len(self.shape) == 3:
            self.put("flatten", nn.Flatten())
            self.shape = (prod(self.shape),)
        return self.shape[0]

    def slide(
        self, name: str, channels: int, kernel: Sides, stride: Sides, padding: Padding,
        dilation: Sides = (1, 1), *, ceil_mode: bool = False,
    ) -> Pads:  # fmt: skip
        """Work out what a window makes of the map; the pixels of padding on each side."""
        _, *sides = self.map()
        ends = tuple(
            same_pad(side, taps, step, gap) if padding == "same" else (padding[2 * axis], padding[2 * axis + 1])
            for axis, (side, taps, step, gap) in enumerate(zip(sides, kernel, stride, dilation, strict=True))
        )
        made = []
        for side, taps, step, gap, end in zip(sides, kernel, stride, dilation, ends, strict=True):
            if side + sum(end) < reach(taps, gap):
                padded = f" with {end[0]} + {end[1]} of padding" if any(end) else ""
                self.fail(
                    f"a window of {reach(taps, gap)} pixels does not fit into {side}{padded}; the sizes so far: "
                    f"{' → '.join(self.sizes)}; take a larger --size, fewer pools or padding: same"
                )
            made.append(out_size(side, taps, step, end, gap, ceil_mode=ceil_mode))
        (top, bottom), (left, right) = ends
        pads = (top, bottom, left, right)
        rows, columns = Window(kernel, stride, pads, dilation, ceil_mode).lost((sides[0], sides[1]))
        missed = (max(rows - bottom, 0), max(columns - right, 0))
        if any(missed):
            legal = [
                set(legal_strides(side + sum(end), reach(taps, gap)))
                for side, taps, gap, end, gone in zip(sides, kernel, dilation, ends, missed, strict=True)
                if gone
            ]
            strides = ", ".join(map(str, sorted(set.intersection(*legal))))
            size, steps = f"{sides[0]}×{sides[1]}", _side(*stride)
            self.lost.append(Lost(self.number, name, *missed, size, steps, strides))
        self.strides = (self.strides[0] * stride[0], self.strides[1] * stride[1])
        self.reshape(channels, made[0], made[1])
        return pads

    def reshape(self, channels: int, rows: int, columns: int) -> None:
        """The shape that comes out, if that is not out of all proportion."""
        if channels > MOST_CHANNELS or channels * rows * columns > MOST_NUMBERS:
            self.fail(
                f"it makes {channels:,} maps of {rows}×{columns} of each picture; at most {MOST_CHANNELS:,} maps and "
                f"{MOST_NUMBERS:,} numbers are allowed"
            )
        self.shape = (channels, rows, columns)
        if self.sizes[-1] != _side(rows, columns):
            self.sizes.append(_side(rows, columns))

    def convolve(
        self, name: str, filters: int, kernel: Sides, stride: Sides = (1, 1), padding: Padding = (0, 0, 0, 0),
        dilation: Sides = (1, 1), groups: int = 1, *, bias: bool = True,
    ) -> None:  # fmt: skip
        """Add a convolution."""
        channels, *_ = self.map()
        if channels % groups or filters % groups:
            self.fail(f"groups {groups} must divide the {channels} maps that come in and the {filters} that go out")
        self._weigh(filters * (channels // groups) * prod(kernel))
        top, bottom, left, right = pads = self.slide(name, filters, kernel, stride, padding, dilation)
        sizes = (channels, filters, kernel, stride)
        if padding == "same" and (stride != (1, 1) or top != bottom or left != right):
            self.put(name, SameConv2d(*sizes, dilation=dilation, groups=groups, bias=bias))
        elif top == bottom and left == right:
            self.put(name, nn.Conv2d(*sizes, (top, left), dilation, groups, bias))
        else:
            self.put(name, PaddedConv2d(*sizes, pads, dilation, groups, bias=bias))

    def dense(self, name: str, units: int, *, bias: bool = True) -> None:
        """Add a dense layer, flattening first."""
        inputs = self.flatten()
        self._weigh(inputs * units)
        self.put(name, nn.Linear(inputs, units, bias))
        self.shape = (units,)

    def normalise(self, name: str) -> None:
        """Add batch normalisation."""
        self.put(name, nn.BatchNorm2d(self.shape[0]) if len(self.shape) == 3 else nn.BatchNorm1d(self.shape[0]))

    def residual(self, name: str, bricks: Sequence[Brick], *, normed: bool) -> None:
        """Add a block with a way around it: a 1×1 convolution where the shape changes.

        Args:
            name: of the block.
            bricks: its items.
            normed: whether the convolution on the way around is followed by batch normalisation.
        """
        channels, *before = self.map()
        inner = Chain(self.shape, self)
        inner.follow(bricks, f"{self.number}.")
        if inner.cut is not None:
            self.fail("a residual block keeps rows and columns: no flatten, dense or global pool inside")
        filters, *after = inner.map()
        shortcut = None
        if inner.shape != self.shape:
            around = [ceil(side / step) for side, step in zip(before, inner.strides, strict=True)]
            if around != after:
                self.fail(
                    f"its layers make {after[0]}×{after[1]} of {before[0]}×{before[1]}, and the way around them, a "
                    f"1×1 convolution at stride {_side(*inner.strides)}, makes {around[0]}×{around[1]}; give its "
                    "layers padding: same"
                )
            self._weigh(channels * filters)
            way = OrderedDict[str, nn.Module](conv=nn.Conv2d(channels, filters, 1, inner.strides, bias=not normed))
            if normed:
                way["norm"] = nn.BatchNorm2d(filters)
            shortcut = nn.Sequential(way)
        self.put(name, ResidualBlock(nn.Sequential(OrderedDict(inner.parts)), shortcut))
        self.shape = inner.shape
        self.strides = (self.strides[0] * inner.strides[0], self.strides[1] * inner.strides[1])

    def network(self) -> nn.Module:
        """The layers as a network of two named halves."""
        features, classifier = self.parts[: self.cut], self.parts[self.cut :]
        halves = {"features": features, "classifier": classifier}
        return nn.Sequential(OrderedDict((half, nn.Sequential(OrderedDict(part))) for half, part in halves.items()))

    def _weigh(self, weights: int) -> None:
        if weights > MOST_WEIGHTS:
            self.fail(f"{weights:,} weights in one layer; at most {MOST_WEIGHTS:,} are allowed")


def _side(rows: int, columns: int) -> str:
    """One number where both are the same.

    >>> _side(28, 28), _side(28, 24)
    ('28', '28×24')
    """
    return str(rows) if rows == columns else f"{rows}×{columns}"
