"""One step: a batch through the network in one part or several, and the weights moved once."""

import math
import signal
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn, optim

from convscope.data.augment.mixing import mixed
from convscope.training.average import Average
from convscope.training.doctor.watch import Doctor
from convscope.training.losses import Criterion, with_heads
from convscope.training.recipe import Recipe
from convscope.training.team import Team


class NotFinite(ArithmeticError):
    """The loss is not a number.

    Args:
        x: pictures of the step.
    """

    def __init__(self, x: Tensor) -> None:
        super().__init__("the loss is not a number")
        self.x = x


class Taken(NamedTuple):
    """What a step saw, over all processes.

    Attributes:
        total: sum of the loss over its pictures.
        hits: pictures that were answered rightly.
        told: the signal by which a process was told to end, or 0.
    """

    total: float
    hits: int
    told: int


class Place(NamedTuple):
    """Which step it is.

    Attributes:
        epoch: from 1.
        number: in the epoch, from 0.
        taken: steps before it, over all epochs.
        pictures: that it takes, over all processes.
        parts: in which this process's go through the network.
    """

    epoch: int
    number: int
    taken: int
    pictures: int
    parts: int


class Stepper:
    """Moves the weights, step by step.

    Args:
        network: moved in place.
        recipe: its numbers.
        optimiser: of the network's parameters.
        criterion: what is made small.
        classes: how many there are.
        average: of the weights, or None.
        doctor: sees gradients before they are used, or None.
        team: the processes that share each batch.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        optimiser: optim.Optimizer,
        criterion: Criterion,
        classes: int,
        average: Average | None,
        doctor: Doctor | None,
        team: Team,
    ) -> None:
        self.network, self.recipe, self.optimiser, self.criterion = network, recipe, optimiser, criterion
        self.classes, self.average, self.doctor, self.team = classes, average, doctor, team
        self.parameters = [values for group in optimiser.param_groups for values in group["params"]]
        self.fused: nn.Module = torch.compile(network) if recipe.compile else network  # type: ignore[assignment]
        self.forward = self.fused

    def begin(self) -> None:
        """Make ready for an epoch: other parameters than before may be trained."""
        self.forward = self.team.wrapped(self.fused)

    def take(self, at: Place, rate: float, parts: Iterable[tuple[Tensor, Tensor]], *, told: int = 0) -> Taken:
        """Take one step.

        Args:
            at: which one.
            rate: of the step; groups of parameters take their share.
            parts: this process's scaled pictures and labels, (N, C, H, W) and (N,).
            told: the signal that came, or 0.

        Raises:
            NotFinite: the loss is not a number; no weight was moved.
        """
        torch.manual_seed(seed_of(self.recipe.seed, at.epoch, at.number, self.team.rank))
        total = hits = 0.0
        seen: list[tuple[Tensor, Tensor]] = []
        x = torch.empty(0)
        for part, (x, labels) in enumerate(parts):
            with self.team.apart(self.forward) if part + 1 < at.parts else nullcontext():
                scores, own = self._backward(x, labels, at, part)
            total += own * len(labels)
            hits += int((scores.argmax(dim=1) == labels).sum())
            seen.append((scores, labels))
        total, hits, came = self.team.sum(total, hits, told)
        if not math.isfinite(total):
            raise NotFinite(x)
        if self.doctor:
            scores, labels = (torch.cat(values) for values in zip(*seen, strict=True))
            self.doctor.step(at.epoch, at.number, total / at.pictures, scores, labels)
        self._move(at, rate)
        return Taken(total, int(hits), (told or signal.SIGTERM) if came else 0)

    def _backward(self, x: Tensor, labels: Tensor, at: Place, part: int) -> tuple[Tensor, float]:
        """The part's scores and its mean loss; its share of the batch's gradient is added to what is there."""
        recipe, targets = self.recipe, labels
        if recipe.augment and (recipe.mixup or recipe.cutmix) and len(labels):
            rng = np.random.default_rng([recipe.seed, at.epoch, at.number, self.team.rank, part])
            x, targets = mixed(x, labels, self.classes, rng, recipe.mixup, recipe.cutmix)
        with self._arithmetic(x.device.type):
            output = self.forward(x)
        scores, own, loss = with_heads(output, targets, self.criterion, recipe.auxiliary)
        # processes average their gradients: each counts as much as it has pictures
        share = len(labels) * self.team.size / at.pictures
        torch.autograd.backward(loss * share if share != 1 else loss)
        return scores.detach(), own.item()

    def _move(self, at: Place, rate: float) -> None:
        """Use the gradient, and forget it."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        if self.recipe.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        self.optimiser.step()
        self.optimiser.zero_grad()
        if self.average:
            self.average.update(self.network, at.taken + 1)

    def _arithmetic(self, kind: str) -> AbstractContextManager[object]:
        return torch.autocast(kind, torch.bfloat16) if self.recipe.precision == "bf16" else nullcontext()


def seed_of(*numbers: int) -> int:
    """What random numbers of a step follow from: the run's seed, epoch, step and process.

    Example:
        >>> seed_of(0, 1, 0, 0) == seed_of(0, 1, 0, 0) != seed_of(0, 1, 1, 0)
        True
    """
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
