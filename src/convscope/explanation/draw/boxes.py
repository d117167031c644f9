"""How a box of the tower looks: its colour, its size, what is written in it."""

from math import log2, sqrt

from convscope.explanation.draw.parts import Row
from convscope.words.markup import escape

WIDEST, NARROWEST = 320, 22  # of a slab: the largest map, and a single number


def kind(row: Row) -> str:
    """What colours a row: conv, pool, dense or other.

    >>> from convscope.layers.summary import Layer
    >>> kind(Row((Layer("p", "MaxPool2d", (6, 14, 14), (2, 2), (2, 2), (0,) * 4, 0, 0, 6, "", None, 4704),)))
    'pool'
    """
    layer = row.first
    if layer.kernel and layer.macs:
        return "conv"
    if "Pool" in layer.kind or (layer.kernel and layer.kernel != (1, 1)):
        return "pool"
    return "dense" if layer.macs or (len(layer.shape) == 1 and layer.kind != "Flatten") else "other"


def slab(values: tuple[int, ...], largest: int) -> tuple[float, float]:
    """Width and height of a map's box: the root of its side, the logarithm of the number of maps.

    Args:
        values: its shape, (C, H, W) or (J,).
        largest: side of the largest map, in pixels.

    Example:
        >>> slab((64, 224, 224), largest=224), slab((512, 56, 56), largest=224), slab((4096,), largest=224)
        ((320.0, 34.0), (171.0, 43.0), (41.9, 52.0))
    """
    side = values[-1] if len(values) == 3 else 1
    maps = values[0] if len(values) == 3 else values[-1]
    width = NARROWEST + (WIDEST - NARROWEST) * sqrt(min(1, side / largest))
    return round(width, 1), round(16 + 3 * log2(max(1, maps)), 1)


def box(name: str, middle: float, y: float, width: float, height: float) -> str:
    """A box around a middle."""
    x = middle - width / 2
    return f'<rect class="box {name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="4"/>'


def wire(path: str, name: str = "wire") -> str:
    """A line along a path."""
    return f'<path class="{name}" d="{path}"/>'


def bold(markup: str) -> str:
    """Markup that stands out."""
    return f'<tspan class="strong">{markup}</tspan>'


def with_kernel(row: Row) -> str:
    """The class of a row, and the size of its window."""
    size = f" {row.first.kernel[0]}×{row.first.kernel[1]}" if row.first.kernel else ""
    return escape(row.first.kind + size)


def in_letters(row: Row, *, named: bool) -> str:
    """A row in a few letters, as papers label their boxes: `3×3, 128, /2`."""
    layer = row.first
    label = f"{layer.kernel[0]}×{layer.kernel[1]}, {layer.shape[0]}" if layer.kernel else layer.kind
    if layer.stride and max(layer.stride) > 1:
        label += f", /{max(layer.stride)}"
    return f"{layer.kind} {label}" if named and layer.kernel else label
