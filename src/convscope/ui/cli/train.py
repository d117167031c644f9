"""`convscope train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convscope.errors import DataError, RecipeError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.ui.results import show_report

Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="Folder, zip, CSV, list file, IDX folder, or digits, mnist, fashion-mnist, cifar10, cifar100.",
    ),
]

if TYPE_CHECKING:
    from convscope.data.listing import Listing

# flags whose name is not the setting's
FLAGS = {"time_limit_min": "--time-limit", "patience_checks": "--patience", "warmup_epochs": "--warmup"}


def train(
    data: Data = None,
    model: Annotated[str | None, typer.Option(help="Network, from `convscope models`, or YAML of layers.")] = None,
    mode: Annotated[
        str | None, typer.Option(help="auto, scratch, frozen (new head only) or finetune (head, then all) [auto].")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Borrowed weights: default (what is at hand), none, or a safetensors FILE.")
    ] = None,
    weights_dir: Annotated[str | None, typer.Option(help="Folder to look for weights in, before the cache.")] = None,
    views: Annotated[
        str | None, typer.Option(help="frozen: what the head learns from: centre, flip or crops [centre].")
    ] = None,
    strength: Annotated[
        float | None, typer.Option(help="frozen: inverse of the head's penalty [by cross-validation].")
    ] = None,
    balance: Annotated[
        bool | None, typer.Option("--balance/--no-balance", help="frozen: uneven classes count the same [on].")
    ] = None,
    augment: Annotated[
        bool | None, typer.Option("--augment/--no-augment", help="finetune: random crops and mirrored pictures [on].")
    ] = None,
    decode: Annotated[
        str | None, typer.Option(help="full, or scaled: large JPEGs at a fraction, several times faster [full].")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pictures [30; finetune 5].")] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures per step [64; finetune 32].")] = None,
    rate: Annotated[float | None, typer.Option(help="Peak learning rate [0.001].")] = None,
    optimiser: Annotated[str | None, typer.Option(help="adam or sgd [adam].")] = None,
    momentum: Annotated[float | None, typer.Option(help="Of sgd [0.9].")] = None,
    decay: Annotated[float | None, typer.Option(help="Weight decay [0].")] = None,
    schedule: Annotated[str | None, typer.Option(help="cosine, step or constant [cosine].")] = None,
    warmup: Annotated[float | None, typer.Option(help="Epochs of linear rise of the rate [0; finetune 0.5].")] = None,
    patience: Annotated[int | None, typer.Option(help="Validations without a better loss before stopping [8].")] = None,
    min_delta: Annotated[float | None, typer.Option(help="Fall of the loss that counts as better [0].")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Minutes after which no epoch is begun.")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the network's input in pixels.")] = None,
    resize: Annotated[str | None, typer.Option(help="crop, squash or pad [crop, or what the weights expect].")] = None,
    seed: Annotated[int | None, typer.Option(help="Of initialisation and order [0].")] = None,
    split_seed: Annotated[int | None, typer.Option(help="Of the split alone [0].")] = None,
    test_share: Annotated[
        float | None, typer.Option(help="Test share where the data has none; 0 for none [0.1].")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda [auto].")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, f32 or bf16 [auto].")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Of the frozen part: auto, torch, openvino or onnx [auto].")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads to compute with.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run's folder.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings in YAML, such as a run's config.yaml.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Folder of a run to go on with.")] = None,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Photos get a new head on a borrowed network where its weights are at hand, in seconds; small or grey pictures,
    and photos without weights, train a classic network from scratch. Pictures are split by content (10 % validation,
    10 % test, unless the data brings parts), the best epoch is kept, and the last line is the run's folder:
    model.safetensors, report.html, predictions.csv and all settings.

    \b
    Examples:
      convscope train photos/
      convscope train photos/ --model mobilenet_v2 --weights mobilenet_v2.safetensors
      convscope train photos/ --model resnet18 --mode finetune --epochs 8
      convscope train photos.zip --model course_cnn --size 64 --epochs 20
      convscope train fashion-mnist --model lenet5_modern --epochs 10 --json
      convscope train --config runs/lenet5_modern-digits/config.yaml
      convscope train --resume runs/lenet5_modern-digits
    """
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    flags = {
        "model": model, "mode": mode, "weights": weights, "weights_dir": weights_dir, "views": views,
        "strength": strength, "balance": balance, "augment": augment, "decode": decode, "epochs": epochs,
        "batch": batch, "rate": rate, "optimiser": optimiser, "momentum": momentum, "decay": decay,
        "schedule": schedule, "warmup_epochs": warmup, "patience_checks": patience, "min_delta": min_delta,
        "time_limit_min": time_limit, "size": size, "resize": resize, "seed": seed, "split_seed": split_seed,
        "test_share": test_share, "device": device, "precision": precision, "engine": engine,
        "threads": threads,
    }  # fmt: skip
    given = {field: value for field, value in flags.items() if value is not None}
    run_training(terminal, data, given, out=out, name=name, config=config, resume=resume)


def run_training(
    terminal: Terminal,
    data: str | None,
    given: dict[str, Any],
    *,
    out: Path,
    images: "Listing | None" = None,
    name: str | None = None,
    config: Path | None = None,
    resume: Path | None = None,
) -> None:
    """Settle the recipe, train, print the result; `images` are what `data` names, when they are at hand."""
    from convscope.training import recipe as recipes
    from convscope.training.trainer import train as run

    if resume and (given or config or name):
        extra = next((flag(field) for field in given), "--config" if config else "--name")
        raise RecipeError(f"{extra}: a resumed run keeps its own recipe; leave it out, or train anew without --resume")
    settings = recipes.load(config) if config else {}
    if "model" in given:  # another network than the one whose layers are written there
        settings.pop("definition", None)
    if given.get("mode", settings.get("mode")) != settings.get("mode"):  # another mode has other numbers
        for field in (*recipes.STEPS, "precision", "threads"):
            settings.pop(field, None)
    settings |= given
    if data is not None:
        settings["data"] = data
    try:
        recipe = recipes.parse(settings)
    except RecipeError as error:
        raise _in_flags(error, given) from None
    if not resume and recipe.data is None:
        raise DataError(
            "no pictures to train on: convscope train DATA, where DATA is a folder, a file or a name such as digits"
        )
    try:
        finished = run(
            images or data, recipe, out=out, name=name, resume=resume, listener=terminal, language=terminal.language
        )
    except RecipeError as error:
        raise _in_flags(error, given) from None
    except KeyboardInterrupt:
        terminal.interrupted()
        raise typer.Exit(130) from None
    show_report(terminal, finished.report, name_broken=terminal.quiet)
    terminal.say("result.report", file=finished.path / "report.html")
    terminal.line(str(finished.path))
    terminal.result(finished.to_dict())


def _in_flags(error: RecipeError, given: dict[str, Any]) -> RecipeError:
    """The same complaint, of the flag that was typed instead of the setting that it makes."""
    field, _, rest = str(error).partition(" ")
    return RecipeError(f"{flag(field)} {rest}" if field in given else str(error))


def flag(field: str) -> str:
    """A setting's flag.

    >>> flag("split_seed"), flag("time_limit_min")
    ('--split-seed', '--time-limit')
    """
    return FLAGS.get(field, "--" + field.replace("_", "-"))
