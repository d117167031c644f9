"""`Doctor`: hears of every step and epoch of a run, and says each illness once."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.data.files import write_json
from convscope.data.preprocess import Preprocess
from convscope.evaluation.page.doctor import FILE, SCHEMA, keys
from convscope.training.doctor import illnesses, signs
from convscope.training.doctor.case import Case, Row, guessing
from convscope.training.doctor.finding import KINDS, Finding, explained, ordered
from convscope.training.doctor.look import right_by_own_statistics, silent_units
from convscope.training.doctor.pulse import Pulse, sampled
from convscope.training.doctor.remedies import remedy
from convscope.training.recipe import Recipe
from convscope.words import Listener

# sampled steps that a layer's gradient is judged by: the latest ones
LATEST = 10
# epochs in which units are looked at: the first ones, where they die, then every so many
FIRST_LOOKS, LOOK_EVERY = 3, 5


class Doctor:
    """Watches one run; it reads and never changes what it watches.

    Args:
        network: that is trained.
        recipe: the run's numbers, settled.
        labels: of the training pictures.
        classes: names.
        preprocess: what the pictures go through.
        folder: the run's; doctor.json is written there.
        listener: hears each finding once.
        borrowed: what borrowed weights expect; None from scratch.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        labels: NDArray[np.int64],
        classes: tuple[str, ...],
        preprocess: Preprocess,
        folder: Path,
        listener: Listener,
        *,
        borrowed: Preprocess | None = None,
    ) -> None:
        self.network, self.recipe, self.classes, self.preprocess = network, recipe, classes, preprocess
        self.folder, self.listener, self.borrowed = folder, listener, borrowed
        self.counts = np.bincount(labels, minlength=len(classes)).tolist()
        self.steps = max(1, -(-len(labels) // recipe.batch))
        self.guess = guessing(len(classes)) if recipe.rbf_margin is None else None
        self.pulse = Pulse(network)
        self._found: list[Finding] = []
        self.rows: list[Row] = []
        self.first_loss: float | None = None
        self.worst_loss = 0.0
        self.flows: list[tuple[float, float]] = []
        self.first_layer: str | None = None
        self.fastest: float | None = None
        self.typical: list[float] = []
        self._begin()

    def _begin(self) -> None:
        """Start to count an epoch."""
        self.totals, self.taken = [0.0] * signs.PARTS, [0] * signs.PARTS
        self.answers: Tensor | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far: illnesses before notes, and what explains most first."""
        return ordered(self._found)

    def before(self, x: Tensor, labels: Tensor) -> None:
        """Look at the first batch, before any step.

        Args:
            x: (N, C, H, W), as the network gets it.
            labels: (N,).
        """
        preprocess = self.preprocess
        self._say(illnesses.too_few(self.classes, self.counts, borrowed=self.borrowed is not None))
        if len(labels):
            self._say(illnesses.scaling(float(x.detach().float().std(correction=0)), min(preprocess.spread)))
        if self.borrowed:
            ours, theirs = ((each.mean, each.spread) for each in (preprocess, self.borrowed))
            self._say(illnesses.preprocess_mismatch(ours, theirs))

    def step(self, epoch: int, step: int, loss: float, scores: Tensor, labels: Tensor) -> None:
        """Take in a step, after its gradients are there and before they are used.

        Args:
            epoch: from 1.
            step: in the epoch, from 0.
            loss: its mean over the batch.
            scores: (N, K), detached.
            labels: (N,).
        """
        part = signs.part_of(step, self.steps)
        self.totals[part] += loss
        self.taken[part] += 1
        self.worst_loss = max(self.worst_loss, loss)
        if self.answers is None:
            self.answers = torch.zeros(len(self.classes), dtype=torch.int64, device=scores.device)
        # counted where the scores are: a GPU need not be waited for
        self.answers.scatter_add_(0, scores.argmax(dim=1), torch.ones_like(labels, dtype=torch.int64))

        moves = self.pulse.moves()
        if moves is not None and np.isfinite(moves).any():
            self.fastest = max(self.fastest or 0.0, float(np.nanmax(moves)))
            self.typical = [*self.typical, float(np.nanmedian(moves))][-LATEST:]
        if sampled(step, (epoch - 1) * self.steps + step):
            self._feel(epoch, loss)

    def _feel(self, epoch: int, loss: float) -> None:
        """The costly part of a step: gradients, weights and the statistics of frozen layers."""
        beat = self.pulse.feel()
        self.pulse.follow()
        if beat and beat.flow:
            self.flows = [*self.flows, beat.flow][-LATEST:]
        if beat:
            self.first_layer = beat.first
        if self.first_loss is None:
            self.first_loss = loss
            if beat and self.borrowed is None:
                self._say(illnesses.blown_up(loss, self.guess, beat.top, beat.loudest))
        layer = self.pulse.restless()
        if layer:
            self._say(Finding("frozen-norm-moving", epoch, layer))

    def epoch(self, row: Row, x: Tensor, labels: Tensor) -> list[Finding]:
        """Judge the run after an epoch and its validation.

        Args:
            row: as in metrics.csv.
            x: (N, C, H, W), validation pictures, of many classes where there are any.
            labels: (N,), theirs.

        Returns:
            What is new.
        """
        known = len(self._found)
        self.rows.append(dict(row))
        case = self._case()
        results = {
            "exploding": illnesses.exploding(case),
            "rate-too-high": illnesses.rate_too_high(case),
            "vanishing": illnesses.vanishing(case),
            "rate-too-low": illnesses.rate_too_low(case),
            "labels-shuffled": illnesses.labels_shuffled(case),
            "stuck": illnesses.stuck(case),
            "one-class": illnesses.one_class(case),
            "overfitting": illnesses.overfitting(case),
        }
        if (case.epoch <= FIRST_LOOKS or case.epoch % LOOK_EVERY == 0) and len(labels):
            present = len(set(labels.tolist()))
            results["dead-relu"] = illnesses.dead_relu(case, silent_units(self.network, x), present)
        if results["overfitting"] or results["labels-shuffled"]:  # or validation is worse than the network
            both = right_by_own_statistics(self.network, x, labels)
            results["norm-lagging"] = illnesses.norm_lagging(case, *both) if both else None
            if results["norm-lagging"]:
                results["overfitting"] = results["labels-shuffled"] = None
        for kind in KINDS:  # what explains most comes first, and silences its consequences
            self._say(results.get(kind))
        self._begin()
        return self._found[known:]

    def _case(self) -> Case:
        return Case(
            self.classes,
            self.counts,
            self.guess,
            self.rows,
            self.first_loss,
            self.worst_loss,
            signs.means(self.totals, self.taken),
            self.flows,
            self.first_layer,
            self.answers.tolist() if self.answers is not None else [],
            self.fastest,
            signs.middle(self.typical) or 0.0,
            self.steps,
            self.recipe.epochs,
        )

    def not_finite(self, epoch: int, step: int, layer: str | None, rate: float) -> Finding:
        """Take in that the loss is not a number, which ends the run.

        Args:
            epoch: from 1.
            step: in the epoch, from 0.
            layer: the first whose output is not finite; None where all still are.
            rate: of the step.
        """
        found = Finding("not-finite", epoch, layer, {"step": step + 1, "rate": rate})
        self._say(found)
        return next((each for each in self._found if each.kind == "not-finite"), found)

    def _say(self, found: Finding | None) -> None:
        """Keep a finding and let it be heard, unless its kind was, or another accounts for it."""
        if found is None or explained(found.kind, self._found) or any(each.kind == found.kind for each in self._found):
            return
        found = replace(found, values={**found.values, "flag": remedy(found, self.recipe)})
        self._found.append(found)
        told = {**found.values, "epoch": found.epoch, "layer": found.layer}
        for key in keys(found.to_dict()):
            self.listener.message(key, **told)
        self.write()

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs to go on exactly, ready for JSON."""
        return {
            "findings": [found.to_dict() for found in self._found],
            "rows": list(self.rows),
            "first_loss": self.first_loss,
            "worst_loss": self.worst_loss,
            "flows": list(self.flows),
            "first_layer": self.first_layer,
            "fastest": self.fastest,
            "typical": list(self.typical),
            "totals": list(self.totals),
            "taken": list(self.taken),
            "answers": self.answers.tolist() if self.answers is not None else None,
            "pulse": self.pulse.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; of a run that had no doctor, from nothing."""
        if not state:
            return
        self._found = [Finding(**found) for found in state["findings"]]
        self.rows = [dict(row) for row in state["rows"]]
        self.first_loss, self.worst_loss = state["first_loss"], state["worst_loss"]
        self.flows = [(first, last) for first, last in state["flows"]]
        self.first_layer, self.fastest, self.typical = state["first_layer"], state["fastest"], list(state["typical"])
        self.totals, self.taken = list(state["totals"]), list(state["taken"])
        device = next(iter(self.network.parameters())).device
        answers = state["answers"]
        self.answers = None if answers is None else torch.tensor(answers, dtype=torch.int64, device=device)
        self.pulse.restore(state["pulse"])

    def write(self) -> None:
        """Write doctor.json; a disk that takes no more is said by what matters more than this file."""
        with suppress(OSError):
            content = {"schema": SCHEMA, "findings": [found.to_dict() for found in self.findings]}
            write_json(self.folder / FILE, content)
