"""The loop: epochs of steps, a validation after each, the best weights kept; it goes on from any step."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convscope.data.augment import Augmented, grown
from convscope.data.batches import Pixels, split
from convscope.data.files import as_rows, write_csv
from convscope.errors import TrainingDiverged
from convscope.inference import cpu
from convscope.layers.probe import first_not_finite
from convscope.training import feed
from convscope.training.average import Average
from convscope.training.checkpoint import Checkpoint, clone, finite, optimiser_tensors, restore_optimiser
from convscope.training.doctor.watch import Doctor
from convscope.training.losses import Criterion, cross_entropy, even_weights, maximum_a_posteriori
from convscope.training.optimisers import make_optimiser
from convscope.training.outcome import History, Outcome, best_epoch, finished
from convscope.training.recipe import Recipe
from convscope.training.schedules import rate_at
from convscope.training.signals import Stopped, listening
from convscope.training.step import NotFinite, Place, Stepper
from convscope.training.team import Team
from convscope.words import Listener

# a checkpoint is due when training has gone on for this many times what the last one took: at most 3 % of the time
CHECKPOINT_EVERY = 33


@dataclass
class Loop:
    """One run's training.

    Attributes:
        network: trained in place.
        recipe: its numbers; `precision`, `threads` and `model` are settled.
        train: pictures to learn from.
        val: pictures to choose the best epoch by.
        folder: the run's, for metrics.csv and the checkpoints.
        listener: hears every step and epoch.
        log: takes events with their times.
        groups: of parameters, each with its `share` of the rate; None trains all at the same.
        begin: makes the network ready for an epoch; None puts all of it in training mode.
        doctor: watches; None watches nothing.
        told: hears the history after each epoch, as trackers and the live page do; None tells nobody.
        team: the processes that train together; None finds out.
    """

    network: nn.Module
    recipe: Recipe
    train: Pixels | Augmented
    val: Pixels
    folder: Path
    listener: Listener
    log: Callable[..., None]
    groups: list[dict[str, Any]] | None = None
    begin: Callable[[int], None] | None = None
    doctor: Doctor | None = None
    told: Callable[[History], None] | None = None
    team: Team | None = None

    def run(self, resume: Checkpoint | None = None) -> Outcome:
        """Train until the epochs, the patience or the time are used up.

        Raises:
            TrainingDiverged: the loss is not a number; the message names the first layer that is not.
            Stopped: a signal said so; a checkpoint was written.
        """
        recipe, team = self.recipe, self.team or Team(self.recipe.device)
        if recipe.sync_norm and team.size > 1:
            nn.SyncBatchNorm.convert_sync_batchnorm(self.network)  # type: ignore[no-untyped-call]
        self.network.to(team.device).to(memory_format=torch.channels_last)
        self.val = feed.resident(self.val, team.device)
        if isinstance(self.train, Pixels):  # others are changed by the CPU, anew each epoch
            self.train = feed.resident(self.train, team.device)
        labels, classes = self.train.listing.labels, len(self.val.listing.classes)
        weights = even_weights(labels, classes) if recipe.class_weights else None
        criterion = Criterion(recipe.label_smoothing, recipe.rbf_margin, weights)
        optimiser = make_optimiser(recipe, self.groups or self.network)
        average = Average(self.network, recipe.ema) if recipe.ema else None
        stepper = Stepper(self.network, recipe, optimiser, criterion, classes, average, self.doctor, team)
        with cpu.keeping_memory(), listening() as told:
            return Training(self, stepper, told, resume).run()


class Training:
    """A loop under way.

    Args:
        loop: what it is told.
        stepper: takes its steps.
        told: which signal came, or 0.
        resume: where to go on from.
    """

    def __init__(self, loop: Loop, stepper: Stepper, told: Callable[[], int], resume: Checkpoint | None) -> None:
        self.loop, self.recipe, self.stepper, self.told, self.team = loop, loop.recipe, stepper, told, stepper.team
        self.average, self.network, self.optimiser = stepper.average, stepper.network, stepper.optimiser
        self.labels = loop.train.listing.labels
        self.steps = len(feed.steps(self.labels, self.recipe.batch, self.team.size))
        self.history: History = []
        self.best = clone(self.network)
        self.step, self.total, self.hits = 0, 0.0, 0
        self.saved, self.saving_s = time.monotonic(), 0.0
        if resume:
            self._go_on(resume)

    def _go_on(self, resume: Checkpoint) -> None:
        self.history, self.best = list(resume.history), resume.best
        self.step, self.total, self.hits = resume.step, resume.total, resume.hits
        self.network.load_state_dict(resume.weights)
        restore_optimiser(self.optimiser, resume.optimiser)
        if self.average:
            self.average.load(resume.average)
        if self.loop.doctor:
            self.loop.doctor.restore(resume.doctor)

    def run(self) -> Outcome:
        """Train to the end, or until a signal comes."""
        recipe, begun = self.recipe, time.monotonic()
        reason = finished(recipe, self.history)
        if self.history and self.team.leads:  # what was killed between a checkpoint and its metrics
            write_csv(self.loop.folder / "metrics.csv", *as_rows(self.history))
        try:
            while not reason:
                start = time.monotonic()
                self._epoch()
                seconds = time.monotonic() - start
                late = recipe.time_limit_min and time.monotonic() - begun + seconds > 60 * recipe.time_limit_min
                (stop,) = self.team.sum(bool(late and self.team.leads))
                reason = finished(recipe, self.history) or ("time" if stop else "")
                if self.team.leads:
                    self._write(seconds, last=bool(reason))
        except Stopped:
            if self.team.leads:
                self._save()
            self.team.wait()  # who starts processes ends all of them as soon as one is gone
            raise
        return Outcome(self.history, self.best, best_epoch(self.history, recipe.min_delta), reason)

    def _write(self, seconds: float, *, last: bool) -> None:
        """Save and let the epoch be known; on a full disk, training goes on until there is no more of it."""
        loop, row = self.loop, self.history[-1]
        if last or time.monotonic() - self.saved >= CHECKPOINT_EVERY * self.saving_s:
            self._save()
        try:
            write_csv(loop.folder / "metrics.csv", *as_rows(self.history))
            if loop.told:
                loop.told(self.history)
        except OSError as error:
            if last:
                raise
            loop.listener.message("train.unwritten", reason=error.strerror or error)
        loop.log("epoch", **row, seconds=round(seconds, 3))
        loop.listener.message("train.epoch", **row, epochs=self.recipe.epochs, seconds=seconds)

    def _epoch(self) -> None:
        """Train for an epoch, or for what is left of it; then validate, and add its row to the history."""
        epoch = len(self.history) + 1
        if self.loop.begin:
            self.loop.begin(epoch)
        else:
            self.network.train()
        self.stepper.begin()
        rate = self._steps(epoch)
        with self.average.within(self.network) if self.average else nullcontext():
            self.team.level(self.network)
            val_loss, val_top1, first = self.validate()
            if not math.isfinite(val_loss):
                raise self._diverged(epoch, "validation", first[0])
            row = {"epoch": epoch, "train_loss": self.total / len(self.labels), "val_loss": val_loss}
            row |= {"val_top1": val_top1, "train_top1": self.hits / len(self.labels), "rate": rate}
            self.history.append(row)
            self.step, self.total, self.hits = 0, 0.0, 0
            if best_epoch(self.history, self.recipe.min_delta) == epoch:
                self.best = clone(self.network)
            if self.loop.doctor:
                self.loop.doctor.epoch(row, *first)

    def _steps(self, epoch: int) -> float:
        """The steps of an epoch that are still to be taken; the last one's rate."""
        recipe, loop = self.recipe, self.loop
        share = grown(recipe.grow_from, epoch, recipe.epochs)
        pictures = loop.train.epoch(epoch, share) if isinstance(loop.train, Augmented) else loop.train
        groups = feed.steps(feed.order(recipe, epoch, self.labels), recipe.batch, self.team.size)
        split = [feed.parts(group, recipe, self.team) for group in groups[self.step :]]
        coming = feed.batches(pictures, [part for parts in split for part in parts], self.team.device)
        before = (epoch - 1) * self.steps
        rate = rate_at(recipe, before + self.steps - 1, self.steps, self.history)
        for parts, group in zip(split, groups[self.step :], strict=True):
            at = Place(epoch, self.step, before + self.step, len(group), len(parts))
            rate = rate_at(recipe, at.taken, self.steps, self.history)
            if self.loop.doctor and not at.taken:
                coming = self._first(coming)
            try:
                taken = self.stepper.take(at, rate, islice(coming, len(parts)), told=self.told())
            except NotFinite as error:
                raise self._diverged(epoch, f"step {at.number + 1}", error.x) from None
            self.total, self.hits, self.step = self.total + taken.total, self.hits + taken.hits, self.step + 1
            loop.listener.progress("train", at.taken + 1, recipe.epochs * self.steps)
            if taken.told:
                raise Stopped(taken.told)
            waited = time.monotonic() - self.saved
            if self.team.leads and waited >= max(60 * recipe.checkpoint_min, CHECKPOINT_EVERY * self.saving_s):
                self._save()
        return rate

    def _first(self, coming: Iterator[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
        """The same batches, the first of which the doctor has looked at."""
        first = next(coming)
        assert self.loop.doctor
        self.loop.doctor.before(*first)
        return chain([first], coming)

    @torch.inference_mode()
    def validate(self) -> tuple[float, float, tuple[Tensor, Tensor]]:
        """Mean loss and top-1 on the validation pictures, in float32; and the first batch of them."""
        self.network.eval()
        val, total, hits = self.loop.val, 0.0, 0
        # in no order of classes: the doctor looks at the first batch
        rows = self.team.part(np.random.default_rng(0).permutation(len(val)))
        first = torch.empty(0), torch.empty(0)
        groups = split(rows, max(feed.FEWEST, self.recipe.batch // self.recipe.accumulate)) if len(rows) else []
        for x, labels in feed.batches(val, groups, self.team.device):
            first = first if len(first[1]) else (x, labels)
            scores = self.network(x)
            total += self._plain(scores, labels).item() * len(labels)
            hits += int((scores.argmax(dim=1) == labels).sum())
            if self.team.size == 1 and self.told():
                raise Stopped(self.told())
        total, hits_in_all = self.team.sum(total, hits)
        return total / len(val), hits_in_all / len(val), first

    def _plain(self, scores: Tensor, labels: Tensor) -> Tensor:
        """What validation measures, whatever is made small: cross-entropy, or the MAP criterion."""
        margin = self.recipe.rbf_margin
        return cross_entropy(scores, labels) if margin is None else maximum_a_posteriori(scores, labels, margin)

    def _save(self) -> None:
        before = time.monotonic()
        checkpoint = Checkpoint(
            self.history,
            clone(self.network),
            self.best,
            optimiser_tensors(self.optimiser),
            self.average.tensors if self.average else {},
            self.step,
            self.total,
            self.hits,
            self.loop.doctor.state() if self.loop.doctor else {},
        )
        if finite(checkpoint):
            try:
                checkpoint.save(self.loop.folder)
            except OSError as error:  # training goes on, and so does what was saved before
                self.loop.listener.message("checkpoint.failed", reason=error.strerror or error)
        self.saved = time.monotonic()
        self.saving_s = self.saved - before
        self.loop.log("checkpoint", epoch=len(self.history), step=self.step, seconds=round(self.saving_s, 3))

    def _diverged(self, epoch: int, moment: str, x: Tensor) -> TrainingDiverged:
        layer = first_not_finite(self.network, x)
        if self.loop.doctor:
            self.loop.doctor.not_finite(epoch, self.step, layer, self.recipe.rate)
        where = f"layer {layer} is the first that is not" if layer else "every layer's output is still finite"
        return TrainingDiverged(
            f"the loss is not a number at epoch {epoch}, {moment}: {where}; "
            f"try a lower rate, such as --rate {self.recipe.rate / 10:g}"
        )
