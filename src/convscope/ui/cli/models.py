"""`convscope models`."""

from typing import Any

from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say


def models(json: Json = False, quiet: Quiet = False, lang: Lang = None) -> None:
    """Parameters, multiply-accumulates and receptive field are counted on the paper's own head and input.

    \b
    Examples:
      convscope models
      convscope models --json
    """
    from convscope.models import zoo

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    rows: list[dict[str, Any]] = []
    for name, network in zoo.NETWORKS.items():
        summary = zoo.describe(name)
        rows.append(
            {
                "name": name,
                "paper": network.paper,
                "year": network.year,
                "parameters": summary.parameters,
                "macs": summary.macs,
                "input": [network.channels, network.sizes[0], network.sizes[0]],
                "receptive_field": zoo.receptive_field(summary),
            }
        )
    if not json:
        header = [
            say(f"models.{key}", terminal.language)
            for key in ("name", "year", "parameters", "macs", "input", "field", "paper")
        ]
        terminal.table(
            header,
            [
                [
                    str(row["name"]), str(row["year"]), f"{row['parameters']:,}", f"{row['macs']:,}",
                    "×".join(map(str, row["input"])), str(row["receptive_field"]), str(row["paper"]),
                ]
                for row in rows
            ],
        )  # fmt: skip
    terminal.result(rows)
