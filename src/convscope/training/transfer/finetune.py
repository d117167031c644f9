"""Fine-tuning: the head alone first, batch norm measured anew where it came folded, then block after block."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from convscope.data.augment import Augmented
from convscope.inference import cpu
from convscope.training.checkpoint import Checkpoint, clone
from convscope.training.loop import Loop
from convscope.training.material import Material
from convscope.training.outcome import Outcome
from convscope.training.transfer.depth import blocks_at, groups, train_mode, unfreeze
from convscope.training.transfer.recalibrate import folded, recalibrate
from convscope.words import Listener

# training pictures that batch norm's statistics are measured on, at most: a map has thousands of numbers of each
MEASURED = 512


def finetune(
    network: nn.Module,
    material: Material,
    loop: Callable[[list[dict[str, Any]], Callable[[int], None]], Loop],
    checkpoint: Checkpoint | None,
    listener: Listener,
    log: Callable[..., None],
) -> Outcome:
    """Fit the head, then train all of the network; where no epoch beats the head alone, the head alone is kept.

    Args:
        network: borrowed weights under a fresh head, changed in place.
        material: pixels of training and validation, and what the frozen trunk saw of them.
        loop: makes the one that trains, from groups of parameters and what makes the network ready for an epoch.
        checkpoint: to go on from.
        listener: hears how it goes.
        log: takes events with their times.
    """
    recipe, train = material.recipe, material.pixels["train"]
    assert material.looks is not None
    head = material.looks.fit(material.listing, network, recipe, listener)
    listener.message("train.head", **head)
    log("head", **head)
    count = len(folded(network))
    if count:
        chosen = np.random.default_rng(recipe.seed).permutation(len(train))[:MEASURED]
        seen = train.epoch(0) if isinstance(train, Augmented) else train
        with cpu.using(recipe.threads):
            batches = (seen.preprocess.scale(some) for _, some in seen.batches(chosen, recipe.batch))
            recalibrate(network, batches, listener, len(chosen))
        listener.message("train.recalibrated", count=count, pictures=len(chosen))
        log("recalibrated", layers=count, pictures=len(chosen))
    alone = clone(network)

    parts = groups(network, recipe.rate)
    blocks = len({part["name"] for part in parts}) - 1

    def begin(epoch: int) -> None:
        unfreeze(network, blocks_at(epoch, recipe.epochs, blocks))
        train_mode(network)

    listener.message("train.thawing", blocks=blocks)
    with cpu.using(recipe.threads):
        outcome = loop(parts, begin).run(checkpoint)
    if outcome.best_row["val_loss"] < head["val_loss"]:
        return outcome
    listener.message("train.kept_head", **head)
    return replace(outcome, best=alone, best_epoch=0, head=head)
