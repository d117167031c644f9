"""Near-duplicates: the same picture resized, saved again, or a little brighter.

Each picture is told by the fine structure of its thumbnail: brightness less the mean around it, divided by the contrast
around it, so that neither light nor a plain border counts. Copies agree in it almost completely. Pictures that merely
look alike do not, unless all pictures of the set look alike, as digits do; so a pair also has to be much more alike
than a picture is to the set.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# ITU-R BT.601 luma
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# pixels of a thumbnail over which brightness and contrast are averaged
AROUND, CONTRAST = 5, 7
# levels that contrast has at least: what saving as JPEG adds is less
NOISE = 4.0
# a picture whose structure is weaker than this, on average over its pixels, shows nothing to compare
FAINT = 0.05
# what a pair needs: agreement in structure at half the resolution, where resizing and JPEG leave hardly a trace and
# enlarged digits, which have nothing finer, still differ; in structure; and in colours as they are
COARSE, STRUCTURE, COLOURS = 0.97, 0.85, 0.97
# of the distance to the set, how far apart a pair may be, unless it agrees so well that the set does not matter
RATIO, SURE = 0.12, 0.985
# the set, for that: a sample, and the share of it that is nearest
SAMPLE, NEAREST, AT_LEAST = 512, 0.02, 6
# pictures with fewer pixels a side than a thumbnail, such as digits, have to be as good as equal
SMALL_STRUCTURE, SMALL_COLOURS = 0.99, 0.995
BLOCK = 2048
# of one picture, the most alike: a film of ten thousand frames must not fill the memory; and how many later pictures it
# keeps where earlier ones have taken that room. One is enough for all of a film to hang together.
MOST_PARTNERS, ROOM = 64, 32


class Pair(NamedTuple):
    """Two pictures that are near-duplicates, by their places, the lower first."""

    one: int
    other: int


def near_duplicates(thumbnails: NDArray[np.uint8], small: NDArray[np.bool_]) -> list[Pair]:
    """Pairs of pictures that show the same.

    Args:
        thumbnails: (N, 3, 32, 32), uint8, of pictures that are not copies of each other.
        small: (N,), whether a picture has fewer pixels a side than its thumbnail.

    Example:
        >>> pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32))
        >>> brighter = np.clip(pixels[:1] * 1.05, 0, 255)
        >>> near_duplicates(np.concatenate([pixels, brighter]).astype(np.uint8), np.zeros(3, bool))
        [Pair(one=0, other=2)]
    """
    fine = structure(thumbnails)
    lengths = [np.linalg.norm(fine[start : start + BLOCK], axis=(1, 2)) for start in range(0, len(fine), BLOCK)]
    places = np.flatnonzero(np.concatenate([*lengths, np.empty(0)]) > FAINT * fine.shape[1])
    if len(places) < 2:
        return []
    if len(places) < len(fine):
        fine = fine[places]
    pairs = candidates(_unit(_halved(fine)))
    if not len(pairs):
        return []
    involved = np.unique(pairs)
    flat, usual = _unit(fine), np.zeros(len(places), np.float32)
    usual[involved] = _usual(flat, involved)
    found = []
    for chunk in np.array_split(pairs, max(1, len(pairs) // 256)):
        one, other = chunk.T
        alike = (flat[one] * flat[other]).sum(axis=1)
        colours = _agreement(thumbnails[places[one]], thumbnails[places[other]])
        little = small[places[one]] & small[places[other]]
        enough = 1 - RATIO * (1 - np.maximum(usual[one], usual[other]))
        good = (alike > np.maximum(STRUCTURE, np.minimum(enough, SURE))) & (colours > COLOURS)
        good &= ~little | ((alike > SMALL_STRUCTURE) & (colours > SMALL_COLOURS))
        found += [Pair(int(places[a]), int(places[b])) for a, b in chunk[good]]
    return sorted(found)


def structure(thumbnails: NDArray[np.uint8]) -> Floats:
    """What a picture shows, without its light: (N, 32, 32), about -1 to 1.

    Args:
        thumbnails: (N, 3, 32, 32), uint8.

    Example:
        >>> float(np.abs(structure(np.full((1, 3, 32, 32), 90, np.uint8))).max()) < 1e-4
        True
    """
    fine = np.empty((len(thumbnails), *thumbnails.shape[2:]), np.float32)
    for start in range(0, len(thumbnails), BLOCK):
        luma = np.tensordot(thumbnails[start : start + BLOCK].astype(np.float32), LUMA, axes=(1, 0))
        detail = luma - _mean(luma, AROUND)
        fine[start : start + BLOCK] = detail / (np.sqrt(np.maximum(_mean(detail * detail, CONTRAST), 0)) + NOISE)
    return fine


def candidates(vectors: Floats, least: float = COARSE) -> NDArray[np.int64]:
    """Pairs (M, 2) of unit vectors (N, D) whose product is above `least`: block by block, each against all after it.

    Where a vector has more than `MOST_PARTNERS`, the most alike: pairs grow with N, not with its square. Each keeps one
    later than itself, if there is any, so vectors that are all alike are all tied to the last.

    Args:
        vectors: of length one.
        least: the product, -1 to 1.

    Example:
        >>> candidates(np.array([[1, 0], [0, 1], [0.99, 0.14]], np.float32)).tolist()
        [[0, 2]]
    """
    found = [pair for pair in _blocks(vectors, least) if len(pair)]
    return np.concatenate(found) if found else np.empty((0, 2), np.int64)


def _blocks(vectors: Floats, least: float) -> Iterator[NDArray[np.int64]]:
    partners = np.zeros(len(vectors), np.int64)
    for top in range(0, len(vectors), BLOCK):
        one, other = _best(vectors, top, least)
        rows, starts = np.unique(one, return_index=True)
        kept = np.ones(len(one), bool)
        for row, start, end in zip(rows, starts, np.append(starts, len(one))[1:], strict=True):
            room = max(ROOM, MOST_PARTNERS - partners[row])
            kept[start + room : end] = False
            partners[other[start : min(start + room, end)]] += 1
        yield np.stack([one[kept], other[kept]], axis=1)


def _best(vectors: Floats, top: int, least: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each vector in the block from `top` on, those after it that are most alike: sorted by vector, best first."""
    rows = vectors[top : top + BLOCK]
    limits = np.full((len(rows), 1), least, np.float32)
    one, other, alike = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    for left in range(top, len(vectors), BLOCK):
        products = rows @ vectors[left : left + BLOCK].T
        if left == top:
            products[np.tril_indices(len(products), m=products.shape[1])] = -1
        for row in np.flatnonzero((products > limits).sum(axis=1) > MOST_PARTNERS):
            products[row, np.argpartition(-products[row], MOST_PARTNERS)[MOST_PARTNERS:]] = -1
        a, b = np.nonzero(products > limits)
        if not len(a):
            continue
        one, other = np.concatenate([one, a]), np.concatenate([other, b + left])
        alike = np.concatenate([alike, products[a, b]])
        order = np.lexsort((-alike, one))
        rank = np.arange(len(order)) - np.searchsorted(one[order], one[order])
        order = order[rank < MOST_PARTNERS]
        one, other, alike = one[order], other[order], alike[order]
        last = np.flatnonzero(rank[rank < MOST_PARTNERS] == MOST_PARTNERS - 1)
        limits[one[last], 0] = alike[last]  # the next has to be better than the worst that is kept
    return one + top, other


