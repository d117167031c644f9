"""`convscope evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convscope.errors import DataError, RunError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.ui.results import show_report
from convscope.words import say

if TYPE_CHECKING:
    from convscope.evaluation.protocol import Threshold
    from convscope.evaluation.report import Report


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="A model file, an exported .onnx or .xml, or the folder of a run; several are an ensemble.",
            show_default=False,
        ),
    ],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Pictures with classes, in any layout that train takes.")],
    split: Annotated[str | None, typer.Option(help="test, val or all; without it, the test if there is one.")] = None,
    views: Annotated[
        str,
        typer.Option(
            help="Looks at each picture: centre, flip, ten-crop, 144-crop, multi-scale, or dense (the whole of it)."
        ),
    ] = "centre",
    manifest: Annotated[
        Path | None, typer.Option(help="A table file,label,split that says which pictures count, and as what.")
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(help="Probability below which a picture is none of these: 0 to 1, auto (the model's) or none."),
    ] = None,
    foreign: Annotated[
        Path | None, typer.Option(help="Pictures of none of the classes, to count how many are taken for one.")
    ] = None,
    precision: Annotated[str, typer.Option(help="Arithmetic of the network: f32, the reference, or bf16.")] = "f32",
    engine: Annotated[str, typer.Option(help="auto, torch (the reference), openvino or onnx.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Keep report.html, report.json and tables in this folder.")] = None,
    heatmaps: Annotated[
        int | None, typer.Option(help="Worst mistakes of which report.html shows heatmaps; without it, 24.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """On the data that the model was trained with, the run's own split counts; other data counts by its own split,
    or whole. Pictures that were trained on are named, and a test leaves them out. Probabilities of several looks, and
    of several models, are averaged.

    \b
    Examples:
      convscope evaluate runs/lenet5_modern-digits digits
      convscope evaluate model.safetensors other/photos --split all --out report/
      convscope evaluate runs/a runs/b runs/c photos --views ten-crop
      convscope evaluate runs/a photos --threshold auto --foreign holiday/ --json
    """
    from convscope.data import manifest as manifests
    from convscope.data.sources import read
    from convscope.evaluation.members import opened
    from convscope.evaluation.page.shown import HEATMAPS
    from convscope.evaluation.parts import SPLITS
    from convscope.evaluation.protocol import evaluate as judge
    from convscope.evaluation.publish import asked_evaluate, publish
    from convscope.evaluation.views import VIEWS
    from convscope.inference.engine import PRECISIONS
    from convscope.models.bundle import Bundle
    from convscope.training.run import refuse_unwritable

    for flag, value, allowed in (
        ("--split", split, SPLITS), ("--views", views, VIEWS), ("--precision", precision, PRECISIONS),
    ):  # fmt: skip
        if value not in (None, *allowed):
            raise DataError(f"{flag} {value}: allowed: {', '.join(allowed)}")
    if heatmaps is not None and (heatmaps < 0 or not out):
        raise DataError(f"--heatmaps {heatmaps}: " + ("needs at least 0" if out else "goes with --out DIR"))
    wish = _wish(threshold)
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    if out:
        refuse_unwritable(out)
    bundles = [opened(model) for model in models]
    listing = read(data)
    if manifest:
        listing = manifests.apply(listing, manifests.read(manifest), terminal)
    report = judge(
        bundles,
        listing,
        split=split,
        views=views,
        precision="bf16" if precision == "bf16" else "f32",
        backend=engine,
        threshold=wish,
        foreign=foreign,
        listener=terminal,
    )
    if out:
        told: dict[str, object] = {
            "split": split, "views": views if views != "centre" else None, "manifest": manifest, "threshold": wish,
            "foreign": foreign, "precision": precision if precision != "f32" else None,
        }  # fmt: skip
        kept: dict[str, object] = {"engine": engine if engine != "auto" else None, "out": out, "heatmaps": heatmaps}
        keywords: dict[str, object] = {
            key: str(value) if isinstance(value, Path) else value for key, value in told.items()
        }
        command, python = asked_evaluate(models, data, told | kept, keywords)
        alone = bundles[0] if len(bundles) == 1 and isinstance(bundles[0], Bundle) else None
        try:
            publish(
                report,
                out,
                listing,
                alone,
                heatmaps=HEATMAPS if heatmaps is None else heatmaps,
                command=command,
                python=python,
                listener=terminal,
                language=terminal.language,
            )
        except OSError as error:
            raise RunError(f"--out {out}: cannot be written ({error.strerror or error})") from None
    _tell(terminal, report, len(listing), out)


def _tell(terminal: Terminal, report: "Report", total: int, out: Path | None) -> None:
    if report.own_split:
        terminal.message("result.own_split", n=report.n, total=total)
    if report.views != "centre":
        terminal.message("views.averaged", told=say(f"report.views.{report.views}", terminal.language))
    show_report(terminal, report)
    if out:
        terminal.say("result.report", file=out / "report.html")
    else:
        terminal.message("result.not_kept")
    terminal.result(report.to_dict())


def _wish(threshold: str | None) -> "Threshold":
    """What `--threshold` asks for."""
    if threshold is None:
        return None
    if threshold in ("auto", "none"):
        return "auto" if threshold == "auto" else "none"
    try:
        return float(threshold)
    except ValueError:
        raise DataError(f"--threshold {threshold}: allowed: a number from 0 to 1, auto or none") from None
