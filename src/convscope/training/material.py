"""What a run works with: pictures split and read, network and size chosen, preprocessing measured."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.data import splits
from convscope.data.batches import Broken, Pixels, free_memory
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.errors import DataError, ModelError, RecipeError
from convscope.inference import cpu
from convscope.layers.cost import parameters
from convscope.models import own, zoo
from convscope.models.network import Network
from convscope.training.recipe import Recipe
from convscope.words import Listener

TINY = 32
PHOTO_SIZE = 64
MOST_NAMED = 50

# of a parameter: itself, gradient, two moments of Adam, the best epoch's copy, and a checkpoint being written
COPIES_OF_A_PARAMETER = 10
# of an activation: itself and its gradient
COPIES_OF_AN_ACTIVATION = 2


@dataclass(frozen=True)
class Material:
    """What a run works with, once the pictures are read.

    Attributes:
        recipe: with data, network, size and device chosen.
        row: of the network.
        preprocess: what the network's pictures go through.
        listing: the readable pictures, each in a part.
        pixels: the same, part by part.
        broken: pictures that could not be read.
    """

    recipe: Recipe
    row: Network
    preprocess: Preprocess
    listing: Listing
    pixels: dict[str, Pixels]
    broken: tuple[Broken, ...]


def prepare(listing: Listing, recipe: Recipe, listener: Listener) -> Material:
    """Split, choose network and size, and read every picture.

    Raises:
        DataError: fewer than two classes, or one without a readable picture to train on.
    """
    if len(listing.classes) < 2:
        raise DataError(
            f"{listing.title}: one class only ({listing.classes[0]!r}); a classifier needs two: one folder for each"
        )
    recipe = recipe.whole()
    row = zoo.stored(recipe.network or "lenet5_modern", recipe.definition)
    recipe = recipe.settle(data=_where(recipe.data or listing.title), **_choose(listing, recipe, row))
    preprocess = row.preprocess(recipe.size or 0, listing.channels, recipe.resize)
    if recipe.definition:
        definition = own.parse(recipe.definition, recipe.network)
        for lost in own.notes(definition, preprocess.channels, preprocess.size):
            listener.message("own.lost", **lost._asdict())
    listener.message("train.classes", count=len(listing.classes), names=", ".join(listing.classes[:20]))
    if listing.ignored:
        listener.message("train.ignored", count=len(listing.ignored), first=listing.ignored[0])
    if recipe.weights == "default" and listing.side is None:
        listener.message("train.scratch", model=recipe.network)
        listener.message("train.scratch.more")
    listing.hash(listener)
    shares = recipe.split_seed, recipe.val_share, recipe.test_share
    divided = listing.split(*shares)  # an impossible split is better told before the pictures are read than after
    _refuse_too_large(recipe, row, len(listing.classes), preprocess)
    whole = Pixels(listing, preprocess, threads=cpu.threads(), listener=listener)
    for fault in whole.broken[:MOST_NAMED]:
        listener.message("train.broken", file=fault.file, reason=fault.reason)
    if len(whole.broken) > MOST_NAMED:
        listener.message("result.broken.more", count=len(whole.broken) - MOST_NAMED)
    listing = whole.listing.split(*shares) if whole.broken else divided
    listener.message("train.split", **{part: listing.parts.count(part) for part in splits.PARTS})
    _refuse_empty(listing)
    _refuse_known_test(listing)
    pixels = {part: whole.take(_rows(listing, part)) for part in splits.PARTS if part in listing.parts}
    if row.scale is None:
        preprocess = measured(pixels["train"], preprocess)
        for part in pixels.values():
            part.preprocess = preprocess
    return Material(recipe, row, preprocess, listing, pixels, whole.broken)


def _where(data: str) -> str:
    """A path that holds from any folder; the name of a built-in set as it is."""
    return str(Path(data).absolute()) if Path(data).exists() else data


def _rows(listing: Listing, part: str) -> NDArray[np.int64]:
    return np.flatnonzero(np.array(listing.parts) == part)


def _choose(listing: Listing, recipe: Recipe, row: Network) -> dict[str, Any]:
    """Network, input size and device, where the recipe leaves them open."""
    if recipe.size or recipe.definition:  # who writes a network's layers down writes down its input
        size = recipe.size or row.sizes[0]
    elif listing.side is not None and listing.side <= TINY:
        size = _for_thumbnails(listing.side, row.sizes)
    else:  # photos deserve more than the thumbnails that the oldest networks were made for
        size = PHOTO_SIZE if row.any_size and row.sizes[0] <= TINY else row.sizes[0]
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise RecipeError("--device cuda: no CUDA GPU here; allowed: auto, cpu")
    device = ("cuda" if torch.cuda.is_available() else "cpu") if recipe.device == "auto" else recipe.device
    if recipe.definition:
        return {"size": size, "device": device}
    return {"model": recipe.model or "lenet5_modern", "size": size, "device": device}


def _for_thumbnails(side: int, sizes: tuple[int, ...]) -> int:
    """The input size for pictures of `side` pixels: their own, else a thumbnail network's own, else the next larger.

    >>> _for_thumbnails(28, (28, 32)), _for_thumbnails(8, (32, 28)), _for_thumbnails(28, (224, 32))
    (28, 32, 32)
    """
    if side in sizes or sizes[0] <= TINY:
        return side if side in sizes else sizes[0]
    return min((size for size in sizes if size >= side), default=sizes[0])


def measured(pixels: Pixels, preprocess: Preprocess) -> Preprocess:
    """The preprocessing with mean and spread of the pictures' channels, counted exactly, on the scale 0 to 1."""
    counts = np.zeros((preprocess.channels, 256), dtype=np.int64)
    for _, pictures in pixels.batches(np.arange(len(pixels)), 256):
        for channel in range(preprocess.channels):
            counts[channel] += torch.bincount(pictures[:, channel].flatten(), minlength=256).numpy()
    levels = np.arange(256) / 255
    mean = counts @ levels / counts.sum(axis=1)
    variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1)
    spread = np.sqrt(variance).clip(min=1 / 255)  # pictures of one colour have none
    return preprocess.model_copy(
        update={"mean": tuple(round(float(m), 6) for m in mean), "spread": tuple(round(float(s), 6) for s in spread)}
    )