def groups(pairs: Sequence[Pair]) -> list[list[int]]:
    """Pictures that go together: around the one with most partners, so that a chain does not tie strangers together.

    Args:
        pairs: as `near_duplicates` finds them.

    Example:
        >>> groups([Pair(0, 1), Pair(1, 2), Pair(2, 3), Pair(3, 4), Pair(7, 8)])
        [[0, 1, 2], [3, 4], [7, 8]]
    """
    partners: dict[int, set[int]] = {}
    for one, other in pairs:
        partners.setdefault(one, set()).add(other)
        partners.setdefault(other, set()).add(one)
    found = []
    count = Counter({place: len(others) for place, others in partners.items()})
    for place in sorted(count, key=lambda place: (-count[place], place)):
        together = sorted({place} | partners[place]) if place in partners else []
        if len(together) < 2:
            continue
        found.append(together)
        for gone in together:
            for other in partners.pop(gone):
                partners.get(other, set()).discard(gone)
    return sorted(found)


def _usual(flat: Floats, asked: NDArray[np.int64]) -> Floats:
    """How alike each asked picture is to the nearest fiftieth of a sample of the set."""
    sample = flat[np.linspace(0, len(flat) - 1, min(len(flat), SAMPLE)).astype(int)]
    nearest = min(len(sample) - 1, max(AT_LEAST, round(NEAREST * len(sample))))
    usual = np.empty(len(asked), np.float32)
    for start in range(0, len(asked), BLOCK):
        alike = flat[asked[start : start + BLOCK]] @ sample.T
        usual[start : start + BLOCK] = -np.partition(-alike, nearest, axis=1)[:, nearest]
    return usual


def _agreement(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Floats:
    """Correlation of pixels, all three channels together."""
    a, b = (x.reshape(len(x), -1).astype(np.float32) for x in (one, other))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    agreement: Floats = (a * b).sum(axis=1) / np.maximum(lengths, 1e-6)
    return agreement


def _mean(maps: Floats, side: int) -> Floats:
    """Mean over a square window around each pixel of (N, H, W); the edge repeats."""
    for axis in (1, 2):
        half = side // 2
        widths = [(0, 0)] * 3
        widths[axis] = (half + 1, half)
        sums = np.cumsum(np.pad(maps, widths, mode="edge"), axis=axis, dtype=np.float32)
        after, before = np.moveaxis(sums, axis, 0)[side:], np.moveaxis(sums, axis, 0)[:-side]
        maps = np.moveaxis((after - before) / np.float32(side), 0, axis)
    return maps


def _halved(fine: Floats) -> Floats:
    count, height, width = fine.shape
    pooled: Floats = fine.reshape(count, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    return pooled


def _unit(maps: Floats) -> Floats:
    """Each as a vector without its mean, of length one; in place, since a hundred thousand fill the memory once."""
    flat = maps.reshape(len(maps), -1)
    for start in range(0, len(flat), BLOCK):
        some = flat[start : start + BLOCK]
        some -= some.mean(axis=1, keepdims=True)
        some /= np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-6)
    return flat
