"""The loop: epochs of steps, a validation after each, the best weights kept."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn, optim

from convscope.data.augment import Augmented, Epoch
from convscope.data.batches import Pixels
from convscope.data.files import as_rows, write_csv
from convscope.errors import TrainingDiverged
from convscope.inference import cpu
from convscope.layers.probe import first_not_finite
from convscope.training.checkpoint import Checkpoint, clone, optimiser_tensors, restore_optimiser
from convscope.training.losses import cross_entropy, maximum_a_posteriori, with_heads
from convscope.training.recipe import Recipe
from convscope.training.schedules import rate_at
from convscope.words import Listener

# a checkpoint is written when training has gone on for this many times what the last one took: at most 3 % of the time
CHECKPOINT_EVERY = 30


@dataclass(frozen=True)
class Outcome:
    """What the loop leaves.

    Attributes:
        history: one row per epoch, as in metrics.csv.
        best: weights of the epoch with the lowest validation loss.
        best_epoch: its number, from 1; 0 where fine-tuning never beat the head alone.
        reason: "epochs", "patience" or "time"; "frozen" of a head that was fitted at once.
        head: the row of the head alone, before fine-tuning.
    """

    history: list[dict[str, float]]
    best: dict[str, Tensor]
    best_epoch: int
    reason: str
    head: dict[str, float] | None = None

    @property
    def best_row(self) -> dict[str, float]:
        """The figures of the weights that were kept."""
        if self.best_epoch == 0:
            assert self.head is not None
            return self.head
        return self.history[self.best_epoch - 1]


@dataclass
class Loop:
    """One run's training.

    Attributes:
        network: trained in place.
        recipe: its numbers; `precision`, `threads` and `model` are settled.
        train: pictures to learn from.
        val: pictures to choose the best epoch by.
        folder: the run's, for metrics.csv and the checkpoint.
        listener: hears every step and epoch.
        log: takes events with their times.
        groups: of parameters, each with its `share` of the rate; None trains all at the same.
        begin: makes the network ready for an epoch; None puts all of it in training mode.
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

    def run(self, resume: Checkpoint | None = None) -> Outcome:
        """Train until the epochs, the patience or the time are used up.

        Raises:
            TrainingDiverged: the loss is not a number; the message names the first layer that is not.
        """
        recipe = self.recipe
        accelerator = Accelerator(cpu=recipe.device == "cpu")
        self.device = accelerator.device
        network = accelerator.prepare_model(self.network.to(memory_format=torch.channels_last).to(self.device))
        optimiser = make_optimiser(recipe, self.groups or network)
        history, best = [], clone(self.network)
        if resume:
            history, best = list(resume.history), resume.best
            self.network.load_state_dict(resume.weights)
            restore_optimiser(optimiser, resume.optimiser)

        with cpu.keeping_memory():
            return self._epochs(accelerator, network, optimiser, history, best)

    def _epochs(
        self,
        accelerator: Accelerator,
        network: nn.Module,
        optimiser: optim.Optimizer,
        history: list[dict[str, float]],
        best: dict[str, Tensor],
    ) -> Outcome:
        recipe = self.recipe
        begun = saved = time.monotonic()
        saving_s = 0.0
        reason = _finished(recipe, history)
        while not reason:
            start = time.monotonic()
            row = self._epoch(len(history) + 1, accelerator, network, optimiser)
            if not math.isfinite(row["val_loss"]):
                self._diverged(len(history) + 1, None, next(self._batches(self.val, np.arange(len(self.val))))[0])
            history.append(row)
            if best_epoch(history, recipe.min_delta) == len(history):
                best = clone(self.network)
            write_csv(self.folder / "metrics.csv", *as_rows(history))
            reason = _finished(recipe, history)
            if reason or time.monotonic() - saved >= CHECKPOINT_EVERY * saving_s:
                before = time.monotonic()
                Checkpoint(history, clone(self.network), best, optimiser_tensors(optimiser)).save(self.folder)
                saved = time.monotonic()
                saving_s = saved - before
            seconds = time.monotonic() - start
            self.log("epoch", **row, seconds=round(seconds, 3))
            self.listener.message("train.epoch", **row, epochs=recipe.epochs, seconds=seconds)
            if not reason and recipe.time_limit_min and time.monotonic() - begun + seconds > 60 * recipe.time_limit_min:
                reason = "time"
        return Outcome(history, best, best_epoch(history, recipe.min_delta), reason)

    def _epoch(
        self, epoch: int, accelerator: Accelerator, network: nn.Module, optimiser: optim.Optimizer
    ) -> dict[str, float]:
        recipe = self.recipe
        torch.manual_seed(int(np.random.SeedSequence([recipe.seed, epoch]).generate_state(1)[0]))
        if self.begin:
            self.begin(epoch)
        else:
            network.train()
        pictures = self.train.epoch(epoch) if isinstance(self.train, Augmented) else self.train
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(self.train))
        steps = steps_per_epoch(len(self.train), recipe.batch)
        total = hits = 0.0
        rate = recipe.rate
        for number, (x, labels) in enumerate(self._batches(pictures, order)):
            rate = rate_at(recipe, (epoch - 1) * steps + number, steps)
            for group in optimiser.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
            with self._arithmetic():
                output = network(x)
            scores, own, loss = with_heads(output, labels, self.loss)
            value = loss.item()
            if not math.isfinite(value):
                self._diverged(epoch, number, x)
            accelerator.backward(loss)
            optimiser.step()
            optimiser.zero_grad()
            total += (own.item() if own is not loss else value) * len(labels)
            hits += int((scores.argmax(dim=1) == labels).sum())
            self.listener.progress("train", (epoch - 1) * steps + number + 1, recipe.epochs * steps)
        count = len(self.train)
        val_loss, val_top1 = self.validate()
        return {
            "epoch": epoch,
            "train_loss": total / count,
            "val_loss": val_loss,
            "val_top1": val_top1,
            "train_top1": hits / count,
            "rate": rate,
        }

    def _arithmetic(self) -> AbstractContextManager[object]:
        if self.recipe.precision == "bf16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    @torch.inference_mode()
    def validate(self) -> tuple[float, float]:
        """Mean loss and top-1 on the validation pictures, in float32."""
        self.network.eval()
        total = hits = 0.0
        for x, labels in self._batches(self.val, np.arange(len(self.val))):
            scores = self.network(x)
            total += self.loss(scores, labels).item() * len(labels)
            hits += int((scores.argmax(dim=1) == labels).sum())
        return total / len(self.val), hits / len(self.val)

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, or the MAP criterion when the recipe gives it a margin."""
        if self.recipe.rbf_margin is not None:
            return maximum_a_posteriori(scores, labels, self.recipe.rbf_margin)
        return cross_entropy(scores, labels)

    def _batches(self, pixels: Pixels | Epoch, order: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
        for rows, pictures in pixels.batches(order, self.recipe.batch):
            x = pixels.preprocess.scale(pictures.to(self.device)).contiguous(memory_format=torch.channels_last)
            yield x, torch.from_numpy(pixels.listing.labels[rows]).to(self.device)

    def _diverged(self, epoch: int, step: int | None, x: Tensor) -> None:
        layer = first_not_finite(self.network, x)
        where = f"layer {layer} is the first that is not" if layer else "every layer's output is still finite"
        moment = f"step {step + 1}" if step is not None else "validation"
        raise TrainingDiverged(
            f"the loss is not a number at epoch {epoch}, {moment}: {where}; "
            f"try a lower rate, such as --rate {self.recipe.rate / 10:g}"
        )


def make_optimiser(recipe: Recipe, trained: nn.Module | list[dict[str, Any]]) -> optim.Optimizer:
    """The recipe's optimiser over the network's trainable parameters, or over groups of them."""
    parameters: list[Any] = trained if isinstance(trained, list) else list(trained.parameters())
    if recipe.optimiser == "sgd":
        nesterov = recipe.momentum > 0
        return optim.SGD(
            parameters, recipe.rate, recipe.momentum, weight_decay=recipe.decay, nesterov=nesterov, fused=True
        )
    return optim.Adam(parameters, recipe.rate, weight_decay=recipe.decay, fused=True)


def steps_per_epoch(pictures: int, batch: int) -> int:
    """Batches of an epoch; a last one of a single picture joins the one before it.

    >>> steps_per_epoch(129, 64), steps_per_epoch(130, 64)
    (2, 3)
    """
    full, rest = divmod(pictures, batch)
    return max(1, full + (rest > 1))


def best_epoch(history: list[dict[str, float]], min_delta: float) -> int:
    """Number of the last epoch whose validation loss beat all before it by more than `min_delta`.

    >>> best_epoch([{"val_loss": 0.5}, {"val_loss": 0.4}, {"val_loss": 0.39}], min_delta=0.05)
    2
    """
    best, chosen = math.inf, 0
    for number, row in enumerate(history, start=1):
        if row["val_loss"] < best - min_delta:
            best, chosen = row["val_loss"], number
    return chosen


def _finished(recipe: Recipe, history: list[dict[str, float]]) -> str:
    if len(history) >= recipe.epochs:
        return "epochs"
    waited = len(history) - best_epoch(history, recipe.min_delta)
    return "patience" if recipe.patience_checks and waited >= recipe.patience_checks else ""
