"""What a run works with: pictures split and read, network and size chosen, preprocessing measured."""

from dataclasses import dataclass, fields
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.data import splits
from convscope.data.augment import Augmented, Plan, roomy
from convscope.data.batches import Broken, Pixels
from convscope.data.listing import Listing
from convscope.data.memory import free_memory
from convscope.data.preprocess import Preprocess
from convscope.errors import DataError, ModelError, RecipeError
from convscope.inference import cpu
from convscope.layers.cost import parameters
from convscope.models import own, zoo
from convscope.models.network import Network
from convscope.training import backbone
from convscope.training.backbone import TINY
from convscope.training.recipe import Recipe
from convscope.training.recipes.fill import fill, takes
from convscope.training.recipes.papers import paper
from convscope.training.transfer.looks import Looks
from convscope.training.transfer.start import Start, start
from convscope.words import Listener

PHOTO_SIZE = 64
MOST_NAMED = 50
LEARNED = ("train", "val")

# of a parameter: itself, gradient, two moments of Adam, the best epoch's copy, and a checkpoint being written
COPIES_OF_A_PARAMETER = 10
# of an activation: itself and its gradient
COPIES_OF_AN_ACTIVATION = 2


@dataclass(frozen=True)
class Material:
    """What a run works with, once the pictures are read.

    Attributes:
        recipe: with data, network, mode, size and device chosen.
        row: of the network.
        preprocess: what the network's pictures go through.
        listing: the readable pictures, each in a part.
        pixels: of training and validation; none for a frozen run, which keeps embeddings instead.
        broken: pictures that could not be read.
        start: the borrowed network; None from scratch.
        looks: what the borrowed network's frozen trunk saw; None from scratch.
    """

    recipe: Recipe
    row: Network
    preprocess: Preprocess
    listing: Listing
    pixels: dict[str, Pixels | Augmented]
    broken: tuple[Broken, ...]
    start: Start | None = None
    looks: Looks | None = None


def prepare(listing: Listing, recipe: Recipe, listener: Listener) -> Material:
    """Split, choose network, mode and size, and read every picture.

    Raises:
        DataError: fewer than two classes, or one without a readable picture to train on.
        ModelError: weights that were asked for and cannot be had.
    """
    if len(listing.classes) < 2:
        raise DataError(
            f"{listing.title}: one class only ({listing.classes[0]!r}); a classifier needs two: one folder for each"
        )
    chosen = backbone.choose(recipe.whole(), listing, listener)
    recipe, row = chosen.recipe, zoo.stored(chosen.recipe.network, chosen.recipe.definition)
    borrowed = _borrow(recipe, chosen.file, listing) if chosen.file else None
    begun = {"start_from": _where(recipe.start_from)} if recipe.start_from else {}
    recipe = recipe.settle(data=_where(recipe.data or listing.title), device=device_of(recipe.device), **begun)
    if borrowed:
        preprocess = borrowed.preprocess
    else:
        preprocess = row.preprocess(_size(listing, recipe, row), listing.channels, recipe.resize)
    preprocess = preprocess.model_copy(update={"decode": recipe.decode})
    recipe = recipe.settle(size=preprocess.size, resize=preprocess.resize)
    _tell(listing, recipe, preprocess, borrowed, listener)
    listing.hash(listener)
    shares = recipe.split_seed, recipe.val_share, recipe.test_share
    divided = listing.split(*shares)  # an impossible split is better told before the pictures are read than after
    learned = divided.parts.count("train")
    recipe = fill(recipe, row, learned, len(listing.classes), preprocess)
    for key in paper(recipe.network).deviations if recipe.recipe == "paper" else ():
        if not (recipe.start_from and key == "recipe.vgg.from_a"):
            listener.message(key)
    if recipe.grow_from < 1 and not takes(row, len(listing.classes), preprocess, recipe.grow_from):
        raise RecipeError(
            f"grow_from {recipe.grow_from}: {recipe.network} takes pictures of {preprocess.size} pixels only, since "
            "its dense layers have a place for every cell of the last map; leave it out"
        )
    if recipe.mode != "frozen":
        _refuse_too_large(recipe, row, len(listing.classes), preprocess)
    looks = Looks.at(divided, borrowed, recipe, listener) if borrowed else None
    whole = None if borrowed else _read(listing, preprocess, recipe, listener)
    broken = looks.broken if looks else whole.broken if whole else ()
    _name(broken, listener)
    if broken:
        gone = {fault.file for fault in broken}
        divided = listing.take([row for row, file in enumerate(listing.files) if file not in gone]).split(*shares)
    listener.message("train.split", **{part: divided.parts.count(part) for part in splits.PARTS})
    _refuse_empty(divided)
    _refuse_known_test(divided)
    if whole and row.scale is None:
        preprocess = measured(whole.take(_rows(divided, "train")), preprocess)
        whole.preprocess = preprocess
    pixels: dict[str, Pixels | Augmented] = {}
    if recipe.mode != "frozen":
        pixels = {part: _for_steps(divided, part, preprocess, recipe, whole, listener) for part in LEARNED}
    return Material(recipe, row, preprocess, divided, pixels, broken, borrowed, looks)


