"""`train`: from a listing of pictures to a finished run."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from convscope.data import splits
from convscope.data.files import as_rows, write_csv, write_json
from convscope.data.listing import Listing
from convscope.data.sources import read
from convscope.errors import DataError, RunError
from convscope.evaluation.protocol import Thumbnails, evaluate
from convscope.inference import cpu
from convscope.models import zoo
from convscope.models.bundle import FILE, Bundle
from convscope.training import choices, record
from convscope.training.checkpoint import Checkpoint, clone
from convscope.training.loop import Loop, Outcome
from convscope.training.material import Material, prepare
from convscope.training.recipe import Recipe, load, parse
from convscope.training.run import (
    Run,
    default_name,
    environment,
    logger,
    new_folder,
    refuse_unwritable,
)  # fmt: skip
from convscope.training.transfer.finetune import finetune
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
        zoo.stored(recipe.network, recipe.definition)  # a name that is none is told before pictures are read
    out = Path(out)
    refuse_unwritable(out, name)
    listing = images if isinstance(images, Listing) else read(images)
    material = prepare(listing, recipe, listener)
    recipe, reasons = _settle(material, listener)

    folder = new_folder(out, name or default_name(recipe.network, listing.title))
    splits.write(folder / "split.csv", record.split_rows(listing, material))
    write_json(folder / "env.json", environment(recipe.threads or 0, recipe.device, reasons))
    recipe.save(folder / "config.yaml")  # last: a folder that has it can be resumed
    return _finish(replace(material, recipe=recipe), folder, None, listener, language, start)


def _settle(material: Material, listener: Listener) -> tuple[Recipe, dict[str, Any]]:
    """Threads and precision, and what env.json says of why; with where borrowed weights came from."""
    recipe, start = material.recipe, material.start
    borrowed: dict[str, Any] = {}
    if start:
        borrowed["weights"] = {"file": start.source, "sha256": start.sha256, "licence": start.licence}
    if material.looks:
        engine = material.looks.embedder.engine
        recipe = recipe.settle(engine=engine.choice.backend)
        borrowed |= {"engine": engine.choice.backend, "engine_why": engine.choice.why}
        if recipe.mode == "frozen":
            why = {"precision": engine.precision, "precision_why": engine.choice.why}
            return recipe.settle(threads=engine.threads, precision=engine.precision), borrowed | why
    with cpu.using(None):
        recipe, reasons = choices.settle(recipe, _fresh(recipe, material), material.preprocess, listener)
    return recipe, borrowed | reasons


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
    listing = record.as_recorded(listing, splits.read(folder / "split.csv"), listing.hash(listener), folder)
    material = prepare(listing, recipe, listener)
    listener.message("train.resume", epoch=len(checkpoint.history) if checkpoint else 0, run=folder)
    _refuse_other_weights(folder, material)
    return _finish(material, folder, checkpoint, listener, language, start)


def _refuse_other_weights(folder: Path, material: Material) -> None:
    """A run goes on from the weights that it began with."""
    if material.start is None:
        return
    try:
        began = json.loads((folder / "env.json").read_text(encoding="utf-8"))["weights"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # of an unfinished run whose record is gone, the checkpoint still holds every number
    if began != material.start.sha256:
        raise RunError(f"--resume {folder}: {material.start.source} is not the file that it began with; put that back")


def _fresh(recipe: Recipe, material: Material) -> nn.Module:
    """The network as training finds it."""
    if material.start:
        return material.start.network
    torch.manual_seed(recipe.seed)
    preprocess = material.preprocess
    return material.row.build(len(material.listing.classes), preprocess.channels, preprocess.size)


def _learn(material: Material, folder: Path, checkpoint: Checkpoint | None, listener: Listener) -> Outcome:
    """What the mode calls for: the head at once, or the loop."""
    recipe, log = material.recipe, logger(folder)
    log("start", resumed=checkpoint is not None)
    network = _fresh(recipe, material)
    if material.looks and recipe.mode == "frozen":
        row = material.looks.fit(material.listing, network, recipe, listener)
        write_csv(folder / "metrics.csv", *as_rows([row]))
        return Outcome([row], clone(network), 1, "frozen")
    if recipe.mode == "finetune":
        return finetune(network, material, folder, checkpoint, listener, log)
    loop = Loop(network, recipe, material.pixels["train"], material.pixels["val"], folder, listener, log)
    with cpu.using(recipe.threads):
        return loop.run(checkpoint)


def _finish(
    material: Material,
    folder: Path,
    checkpoint: Checkpoint | None,
    listener: Listener,
    language: Language,
    start: float,
) -> Run:
    """Train, judge, and write the report and, last, the model file."""
    with _disk(folder):
        recipe = material.recipe
        listener.message("train.folder", run=folder)
        shown = {**recipe.model_dump(), "model": recipe.network, "channels": material.preprocess.channels}
        listener.message("train.network", **shown)
        outcome = _learn(material, folder, checkpoint, listener)
        best = outcome.best_row
        told = {**best, "epoch": outcome.best_epoch, "epochs": len(outcome.history)}
        if outcome.best_epoch:  # else it was said that the head alone is kept
            listener.message(f"train.stop.{outcome.reason}", **told)
        bundle = Bundle(record.card(material, best), outcome.best, folder / FILE)

        split = "test" if "test" in material.listing.parts else "val"
        engine = material.looks.answering(bundle) if material.looks and recipe.mode == "frozen" else None
        report = evaluate(bundle, material.listing, split=split, engine=engine, listener=listener)
        for fault in report.broken:  # they could be read before
            listener.message("train.broken", **fault)
        report = replace(report, broken=(*(asdict(fault) for fault in material.broken), *report.broken))
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
            facts=record.facts(material, outcome, seconds),
            language=language,
        )
        bundle.save(folder / FILE)
        logger(folder)(
            "end", reason=outcome.reason, seconds=round(seconds, 3), val_top1=best["val_top1"], test_top1=test_top1
        )
        return Run(folder, len(outcome.history), seconds, best["val_top1"], test_top1, report)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Say in one line that the disk is full, or the folder no longer to be written to."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{folder}: cannot be written ({reason}); make room, then --resume {folder}") from None
