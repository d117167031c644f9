"""`train`: from a listing of pictures to a finished run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

from convscope.data import splits
from convscope.data.files import write_json
from convscope.data.listing import Listing, sort_classes
from convscope.data.sources import read
from convscope.data.stores import printable
from convscope.errors import DataError, RunError
from convscope.evaluation.protocol import Thumbnails, evaluate
from convscope.evaluation.report import Facts
from convscope.inference import cpu
from convscope.models import zoo
from convscope.models.bundle import FILE, MAX_HASHES, Bundle, Card
from convscope.training import choices
from convscope.training.checkpoint import Checkpoint
from convscope.training.loop import Loop, Outcome
from convscope.training.material import Material, prepare
from convscope.training.recipe import Recipe, load, parse
from convscope.training.run import (
    LIBRARIES,
    Run,
    default_name,
    environment,
    logger,
    new_folder,
    refuse_unwritable,
)  # fmt: skip
from convscope.words import SILENT, Language, Listener


def train(
    images: Listing | str | Path | None = None,
    recipe: Recipe | None = None,
    *,
    out: str | Path = "runs",
    name: str | None = None,
    resume: str | Path | None = None,
    listener: Listener = SILENT,
    language: Language = "en",
) -> Run:
    """Train a network on pictures, and judge it on those it has not seen.

    Args:
        images: a listing, or what `read` takes; None takes the recipe's `data`.
        recipe: the numbers; None takes the defaults.
        out: folder of runs; a new numbered folder is made in it.
        name: of the run's folder; None names it after network and data.
        resume: an unfinished run's folder: goes on from its last saved epoch, with its own recipe and split.
        listener: hears how it goes.
        language: what the report opens in.

    Raises:
        DataError: pictures or classes that cannot be used.
        RecipeError: numbers that contradict each other.
        RunError: a folder that cannot be made, or resumed.
        TrainingDiverged: the loss is not a number.
    """
    start = time.monotonic()
    if resume is not None:
        return _resume(Path(resume), images, listener, language, start)
    recipe = (recipe or Recipe()).whole()
    images = images if images is not None else recipe.data
    if images is None:
        raise DataError("no pictures to train on: give a folder, a file or a built-in name such as digits")
    if recipe.network:
        zoo.stored(recipe.network, recipe.definition)
    out = Path(out)
    refuse_unwritable(out, name)
    listing = images if isinstance(images, Listing) else read(images)
    material = prepare(listing, recipe, listener)
    recipe = material.recipe
    network = _fresh(recipe, material)
    with cpu.using(None):
        recipe, reasons = choices.settle(recipe, network, material.preprocess, listener)

    folder = new_folder(out, name or default_name(recipe.network, listing.title))
    splits.write(folder / "split.csv", _record(listing, material))
    write_json(folder / "env.json", environment(recipe.threads or 0, recipe.device, reasons))
    recipe.save(folder / "config.yaml")  # last: a folder that has it can be resumed
    return _finish(_fresh(recipe, material), replace(material, recipe=recipe), folder, None, listener, language, start)


def _resume(
    folder: Path, images: Listing | str | Path | None, listener: Listener, language: Language, start: float
) -> Run:
    if not (folder / "config.yaml").is_file():
        raise RunError(f"--resume {folder}: no run there; give the folder that holds its config.yaml")
    if (folder / FILE).is_file():
        raise RunError(f"--resume {folder}: this run is finished; --config {folder}/config.yaml trains it anew")
    recipe = parse(load(folder / "config.yaml"))
    checkpoint = Checkpoint.load(folder)
    listing = images if isinstance(images, Listing) else read(images or recipe.data or "")
    listing = _as_recorded(listing, splits.read(folder / "split.csv"), listing.hash(listener), folder)
    material = prepare(listing, recipe, listener)
    listener.message("train.resume", epoch=len(checkpoint.history) if checkpoint else 0, run=folder)
    return _finish(_fresh(recipe, material), material, folder, checkpoint, listener, language, start)


def _record(listing: Listing, material: Material) -> list[splits.Row]:
    """Who trains, validates and tests; pictures that could not be read are kept in mind as `broken`."""
    broken = {fault.file for fault in material.broken}
    parts = dict(zip(material.listing.files, material.listing.parts, strict=True))
    return [
        splits.Row(printable(file), listing.classes[label], "broken" if file in broken else parts[file], content)
        for file, label, content in zip(listing.files, listing.labels, listing.hashes, strict=True)
    ]


def _as_recorded(listing: Listing, record: list[splits.Row], hashes: tuple[str, ...], folder: Path) -> Listing:
    """The pictures of a run's record, with its parts and classes, whatever else lies among them now."""
    known = {(row.file, row.sha256): row for row in record}
    keys = [(printable(file), content) for file, content in zip(listing.files, hashes, strict=True)]
    rows = [row for row, key in enumerate(keys) if key in known]
    if len(rows) < len(known):
        missing = len(known) - len(rows)
        raise RunError(
            f"--resume {folder}: {missing:,} of its {len(known):,} pictures are gone or changed in {listing.title}"
        )
    chosen = [known[keys[row]] for row in rows]
    classes = sort_classes({row.label for row in record})
    return replace(
        listing.take(rows),
        classes=classes,
        labels=np.array([classes.index(row.label) for row in chosen], dtype=np.int64),
        parts=tuple("" if row.split == "broken" else row.split for row in chosen),
    )


