"""`convscope demo`."""

from pathlib import Path
from typing import Annotated

import typer

from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.cli.train import run_training
from convscope.ui.console import Terminal

RECIPE = {"model": "lenet5_modern", "epochs": 30, "batch": 32, "seed": 0, "patience_checks": 30}


def demo(
    out: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Nothing is downloaded. It is the same as the next command.

    \b
      convscope train digits --model lenet5_modern --epochs 30 --batch 32 --patience 30 --name demo

    \b
    Examples:
      convscope demo
      convscope demo --json --out /tmp/runs
    """
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    terminal.message("demo.intro")
    from convscope.data.builtin import digits

    # by its own door: a folder that happens to be called digits must not be taken for them
    run_training(terminal, "digits", dict(RECIPE), out=out, name="demo", images=digits())
