"""Copies that were cut or mirrored: a network's embeddings propose pairs, and the pixels have to agree.

Embeddings alone would call every two pictures of one sky copies. So one picture, or its mirror image, is laid over the
other at several scales, and its fine structure must be found there.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from convscope.data.checks.look import Looks, shrink
from convscope.data.listing import Listing
from convscope.data.resize import resized
from convscope.errors import ModelError, UnreadableImage
from convscope.evaluation.passport.copies import contents
from convscope.evaluation.passport.near import Pair, candidates, structure
from convscope.inference.embeddings import Embedder
from convscope.inference.engine import Engine
from convscope.models.pretrained import importing
from convscope.models.pretrained.at_hand import backbone
from convscope.words import SILENT, Listener

# cosine of two embeddings, less the mean of all, above which a pair is looked at
PROPOSED = 0.6
# pictures are laid over each other at this side, in pixels, and one of them at these scales
SIDE = 64
SCALES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)
# agreement in fine structure, at the best place
FOUND = 0.75


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
    places = {file: row for file, row in zip((listing.files[row] for row in rows), rows, strict=True)}
    vectors = seen.values - seen.values.mean(axis=0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    proposed = candidates(vectors.astype(np.float32), PROPOSED)
    there = [places[file] for file in seen.listing.files]
    found = []
    small: dict[int, Tensor] = {}
    for done, (one, other) in enumerate(proposed.tolist(), start=1):
        a, b = sorted((there[one], there[other]))
        if laid_over(_small(listing, a, small), _small(listing, b, small)) > FOUND:
            found.append(Pair(a, b))
        if done % 64 == 0 or done == len(proposed):
            listener.progress("compare", done, len(proposed))
    return sorted(found)


def laid_over(one: Tensor, other: Tensor) -> float:
    """How well one picture, or its mirror image, is found in the other at the best scale and place: -1 to 1.

    Args:
        one: uint8 (3, 64, 64).
        other: the same.

    Example:
        >>> picture = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        >>> laid_over(picture, picture.flip(2)) > 0.99
        True
    """
    best = -1.0
    for whole, part in ((one, other), (other, one)):
        field = _structure(whole)
        for template in _templates(part):
            best = max(best, _best(field, template))
    return best


def _templates(part: Tensor) -> Iterator[Tensor]:
    for scale in SCALES:
        side = round(SIDE * scale)
        for picture in (part, part.flip(2)):
            yield _structure(resized(picture.contiguous(), side, side))


def _structure(picture: Tensor) -> Tensor:
    return torch.from_numpy(structure(picture.numpy()[None]))[0]


def _best(field: Tensor, template: Tensor) -> float:
    """Highest correlation of the template with any part of the field of its size."""
    wanted = template - template.mean()
    kernel = wanted[None, None] / wanted.norm().clamp(min=1e-6)
    ones = torch.full_like(kernel, 1 / kernel.numel())
    places = field[None, None]
    mean, square = functional.conv2d(places, ones), functional.conv2d(places**2, ones)
    lengths = ((square - mean**2).clamp(min=1e-9) * kernel.numel()).sqrt()
    return float((functional.conv2d(places, kernel) / lengths).max())


def _small(listing: Listing, row: int, known: dict[int, Tensor]) -> Tensor:
    if row not in known:
        try:
            picture = listing.picture(row, shrink)
            known[row] = resized(picture, SIDE, SIDE).expand(3, -1, -1)
        except UnreadableImage:  # it could be read a moment ago
            known[row] = torch.zeros(3, SIDE, SIDE, dtype=torch.uint8)
    return known[row]
