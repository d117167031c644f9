"""How a picture looks: grey or coloured, dark, blurred, or with next to nothing on it."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.preprocess import LUMA
from convscope.data.resize import resized

# pictures are judged at this size, longer side in pixels: what is sharp there is sharp enough for a network
SIDE = 256
# smaller ones are too small to tell blur from size
SHARP_SIDE = 64
# channels that differ by less are one channel, rounded twice
SAME_LEVELS = 2
# levels around the median that count as one tone
TONE = 8
# Crete's window, in pixels, and tiles each way: a sharp insect before a soft background is sharp somewhere
WINDOW = 9
TILES = 4
# of the edges of the tile that has most, what another needs to be asked, too
STRONG = 0.5


class Quality(NamedTuple):
    """Measures of one picture.

    Attributes:
        grey: whether red, green and blue are the same everywhere.
        brightest: level, 0 to 255, that one pixel in a hundred passes.
        plain: share of pixels within 8 levels of the median.
        blur: 0 (sharp) to 1 (blurred) at the sharpest place; 0 where the picture is too small or too plain to tell.
    """

    grey: bool
    brightest: int
    plain: float
    blur: float


def quality(picture: Tensor) -> Quality:
    """Judge a picture.

    Shape:
        uint8 (1 or 3, H, W)

    Args:
        picture: decoded and upright; large ones are judged at 256 pixels.

    Example:
        >>> quality(torch.full((3, 80, 100), 7, dtype=torch.uint8))
        Quality(grey=True, brightest=7, plain=1.0, blur=0.0)
    """
    height, width = picture.shape[-2:]
    longer = max(height, width)
    if longer > SIDE:
        picture = resized(picture, max(1, round(height * SIDE / longer)), max(1, round(width * SIDE / longer)))
    grey = len(picture) == 1 or _one_channel(picture)
    luma = picture[0] if grey else _luma(picture)
    levels = np.bincount(luma.numpy().ravel(), minlength=256)
    below = np.cumsum(levels) / levels.sum()
    median = int(np.searchsorted(below, 0.5))
    plain = levels[max(0, median - TONE) : median + TONE + 1].sum() / levels.sum()
    blur = _blur(luma.numpy().astype(np.float32)) if min(luma.shape) >= SHARP_SIDE else 0.0
    return Quality(grey, int(np.searchsorted(below, 0.99)), float(plain), blur)


def _one_channel(picture: Tensor) -> bool:
    red, green, blue = picture.to(torch.int16)
    return bool((red - green).abs().max() <= SAME_LEVELS and (green - blue).abs().max() <= SAME_LEVELS)


def _luma(picture: Tensor) -> Tensor:
    red, green, blue = picture.to(torch.int32)
    luma: Tensor = (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue + 32_768) >> 16
    return luma.to(torch.uint8)


def _blur(luma: NDArray[np.float32]) -> float:
    """How little a picture loses when it is blurred on purpose: a blurred one has nothing left to lose.

    F. Crete, T. Dolmiere, P. Ladret & M. Nicolas, "The blur effect: perception and estimation with a new no-reference
    perceptual blur metric", SPIE 6492, 2007; ours asks the tiles with the strongest edges instead of the whole picture.
    """
    worst = 0.0
    for along in (luma, np.ascontiguousarray(luma.T)):
        edges, again = _edges(along), _edges(_smoothed(along))
        there, lost = _tiles(edges), _tiles(np.maximum(np.subtract(edges, again, out=again), 0, out=again))
        asked = there > max(STRONG * float(there.max()), 1e-6)
        worst = max(worst, float((1 - lost[asked] / there[asked]).min()) if asked.any() else 0.0)
    return worst


def _edges(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each pixel differs from the one below."""
    steps: NDArray[np.float32] = luma[1:] - luma[:-1]
    np.abs(steps, out=steps)
    return steps


def _smoothed(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each pixel's mean with its neighbours above and below, `WINDOW` of them; the edge repeats."""
    half = WINDOW // 2
    sums = np.empty((len(luma) + WINDOW, luma.shape[1]), np.float32)
    sums[: half + 1], sums[half + 1 : -half], sums[-half:] = luma[0], luma, luma[-1]
    np.cumsum(sums, axis=0, out=sums)
    smoothed: NDArray[np.float32] = sums[WINDOW:] - sums[:-WINDOW]
    smoothed /= WINDOW
    return smoothed


def _tiles(edges: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums over `TILES` x `TILES` tiles."""
    rows, columns = (np.linspace(0, size, TILES + 1).astype(int)[:-1] for size in edges.shape)
    sums: NDArray[np.float32] = np.add.reduceat(np.add.reduceat(edges, rows, axis=0), columns, axis=1)
    return sums
