"""A summary's layers as a tree: which stand side by side, and which are read together in one row."""

from collections.abc import Iterator
from dataclasses import dataclass

from convscope.layers.summary import Layer, Summary

# what the way around a block is called, here and in other libraries
SHORTCUTS = {"shortcut", "downsample", "skip", "identity"}
BODIES = {"body", "layers"}  # what the way leads around, in our own blocks


@dataclass(frozen=True)
class Row:
    """A layer, and those after it that slide no window and keep its shape.

    Attributes:
        layers: the first gives the row its name, window and shape.
        joined: how many of them run right after each other; the others follow a sum or a junction.
    """

    layers: tuple[Layer, ...]
    joined: int = 1

    @property
    def first(self) -> Layer:
        """The layer that the row is named after."""
        return self.layers[0]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Classes of the layers that run right after each other, but for those that do nothing."""
        after = (layer.kind for layer in self.layers[1 : self.joined])
        return (self.first.kind, *(kind for kind in after if kind != "Identity"))

    @property
    def parameters(self) -> int:
        """Trainable numbers of all its layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all its layers for one picture."""
        return sum(layer.macs for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Memory of all its outputs for one picture."""
        return sum(layer.activation_bytes for layer in self.layers)


@dataclass(frozen=True)
class Part:
    """A layer, or a part of a network that holds layers.

    Attributes:
        name: full name inside the network; "" for the whole.
        shape: of its output for one picture.
        parts: what it holds, in the order they run.
        layer: the layer, where it is one.
    """

    name: str
    shape: tuple[int, ...]
    parts: tuple["Part", ...] = ()
    layer: Layer | None = None

    @property
    def short(self) -> str:
        """The last word of its name.

        >>> Part("features.conv1", ()).short
        'conv1'
        """
        return self.name.rpartition(".")[2]

    def layers(self) -> Iterator[Layer]:
        """Every layer in it, in the order they run."""
        if self.layer:
            yield self.layer
        for part in self.parts:
            yield from part.layers()

    def everything(self) -> Iterator["Part"]:
        """Itself and every part in it."""
        yield self
        for part in self.parts:
            yield from part.everything()

    @property
    def branches(self) -> tuple["Part", ...]:
        """The parts that run side by side and are joined: their maps add up to its own; () where none do."""
        same = len(self.shape) == 3 and all(part.shape[1:] == self.shape[1:] for part in self.parts)
        if len(self.parts) < 2 or not same:
            return ()
        return self.parts if sum(part.shape[0] for part in self.parts) == self.shape[0] else ()

    @property
    def shortcut(self) -> "Part | None":
        """The part that leads around the others, where its name tells."""
        return next((part for part in self.parts if part.short in SHORTCUTS), None)

    @property
    def body(self) -> "Part | None":
        """What it holds, where that is all but for a way around that may be there or not."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if only and only.parts and only.short in BODIES else None

    def goes_around(self, before: tuple[int, ...]) -> bool:
        """Whether its input, of shape `before`, is added to its output; known from names and shapes."""
        return bool(self.shortcut) or (self.body is not None and before == self.shape)


def tree(summary: Summary) -> Part:
    """The whole network as one part."""
    shapes = {stage.name: stage.shape for stage in summary.stages}
    return _grown("", list(summary.layers), shapes)


def rows(summary: Summary, *, fold: bool = True) -> list[Row]:
    """The layers as rows to read.

    Args:
        summary: of any network.
        fold: put a layer that slides no window, multiplies nothing and keeps the shape into the row before it.
    """
    if not fold:
        return [Row((layer,)) for layer in summary.layers]
    meetings = [part for part in tree(summary).everything() if part.branches or part.shortcut]
    found: list[Row] = []
    for layer in summary.layers:
        last = found[-1] if found else None
        if last is None or _says_more(layer, last):
            found.append(Row((layer,)))
            continue
        straight = not any(_meet(last.first.name, layer.name, part) for part in meetings)
        found[-1] = Row((*last.layers, layer), last.joined + (straight and last.joined == len(last.layers)))
    return found


def _says_more(layer: Layer, row: Row) -> bool:
    """Whether a layer slides a window, multiplies, or changes the shape."""
    if layer.kind == "Identity":
        return False
    return bool(layer.kernel or layer.macs) or layer.shape != row.first.shape


def _meet(first: str, second: str, part: Part) -> bool:
    """Whether other maps join between two layers, the first of which is in a part whose ways run side by side."""
    ways = [
        name.removeprefix(start).partition(".")[0] if name.startswith(start := f"{part.name}.") else None
        for name in (first, second)
    ]
    if ways[0] is None:
        return False
    if ways[1] is None or part.branches:
        return ways[0] != ways[1]
    around = part.shortcut
    return around is not None and (ways[0] == around.short) != (ways[1] == around.short)


def _grown(name: str, layers: list[Layer], shapes: dict[str, tuple[int, ...]]) -> Part:
    depth = len(name) + 1 if name else 0
    grown: list[Part] = []
    at: dict[str, int] = {}  # where a part that holds layers stands among its neighbours
    inside: dict[str, list[Layer]] = {}
    for layer in layers:
        word, dot, _ = layer.name[depth:].partition(".")
        full = layer.name[:depth] + word
        if not dot:
            grown.append(Part(full, layer.shape, layer=layer))
            continue
        if full not in at:
            at[full] = len(grown)
            inside[full] = []
            grown.append(Part(full, ()))
        inside[full].append(layer)
    for full, place in at.items():
        grown[place] = _grown(full, inside[full], shapes)
    return Part(name, shapes.get(name, layers[-1].shape if layers else ()), tuple(grown))
