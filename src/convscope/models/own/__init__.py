"""Networks of your own: a YAML list of layers is a network's name, too.

    name: tiny                      # optional, else the file's name
    input: [1, 28, 28]              # channels, and the side twice; --size and the pictures' channels come first
    layers:
      - conv: {filters: 8, kernel: 3, padding: same, norm: batch, activation: relu}
      - pool: 2
      - dense: {units: 64, activation: relu}

What a layer may be is in `own.layers.KINDS`. The features end before the first flatten, dense layer or global pool,
and a scoring layer follows the last. Sizes are worked out before anything is built: a window that does not fit is
refused with the sizes so far, and `notes` tells where a stride leaves rows or columns unseen.
"""

import re
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from convscope.errors import ModelError, nearest
from convscope.layers.activations import ACTIVATIONS
from convscope.layers.summary import summarise
from convscope.models.network import Network
from convscope.models.own.chain import Chain, Lost
from convscope.models.own.layers import KINDS, Bend, Residual, Scores, hint
from convscope.models.own.options import Layer, complaint
from convscope.models.own.reader import read, shown

SUFFIXES = (".yaml", ".yml")
PAPER = "a network of your own"
CLASSES = 10  # of its row, which no paper tells
MOST_LAYERS = 300
DEEPEST = 4  # residual blocks inside each other
LONGEST = 400  # letters of a message
SMALLEST, LARGEST = 8, 4096  # sides that a picture may be brought to

KEYS = ["name", "input", "layers"]


@dataclass(frozen=True)
class Definition:
    """A network of your own, checked.

    Attributes:
        name: what it is called.
        channels: of the input, 1 or 3.
        size: side of the input in pixels.
        layers: all but the scoring layer.
    """

    name: str
    channels: int
    size: int
    layers: tuple[Layer, ...]

    def to_dict(self) -> dict[str, Any]:
        """What recipes and model files keep: `parse` reads it, whatever defaults later versions have."""
        return {
            "name": self.name,
            "input": [self.channels, self.size, self.size],
            "layers": [layer.written() for layer in self.layers],
        }


def load(path: str) -> Definition:
    """The network that a YAML file describes.

    Raises:
        ModelError: no such file, not plain YAML, or layers that cannot be; in one line with the layer's number.
    """
    from convscope.models import zoo

    title = "".join(letter if letter.isprintable() else "?" for letter in " ".join(path.split()))[-200:]
    content = read(Path(path), title)
    if isinstance(content, dict):
        stem = re.sub(r"[^\w .+-]+", "_", Path(path).stem).strip(" _.+-")[:50] or "network"
        content = {"name": f"{stem}_own" if stem in zoo.NETWORKS else stem, **content}
        if content["name"] in zoo.NETWORKS:
            raise ModelError(f"{title}: name {content['name']}: a network of convscope is called so; take another name")
    return parse(content, title)


def parse(content: object, title: str) -> Definition:
    """The network that plain values describe.

    Args:
        content: a mapping with name, input and layers.
        title: what messages call it.

    Raises:
        ModelError: it cannot be; in one line.

    Example:
        >>> parse({"name": "a", "input": [1, 28, 28], "layers": [{"pool": {"kernle": 2}}]}, "my.yaml")
        Traceback (most recent call last):
            ...
        convscope.errors.ModelError: my.yaml: layer 1 (pool): no option is called 'kernle'; did you mean kernel?
    """
    try:
        definition = _parse(content)
        _work_out(definition, definition.channels, definition.size)
    except ModelError as error:
        text = f"{title}: {error}"
        raise ModelError(text if len(text) <= LONGEST else text[:LONGEST] + "…") from None
    return definition


def _parse(content: object) -> Definition:
    if not isinstance(content, dict):
        raise ModelError(f"expected lines such as `input: [1, 28, 28]` and a list `layers:`, found {shown(content)}")
    for key in content:
        if key not in KEYS:
            raise ModelError(f"no setting is called {shown(key)}; {nearest(str(shown(key)), KEYS)}")
    name = content.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w .+-]{0,59}", name) or name.endswith(SUFFIXES):
        raise ModelError(f"name {shown(name)}: expected up to 60 letters, digits, spaces, dots, + or -")
    given = content.get("input")
    match given:
        case [int(channels), int(rows), int(columns)] if rows == columns:
            if channels in {1, 3} and SMALLEST <= rows <= LARGEST:
                return Definition(name, int(channels), rows, _layers(content.get("layers")))
    raise ModelError(
        f"input: {'none' if given is None else 'not usable'}; expected channels (1 or 3) and the side twice "
        f"({SMALLEST} to {LARGEST:,} pixels), such as input: [1, 28, 28]"
    )


def _layers(items: object) -> tuple[Layer, ...]:
    if not isinstance(items, list) or not items:
        raise ModelError(f"layers: expected a list, one line `- kind: …` for each layer, found {shown(items or None)}")
    layers = _list(items, "", [])
    for number, layer in enumerate(layers, 1):
        if isinstance(layer, Scores) and number < len(layers):
            later = f"again as layer {len(layers)}" if isinstance(layers[-1], Scores) else f"before layer {number + 1}"
            raise ModelError(f"layer {number} (scores): the scoring layer stands once and last, not {later}")
    return layers[:-1] if isinstance(layers[-1], Scores) else layers