def _fresh(recipe: Recipe, material: Material) -> nn.Module:
    torch.manual_seed(recipe.seed)
    preprocess = material.preprocess
    return material.row.build(len(material.listing.classes), preprocess.channels, preprocess.size)


def _finish(
    network: nn.Module,
    material: Material,
    folder: Path,
    checkpoint: Checkpoint | None,
    listener: Listener,
    language: Language,
    start: float,
) -> Run:
    """Train, judge, and write the report and, last, the model file."""
    with _disk(folder):
        recipe, log = material.recipe, logger(folder)
        log("start", resumed=checkpoint is not None)
        listener.message("train.folder", run=folder)
        told = {**recipe.model_dump(), "model": recipe.network, "channels": material.preprocess.channels}
        listener.message("train.network", **told)
        loop = Loop(network, recipe, material.pixels["train"], material.pixels["val"], folder, listener, log)
        with cpu.using(recipe.threads):
            outcome = loop.run(checkpoint)
        listener.message(f"train.stop.{outcome.reason}", epoch=outcome.best_epoch, epochs=len(outcome.history))
        best = outcome.history[outcome.best_epoch - 1]
        bundle = Bundle(_card(material, best), outcome.best, folder / FILE)

        split = "test" if "test" in material.pixels else "val"
        report = evaluate(bundle, material.listing, split=split, listener=listener)
        report = replace(report, broken=tuple(asdict(fault) for fault in material.broken))
        test_top1 = report.top1 if split == "test" else None
        seconds = time.monotonic() - start
        bundle = replace(
            bundle,
            card=bundle.card.model_copy(update={"scores": {"val_top1": best["val_top1"], "test_top1": test_top1}}),
        )
        report.write(
            folder,
            picture=Thumbnails(material.listing, report),
            curves=outcome.history,
            facts=_facts(material, outcome, seconds),
            language=language,
        )
        bundle.save(folder / FILE)
        log("end", reason=outcome.reason, seconds=round(seconds, 3), val_top1=best["val_top1"], test_top1=test_top1)
        return Run(folder, len(outcome.history), seconds, best["val_top1"], test_top1, report)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Say in one line that the disk is full, or the folder no longer to be written to."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{folder}: cannot be written ({reason}); make room, then --resume {folder}") from None


def _card(material: Material, best: dict[str, float]) -> Card:
    listing = material.listing
    hashes = None
    if len(listing) <= MAX_HASHES:
        hashes = {
            part: tuple(h for h, p in zip(listing.hashes, listing.parts, strict=True) if p == part)
            for part in splits.PARTS
        }
    recipe = material.recipe.model_dump(exclude={"definition"})
    for folder in ("data", "model") if material.recipe.definition else ("data",):
        recipe[folder] = Path(recipe[folder] or "").name  # the model travels, its maker's folders do not
    return Card(
        convscope=version("convscope"),
        network=material.recipe.network,
        definition=material.recipe.definition,
        classes=listing.classes,
        preprocess=material.preprocess,
        recipe=recipe,
        scores={"val_top1": best["val_top1"]},
        hashes=hashes,
    )


def _facts(material: Material, outcome: Outcome, seconds: float) -> Facts:
    recipe, preprocess, row = material.recipe, material.preprocess, material.row
    parts = {part: f"{material.listing.parts.count(part):,}" for part in splits.PARTS}
    paper = f"{row.paper}, {row.year}" if row.year else row.paper
    return [
        ("report.fact.model", recipe.network),
        ("report.fact.paper", ("report.value.own", {}) if recipe.definition else paper),
        (
            "report.fact.data",
            ("report.value.data", {"title": material.listing.title, "seed": recipe.split_seed, **parts}),
        ),
        (
            "report.fact.preprocess",
            (f"report.value.{preprocess.resize}", {"size": preprocess.size, "channels": preprocess.channels}),
        ),
        (
            "report.fact.epochs",
            (
                "report.value.epochs",
                {"done": len(outcome.history), "epochs": recipe.epochs, "best": outcome.best_epoch},
            ),
        ),
        ("report.fact.seed", str(recipe.seed)),
        ("report.fact.precision", recipe.precision),
        ("report.fact.seconds", ("report.value.seconds", {"seconds": f"{seconds:.1f}"})),
        ("report.fact.versions", ", ".join(f"{name} {version(name)}" for name in ("convscope", *LIBRARIES))),
        ("report.fact.command", "convscope train --config config.yaml"),
    ]
