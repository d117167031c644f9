"""What the finder knows of each picture: what a borrowed network sees of it, and of small grey ones the pixels, too."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.data.batches import Broken
from convscope.data.listing import Listing
from convscope.data.memory import free_memory
from convscope.data.preprocess import Preprocess
from convscope.data.stream import stream
from convscope.errors import DataError
from convscope.inference import cpu
from convscope.inference.embeddings import Embedder
from convscope.inference.engine import Engine
from convscope.models.pretrained import importing
from convscope.models.pretrained.at_hand import backbone
from convscope.words import SILENT, Listener

TINY = 32  # pixels: at this side or below, and where all is grey, pixels tell what a photo network misses
GREY_SIDE, COLOUR_SIDE = 28, 32
BATCH = 256
# directions in which pictures differ most: 256 found as many planted mistakes as all 2,064 did, in a fifth of the time
DIRECTIONS = 256
# of the mean spread: what a number of an embedding counts as at least (as in the frozen head)
LEAST_SPREAD = 0.5
FLOAT_BYTES, COPIES = 4, 4
# numbers from which more than one thread pays
LARGE = 10_000_000


@dataclass(frozen=True)
class Looks:
    """Numbers for every picture that can be read.

    Attributes:
        listing: those pictures.
        vectors: (N, D).
        broken: the others.
        network: whose embeddings are in it; "" where there are pixels only.
        computed: pictures that the network looked at, because nothing was remembered of them.
    """

    listing: Listing
    vectors: NDArray[np.float32]
    broken: tuple[Broken, ...]
    network: str
    computed: int


def look(
    listing: Listing,
    *,
    network: str | None = None,
    weights: str = "default",
    weights_dir: Path | None = None,
    listener: Listener = SILENT,
) -> Looks:
    """Look at every picture once; embeddings come from the cache where they are known, and go there.

    Photos are told apart by what a borrowed network sees, small or grey pictures by that and by their pixels. Where no
    weights are at hand, pixels are all there is.

    Args:
        listing: the pictures.
        network: whose weights; None takes the first that are at hand.
        weights: "default", "none", or a file of weights.
        weights_dir: looked into before the other folders.
        listener: hears how far it is.

    Raises:
        DataError: not one can be read, or what is seen would not fit into memory.
        ModelFileError: weights that were named and are not there.

    Example:
        >>> from convscope.data.builtin import digits
        >>> look(digits().take(range(20)), weights="none").vectors.shape
        (20, 19)
    """
    blocks: list[NDArray[np.float32]] = []
    broken: tuple[Broken, ...] = ()
    title, given, computed = listing.title, len(listing), 0
    grey = listing.channels == 1 or (listing.side is not None and listing.side <= TINY)
    borrowed = backbone(network, weights, weights_dir)
    if borrowed:
        bundle = importing.borrow(borrowed[1], borrowed[0]).bundle
        embedder = Embedder(Engine(bundle, pictures=len(listing)))
        listener.message("mistakes.network", model=borrowed[0], file=borrowed[1].name)
        seen = embedder.embed(listing, listener=listener)
        listing, broken, computed = seen.listing, seen.broken, embedder.computed
        _refuse_too_many(listing, seen.values.shape[-1])
        blocks.append(seen.values)
    if grey or not borrowed:
        if not borrowed:
            listener.message("mistakes.pixels.grey" if grey else "mistakes.pixels.photos")
        listing, pixels, unread = _pixels(listing, listener)
        broken += unread
        if len(pixels) < len(blocks[0] if blocks else pixels):  # damaged since the network looked
            raise DataError(f"{unread[0].file} could be read before and cannot now: {unread[0].reason}")
        blocks.append(pixels)
    if not len(listing):
        raise DataError(f"{title}: not one of {given:,} pictures can be read: {broken[0].reason}")
    return Looks(listing, reduced(blocks), broken, borrowed[0] if borrowed else "", computed)


def reduced(blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Several kinds of numbers side by side, each kind counting the same, in the directions that tell most.

    Args:
        blocks: each (N, D) with a D of its own.

    Returns:
        (N, at most 256). Nothing here knows of labels, so that no fold learns from another.

    Example:
        >>> reduced([np.eye(4, 3, dtype=np.float32), np.ones((4, 2), np.float32)]).shape
        (4, 3)
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    scaled = []
    for block in blocks:
        spread = block.std(axis=0)
        least = max(LEAST_SPREAD * float(spread.mean()), float(np.finfo(np.float32).tiny))
        scaled.append((block - block.mean(axis=0)) / (np.maximum(spread, least) * block.shape[1] ** 0.5))
    whole = np.concatenate(scaled, axis=1)
    kept = min(DIRECTIONS, whole.shape[1], max(1, len(whole) - 1))
    solver = "covariance_eigh" if len(whole) >= whole.shape[1] else "full"
    with threadpool_limits(cpu.threads() if whole.size > LARGE else 1):
        directions: NDArray[np.float32] = PCA(kept, svd_solver=solver).fit_transform(whole)
    return directions.astype(np.float32)


def _pixels(listing: Listing, listener: Listener) -> tuple[Listing, NDArray[np.float32], tuple[Broken, ...]]:
    channels, side = (1, GREY_SIDE) if listing.channels == 1 else (3, COLOUR_SIDE)
    _refuse_too_many(listing, channels * side**2)
    preprocess = Preprocess(size=side, channels=channels, resize="squash", mean=(0,) * channels, spread=(1,) * channels)
    rows: list[int] = []
    blocks: list[NDArray[np.float32]] = []
    broken: tuple[Broken, ...] = ()
    for start, some in enumerate(stream(listing, preprocess, batch=BATCH, threads=cpu.threads())):
        rows += some.rows
        broken += some.broken
        blocks.append(some.pixels.flatten(1).float().numpy())
        listener.progress("read", min((start + 1) * BATCH, len(listing)), len(listing))
    return listing.take(rows), np.concatenate(blocks), broken


def _refuse_too_many(listing: Listing, width: int) -> None:
    """Raise where the numbers would not fit into memory."""
    needed, room = FLOAT_BYTES * COPIES * len(listing) * width, free_memory()
    if needed > room:
        raise DataError(
            f"{listing.title}: what is seen of {len(listing):,} pictures ({width:,} numbers each) needs about "
            f"{needed / 1e9:.1f} GB, and {room / 1e9:.1f} are free; take fewer pictures, or a network with fewer "
            "numbers before its head"
        )