def _list(items: list[Any], inside: str, seen: list[None]) -> tuple[Layer, ...]:
    """The items of a list; `seen` grows by one for each layer, however deep."""
    found = []
    for number, item in enumerate(items, 1):
        seen.append(None)
        if len(seen) > MOST_LAYERS:
            raise ModelError(f"more than {MOST_LAYERS} layers")
        found.append(_layer(item, f"{inside}{number}", seen))
    return tuple(found)


def _layer(item: object, number: str, seen: list[None]) -> Layer:
    where = f"layer {number}"
    if isinstance(item, dict) and len(item) > 1:
        first, second = list(item)[:2]
        raise ModelError(
            f"{where}: {shown(first)} and {shown(second)} stand side by side; one kind a line, its options indented "
            "below it or in braces: conv: {filters: 32, kernel: 3}"
        )
    word, value = next(iter(item.items())) if isinstance(item, dict) and item else (item, None)
    if not isinstance(word, str):
        raise ModelError(f"{where}: expected a kind of layer such as conv, found {shown(word)}")
    if word in ACTIVATIONS:
        if value is not None and not isinstance(value, dict):
            raise ModelError(f"{where} ({word}): options go into braces, such as leaky_relu: {{slope: 0.1}}")
        word, value = Bend.word, {"name": word, **(value or {})}
    if word not in KINDS:
        raise ModelError(f"{where}: no layer is called {shown(word)}; {hint(word)}")
    kind, place = KINDS[word], f"{where} ({word})"
    if value is not None and not isinstance(value, dict) and not kind.short:
        raise ModelError(f"{place}: it has no options; write - {kind.example}")
    if isinstance(value, dict) and kind is not Bend:
        options = dict(value)
    else:
        short = "kind" if word == "pool" and isinstance(value, str) else kind.short
        options = {} if value is None else {short: value}
    if kind is Residual and "layers" in options:
        if not isinstance(options["layers"], list) or not options["layers"]:
            raise ModelError(f"{place}: expected a list of layers, such as - {kind.example}")
        if number.count(".") >= DEEPEST:
            raise ModelError(f"{place}: blocks inside blocks, more than {DEEPEST} deep")
        options["layers"] = _list(options["layers"], f"{number}.", seen)
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        raise ModelError(f"{place}: {complaint(error, kind)}") from None


def assemble(definition: Definition, classes: int, channels: int, size: int) -> Chain:
    """All layers, with the scoring layer behind them.

    Args:
        definition: the network.
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels.

    Raises:
        ModelError: a window does not fit; the message has the sizes so far.
    """
    chain = Chain((channels, size, size))
    chain.follow(definition.layers)
    chain.number = chain.place = "the scoring layer"
    chain.dense("scores", classes)
    return chain


def notes(definition: Definition, channels: int | None = None, size: int | None = None) -> tuple[Lost, ...]:
    """Where a stride leaves rows or columns of the picture unseen; each fills the text `own.lost`.

    Args:
        definition: the network.
        channels: of the input; None takes its own.
        size: side of the input in pixels; None takes its own.

    Raises:
        ModelError: a window does not fit at that size.

    Example:
        >>> content = {"name": "a", "input": [1, 8, 8], "layers": [{"conv": {"filters": 4, "kernel": 3, "stride": 2}}]}
        >>> notes(parse(content, "my.yaml"))[0]
        Lost(number='1', name='conv1', rows=1, columns=1, size='8×8', stride='2', strides='1, 5')
    """
    try:
        return _work_out(definition, channels or definition.channels, size or definition.size)
    except ModelError as error:
        raise ModelError(f"{definition.name} at {size or definition.size} pixels: {error}") from None


def _work_out(definition: Definition, channels: int, size: int) -> tuple[Lost, ...]:
    with torch.device("meta"):
        return tuple(assemble(definition, 2, channels, size).lost)


@lru_cache(maxsize=32)
def row(definition: Definition) -> Network:
    """What the zoo knows of a network of your own; its figures are counted at its own input, for ten classes.

    Args:
        definition: the network.

    Example:
        >>> row(parse({"name": "softmax", "input": [1, 28, 28], "layers": ["flatten"]}, "my.yaml")).parameters
        7850
    """
    channels, size = definition.channels, definition.size
    with torch.device("meta"):
        summary = summarise(_build(definition, CLASSES, channels, size), (channels, size, size), definition.name)
    fields = [stage.field for stage in summary.stages if stage.name == "features"]
    return Network(
        build=partial(_build, definition), paper=PAPER, venue="", year=None,
        parameters=summary.parameters, macs=summary.macs,
        receptive_field=fields[0].size if fields and fields[0] else 1,
        classes=CLASSES, channels=channels, sizes=(size,),
    )  # fmt: skip


def _build(definition: Definition, classes: int, channels: int, size: int) -> nn.Module:
    notes(definition, channels, size)  # costs nothing, and refuses before memory is asked for
    return assemble(definition, classes, channels, size).network()
