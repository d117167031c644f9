"""A rate that trains, found by trying: each step a larger one, from where nothing moves to where the loss explodes."""

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convscope.data.augment import Augmented
from convscope.data.listing import Listing
from convscope.errors import RecipeError
from convscope.inference import cpu
from convscope.training import feed
from convscope.training.learn import fresh
from convscope.training.losses import Criterion, even_weights, with_heads
from convscope.training.material import Material, prepare
from convscope.training.optimisers import make_optimiser
from convscope.training.recipe import Recipe
from convscope.training.transfer.depth import groups, train_mode
from convscope.words import SILENT, Listener

STEPS = 100
LOWEST = 1e-6
# SGD's steps are as short as gradients are; the others' have a length of their own
HIGHEST = {"sgd": 10.0}
# the loss explodes where its average passes so many times its best
EXPLODED = 4.0
# steps on either side that smoothing looks at, and what the running average keeps
REACH, KEPT = 4, 0.8
# of a fall, below which nothing was learned
LEAST_FALL = 0.02


@dataclass(frozen=True)
class Found:
    """What a range test saw.

    Attributes:
        rates: that were tried, growing.
        losses: of each step, before it was taken.
        smoothed: losses averaged over their neighbours.
        suggestion: a peak rate to train with.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss is lowest."""
        return self.rates[int(np.argmin(self.smoothed))]

    @property
    def fell(self) -> bool:
        """Whether any rate made the loss fall."""
        return min(self.smoothed) < (1 - LEAST_FALL) * self.smoothed[0]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers."""
        return {
            "suggestion": self.suggestion,
            "fell": self.fell,
            "lowest": self.lowest,
            "rates": list(self.rates),
            "losses": list(self.losses),
            "smoothed": list(self.smoothed),
        }


def search(listing: Listing, recipe: Recipe, listener: Listener = SILENT) -> tuple[Found, Material]:
    """Find a rate for a recipe on these pictures; nothing is written.

    Args:
        listing: the pictures.
        recipe: what training would be given, but for the rate.
        listener: hears how it goes.

    Raises:
        RecipeError: a frozen run, which takes no steps.
    """
    material = prepare(listing, recipe, listener)
    recipe = material.recipe
    if recipe.mode == "frozen":
        raise RecipeError("mode frozen: its head is fitted at once, without a rate; take --mode scratch or finetune")
    with cpu.using(recipe.threads):
        network = fresh(material).to(memory_format=torch.channels_last).to(recipe.device)
        if recipe.mode == "finetune" and material.looks:
            material.looks.fit(material.listing, network, recipe, listener)
        classes = len(material.listing.classes)
        weights = even_weights(material.pixels["train"].listing.labels, classes) if recipe.class_weights else None
        return find_rate(network, batches(material), recipe, listener, weights), material


def batches(material: Material) -> Iterator[tuple[Tensor, Tensor]]:
    """Training batches without end, as training would see them, epoch after epoch."""
    pixels, recipe = material.pixels["train"], material.recipe
    labels, device = pixels.listing.labels, torch.device(recipe.device)
    for epoch in count(1):
        pictures = pixels.epoch(epoch) if isinstance(pixels, Augmented) else pixels
        yield from feed.batches(pictures, feed.steps(feed.order(recipe, epoch, labels), recipe.batch), device)


def find_rate(
    network: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    recipe: Recipe,
    listener: Listener = SILENT,
    weights: Tensor | None = None,
) -> Found:
    """Try a hundred rates, one a step, each larger by the same factor, until the loss explodes.

    The network is copied: its weights, and the random numbers that come next, are as before.

    Args:
        network: with the weights that training would begin with.
        batches: scaled pictures and labels, (N, C, H, W) and (N,); a hundred of them are used at most.
        recipe: its optimiser, decay, clipping and loss.
        listener: hears each step.
        weights: what a picture of each class counts, (K,); None counts all the same.
    Source:
        Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3; rates grow by a factor
        instead of a term, so that every power of ten is seen alike.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> x, labels = torch.eye(2).repeat(4, 1), torch.tensor([0, 1] * 4)
        >>> found = find_rate(layer, [(x, labels)] * 100, Recipe(optimiser="sgd"))
        >>> 0.01 < found.suggestion < 10
        True
    """
    trial = copy.deepcopy(network)
    finetuned = recipe.mode == "finetune"
    rates = np.geomspace(LOWEST, HIGHEST.get(recipe.optimiser, 1.0), STEPS).tolist()
    devices = sorted({values.device for values in trial.parameters() if values.is_cuda}, key=str)
    losses: list[float] = []
    with torch.random.fork_rng(devices):
        torch.manual_seed(recipe.seed)
        optimiser = make_optimiser(recipe, groups(trial, recipe.rate) if finetuned else trial)
        criterion = Criterion(recipe.label_smoothing, recipe.rbf_margin, weights)
        train_mode(trial) if finetuned else trial.train()
        average, best = 0.0, math.inf
        for step, (x, labels) in enumerate(islice(batches, STEPS)):
            loss = _step(trial, x, labels, rates[step], optimiser, criterion, recipe)
            if not math.isfinite(loss):
                break
            losses.append(loss)
            average = KEPT * average + (1 - KEPT) * loss
            now = average / (1 - KEPT ** (step + 1))
            best = min(best, now)
            if now > EXPLODED * best:
                break
            listener.progress("lr_find", step + 1, STEPS)
    listener.progress("lr_find", STEPS, STEPS)
    if len(losses) < 2:
        raise RecipeError(f"rate {rates[0]:g}: the loss is not a number from the first steps on; look at the pictures")
    tried = tuple(rates[: len(losses)])
    smoothed = smooth(losses)
    return Found(tried, tuple(losses), tuple(smoothed), suggest(tried, smoothed))


def smooth(losses: list[float], reach: int = REACH) -> list[float]:
    """Each loss averaged with its neighbours, nearer ones counting more; nothing is shifted.

    Args:
        losses: one a step.
        reach: neighbours on either side.

    Example:
        >>> smooth([4.0, 4.0, 1.0, 4.0, 4.0], reach=1)
        [4.0, 3.25, 2.5, 3.25, 4.0]
    """
    kernel = np.concatenate([np.arange(1, reach + 1), [reach + 1], np.arange(reach, 0, -1)]).astype(float)
    sums = np.convolve(np.asarray(losses), kernel)[reach : reach + len(losses)]
    counts = np.convolve(np.ones(len(losses)), kernel)[reach : reach + len(losses)]
    return [float(value) for value in sums / counts]


def suggest(rates: tuple[float, ...], smoothed: list[float]) -> float:
    """The rate at which the loss falls fastest, on its way to where it is lowest.

    Args:
        rates: growing by the same factor.
        smoothed: the loss at each.

    Example:
        >>> suggest((0.001, 0.01, 0.1, 1.0), [2.0, 1.9, 0.5, 4.0])
        0.1
    """
    lowest = int(np.argmin(smoothed))
    if lowest == 0:
        return rates[0]
    slopes = np.diff(smoothed[: lowest + 1])
    return rates[int(np.argmin(slopes)) + 1]


def _step(
    network: nn.Module,
    x: Tensor,
    labels: Tensor,
    rate: float,
    optimiser: torch.optim.Optimizer,
    criterion: Criterion,
    recipe: Recipe,
) -> float:
    """The loss of a batch; then one step down its gradient."""
    _, own, loss = with_heads(network(x), labels, criterion, recipe.auxiliary)
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    if recipe.clip is not None:
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("share", 1.0)
    optimiser.step()
    return float(own.item())
