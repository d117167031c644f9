"""What `convscope summary` prints: columns of layers or of stages, and the notes under them."""

from convscope.explanation.draw import arithmetic
from convscope.explanation.draw.parts import Part, Row, rows, tree
from convscope.explanation.draw.plan import gated
from convscope.layers.summary import BYTES, Layer, Summary
from convscope.ui.table import Column
from convscope.words import Language, say

# what is said of a layer where there is no room for its class
SHORTER = {
    "BatchNorm2d": "BN", "LocalResponseNorm": "LRN", "AdaptiveAvgPool2d": "AdaptAvg", "SparseConv2d": "SparseConv",
    "Hardsigmoid": "HSigmoid", "Hardswish": "HSwish",
}  # fmt: skip


def layers(summary: Summary, language: Language, *, fold: bool) -> list[Column]:
    """One row for each layer; activations, normalisation and dropout in the row before them where `fold` says so."""
    found = rows(summary, fold=fold)
    first = [row.first for row in found]
    return [
        Column(_heading("layer", language), [layer.name for layer in first], least=22, tail=True),
        _kinds(found, language),
        Column(_heading("shape", language), [arithmetic.shape(layer.shape) for layer in first]),
        _windows("kernel", [layer.kernel for layer in first], language, rank=3),
        _windows("stride", [layer.stride for layer in first], language, rank=3),
        _windows("padding", [layer.padding for layer in first], language, rank=3),
        *_costs(found, language),
        _fields(first, language),
        Column(_heading("lost", language), [_lost(layer) for layer in first], rank=7),
        Column(_heading("formula", language), [layer.formula for layer in first], rank=4),
    ]


def stages(summary: Summary, language: Language) -> list[Column]:
    """One row for each part that the two halves consist of."""
    top, found = _stages(summary)
    fields = {stage.name: stage.field.size for stage in summary.stages if stage.field}
    fields |= {part.name: part.layer.receptive_field for part in top if part.layer and part.layer.receptive_field}
    weighted = [sum(layer.macs > 0 for layer in row.layers) for row in found]
    shapes = [arithmetic.shape(part.shape) for part in top]
    return [
        Column(_heading("part", language), [part.name for part in top], least=11, tail=True),
        Column(_heading("layers", language), [f"{number:,}" for number in weighted], rank=3, right=True),
        Column(_heading("shape", language), shapes),
        *_costs(found, language),
        Column(_heading("field", language), [str(fields.get(part.name, "")) for part in top], rank=4, right=True),
    ]


def _stages(summary: Summary) -> tuple[list[Part], list[Row]]:
    """The parts of the two halves with their layers; what stands in no row of its own belongs to the part before."""
    first = {id(row.first) for row in rows(summary)}
    top: list[Part] = []
    found: list[Row] = []
    whole = tree(summary)
    while len(whole.parts) == 1 and whole.parts[0].parts:  # a network of timm's, inside its wrapper
        whole = whole.parts[0]
    for half in whole.parts:
        for part in half.parts or (half,):
            if found and part.layer and id(part.layer) not in first:
                found[-1] = Row((*found[-1].layers, part.layer))
            else:
                top.append(part)
                found.append(Row(tuple(part.layers())))
    return top, found


def notes(summary: Summary, heading: str, left_out: list[str], language: Language, *, folded: bool) -> list[str]:
    """Sums, what the columns mean, what was left out."""
    found = [
        say(
            "summary.totals",
            language,
            name=summary.name,
            input=arithmetic.shape(summary.input_shape),
            parameters=f"{summary.parameters:,}",
            weights=arithmetic.size(BYTES * summary.parameters),
            macs=f"{summary.macs:,}",
            memory=arithmetic.size(summary.activation_bytes),
        )
    ]
    shown = heading.split()
    if say("summary.kernel.short", language) in shown:
        found.append(say("summary.legend", language))
    elif say("summary.padding", language) in shown:
        found.append(say("summary.legend.padding", language))
    for key in ("layers", "field", "lost"):
        if say(f"summary.{key}", language) in heading:
            found.append(say(f"summary.legend.{key}", language))
    if gated(summary):
        found.append(say("summary.gates", language))
    if folded and len(rows(summary)) < len(summary.layers):
        found.append(say("summary.folded", language))
    rounded = [layer.name for layer in summary.layers if layer.formula.startswith("⌈")]
    if rounded:
        found.append(say("summary.up", language, places=_few(rounded, language)))
    down = [f"{layer.name} ({_lost(layer)})" for layer in summary.layers if _lost(layer)]
    if down:
        found.append(say("summary.down", language, places=_few(down, language)))
    if left_out:
        found.append(say("summary.narrow", language, columns=", ".join(left_out)))
    return found


def _heading(key: str, language: Language) -> str:
    return say(f"summary.{key}", language)


def _few(places: list[str], language: Language, most: int = 5) -> str:
    """The first of them, and how many more there are."""
    more = [say("summary.more", language, count=len(places) - most)] if len(places) > most else []
    return ", ".join([*places[:most], *more])


def _kinds(found: list[Row], language: Language) -> Column:
    short = ["+".join(SHORTER.get(kind, kind.removesuffix("2d")) for kind in row.kinds) for row in found]
    return Column(
        _heading("kind", language),
        [" + ".join(row.kinds) for row in found],
        rank=1,
        short=(_heading("kind", language), short),
        least=9,
    )


def _windows(key: str, values: list[tuple[int, ...] | None], language: Language, rank: int) -> Column:
    said = [arithmetic.window(value) if value else "" for value in values]
    return Column(_heading(key, language), said, rank, right=True, short=(_heading(f"{key}.short", language), said))


def _costs(found: list[Row], language: Language) -> list[Column]:
    numbers = [f"{row.parameters:,}" for row in found]
    macs = Column(
        _heading("macs", language), [f"{row.macs:,}" for row in found], rank=5, right=True,
        short=(_heading("macs", language), [arithmetic.count(row.macs) for row in found]),
    )  # fmt: skip
    memory = Column(
        _heading("memory", language), [arithmetic.size(row.activation_bytes) for row in found], rank=6, right=True
    )
    heading = _heading("parameters.short", language)
    return [
        Column(_heading("parameters", language), numbers, rank=2, right=True, short=(heading, numbers)),
        macs,
        memory,
    ]


def _fields(first: list[Layer], language: Language) -> Column:
    return Column(
        _heading("field", language), [str(layer.receptive_field or "") for layer in first], rank=4, right=True
    )


def _lost(layer: Layer) -> str:
    """Rows, columns that no window reaches; "" for none.

    >>> _lost(Layer("p", "MaxPool2d", (6, 2, 3), (3, 3), (2, 2), (0,) * 4, 0, 0, 6, "", (1, 0), 4704))
    '1,0'
    """
    return ",".join(map(str, layer.lost)) if layer.lost and any(layer.lost) else ""
