"""`convscope app`."""

from pathlib import Path
from typing import Annotated

import typer

from convscope.errors import DataError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal


def app(
    host: Annotated[str, typer.Option(help="Address to listen at; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The same; 0 takes a free one.")] = 7860,
    root: Annotated[Path, typer.Option(help="Folder below which pictures, models and weights are taken.")] = Path(),
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Everything stays on this machine. The page speaks the browser's language, English or Korean, unless --lang says
    otherwise. With another --host, whoever reaches it may train on what lies below --root and read the runs.

    \b
    Examples:
      convscope app
      convscope app --root ~/pictures --runs ~/runs --port 8000
      convscope app --lang ko
    """
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    if not root.is_dir():
        raise DataError(f"--root {root}: no such folder")
    from convscope.ui.app.ground import Ground
    from convscope.ui.app.server import serve

    def ready(url: str) -> None:
        terminal.say("app.ready", url=url)
        terminal.result({"url": url})

    chosen = terminal.language if lang else None
    serve(Ground.of(root, runs), host=host, port=port, language=chosen, ready=ready)
