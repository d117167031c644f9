"""`convscope weights`: a group of commands about weights that others trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convscope.errors import ModelFileError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say

if TYPE_CHECKING:
    from convscope.models.pretrained.catalogue import Elsewhere, Weights

MOST_NAMED = 10

weights = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="Borrowed weights: list, fetch, pack, verify, import.\n\n"
    "Only safetensors files, which hold numbers and nothing else, are fetched and opened. "
    "Every command takes --json --quiet --lang en|ko and --help.\n\n"
    "\b\nExamples:\n  convscope weights list\n  convscope weights fetch resnet18 mobilenet_v2\n"
    "  convscope weights pack /media/stick/kit\n  convscope weights verify /media/stick/kit\n"
    "  convscope weights import theirs.safetensors --model vgg16 --classes imagenet",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The kit's folder.", show_default=False)]


@weights.callback(invoke_without_command=True)
def help_(context: typer.Context) -> None:
    """The list of commands, where none is named."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@weights.command("list")
def list_(
    weights_dir: Annotated[Path | None, typer.Option("--weights-dir", help="Look into this kit, too.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """What is known, and what is here. Top-1 is what was published, on ImageNet's validation set.

    \b
    Examples:
      convscope weights list
      convscope weights list --weights-dir kit --json
    """
    from convscope.models.pretrained import catalogue, shelf

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    places = shelf.folders(weights_dir)
    rows: list[dict[str, Any]] = []
    for known in catalogue.KNOWN:
        file = shelf.find_file([known.file], places)
        rows.append(_row(known, known.name, file, "fetch"))
    for other in catalogue.ELSEWHERE:
        file = shelf.find_weights(other.network, places)
        rows.append(_row(other, other.file, file, "import"))
    if not json:
        header = [say(f"weights.{key}", terminal.language) for key in ("network", "name", "top1", "licence", "where")]
        terminal.table(
            header,
            [
                [
                    row["network"], row["name"], f"{row['top1']:.1f}", row["licence"],
                    row["file"] or say(f"weights.where.{row['how']}", terminal.language),
                ]
                for row in rows
            ],
        )  # fmt: skip
    terminal.result(rows)


def _row(known: "Weights | Elsewhere", name: str, file: Path | None, how: str) -> dict[str, Any]:
    return {
        "network": known.network, "name": name, "licence": known.licence, "top1": known.top1, "top5": known.top5,
        "file": str(file) if file else None, "how": how,
    }  # fmt: skip


@weights.command()
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Networks, or weights as `list` names them.")],
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Download into the cache. They come from the Hugging Face hub, or from HF_ENDPOINT where that is set. What broke
    off is gone on with, and every file is held against its SHA-256.

    \b
    Examples:
      convscope weights fetch resnet18
      convscope weights fetch resnet50.tv2_in1k mobilenet_v2 --json
    """
    from convscope.models.pretrained import catalogue, download, shelf

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    chosen = [catalogue.find(name) for name in names]  # a misspelt one is told before anything is fetched
    rows = []
    for row in chosen:
        done = download.fetch(row, terminal)
        record = done.record
        if done.cached:
            terminal.message("weights.cached", name=row.name)
        else:
            terminal.message(
                "weights.fetched",
                name=row.name,
                megabytes=record.bytes / shelf.MEGABYTE,
                sha256=record.sha256,
                licence=record.licence,
            )
        terminal.line(str(done.path))
        rows.append({**record.model_dump(), "name": row.name, "file": str(done.path), "cached": done.cached})
    terminal.result(rows)


@weights.command()
def pack(
    folder: Folder,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Networks, weights, or model files; all that was fetched, if none."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Make a folder to carry along. A classroom without a network needs it: weights, checksums and licences. A kit that
    is there already grows.

    \b
    Examples:
      convscope weights pack kit
      convscope weights pack kit resnet18 mobilenet_v2
      convscope weights pack kit alexnet_owt.safetensors
    """
    from convscope.models.pretrained import kit, shelf

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    manifest = kit.pack(folder, kit.wanted(names or []), terminal)
    total = sum(record.bytes for record in manifest.weights)
    terminal.message("weights.packed", count=len(manifest.weights), megabytes=total / shelf.MEGABYTE)
    terminal.line(str(folder))
    terminal.result({"folder": str(folder), **manifest.model_dump()})


@weights.command()
def verify(folder: Folder, json: Json = False, quiet: Quiet = False, lang: Lang = None) -> None:
    """Check a kit's checksums. Every file that is damaged, missing or unknown is named, and the exit status is 2.

    \b
    Examples:
      convscope weights verify /media/stick/kit
      convscope weights verify kit --json
    """
    from convscope.models.pretrained import kit, shelf

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    manifest, faults = kit.verify(folder, terminal)
    total = sum(record.bytes for record in manifest.weights)
    terminal.result({"folder": str(folder), "files": len(manifest.weights), "faults": [f._asdict() for f in faults]})
    if faults:
        named = "; ".join(f"{fault.file}: {fault.kind} ({fault.detail})" for fault in faults[:MOST_NAMED])
        more = f"; and {len(faults) - MOST_NAMED} more" * (len(faults) > MOST_NAMED)
        raise ModelFileError(f"{folder}: not as it was packed: {named}{more}; pack or copy it anew")
    terminal.say("weights.verified", count=len(manifest.weights), megabytes=total / shelf.MEGABYTE)


@weights.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights, as safetensors.", show_default=False)],
    model: Annotated[str, typer.Option(metavar="NAME", help="The network that they are of.", show_default=False)],
    classes: Annotated[
        str | None, typer.Option(metavar="imagenet|FILE.txt", help="Names of the outputs; else 0, 1, 2 …")
    ] = None,
    preprocess: Annotated[
        str | None, typer.Option(metavar="imagenet|tf|caffe|FILE", help="What the weights expect; else as is usual.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The model file; else NAME.safetensors, here.")] = None,
    licence: Annotated[str | None, typer.Option(help="Of the weights.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over the model file that is there.")] = False,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Make a model file of weights. They may bear the names of torchvision, timm, Keras, Caffe or convscope.

    \b
    Examples:
      convscope weights import resnet18.safetensors --model resnet18 --classes imagenet --out r18.safetensors
      convscope weights import theirs.safetensors --model vgg16 --classes names.txt --preprocess caffe
      convscope weights import theirs.safetensors --model mobilenet_v2_same --preprocess tf --licence apache-2.0
    """
    from convscope.models.pretrained import importing

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    bundle, turned = importing.borrow(file, model, classes, preprocess, licence)
    target = out or Path(f"{bundle.card.network.replace(':', '-')}.safetensors")
    digest = importing.write(bundle, target, file, force=force)
    card, input_ = bundle.card, bundle.card.preprocess
    parameters = sum(values.numel() for values in bundle.network().parameters())
    terminal.say(
        "weights.made",
        network=card.network,
        parameters=parameters,
        count=len(card.classes),
        first=card.classes[0],
        last=card.classes[-1],
    )
    terminal.say(
        "weights.input",
        size=input_.size,
        resize=input_.resize,
        share=input_.share,
        interpolation=input_.interpolation,
        mean=_numbers(input_.mean),
        spread=_numbers(input_.spread),
    )
    if turned:
        terminal.say("weights.turned")
    terminal.say("weights.terms", licence=card.licence)
    terminal.line(str(target))
    terminal.result(
        {
            "model": str(target), "network": card.network, "classes": len(card.classes), "parameters": parameters,
            "preprocess": input_.model_dump(), "licence": card.licence, "sha256": digest,
        }
    )  # fmt: skip


def _numbers(values: tuple[float, ...]) -> str:
    """Numbers that fit in a line, once where all are the same.

    >>> _numbers((0.5, 0.5, 0.5)), _numbers((0.485, 0.456, 0.406))
    ('0.5', '0.485, 0.456, 0.406')
    """
    return ", ".join(f"{value:.4g}" for value in (values if len(set(values)) > 1 else values[:1]))