def _refuse_empty(listing: Listing) -> None:
    learned = set(listing.labels[_rows(listing, "train")].tolist())
    missing = [name for label, name in enumerate(listing.classes) if label not in learned]
    if missing:
        raise DataError(f"class {missing[0]!r} has no readable picture to train on; add some, or drop the class")


def _refuse_known_test(listing: Listing) -> None:
    trained, tested = set(listing.part("train").hashes), listing.part("test").hashes
    if tested and trained.issuperset(tested):
        raise DataError(f"{listing.title}: all {len(tested):,} test pictures are training pictures, too; give others")


def _refuse_too_large(recipe: Recipe, row: Network, classes: int, preprocess: Preprocess) -> None:
    """Raise where training would not fit into memory; the message names the batch that would."""
    summary = row.describe(recipe.network, classes, preprocess.channels, preprocess.size)
    with torch.device("meta"):  # with the heads that serve training only
        trained = parameters(row.build(classes, preprocess.channels, preprocess.size))
    fixed = 4 * COPIES_OF_A_PARAMETER * trained
    each = 4 * COPIES_OF_AN_ACTIVATION * sum(prod(layer.shape) for layer in summary.layers)
    room = free_memory()
    if fixed + each * recipe.batch > room:
        fits = (room - fixed) // each
        remedy = f"--batch {fits} fits" if fits >= 2 else "take a smaller --size or another network"
        raise ModelError(
            f"{recipe.network} at {preprocess.size} pixels, batch {recipe.batch}, needs about "
            f"{(fixed + each * recipe.batch) / 1e9:.1f} GB to train, and {room / 1e9:.1f} are free; {remedy}"
        )
