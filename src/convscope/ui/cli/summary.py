"""`convscope summary`."""

from pathlib import Path
from typing import Annotated

import typer

from convscope.errors import RecipeError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say


def summary(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A network's name, a model file, or the folder of a run.")
    ],
    size: Annotated[int | None, typer.Option(help="Side of the input in pixels.")] = None,
    classes: Annotated[int | None, typer.Option(help="Outputs of the last layer.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Shape, window, parameters and receptive field of each layer, with the sum that makes its size.

    \b
    Examples:
      convscope summary lenet5
      convscope summary course_cnn --size 64 --classes 5
      convscope summary runs/demo --json
    """
    from convscope.models import zoo
    from convscope.models.bundle import Bundle

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    for name, value, least in (("--size", size, 8), ("--classes", classes, 2)):
        if value is not None and value < least:
            raise RecipeError(f"{name} {value}: needs at least {least}")
    if model not in zoo.NETWORKS and Path(model).exists():
        if size or classes:
            raise RecipeError("--size and --classes belong to a network's name; a trained model has its own")
        bundle = Bundle.load(model)
        preprocess = bundle.card.preprocess
        described = zoo.describe(bundle.card.network, len(bundle.card.classes), preprocess.channels, preprocess.size)
    else:
        described = zoo.describe(model, classes, size=size)

    if not json:
        keys = ("layer", "kind", "shape", "kernel", "stride", "padding")
        header = [say(f"summary.{key}", terminal.language) for key in keys]
        header += [say("models.parameters", terminal.language), say("models.macs", terminal.language)]
        header += [say("summary.field", terminal.language), say("summary.formula", terminal.language)]
        terminal.table(
            header,
            [
                [
                    layer.name, layer.kind, "×".join(map(str, layer.shape)), _pair(layer.kernel), _pair(layer.stride),
                    _pair(layer.padding), f"{layer.parameters:,}", f"{layer.macs:,}", str(layer.receptive_field or ""),
                    layer.formula,
                ]
                for layer in described.layers
            ],
        )  # fmt: skip
    terminal.say(
        "summary.total", name=described.name, parameters=f"{described.parameters:,}", macs=f"{described.macs:,}"
    )
    terminal.result(described.to_dict())


def _pair(values: tuple[int, ...] | None) -> str:
    """One number where all are the same.

    >>> _pair((5, 5)), _pair((0, 1, 0, 1)), _pair(None)
    ('5', '0,1,0,1', '')
    """
    if values is None:
        return ""
    return str(values[0]) if len(set(values)) == 1 else ",".join(map(str, values))
