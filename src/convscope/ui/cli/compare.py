"""`convscope compare`."""

from pathlib import Path
from typing import Annotated

import typer

from convscope.errors import DataError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say

FORMS = (".html", ".svg")
COLUMNS = ("run", "network", "mode", "top1", "interval", "right", "n", "seconds", "against")


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Folders of finished runs on the same data.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html|FILE.svg", help="Draw accuracy against training time.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Only pictures that every run was judged on count, told by their content; below 30 of them nothing is said. Two
    runs meet in McNemar's exact test; of more, each meets the best, and the p-values are corrected by Holm.
    A paired bootstrap says by how much the best is better.

    \b
    Examples:
      convscope compare runs/frozen runs/finetune
      convscope compare runs/scratch runs/frozen runs/finetune --out modes.html
      convscope compare runs/a runs/b --json
    """
    from convscope.data.files import write_text
    from convscope.evaluation.compare import compare as judge

    if out and out.suffix.lower() not in FORMS:
        raise DataError(f"--out {out}: give a file name that ends in {' or '.join(FORMS)}")
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    found = judge(runs)
    language = terminal.language
    if out:
        drawn = found.chart(language) if out.suffix.lower() == ".svg" else found.page(language)
        try:
            write_text(out, drawn)
        except OSError as error:
            raise DataError(f"--out {out}: cannot be written ({error.strerror or error})") from None
    if not json:
        terminal.table(
            [say(f"compare.{name}", language) for name in COLUMNS],
            [
                [
                    run.run, run.network, run.mode or "–", f"{run.top1:.4f} ({run.precision})",
                    f"{run.interval[0]:.4f} – {run.interval[1]:.4f}", str(run.right), str(run.n),
                    "–" if run.seconds is None else f"{run.seconds:.1f}",
                    say("compare.best", language) if run.p_value is None else run.probability,
                ]
                for run in found.runs
            ],
        )  # fmt: skip
    terminal.line(found.paired(language))
    terminal.line(found.tested(language))
    terminal.line(found.differing(language))
    terminal.line(found.verdict(language))
    if out:
        terminal.message("compare.chart", file=out)
    terminal.result(found.to_dict(language))
