"""`convscope predict`."""

from pathlib import Path
from typing import Annotated

import typer

from convscope.errors import DataError
from convscope.ui.cli.options import Json, Lang, Model, Quiet
from convscope.ui.console import Terminal


def predict(
    model: Model,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders, zips or patterns such as 'new/*.jpg'.")
    ],
    top: Annotated[int, typer.Option(help="Classes to name for each picture, at most.")] = 5,
    csv: Annotated[Path | None, typer.Option(help="Also write a table: file, label, probability, error.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """A picture that cannot be read is named with the reason, and the others are answered all the same; the exit status
    is 2 only when none could be read.

    \b
    Examples:
      convscope predict runs/lenet5_modern-photos new.jpg
      convscope predict model.safetensors holiday/ --top 1 --csv answers.csv
      convscope predict model.safetensors 'new/*.png' --json
    """
    from convscope.data.files import write_csv
    from convscope.evaluation.answers import predict as answer

    if top < 1:
        raise DataError(f"--top {top}: needs at least 1")
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    rows = answer(model, inputs, top=top, listener=terminal)
    if csv:
        columns = ("file", "label", "probability", "error")
        try:
            write_csv(csv, columns, [["" if row[key] is None else row[key] for key in columns] for row in rows])
        except OSError as error:
            raise DataError(f"--csv {csv}: cannot be written ({error.strerror})") from None
    failed = [row for row in rows if row["error"]]
    if len(failed) == len(rows):
        raise DataError(
            f"{failed[0]['file']}: {failed[0]['error']}" + (f" (and {len(rows) - 1} more)" * (len(rows) > 1))
        )
    for row in rows:
        terminal.line(f"{row['file']}" + (f": {row['error']}" if row["error"] else ""))
        for entry in row["top"]:
            terminal.line(f"  {entry['probability']:.4f}  {entry['label']}")
    if failed:
        terminal.message("predict.broken", count=len(failed), total=len(rows))
    terminal.result(rows)
