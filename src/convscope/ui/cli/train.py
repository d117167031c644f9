"""`convscope train`."""

import inspect
import os
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
FLAGS = {
    "time_limit_min": "--time-limit",
    "patience_checks": "--patience",
    "warmup_epochs": "--warmup",
    "checkpoint_min": "--checkpoint-every",
    "compile": "--compile",
}


def train(
    data: Data = None,
    model: Annotated[str | None, typer.Option(help="Network, from `convscope models`, or YAML of layers.")] = None,
    mode: Annotated[
        str | None, typer.Option(help="auto, scratch, frozen (new head only) or finetune (head, then all) [auto].")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="From scratch: plain, paper (the network's own numbers) or practical (for few pictures)."),
    ] = None,
    start_from: Annotated[
        str | None, typer.Option(help="A finished run to take weights from, as deep VGGs started from vgg11.")
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
        bool | None, typer.Option("--augment/--no-augment", help="Whether training pictures are changed at all [on].")
    ] = None,
    crop: Annotated[
        str | None, typer.Option(help="Another part each epoch: none, shift, area or jitter [none; finetune area].")
    ] = None,
    flip: Annotated[
        bool | None, typer.Option("--flip/--no-flip", help="Mirror half of the pictures [off; finetune on].")
    ] = None,
    colour: Annotated[str | None, typer.Option(help="none, pca (AlexNet's) or jitter [none].")] = None,
    policy: Annotated[str | None, typer.Option(help="none, rand (RandAugment) or trivial (TrivialAugment).")] = None,
    erase: Annotated[float | None, typer.Option(help="Share of pictures that a box is erased from [0].")] = None,
    mixup: Annotated[float | None, typer.Option(help="α of mixing pictures in pairs [0].")] = None,
    cutmix: Annotated[float | None, typer.Option(help="α of pasting boxes of other pictures [0].")] = None,
    decode: Annotated[
        str | None, typer.Option(help="full, or scaled: large JPEGs at a fraction, several times faster [full].")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pictures [30; finetune 5].")] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures per step [64; finetune 32].")] = None,
    accumulate: Annotated[int | None, typer.Option(help="Parts of a step's batch, where memory is short [1].")] = None,
    rate: Annotated[float | None, typer.Option(help="Peak learning rate; `convscope lr-find` suggests one.")] = None,
    optimiser: Annotated[str | None, typer.Option(help="adam, adamw, sgd or rmsprop [adam].")] = None,
    momentum: Annotated[float | None, typer.Option(help="Of sgd and rmsprop [0.9].")] = None,
    decay: Annotated[float | None, typer.Option(help="Weight decay [0].")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="cosine, one-cycle, step, plateau, inverse or constant [cosine].")
    ] = None,
    label_smoothing: Annotated[float | None, typer.Option(help="Share of the target for all classes [0].")] = None,
    ema: Annotated[float | None, typer.Option(help="Decay of an average of the weights, such as 0.999 [0].")] = None,
    clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.")] = None,
    class_weights: Annotated[
        bool | None, typer.Option("--class-weights/--no-class-weights", help="Rare classes count the same in the loss.")
    ] = None,
    sampling: Annotated[str | None, typer.Option(help="natural, or balanced: every class as often [natural].")] = None,
    warmup: Annotated[float | None, typer.Option(help="Epochs of linear rise of the rate [0; finetune 0.5].")] = None,
    patience: Annotated[int | None, typer.Option(help="Validations without a better loss before stopping [8].")] = None,
    min_delta: Annotated[float | None, typer.Option(help="Fall of the loss that counts as better [0].")] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Minutes after which no epoch is begun; of each fold.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side of the network's input in pixels.")] = None,
    resize: Annotated[str | None, typer.Option(help="crop, squash or pad [crop, or what the weights expect].")] = None,
    seed: Annotated[int | None, typer.Option(help="Of initialisation and order [0].")] = None,
    split_seed: Annotated[int | None, typer.Option(help="Of the split alone [0].")] = None,
    test_share: Annotated[
        float | None, typer.Option(help="Test share where the data has none; 0 for none [0.1].")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(help="Train so many models, each judged on pictures it has not seen (k-fold).")
    ] = None,
    manifest: Annotated[
        str | None, typer.Option(metavar="FILE.csv", help="Classes and parts that count instead of the folders'.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda [auto].")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, f32 or bf16 [auto].")] = None,
    engine: Annotated[
        str | None, typer.Option(help="Of the frozen part: auto, torch, openvino or onnx [auto].")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads to compute with.")] = None,
    workers: Annotated[int | None, typer.Option(help="Threads that read pictures ahead; 0 for none.")] = None,
    keep: Annotated[
        str | None, typer.Option(help="Where decoded pictures stay: auto, memory, disk or none [auto].")
    ] = None,
    fuse: Annotated[bool | None, typer.Option("--compile/--no-compile", help="Use torch.compile [off].")] = None,
    sync_norm: Annotated[
        bool | None, typer.Option("--sync-norm/--no-sync-norm", help="Several GPUs: one batch norm over all [off].")
    ] = None,
    checkpoint_every: Annotated[float | None, typer.Option(help="Minutes between checkpoints [1].")] = None,
    track: Annotated[
        list[str] | None, typer.Option(help="Tell a tracker: tensorboard, mlflow or wandb; may be repeated.")
    ] = None,
    put: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any other setting of config.yaml.")
    ] = None,
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
      convscope train photos/ --folds 5
      convscope train photos/ --manifest split.csv
      convscope train photos/ --model resnet18 --mode scratch --recipe practical --size 128 --epochs 20
      convscope train photos/ --model vgg16 --recipe paper --start-from runs/vgg11-photos --set step_factor=0.2
      torchrun --nproc_per_node 2 -m convscope train photos/ --model resnet18 --mode scratch
      convscope train fashion-mnist --model lenet5_modern --epochs 10 --json
      convscope train --config runs/lenet5_modern-digits/config.yaml
      convscope train --resume runs/lenet5_modern-digits
    """
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    flags = {
        "model": model, "mode": mode, "recipe": recipe, "start_from": start_from, "weights": weights,
        "weights_dir": weights_dir, "views": views,
        "strength": strength, "balance": balance, "augment": augment, "crop": crop, "flip": flip, "colour": colour,
        "policy": policy, "erase": erase, "mixup": mixup, "cutmix": cutmix, "decode": decode, "epochs": epochs,
        "batch": batch, "accumulate": accumulate, "rate": rate, "optimiser": optimiser, "momentum": momentum,
        "decay": decay, "schedule": schedule, "label_smoothing": label_smoothing, "ema": ema, "clip": clip,
        "class_weights": class_weights, "sampling": sampling, "warmup_epochs": warmup, "patience_checks": patience,
        "min_delta": min_delta, "time_limit_min": time_limit, "size": size, "resize": resize, "seed": seed,
        "split_seed": split_seed, "test_share": test_share, "folds": folds, "manifest": manifest,
        "device": device, "precision": precision,
        "engine": engine, "threads": threads, "workers": workers, "keep": keep, "compile": fuse,
        "sync_norm": sync_norm, "checkpoint_min": checkpoint_every, "track": track or None,
    }  # fmt: skip
    given = _set(put or []) | {field: value for field, value in flags.items() if value is not None}
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
    changed = {field for field in given.keys() & settings.keys() if given[field] != settings[field]}
    filled = settings.get("recipe", "plain") != "plain"
    if changed & {"mode", "recipe"} or (filled and "model" in changed):  # other numbers are the defaults
        for field in (*recipes.STEPS, "initialise", "rbf_margin", "precision", "threads"):
            settings.pop(field, None)
    settings |= given
    if data is not None:
        settings["data"] = data
    try:
        recipe = recipes.parse(settings)
    except RecipeError as error:
        raise in_flags(error, given) from None
    if not resume and recipe.data is None:
        raise DataError(
            "no pictures to train on: convscope train DATA, where DATA is a folder, a file or a name such as digits"
        )
    try:
        finished = run(
            images or data, recipe, out=out, name=name, resume=resume, listener=terminal, language=terminal.language
        )
    except RecipeError as error:
        raise in_flags(error, given) from None
    except KeyboardInterrupt as stopped:
        terminal.interrupted()
        raise typer.Exit(getattr(stopped, "code", 130)) from None
    if os.environ.get("RANK", "0") != "0":  # of several processes, the first speaks
        return
    show_report(terminal, finished.report, name_broken=terminal.quiet)
    terminal.say("result.report", file=finished.path / "report.html")
    terminal.line(str(finished.path))
    terminal.result(finished.to_dict())


def _set(settings: list[str]) -> dict[str, Any]:
    """What `--set` gives: values are read as YAML, as in config.yaml."""
    import yaml

    given = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        try:
            given[name.strip()] = yaml.safe_load(value)
        except (yaml.YAMLError, RecursionError):
            equals = ""
        if not equals:
            raise RecipeError(f"--set {setting}: expected NAME=VALUE, such as step_epochs=30")
    return given


def in_flags(error: RecipeError, given: dict[str, Any]) -> RecipeError:
    """The same complaint, of the flag that was typed instead of the setting that it makes."""
    field, _, rest = str(error).partition(" ")
    return RecipeError(f"{flag(field)} {rest}" if field in given else str(error))


def flag(field: str) -> str:
    """A setting's flag.

    >>> flag("split_seed"), flag("time_limit_min"), flag("step_epochs")
    ('--split-seed', '--time-limit', '--set step_epochs')
    """
    typed = FLAGS.get(field, "--" + field.replace("_", "-"))
    return typed if field in FLAGS or field in inspect.signature(train).parameters else f"--set {field}"
