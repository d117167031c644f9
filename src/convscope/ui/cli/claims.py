"""`convscope claims`."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convscope.errors import RecipeError, nearest
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say

if TYPE_CHECKING:
    from convscope.lessons.claims import Claim, Values


def claims(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Claims by their number, such as 003-s47.")
    ] = None,
    network: Annotated[str | None, typer.Option(help="Only claims about this network, after its own figures.")] = None,
    topic: Annotated[
        str | None,
        typer.Option(help="Only one of: convolution, sizes, pooling, activations, regularisation, networks, practice."),
    ] = None,
    verdict: Annotated[str | None, typer.Option(help="Only one of: ok, imprecise, wrong.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Each claim of lecture notes on convolutional networks has a verdict and the truth with its numbers, which are
    counted or computed on the spot; where only a published figure can tell, its source is named.

    \b
    Examples:
      convscope claims --network googlenet
      convscope claims 000-20 003-s47
      convscope claims --topic pooling --verdict wrong
      convscope claims --lang ko --json
    """
    from convscope.lessons import claims as lesson
    from convscope.models import zoo

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    for option, value, allowed in (("--topic", topic, list(lesson.TOPICS)), ("--verdict", verdict, lesson.VERDICTS)):
        if value is not None and value not in allowed:
            raise RecipeError(f"{option} {value}: {nearest(value, list(allowed))}")
    asked = [lesson.find(name) for name in ids or lesson.CLAIMS]
    if network is not None:
        about = lesson.about(network)
        asked = [claim for claim in asked if claim in about]
        if not json:
            summary = zoo.describe(network)
            figures = {"name": network, "parameters": f"{summary.parameters:,}", "macs": f"{summary.macs:,}"}
            field = zoo.receptive_field(summary)
            terminal.say("claims.figures" if field else "claims.figures.whole", **figures, field=field)
    if verdict is not None:
        asked = [claim for claim in asked if claim.verdict == verdict]

    rows: list[dict[str, Any]] = []
    for name, members in lesson.TOPICS.items():
        chosen = [claim for claim in members if claim in asked and topic in {None, name}]
        if chosen:
            if rows or network is not None:
                terminal.line()
            terminal.say(f"claims.topic.{name}")
        for claim in chosen:
            values = claim.compute()
            _show(claim, values, terminal)
            terminal.progress("claims", len(rows) + 1, len(asked))
            rows.append(
                {
                    "id": claim.id,
                    "verdict": claim.verdict,
                    "topic": name,
                    "networks": list(claim.networks),
                    "says": claim.says(terminal.language),
                    "truth": claim.truth(terminal.language, values),
                    "values": values,
                    "kind": claim.kind,
                    "source": claim.source,
                }
            )
    if not quiet:
        counts = Counter(row["verdict"] for row in rows)
        terminal.line()
        terminal.say("claims.total", count=len(rows), **{name: counts[name] for name in lesson.VERDICTS})
    terminal.result(rows)


def _show(claim: "Claim", values: "Values", terminal: Terminal) -> None:
    """Print what the notes say and what is true, one below the other."""
    language = terminal.language
    terminal.line()
    terminal.say("claims.head", id=claim.id, verdict=say(f"claims.verdict.{claim.verdict}", language))
    terminal.say("claims.says", says=claim.says(language))
    terminal.say("claims.truth", truth=claim.truth(language, values))
    if claim.source:
        terminal.say("claims.source", source=claim.source)
