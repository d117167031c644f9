"""Options that several commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else; progress goes to stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print the result only.")]
Lang = Annotated[str | None, typer.Option("--lang", help="en or ko; without it, what the terminal's locale says.")]
Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model file, or the folder of a run.", show_default=False)
]
