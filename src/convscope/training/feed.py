"""Which pictures each step sees, and how they get to where the network is."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.augment import Epoch
from convscope.data.batches import Pixels
from convscope.training.recipe import Recipe
from convscope.training.team import Team

Rows = NDArray[np.int64]

# pictures that batch normalisation can train on
FEWEST = 2

# of a GPU's free memory that pictures may fill; the network's maps need the rest
GPU_SHARE = 0.3


def order(recipe: Recipe, epoch: int, labels: Rows) -> Rows:
    """Rows of the training pictures in the order of one epoch; it follows from the seed and the epoch alone.

    Args:
        recipe: its seed and its sampling.
        epoch: from 1.
        labels: of the training pictures, (N,).

    Example:
        >>> sorted(order(Recipe(), 1, np.array([0, 0, 1])).tolist())
        [0, 1, 2]
        >>> rows = order(Recipe(sampling="balanced"), 1, np.array([0, 0, 0, 1]))
        >>> rows.tolist().count(3)
        2
    """
    rng = np.random.default_rng([recipe.seed, epoch])
    if recipe.sampling == "natural":
        return rng.permutation(len(labels))
    present = rng.permutation(np.unique(labels))  # what does not divide evenly falls to other classes each time
    shares = np.full(len(present), len(labels) // len(present))
    shares[: len(labels) % len(present)] += 1
    drawn = []
    for label, share in zip(present, shares, strict=True):
        rows = np.flatnonzero(labels == label)
        rounds = [rng.permutation(rows) for _ in range(-(-share // len(rows)))]  # each once before any comes again
        drawn.append(np.concatenate([*rounds, rows[:0]])[:share])
    return rng.permutation(np.concatenate(drawn))


def steps(rows: Rows, batch: int, processes: int = 1) -> list[Rows]:
    """An epoch's rows, `batch` a step; a last step of less than two pictures a process joins the one before it.

    Batch normalisation cannot train on one picture.

    Example:
        >>> [len(group) for group in steps(np.arange(129), 64)], [len(group) for group in steps(np.arange(130), 64)]
        ([64, 65], [64, 64, 2])
    """
    cuts = list(range(0, len(rows), batch))
    if len(cuts) > 1 and len(rows) - cuts[-1] < FEWEST * processes:
        cuts.pop()
    return np.split(rows, cuts[1:])


def parts(group: Rows, recipe: Recipe, team: Team) -> list[Rows]:
    """This process's pictures of a step, in the parts that go through the network one after the other.

    None has a single picture: a batch that is too small for the recipe's number of parts has fewer of them.
    """
    own = team.part(group)
    return np.array_split(own, max(1, min(recipe.accumulate, len(own) // FEWEST)))


def resident(pixels: Pixels, device: torch.device) -> Pixels:
    """The pictures on the GPU where they fill at most a share of its free memory; else as they are."""
    if device.type != "cuda":
        return pixels
    wanted = len(pixels) * pixels.preprocess.channels * pixels.preprocess.size**2
    return pixels.to(device) if wanted <= GPU_SHARE * torch.cuda.mem_get_info(device)[0] else pixels


def batches(pixels: Pixels | Epoch, groups: list[Rows], device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Scaled pictures and labels of each group; the next group is read while one is used.

    Shape:
        -> float32 (N, channels, size, size) in channels-last order, int64 (N,)
    """
    labels = pixels.listing.labels
    for rows, pictures in pixels.grouped(groups):
        pinned = pictures.pin_memory() if device.type == "cuda" and not pictures.is_cuda else pictures
        x = pixels.preprocess.scale(pinned.to(device, non_blocking=True))
        yield x.contiguous(memory_format=torch.channels_last), torch.from_numpy(labels[rows]).to(device)
