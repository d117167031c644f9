"""`train`: from a listing of pictures to a finished run."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from convscope.data import manifest as manifests
from convscope.data import splits
from convscope.data.files import write_json
from convscope.data.listing import Listing
from convscope.data.sources import read
from convscope.errors import DataError, RecipeError, RunError
from convscope.evaluation.page.doctor import findings_of
from convscope.evaluation.protocol import evaluate
from convscope.evaluation.publish import publish
from convscope.evaluation.report import Report
from convscope.inference import cpu
from convscope.inference.engine import Engine, Scoring
from convscope.models import zoo
from convscope.models.bundle import FILE, Bundle
from convscope.training import choices, feed, record
from convscope.training.calibrate import calibrated
from convscope.training.checkpoint import Checkpoint
from convscope.training.folds import resume_folds, train_folds
from convscope.training.learn import fresh, learn
from convscope.training.live import refuse_missing
from convscope.training.material import Material, device_of, prepare
from convscope.training.recipe import Recipe, load, parse
from convscope.training.run import (
    Run,
    default_name,
    environment,
    logger,
    new_folder,
    refuse_unwritable,
)  # fmt: skip
from convscope.training.team import Team
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
    team = Team(device_of(recipe.device))
    listener = listener if team.leads else SILENT
    images = images if images is not None else recipe.data
    if images is None:
        raise DataError("no pictures to train on: give a folder, a file or a built-in name such as digits")
    if recipe.network:
        zoo.stored(recipe.network, recipe.definition)  # a name that is none is told before pictures are read
    out = Path(out)
    refuse_unwritable(out, name)
    refuse_missing(recipe.track)
    listing = images if isinstance(images, Listing) else read(images)
    if recipe.manifest:
        recipe = recipe.settle(manifest=str(Path(recipe.manifest).absolute()))
        listing = manifests.apply(listing, manifests.read(Path(recipe.manifest or "")), listener)
    if recipe.folds:
        return train_folds(listing, recipe, out, name, listener, language)
    material = prepare(listing, recipe, listener)
    _refuse_team(material, team)
    recipe, reasons = _settle(material, listener)
    recipe = parse(json.loads(team.told(recipe.model_dump_json(exclude_unset=True))))  # what one of them measured

    folder = new_folder(out, name or default_name(recipe.network, listing.title)) if team.leads else out
    folder = Path(team.told(str(folder)))
    if team.leads:
        splits.write(folder / "split.csv", record.split_rows(listing, material))
        write_json(folder / "env.json", environment(recipe.threads or 0, recipe.device, reasons))
        recipe.save(folder / "config.yaml")  # last: a folder that has it can be resumed
    return _finish(replace(material, recipe=recipe), folder, None, team, listener, language, start)


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
        recipe, reasons = choices.settle(recipe, fresh(material), material.preprocess, listener)
    return recipe, borrowed | reasons


def _resume(
    folder: Path, images: Listing | str | Path | None, listener: Listener, language: Language, start: float
) -> Run:
    if not (folder / "config.yaml").is_file():
        raise RunError(f"--resume {folder}: no run there; give the folder that holds its config.yaml")
    if (folder / FILE).is_file():
        raise RunError(f"--resume {folder}: this run is finished; --config {folder}/config.yaml trains it anew")
    recipe = parse(load(folder / "config.yaml"))
    refuse_missing(recipe.track)
    if recipe.folds:
        whole = images if isinstance(images, Listing) else read(images or recipe.data or "")
        return resume_folds(folder, whole, recipe, listener, language)
    team = Team(recipe.device)
    listener = listener if team.leads else SILENT
    checkpoint = Checkpoint.load(folder, listener)
    listing = images if isinstance(images, Listing) else read(images or recipe.data or "")
    listing = record.as_recorded(listing, splits.read(folder / "split.csv"), listing.hash(listener), folder)
    material = prepare(listing, recipe, listener)
    done = (len(checkpoint.history), checkpoint.step) if checkpoint else (0, 0)
    listener.message("train.resume", epoch=done[0], step=done[1], run=folder)
    _refuse_other_weights(folder, material)
    return _finish(material, folder, checkpoint, team, listener, language, start)


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


def _refuse_team(material: Material, team: Team) -> None:
    """Say what several processes cannot share."""
    recipe, count = material.recipe, material.listing.parts.count("train")
    if team.size == 1:
        return
    if count < feed.FEWEST * team.size:
        raise RecipeError(f"{team.size} processes for {count} training pictures: at least two pictures each are needed")
    if recipe.mode == "frozen":
        raise RecipeError(
            f"{team.size} processes: a frozen run fits its head in one; start it without torchrun, or take --mode "
            "finetune or scratch"
        )
    if recipe.sync_norm and recipe.device == "cpu":
        raise RecipeError("--sync-norm: synchronised batch normalisation exists on GPUs only; leave it out")


def _finish(
    material: Material,
    folder: Path,
    checkpoint: Checkpoint | None,
    team: Team,
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
        outcome = learn(material, folder, checkpoint, team, listener, language)
        if not team.leads:
            team.wait()
            last = outcome.best_row["val_top1"]
            return Run(folder, len(outcome.history), time.monotonic() - start, last, None, Report.read(folder))
        best = outcome.best_row
        told = {**best, "epoch": outcome.best_epoch, "epochs": len(outcome.history)}
        if outcome.best_epoch:  # else it was said that the head alone is kept
            listener.message(f"train.stop.{outcome.reason}", **told)
        bundle = Bundle(record.card(material, best), outcome.best, folder / FILE)

        split = "test" if "test" in material.listing.parts else "val"
        engine: Scoring = Engine(bundle, pictures=material.listing.parts.count(split))
        if material.looks and recipe.mode == "frozen":
            engine = material.looks.answering(bundle)
        bundle = replace(bundle, card=calibrated(bundle.card, engine, material.listing.part("val"), listener))
        report = evaluate(bundle, material.listing, split=split, engine=engine.under(bundle.card), listener=listener)
        for fault in report.broken:  # they could be read before
            listener.message("train.broken", **fault)
        report = replace(report, broken=(*(asdict(fault) for fault in material.broken), *report.broken))
        test_top1 = report.top1 if split == "test" else None
        seconds = time.monotonic() - start
        bundle = replace(
            bundle,
            card=bundle.card.model_copy(update={"scores": {"val_top1": best["val_top1"], "test_top1": test_top1}}),
        )
        command, python = record.asked(material)
        publish(
            report,
            folder,
            material.listing,
            bundle,
            command=command,
            python=python,
            listener=listener,
            language=language,
            curves=outcome.history,
            facts=record.facts(material, outcome, seconds),
            found=findings_of(folder) if recipe.mode != "frozen" else None,
        )
        bundle.save(folder / FILE)
        team.wait()
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
