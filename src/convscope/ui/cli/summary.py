"""`convscope summary`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convscope.errors import RecipeError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.ui.table import fit, width_here, wrapped

if TYPE_CHECKING:
    from convscope.layers.summary import Summary
    from convscope.models.network import Network


def summary(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A network's name, timm:NAME, a YAML file of your own, a model file, or the folder of a run.",
            show_default=False,
        ),
    ],
    size: Annotated[int | None, typer.Option(help="Side of the input in pixels.")] = None,
    classes: Annotated[int | None, typer.Option(help="Outputs of the last layer.")] = None,
    channels: Annotated[int | None, typer.Option(help="Of the input: 1 or 3.")] = None,
    stages: Annotated[bool, typer.Option("--stages", help="One row for each stage or block.")] = False,
    every: Annotated[bool, typer.Option("--all", help="A row of its own for each activation and the like.")] = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the network into an SVG file.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page: the drawing, and every row's arithmetic.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Shape, window, parameters and receptive field of each layer, with the sum that makes its size.

    \b
    Examples:
      convscope summary lenet5
      convscope summary resnet152 --stages
      convscope summary googlenet --html googlenet.html
      convscope summary mine.yaml --size 64 --classes 5
      convscope summary runs/demo --json
    """
    from convscope.ui.cli import layer_table

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    _check(size, classes, channels)
    if stages and every:
        raise RecipeError("--stages and --all: one row for each stage, or one for each layer; give one of them")
    described, row = _described(model, size, classes, channels)

    _draw(described, _about(row), svg, html, terminal)
    if not json:
        columns = (
            layer_table.stages(described, terminal.language)
            if stages
            else layer_table.layers(described, terminal.language, fold=not every)
        )
        width = width_here()
        lines, left_out = fit(columns, width)
        for line in lines:
            terminal.line(line)
        terminal.line()
        for note in layer_table.notes(described, lines[0], left_out, terminal.language, folded=not (stages or every)):
            for line in wrapped(note, width):
                terminal.line(line)
    terminal.result(described.to_dict())


def _check(size: int | None, classes: int | None, channels: int | None) -> None:
    for name, value, least in (("--size", size, 8), ("--classes", classes, 2)):
        if value is not None and value < least:
            raise RecipeError(f"{name} {value}: needs at least {least}")
    if channels not in {None, 1, 3}:
        raise RecipeError(f"--channels {channels}: allowed: 1 (grey) or 3 (colour)")


def _described(
    model: str, size: int | None, classes: int | None, channels: int | None
) -> tuple["Summary", "Network | None"]:
    """The layers, and what the zoo knows of the network, unless it is somebody's own."""
    from convscope.models import own, zoo
    from convscope.models.bundle import Bundle

    if model not in zoo.NETWORKS and not model.endswith(own.SUFFIXES) and Path(model).exists():
        if size or classes or channels:
            raise RecipeError("--size, --classes, --channels belong to a network's name; a trained model has its own")
        card = Bundle.load(model).card
        return card.describe(), None if card.definition else card.row()
    described = zoo.describe(model, classes, channels, size)
    return described, None if model.endswith(own.SUFFIXES) else zoo.find(model)


def _about(row: "Network | None") -> str:
    """The paper of a network; timm tells its year and venue of few."""
    if row is None:
        return ""
    return f"{row.paper}, {row.venue} {row.year}" if row.year else row.paper


def _draw(described: "Summary", about: str, svg: Path | None, html: Path | None, terminal: Terminal) -> None:
    from convscope.data.files import write_text
    from convscope.explanation.draw.tower import tower
    from convscope.explanation.draw.tower_page import page

    for option, file, draw, key in (("--svg", svg, tower, "drawing"), ("--html", html, page, "page")):
        if file is None:
            continue
        if file.is_dir():
            raise RecipeError(f"{option} {file}: a folder; give the name of a file")
        try:
            write_text(file, draw(described, about, terminal.language))
        except OSError as error:
            raise RecipeError(f"{option} {file}: cannot be written ({error.strerror or error})") from None
        terminal.message(f"summary.{key}", file=file)
