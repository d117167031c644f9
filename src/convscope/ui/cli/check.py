"""`convscope check`."""

import shlex
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from convscope.errors import DataError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say

PAGES = (".html", ".htm")
PARTS = ("train", "val", "test")

if TYPE_CHECKING:
    from convscope.data.manifest import Entry
    from convscope.evaluation.passport.fix import Cleaned
    from convscope.evaluation.passport.passport import Passport


def check(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Folder, zip, CSV, list file, IDX folder, or digits, mnist, fashion-mnist, cifar10, cifar100.",
        ),
    ],
    fix: Annotated[
        bool, typer.Option("--fix", help="Write a cleaned manifest: what is used, and in which part.")
    ] = False,
    out: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="FILE.html: a page with pictures. FILE.csv: where --fix writes [split.csv]."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Labels and parts that count instead of the data's own.")
    ] = None,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Find copies that were cut or mirrored, too; needs borrowed weights.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="Network for --embeddings [the first at hand].")] = None,
    weights: Annotated[
        str, typer.Option(help="Its weights: default (what is at hand), or a safetensors FILE.")
    ] = "default",
    weights_dir: Annotated[Path | None, typer.Option(help="Folder to look for weights in, before the cache.")] = None,
    test_share: Annotated[float, typer.Option(help="Share for a test, where the data has none; 0 for none.")] = 0.1,
    split_seed: Annotated[int, typer.Option(help="Seed of the split that --fix draws.")] = 0,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Every picture is looked at once: broken files, copies and near-duplicates, across classes and parts too, odd
    sizes, blurred, dark, grey and empty pictures, names that collide elsewhere, classes that are too small. No picture
    is moved or deleted.

    \b
    Examples:
      convscope check photos/ --out passport.html
      convscope check photos.zip --json
      convscope check photos/ --fix --out split.csv
      convscope train photos/ --manifest split.csv
    """
    from convscope.data import manifest as manifests
    from convscope.data.files import write_text
    from convscope.data.sources import read
    from convscope.evaluation.passport.check import check as look

    if not 0 <= test_share < 1:
        raise DataError(f"--test-share {test_share}: allowed: from 0 to below 1")
    page, table = _targets(out or [], fix=fix)
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    listing = read(data)
    if fix:
        _refuse_inside(table, data)
    before = manifests.read(manifest) if manifest else []
    if before:
        listing = manifests.apply(listing, before, terminal)
    embedder = None
    if embeddings:
        from convscope.evaluation.passport import cut

        embedder = cut.embedder(listing, model, weights, weights_dir)
    passport = look(listing, test_share=test_share, embedder=embedder, listener=terminal)
    terminal.close()
    if not json:
        _show(terminal, passport)
    content = passport.to_dict()
    if page:
        _write(page, lambda: write_text(page, passport.page(terminal.language)))
        terminal.say("check.page", file=page)
    if fix:
        from convscope.evaluation.passport.fix import cleaned

        try:
            found = cleaned(passport, before=before, seed=split_seed, test_share=test_share)
            _refuse_other(table, manifest, found.lines)
            _write(table, lambda: manifests.write(table, found.lines))
        except DataError:
            terminal.result(content)
            raise
        if not json:
            _show_fixed(terminal, found, data, table)
        content["fixed"] = {
            "manifest": str(table), **found.parts, "dropped": found.dropped, "lost": list(found.lost)
        }  # fmt: skip
    terminal.result(content)


def _targets(out: list[Path], *, fix: bool) -> tuple[Path | None, Path]:
    """The page and the manifest that are to be written."""
    page, table = None, Path("split.csv")
    for file in out:
        if file.suffix.lower() in PAGES:
            page = file
        elif file.suffix.lower() == ".csv" and fix:
            table = file
        elif file.suffix.lower() == ".csv":
            raise DataError(f"--out {file}: a manifest is written with --fix")
        else:
            raise DataError(f"--out {file}: give a file name that ends in .html, or with --fix in .csv")
    return page, table


def _refuse_inside(table: Path, data: str) -> None:
    """A table in the folder of the pictures would be taken for their labels when the folder is read again."""
    folder = Path(data)
    if folder.is_dir() and table.resolve().is_relative_to(folder.resolve()):
        raise DataError(
            f"--out {table}: lies inside DATA, which would be read from it from now on; give --out FILE.csv outside"
        )


def _refuse_other(table: Path, manifest: Path | None, lines: Sequence["Entry"]) -> None:
    """What somebody has decided in a manifest is not written over, unless it was read before."""
    from convscope.data import manifest as manifests

    if not table.is_file() or (manifest and table.samefile(manifest)):
        return
    with TemporaryDirectory() as folder:
        new = Path(folder) / "new.csv"
        manifests.write(new, lines)
        if new.read_bytes() == table.read_bytes():
            return
    raise DataError(f"--out {table}: is there already; give --manifest {table} to go on from it, or another --out")


def _write(file: Path, work: Callable[[], None]) -> None:
    try:
        work()
    except OSError as error:
        raise DataError(f"--out {file}: cannot be written ({error.strerror or error})") from None


def _show(terminal: Terminal, passport: "Passport") -> None:
    """Counts and one line for each kind of finding."""
    language = terminal.language
    if not terminal.quiet:
        counts = passport.listing.counts()
        parts = [part for part in (*PARTS, "") if passport.splits.get(part)]
        head = ["class", *(f"part.{part or 'none'}" for part in parts), "all"]
        terminal.table(
            [say(f"check.{key if '.' in key else f'columns.{key}'}", language) for key in head],
            [
                [label, *(f"{each.get(part, 0):,}" for part in parts), f"{sum(each.values()):,}"]
                for label, each in counts.items()
            ],
        )
    terminal.say("check.summary", files=f"{passport.files:,}", classes=len(passport.listing.classes))
    for kind, found in groupby(passport.findings, key=lambda finding: finding.kind):
        findings = list(found)
        title, detail = say(f"check.kind.{kind}", language), findings[0].detail(language)
        if len(findings) > 1:
            files = len({file for finding in findings for file in finding.files})
            terminal.say("check.line.groups", title=title, count=len(findings), files=f"{files:,}", detail=detail)
        else:
            terminal.line(f"{title}: {detail}")
    if not passport.findings:
        terminal.say("check.clean")


def _show_fixed(terminal: Terminal, found: "Cleaned", data: str, file: Path) -> None:
    """What the manifest holds, and the command that trains with it."""
    for why, count in found.dropped.items():
        terminal.say("check.fixed.dropped", why=say(f"check.fixed.why.{why}", terminal.language), count=count)
    if found.lost:
        terminal.say("check.fixed.lost", classes=", ".join(found.lost))
    if found.grouped:
        terminal.say("check.fixed.grouped", count=found.grouped)
    terminal.say("check.fixed", file=file, **found.parts, dropped=sum(found.dropped.values()))
    untested = [] if found.parts["test"] else ["--test-share", "0"]  # train would carve one, by content alone
    command = shlex.join(["convscope", "train", data, "--manifest", str(file), *untested])
    terminal.say("check.fixed.train", command=command)
