"""K-fold: K models, each judged on a K-th of the pictures that it has not seen, and one report over all of them."""

import csv
import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.data import manifest as manifests
from convscope.data import splits
from convscope.data.files import write_csv
from convscope.data.folds import deal
from convscope.data.listing import Listing
from convscope.data.manifest import Entry
from convscope.data.stores import printable
from convscope.errors import DataError, RecipeError, RunError
from convscope.models.bundle import FILE
from convscope.training import record
from convscope.training.pooled import FoldedRun, finished, pooled
from convscope.training.recipe import Recipe, load, parse
from convscope.training.run import default_name, logger, new_folder
from convscope.words import Language, Listener

SPLIT, CONFIG = "split.csv", "config.yaml"


@dataclass(frozen=True)
class _Plan:
    """Which pictures are in which fold, from 0; -1 of those that stay out of all."""

    listing: Listing
    folds: NDArray[np.int64]
    recipe: Recipe
    folder: Path

    def held(self, number: int) -> int:
        """How many pictures a fold, from 1, judges."""
        return int((self.folds == number - 1).sum())

    def lines(self, number: int) -> list[Entry]:
        """The manifest of a fold, from 1: it is the test, the others are for training, from which val is drawn."""
        part = {-1: manifests.DROP, number - 1: "test"}
        return [
            Entry(printable(file), self.listing.classes[label], part.get(fold, "train"), content)
            for file, label, fold, content in zip(
                self.listing.files, self.listing.labels, self.folds.tolist(), self.listing.hashes, strict=True
            )
        ]


class _Once(Listener):
    """Passes on what was not said before: every fold reads the same pictures."""

    def __init__(self, listener: Listener) -> None:
        self._listener, self._said = listener, set[str]()

    def progress(self, stage: str, done: int, total: int) -> None:
        self._listener.progress(stage, done, total)

    def message(self, key: str, **values: object) -> None:
        told = f"{key} {values}"
        if key not in {"train.folder", "train.ignored"} and told not in self._said:
            self._said.add(told)
            self._listener.message(key, **values)


def train_folds(
    listing: Listing, recipe: Recipe, out: Path, name: str | None, listener: Listener, language: Language
) -> FoldedRun:
    """Train one model for each fold, and judge every picture by the one that has not seen it.

    Pictures are dealt by class and by content, copies together; a test part that the data brings, or that --test-share
    carves, stays out of all folds.

    Args:
        listing: the pictures, a manifest applied.
        recipe: its `folds` says how many.
        out: folder of runs; a new numbered folder is made in it, with a run for each fold.
        name: of that folder.
        listener: hears how it goes.
        language: what the report opens in.

    Raises:
        DataError: the rarest class has fewer different pictures than there are folds.
        RecipeError: several processes, or a start from a run that saw what the folds judge.
    """
    _refuse_recipe(recipe)
    count = recipe.folds or 0
    hashes = listing.hash(listener)
    parts = listing.parts
    if "test" not in parts and "test_share" in recipe.model_fields_set and recipe.test_share:
        parts = listing.split(recipe.split_seed, recipe.val_share, recipe.test_share).parts
    else:
        recipe = recipe.settle(test_share=0)  # its config.yaml holds every number, and would carve one
    pool = [row for row, part in enumerate(parts) if part != "test"]
    _refuse_rare(listing.take(pool), count)
    folds = np.full(len(listing), -1, np.int64)
    folds[pool] = deal(listing.labels[pool], [hashes[row] for row in pool], count, recipe.split_seed)

    folder = new_folder(out, name or default_name(f"{recipe.network}-{count}-fold".lstrip("-"), listing.title))
    data = recipe.data or listing.title
    recipe = recipe.settle(data=str(Path(data).absolute()) if Path(data).exists() else data)
    rows = [
        [
            printable(file),
            listing.classes[label],
            "test" if fold < 0 else "train",
            content,
            fold + 1 if fold >= 0 else "",
        ]
        for file, label, fold, content in zip(listing.files, listing.labels, folds.tolist(), hashes, strict=True)
    ]
    write_csv(folder / SPLIT, [*splits.Row._fields, "fold"], rows)
    recipe.save(folder / CONFIG)  # last: a folder that has it can be resumed
    aside = int((folds < 0).sum())
    listener.message("folds.begin", count=count, pictures=round(len(pool) / count))
    if aside:
        listener.message("folds.aside", count=aside)
    return _run(_Plan(listing, folds, recipe, folder), listener, language)


