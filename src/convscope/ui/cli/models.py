"""`convscope models`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from convscope.errors import UnknownModel
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.ui.table import Column, fit, width_here, wrapped
from convscope.words import Language, say

if TYPE_CHECKING:
    from convscope.models.network import Network, Published


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A network, or a part of the names of some, such as vgg.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Parameters, multiply-accumulates and receptive field are those of the paper's own head and input.

    \b
    Examples:
      convscope models
      convscope models resnet
      convscope models googlenet
      convscope models --json
    """
    from convscope.models.zoo import NETWORKS

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    asked = name or ""
    found = {asked: NETWORKS[asked]} if asked in NETWORKS else {key: NETWORKS[key] for key in NETWORKS if asked in key}
    if not found:
        raise UnknownModel(asked, sorted(NETWORKS))

    if asked in NETWORKS:
        for key, text in _facts(asked, NETWORKS[asked], terminal.language):
            terminal.line(f"{say(f'models.fact.{key}', terminal.language)}: {text}")
    else:
        width = width_here()
        lines, _ = fit(_columns(found, terminal.language), width)
        notes = [say(f"models.{key}", terminal.language) for key in ("legend", "legend.errors")]
        for line in (*lines, "", *(part for note in notes for part in wrapped(note, width))):
            terminal.line(line)
    terminal.result([_record(key, network) for key, network in found.items()])


def _record(name: str, network: "Network") -> dict[str, Any]:
    """What `models --json` says of one network."""
    return {
        "name": name,
        "paper": network.paper,
        "venue": network.venue,
        "year": network.year,
        "parameters": network.parameters,
        "macs": network.macs,
        "input": [network.channels, network.sizes[0], network.sizes[0]],
        "receptive_field": network.receptive_field,
        "errors": [error._asdict() for error in network.errors],
        "weights": _weights(name),
    }


def _weights(name: str) -> list[str]:
    """Names of the weights that fit a network."""
    from convscope.models.pretrained.catalogue import KNOWN

    return [row.name for row in KNOWN if row.network == name]


def _columns(found: dict[str, "Network"], language: Language) -> list[Column]:
    from convscope.explanation.draw.arithmetic import count, shape

    rows = list(found.values())
    inputs = [shape((row.channels, row.sizes[0], row.sizes[0])) for row in rows]
    first = [row.errors[0] if row.errors else None for row in rows]
    weights = [_several(_weights(name), language) for name in found]

    def column(key: str, cells: list[str], rank: int, *, right: bool = False, least: int = 0) -> Column:
        return Column(say(f"models.{key}", language), cells, rank, right, least=least)

    return [
        column("name", list(found), 0),
        column("year", [str(row.year) for row in rows], 3, right=True),
        column("parameters", [f"{row.parameters:,}" for row in rows], 1, right=True),
        column("macs", [count(row.macs) for row in rows], 2, right=True),
        column("input", inputs, 6),
        column("field", [str(row.receptive_field) for row in rows], 7, right=True),
        column("top1", [_percent(error.top1 if error else None) for error in first], 4, right=True),
        column("top5", [_percent(error.top5 if error else None) for error in first], 4, right=True),
        column("protocol", [error.protocol if error else "" for error in first], 8, least=14),
        column("weights", weights, 5, least=8),
        column("paper", [row.paper for row in rows], 9, least=20),
    ]


def _several(names: list[str], language: Language) -> str:
    if len(names) < 2:
        return "".join(names)
    return say("models.weights.more", language, name=names[0], count=len(names) - 1)


def _percent(error: float | None) -> str:
    return "" if error is None else f"{error:g}"


def _facts(name: str, network: "Network", language: Language) -> list[tuple[str, str]]:
    """All that is known of one network, as (key of the texts, text)."""
    from convscope.explanation.draw.arithmetic import shape

    none = say("models.none", language)
    return [
        ("paper", network.paper),
        ("venue", f"{network.venue} {network.year}"),
        ("parameters", f"{network.parameters:,}"),
        ("macs", f"{network.macs:,}"),
        ("input", shape((network.channels, network.sizes[0], network.sizes[0]))),
        ("sizes", ", ".join(map(str, network.sizes))),
        ("field", str(network.receptive_field)),
        ("errors", "; ".join(_error(error, language) for error in network.errors) or none),
        ("weights", ", ".join(_weights(name)) or none),
    ]


def _error(error: "Published", language: Language) -> str:
    given = {key: f"{value:g}" for key in ("top1", "top5") if (value := getattr(error, key)) is not None}
    key = "models.error" if len(given) == 2 else f"models.error.{next(iter(given), 'top1')}"
    return say(key, language, protocol=error.protocol, **given)
