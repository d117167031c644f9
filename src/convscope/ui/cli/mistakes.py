"""`convscope mistakes`."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convscope.errors import DataError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say

if TYPE_CHECKING:
    from convscope.evaluation.mistakes.decisions import Decision
    from convscope.evaluation.mistakes.ranked import Mistakes

MOST_SHOWN = 20
COLUMNS = ("rank", "file", "given", "suggested", "probability")


def mistakes(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Folder, zip, CSV, list file, IDX folder, or digits, mnist, fashion-mnist, cifar10, cifar100.",
        ),
    ],
    model: Annotated[str | None, typer.Option(help="Network whose features are taken [the first at hand].")] = None,
    weights: Annotated[
        str, typer.Option(help="Its weights: default (what is at hand), none (pixels alone), or a safetensors FILE.")
    ] = "default",
    weights_dir: Annotated[Path | None, typer.Option(help="Folder to look for weights in, before the cache.")] = None,
    folds: Annotated[int, typer.Option(help="Parts, each judged by a model of the others.")] = 5,
    top: Annotated[
        int | None, typer.Option(help="Pictures in the list [the suspects, and a twentieth at least].")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Labels that count instead; decisions are written into it."),
    ] = None,
    apply: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Decisions, as the page saves them, or a filled-in --csv.")
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="The label of this picture is right.")
    ] = None,
    relabel: Annotated[
        list[str] | None, typer.Option(metavar="FILE=LABEL", help="This picture is of another class.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="FILE", help="This picture is not to be used.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="A page with the pictures, to decide by buttons and keys.")
    ] = None,
    table: Annotated[Path | None, typer.Option("--csv", metavar="FILE.csv", help="The list as a table.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Models that have not seen a picture say what it shows; the list begins where they believe its label least. What
    you decide goes into a manifest, a CSV that train, check and evaluate take with --manifest; no picture is moved or
    deleted.

    \b
    Examples:
      convscope mistakes photos/ --out mistakes.html
      convscope mistakes photos/ --apply decisions.csv --manifest split.csv
      convscope mistakes photos/ --relabel ants/12.jpg=bees --drop ants/7.jpg --manifest split.csv
      convscope mistakes photos/ --weights-dir kit/ --json
      convscope train photos/ --manifest split.csv
    """
    from convscope.evaluation.mistakes import decisions

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    decided = [
        *(decisions.read(apply) if apply else []),
        *(decisions.Decision(file, "accept") for file in accept or []),
        *(decisions.relabelling(text) for text in relabel or []),
        *(decisions.Decision(file, "drop") for file in drop or []),
    ]
    if apply or decided:
        if manifest is None:
            raise DataError("decisions need --manifest FILE.csv, which they are written into")
        if out or table:
            raise DataError(f"{'--out' if out else '--csv'}: leave it out, or list the mistakes in a second command")
        _decide(terminal, data, manifest, decided)
        return
    if manifest and not manifest.is_file():
        raise DataError(f"--manifest {manifest}: no such file; decisions make one, as does convscope check DATA --fix")
    if out and out.suffix.lower() not in {".html", ".htm"}:
        raise DataError(f"--out {out}: give a file name that ends in .html")
    from convscope.evaluation.mistakes.finder import mistakes as find

    found = find(
        data, model=model, weights=weights, weights_dir=weights_dir, manifest=manifest, folds=folds, top=top,
        listener=terminal,
    )  # fmt: skip
    _keep(terminal, found, out, table)
    if not json:
        _show(terminal, found)
    if out:
        terminal.say("mistakes.page", file=out)
    terminal.result(found.to_dict())


def _decide(terminal: Terminal, data: str, file: Path, decided: "list[Decision]") -> None:
    """Write decisions into the manifest."""
    from convscope.data import manifest
    from convscope.data.sources import read
    from convscope.evaluation.mistakes.decisions import decide

    listing = read(data)
    lines = decide(listing, manifest.read(file) if file.is_file() else None, decided, terminal)
    manifest.apply(listing, lines, terminal)  # what cannot be used is not written
    try:
        manifest.write(file, lines)
    except OSError as error:
        raise DataError(f"--manifest {file}: cannot be written ({error.strerror or error})") from None
    counts = Counter(decision.action for decision in decided)
    told = {action: counts[action] for action in ("accept", "relabel", "drop")}
    terminal.say("mistakes.applied", manifest=file, **told)
    terminal.say("mistakes.use", manifest=file)
    terminal.result({"manifest": str(file), "pictures": len(lines), **told})


def _keep(terminal: Terminal, found: "Mistakes", out: Path | None, table: Path | None) -> None:
    """Write the files that were asked for."""
    from convscope.data.files import write_text

    try:
        if table:
            found.write(table)
        if out:
            write_text(out, found.page(terminal.language))
    except OSError as error:
        raise DataError(f"{error.filename or table or out}: cannot be written ({error.strerror or error})") from None


def _show(terminal: Terminal, found: "Mistakes") -> None:
    """The first of the list, and what it means."""
    language = terminal.language
    shown = found.suspects[:MOST_SHOWN]
    for fault in found.broken:
        terminal.say("result.broken", **fault)
    if found.alone:
        terminal.say("mistakes.alone", count=len(found.alone), first=found.alone[0])
    if found.checked:
        terminal.say("mistakes.checked", count=found.checked)
    if shown:
        terminal.table(
            [say(f"mistakes.{column}", language) for column in COLUMNS],
            [
                [str(each.rank), each.file, each.given, each.suggested,
                 f"{each.probability_given:.3f} / {each.probability_suggested:.3f}"]
                for each in shown
            ],
        )  # fmt: skip
        if len(found.suspects) > len(shown):
            terminal.say("mistakes.more", count=len(found.suspects) - len(shown))
        for given, other, count in found.pairs[:3]:
            terminal.say("mistakes.pair", count=count, given=given, other=other)
    key = "mistakes.found" if found.suspects else "mistakes.none"
    terminal.say(key, n=found.n, estimated=found.estimated, suspects=len(found.suspects))