def resume_folds(folder: Path, listing: Listing, recipe: Recipe, listener: Listener, language: Language) -> FoldedRun:
    """Go on with a k-fold run: finished folds are kept, the one that was cut off goes on from its last checkpoint.

    Args:
        folder: the run's.
        listing: its data as it was read.
        recipe: its own.
        listener: hears how it goes.
        language: what the report opens in.

    Raises:
        RecipeError: several processes, or a start from a run that saw what the folds judge.
        RunError: it is finished, or its pictures are gone.
    """
    _refuse_recipe(recipe)
    if finished(folder):
        raise RunError(f"--resume {folder}: this run is finished; --config {folder}/{CONFIG} trains it anew")
    known = splits.read(folder / SPLIT)
    with (folder / SPLIT).open(newline="", encoding="utf-8") as lines:
        numbers = {(row["file"], row["sha256"]): int(row["fold"] or 0) for row in csv.DictReader(lines)}
    listing = record.as_recorded(listing, known, listing.hash(listener), folder)
    keys = zip(listing.files, listing.hashes, strict=True)
    folds = np.array([numbers[printable(file), content] - 1 for file, content in keys], np.int64)
    done = sum((_fold(folder, number) / FILE).is_file() for number in range(1, (recipe.folds or 0) + 1))
    listener.message("folds.resume", run=folder, done=done, count=recipe.folds)
    return _run(_Plan(listing, folds, recipe, folder), listener, language)


def _run(plan: _Plan, listener: Listener, language: Language) -> FoldedRun:
    from convscope.training.trainer import train  # which comes here for a recipe with folds

    begun, log, count = time.monotonic(), logger(plan.folder), plan.recipe.folds or 0
    once = _Once(listener)
    listener.message("train.folder", run=plan.folder)
    log("start")
    for number in range(1, count + 1):
        fold = _fold(plan.folder, number)
        told = {"number": number, "count": count}
        if (fold / FILE).is_file():
            listener.message("folds.kept", **told)
            continue
        listener.message("folds.fold", **told, held=plan.held(number))
        if (fold / CONFIG).is_file():
            run = train(plan.listing, resume=fold, listener=once, language=language)
        else:
            shutil.rmtree(fold, ignore_errors=True)  # ended before there was anything to go on from
            file = fold.with_suffix(".csv")
            manifests.write(file, plan.lines(number))
            recipe = _settled(plan, number).settle(folds=None, manifest=str(file.absolute()))
            run = train(plan.listing, recipe, out=plan.folder, name=fold.name, listener=once, language=language)
        listener.message("folds.done", number=number, top1=run.report.top1, n=run.report.n)
        log("fold", number=number, top1=run.report.top1)
    # with what was chosen: another run of it times nothing anew
    _settled(plan, 2).settle(folds=count, manifest=plan.recipe.manifest).save(plan.folder / CONFIG)
    runs, aside = [_fold(plan.folder, number) for number in range(1, count + 1)], int((plan.folds < 0).sum())
    run = pooled(runs, plan.folder, plan.listing, aside, plan.recipe, listener, language)
    seconds = time.monotonic() - begun
    log("end", seconds=round(seconds, 3))
    return replace(run, seconds=seconds)


def _settled(plan: _Plan, number: int) -> Recipe:
    """The recipe of a fold: what the first one chose, such as a precision that was timed, holds for all."""
    first = _fold(plan.folder, 1) / CONFIG
    return parse(load(first)) if number > 1 else plan.recipe


def _fold(folder: Path, number: int) -> Path:
    return folder / f"fold-{number}"


def _refuse_recipe(recipe: Recipe) -> None:
    """Raise for what folds cannot be trained with."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RecipeError("--folds: the folds are trained one after the other in one process; start without torchrun")
    if recipe.start_from:
        raise RecipeError(
            f"--start-from {recipe.start_from}: that run may have trained on the pictures that a fold holds back, so "
            "none would be judged by a model that has not seen it; leave out --start-from or --folds"
        )


def _refuse_rare(listing: Listing, count: int) -> None:
    """Raise where a class has fewer different pictures than there are folds."""
    if not len(listing):
        raise DataError(
            f"--folds {count}: {listing.title} has test pictures only, and those stay out of all folds; add others"
        )
    contents: list[set[str]] = [set() for _ in listing.classes]
    for label, content in zip(listing.labels.tolist(), listing.hashes, strict=True):
        contents[label].update([content] if content else [])
    rarest = min(range(len(contents)), key=lambda label: len(contents[label]))
    name, least = listing.classes[rarest], len(contents[rarest])
    if not least:
        raise DataError(
            f"--folds {count}: class {name!r} has no readable picture outside a test part, which stays out of all "
            "folds; add pictures or drop the class"
        )
    if least < count:
        raise DataError(
            f"--folds {count}: class {name!r} has {least} different pictures, so at most {least} folds "
            "can have one each; take fewer folds or add pictures"
        )
