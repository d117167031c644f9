"""`convscope evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from convscope.errors import DataError, RunError
from convscope.ui.cli.options import Json, Lang, Model, Quiet
from convscope.ui.console import Terminal
from convscope.ui.results import show_report


def evaluate(
    model: Model,
    data: Annotated[str, typer.Argument(metavar="DATA", help="Pictures with classes, in any layout that train takes.")],
    split: Annotated[str | None, typer.Option(help="test, val or all; without it, the test if there is one.")] = None,
    views: Annotated[str, typer.Option(help="How many looks at each picture: centre.")] = "centre",
    precision: Annotated[str, typer.Option(help="Arithmetic of the network: f32, the reference, or bf16.")] = "f32",
    engine: Annotated[str, typer.Option(help="auto, torch (the reference), openvino or onnx.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Keep report.html, report.json and tables in this folder.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """On the data that the model was trained with, the run's own split counts; other data counts by its own split,
    or whole. Pictures that were trained on are named, and a test leaves them out.

    \b
    Examples:
      convscope evaluate runs/lenet5_modern-digits digits
      convscope evaluate model.safetensors other/photos --split all --out report/
      convscope evaluate runs/demo digits --split val --json
    """
    from convscope.data.sources import read
    from convscope.evaluation.protocol import SPLITS, VIEWS, Thumbnails
    from convscope.evaluation.protocol import evaluate as judge
    from convscope.inference.engine import PRECISIONS
    from convscope.training.run import refuse_unwritable

    arithmetic = next((known for known in PRECISIONS if known == precision), None)
    if arithmetic is None:
        raise DataError(f"--precision {precision}: allowed: {', '.join(PRECISIONS)}")
    for flag, value, allowed in (("--split", split, SPLITS), ("--views", views, VIEWS)):
        if value not in (None, *allowed):
            raise DataError(f"{flag} {value}: allowed: {', '.join(allowed)}")
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    if out:
        refuse_unwritable(out)
    listing = read(data)
    report = judge(model, listing, split=split, views=views, precision=arithmetic, backend=engine, listener=terminal)
    if out:
        try:
            report.write(out, picture=Thumbnails(listing, report), language=terminal.language)
        except OSError as error:
            raise RunError(f"--out {out}: cannot be written ({error.strerror or error})") from None
    if report.own_split:
        terminal.message("result.own_split", n=report.n, total=len(listing))
    show_report(terminal, report)
    if out:
        terminal.say("result.report", file=out / "report.html")
    else:
        terminal.message("result.not_kept")
    terminal.result(report.to_dict())
