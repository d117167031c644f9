"""What the mode calls for: a head at once, or the loop from scratch or from borrowed weights, watched by the doctor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from convscope.data.batches import Pixels
from convscope.data.files import as_rows, write_csv
from convscope.inference import cpu
from convscope.training.checkpoint import Checkpoint, clone
from convscope.training.doctor.watch import Doctor
from convscope.training.live import Live
from convscope.training.loop import Loop
from convscope.training.material import Material
from convscope.training.outcome import Outcome
from convscope.training.recipes.start_from import seen_before, start_from
from convscope.training.run import logger
from convscope.training.team import Team
from convscope.training.transfer.finetune import finetune
from convscope.words import Language, Listener


def fresh(material: Material) -> nn.Module:
    """The network as training finds it: borrowed, or with first values drawn from the recipe's seed."""
    if material.start:
        return material.start.network
    recipe, preprocess = material.recipe, material.preprocess
    torch.manual_seed(recipe.seed)
    network = material.row.build(len(material.listing.classes), preprocess.channels, preprocess.size)
    if recipe.initialise == "printed" and material.row.initialise:
        material.row.initialise(network)
    return network


def learn(
    material: Material,
    folder: Path,
    checkpoint: Checkpoint | None,
    team: Team,
    listener: Listener,
    language: Language,
) -> Outcome:
    """Train, and write the run's metrics, log, checkpoints and the doctor's findings.

    Args:
        material: the run's.
        folder: the run's.
        checkpoint: to go on from.
        team: the processes that train together.
        listener: hears how it goes.
        language: what the live page opens in.

    Raises:
        TrainingDiverged: the loss is not a number.
        Stopped: a signal said so; a checkpoint was written.
    """
    recipe, log = material.recipe, logger(folder) if team.leads else _unheard
    log("start", resumed=checkpoint is not None)
    network = fresh(material)
    if recipe.start_from and checkpoint is None:
        taken = start_from(network, Path(recipe.start_from))
        listener.message("train.start_from", count=len(taken), run=recipe.start_from)
        seen = seen_before(Path(recipe.start_from), material.listing)
        if seen:
            listener.message("start_from.seen", count=seen, run=recipe.start_from)
    if material.looks and recipe.mode == "frozen":
        row = material.looks.fit(material.listing, network, recipe, listener)
        write_csv(folder / "metrics.csv", *as_rows([row]))
        return Outcome([row], clone(network), 1, "frozen")

    train, val = material.pixels["train"], material.pixels["val"]
    assert isinstance(val, Pixels)
    doctor = live = None
    if team.leads:
        borrowed = material.start.preprocess if material.start else None
        labels, classes = train.listing.labels, material.listing.classes
        doctor = Doctor(network, recipe, labels, classes, material.preprocess, folder, listener, borrowed=borrowed)
        live = Live(folder, recipe, doctor, listener, language)

    def loop(groups: list[dict[str, Any]] | None = None, begin: Callable[[int], None] | None = None) -> Loop:
        return Loop(network, recipe, train, val, folder, listener, log, groups, begin, doctor, live, team)

    try:
        if recipe.mode == "finetune":
            return finetune(network, material, loop, checkpoint, listener, log)
        with cpu.using(recipe.threads):
            return loop().run(checkpoint)
    finally:
        if doctor:
            doctor.write()
        if live:
            live.close()


def _unheard(event: str, **values: object) -> None:
    """The log of a process that is not the first."""
