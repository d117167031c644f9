"""Copies that were cut or mirrored: a network's embeddings propose pairs, and the pixels have to agree.

Embeddings alone would call any two pictures of one sky copies. So one thumbnail, or its mirror image, is laid over the
other at several scales, and its fine structure must be found there. Of 120 photos that were cut to 0.65 to 0.95 of a
side, mirrored or both, one in fifty agreed by less than 0.72; of 1,111 pairs of different photos that the embeddings
proposed, none by more.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from convscope.data.checks.look import Looks
from convscope.data.listing import Listing
from convscope.data.resize import resized
from convscope.errors import ModelError
from convscope.evaluation.passport.copies import contents
from convscope.evaluation.passport.near import Pair, candidates, structure
from convscope.inference.embeddings import Embedder
from convscope.inference.engine import Engine
from convscope.models.pretrained import importing
from convscope.models.pretrained.at_hand import backbone
from convscope.words import SILENT, Listener

# cosine of two embeddings, less the mean of all, above which a pair may be looked at; and how many pairs of a picture
PROPOSED, PARTNERS = 0.5, 2
# one thumbnail is laid over the other at these scales
SCALES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)
# agreement in fine structure, at the best place
FOUND = 0.72
BATCH = 64


def embedder(
    listing: Listing, network: str | None = None, weights: str = "default", weights_dir: Path | None = None
) -> Embedder:
    """The embedder of a borrowed network that is at hand.

    Args:
        listing: the pictures, whose number decides the engine.
        network: of the zoo; None takes the first whose weights are at hand.
        weights: "default" looks in the folders of weights; else a file.
        weights_dir: looked into before the others.

    Raises:
        ModelError: no weights are at hand.
    """
    borrowed = backbone(network, weights, weights_dir)
    if borrowed is None:
        raise ModelError(
            "--embeddings needs the weights of a network and none are at hand; convscope weights fetch "
            "mobilenet_v3_large brings some, or give --weights FILE --model NAME"
        )
    return Embedder(Engine(importing.borrow(borrowed[1], borrowed[0]).bundle, pictures=len(listing)))


def cut_or_mirrored(listing: Listing, looks: Looks, seer: Embedder, listener: Listener = SILENT) -> list[Pair]:
    """Pairs of pictures of which one is a mirror image or a part of the other.

    Args:
        listing: the pictures.
        looks: at them.
        seer: a borrowed network.
        listener: hears how far it is.

    Returns:
        pairs by row of the first picture of each content.
    """
    rows = [same[0] for same in contents(looks).values()]
    if len(rows) < 2:
        return []
    seen = seer.embed(listing.take(rows), listener=listener)
    places = {listing.files[row]: row for row in rows}
    there = np.array([places[file] for file in seen.listing.files])
    proposed = there[_proposed(seen.values)]
    found: list[Pair] = []
    for start in range(0, len(proposed), BATCH):
        some = proposed[start : start + BATCH]
        alike = laid_over(looks.thumbnails[some[:, 0]], looks.thumbnails[some[:, 1]])
        found += [Pair(*sorted((int(one), int(other)))) for one, other in some[alike > FOUND]]
        listener.progress("compare", min(start + BATCH, len(proposed)), len(proposed))
    return sorted(found)


def laid_over(ones: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How well one of each pair, or its mirror image, is found in the other at the best scale and place: -1 to 1.

    Args:
        ones: thumbnails, uint8 (N, 3, 32, 32).
        others: the same, each beside its partner.

    Example:
        >>> pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32)).astype(np.uint8)
        >>> (laid_over(pictures, pictures[[0, 0], :, :, ::-1]) > 0.9).tolist()
        [True, False]
    """
    best = torch.full((len(ones),), -1.0)
    with torch.inference_mode():
        for whole, part in ((ones, others), (others, ones)):
            field = torch.from_numpy(structure(whole))[:, None]
            for scale in SCALES:
                side = round(field.shape[-1] * scale)
                small = resized(torch.from_numpy(np.ascontiguousarray(part)), side, side)
                both = [torch.from_numpy(structure(each.numpy())) for each in (small, small.flip(3))]
                best = torch.maximum(best, _best(field, torch.stack(both, dim=1).flatten(2)))
    return best.numpy()


def _best(field: Tensor, templates: Tensor) -> Tensor:
    """Highest correlation of any template (N, T, side * side) with any square of its size in its field (N, 1, H, W)."""
    side = round(templates.shape[2] ** 0.5)
    squares = functional.unfold(field, side)
    squares = functional.normalize(squares - squares.mean(dim=1, keepdim=True), dim=1)
    wanted = functional.normalize(templates - templates.mean(dim=2, keepdim=True), dim=2)
    return (wanted @ squares).amax(dim=(1, 2))


def _proposed(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pairs of places whose embeddings are near, the nearest first: a few of each picture."""
    vectors = vectors - vectors.mean(axis=0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    pairs = candidates(vectors, PROPOSED)
    near = np.concatenate([(vectors[some[:, 0]] * vectors[some[:, 1]]).sum(axis=1) for some in _chunks(pairs)])
    count: Counter[int] = Counter()
    kept = []
    for place in np.argsort(-near, kind="stable"):
        one, other = pairs[place].tolist()
        if min(count[one], count[other]) < PARTNERS:
            kept.append(place)
            count.update((one, other))
    return pairs[kept]


def _chunks(pairs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.array_split(pairs, max(1, len(pairs) // 4096))