def _read(listing: Listing, preprocess: Preprocess, recipe: Recipe, listener: Listener) -> Pixels:
    threads = cpu.threads(recipe.threads)
    return Pixels(listing, preprocess, threads=threads, workers=recipe.workers, keep=recipe.keep, listener=listener)


def _for_steps(
    listing: Listing, part: str, preprocess: Preprocess, recipe: Recipe, whole: Pixels | None, listener: Listener
) -> Pixels | Augmented:
    """What training steps through: pictures that are cut anew each time are kept with a rim to cut from."""
    plan = Plan(**{part.name: getattr(recipe, part.name) for part in fields(Plan)})
    changed = part == "train" and recipe.augment and (plan != Plan() or recipe.grow_from < 1)
    cut = roomy(preprocess, plan) if changed else preprocess
    if whole and cut == preprocess:
        pixels = whole.take(_rows(listing, part))
        if recipe.augment and plan.crop in {"area", "jitter"}:  # let go of training pictures that are cut otherwise
            pixels = pixels.to(torch.device("cpu"))
    else:
        pixels = _read(listing.part(part), cut, recipe, listener)
    if pixels.broken and not whole:
        lost = pixels.broken[0]
        raise DataError(f"{lost.file} could be read before and cannot now: {lost.reason}")
    return Augmented(pixels, preprocess.size, recipe.seed, plan) if changed else pixels


def _borrow(recipe: Recipe, file: Path, listing: Listing) -> Start:
    resize = recipe.resize if "resize" in recipe.model_fields_set else None
    count, channels = len(listing.classes), listing.channels
    return start(recipe.network, recipe.definition, file, count, channels, recipe.size, resize)


def _tell(listing: Listing, recipe: Recipe, preprocess: Preprocess, borrowed: Start | None, listener: Listener) -> None:
    """What is known before any picture is read."""
    if recipe.definition:
        definition = own.parse(recipe.definition, recipe.network)
        for lost in own.notes(definition, preprocess.channels, preprocess.size):
            listener.message("own.lost", **lost._asdict())
    listener.message("train.classes", count=len(listing.classes), names=", ".join(listing.classes[:20]))
    if listing.ignored:
        listener.message("train.ignored", count=len(listing.ignored), first=listing.ignored[0])
    if borrowed:
        listener.message(f"train.{recipe.mode}", model=recipe.network, file=borrowed.source, licence=borrowed.licence)


def _name(broken: tuple[Broken, ...], listener: Listener) -> None:
    """Say which pictures are left out."""
    for fault in broken[:MOST_NAMED]:
        listener.message("train.broken", file=fault.file, reason=fault.reason)
    if len(broken) > MOST_NAMED:
        listener.message("result.broken.more", count=len(broken) - MOST_NAMED)


def _where(data: str) -> str:
    """A path that holds from any folder; the name of a built-in set as it is."""
    return str(Path(data).absolute()) if Path(data).exists() else data


def _rows(listing: Listing, part: str) -> NDArray[np.int64]:
    return np.flatnonzero(np.array(listing.parts) == part)


def _size(listing: Listing, recipe: Recipe, row: Network) -> int:
    """Side of the input of a network that is trained from scratch."""
    if recipe.size or recipe.definition:  # who writes a network's layers down writes down its input
        return recipe.size or row.sizes[0]
    if listing.side is not None and listing.side <= TINY:
        return _for_thumbnails(listing.side, row.sizes)
    # photos deserve more than the thumbnails that the oldest networks were made for
    return PHOTO_SIZE if row.any_size and row.sizes[0] <= TINY else row.sizes[0]


def device_of(wanted: str) -> str:
    """What a recipe's `device` means here: "cpu" or "cuda".

    Raises:
        RecipeError: "cuda" where there is none.

    Example:
        >>> device_of("cpu")
        'cpu'
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise RecipeError("--device cuda: no CUDA GPU here; allowed: auto, cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


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
    at_once = -(-recipe.batch // recipe.accumulate)
    if fixed + each * at_once > room:
        fits = (room - fixed) // each
        remedy = "take a smaller --size or another network"
        if fits >= 2:
            remedy = f"--batch {fits} fits, or --accumulate {-(-recipe.batch // fits)}"
        raise ModelError(
            f"{recipe.network} at {preprocess.size} pixels, batch {recipe.batch}, needs about "
            f"{(fixed + each * at_once) / 1e9:.1f} GB to train, and {room / 1e9:.1f} are free; {remedy}"
        )
