"""Training pictures that differ from epoch to epoch: another part of each, mirrored or not."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.batches import Pixels
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.data.resize import resized

Box = tuple[int, int, int, int]

# 256 pixels for a network of 224, as ImageNet's networks have been trained since AlexNet
RIM = 8 / 7
ASPECTS = (3 / 4, 4 / 3)
TRIES = 10


def roomy(preprocess: Preprocess) -> Preprocess:
    """The preprocessing of pictures that boxes are cut from: all that the resize policy can show, a seventh larger.

    Args:
        preprocess: of the network.

    Example:
        >>> room = roomy(Preprocess(size=224, share=0.875, mean=(0,) * 3, spread=(1,) * 3))
        >>> room.size, room.share
        (256, 1.0)
    """
    return preprocess.model_copy(update={"size": round(preprocess.size * RIM), "share": 1.0})


class Augmented:
    """Pictures of which every epoch sees another part, half of them mirrored.

    What becomes of a picture depends on the seed, the epoch and its row alone: not on batches, order or resuming.

    Args:
        pixels: pictures with room to cut, from `roomy`.
        size: side of the network's input, in pixels.
        seed: of all that is drawn.
        areas: least and most of a picture's area that a box takes.

    Source:
        Szegedy et al. 2015, Going Deeper with Convolutions, section 6 (areas from 0.08 there; smaller pictures of one
        thing in the middle lose it in so small a box).
    """

    def __init__(self, pixels: Pixels, size: int, seed: int, areas: tuple[float, float] = (0.35, 1.0)) -> None:
        self.pixels = pixels
        self.size = size
        self.seed = seed
        self.areas = areas

    def __len__(self) -> int:
        return len(self.pixels)

    def epoch(self, number: int) -> "Epoch":
        """The pictures as one epoch sees them."""
        return Epoch(self, number)


@dataclass(frozen=True)
class Epoch:
    """What `Pixels` is, for one epoch.

    Attributes:
        source: where the pictures come from.
        number: of the epoch.
    """

    source: Augmented
    number: int

    @property
    def listing(self) -> Listing:
        """The pictures' names and labels."""
        return self.source.pixels.listing

    @property
    def preprocess(self) -> Preprocess:
        """What scales them, at the network's size."""
        return self.source.pixels.preprocess.model_copy(update={"size": self.source.size})

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: NDArray[np.int64]) -> Tensor:
        """The pictures at `rows`, uint8 (N, channels, size, size)."""
        return self._cut(rows, self.source.pixels[rows])

    def batches(self, order: NDArray[np.int64], size: int) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Rows and pictures, `size` at a time in the order given, as `Pixels.batches`."""
        for rows, pictures in self.source.pixels.batches(order, size):
            yield rows, self._cut(rows, pictures)

    def _cut(self, rows: NDArray[np.int64], pictures: Tensor) -> Tensor:
        side, interpolation = self.source.size, self.source.pixels.preprocess.interpolation
        cut = pictures.new_empty((*pictures.shape[:2], side, side))
        for place, row in enumerate(rows):
            rng = np.random.default_rng([self.source.seed, self.number, int(row)])
            top, left, tall, wide = draw_box(rng, pictures.shape[2], pictures.shape[3], self.source.areas)
            part = resized(pictures[place, :, top : top + tall, left : left + wide], side, side, interpolation)
            cut[place] = part.flip(-1) if rng.random() < 0.5 else part
        return cut


def draw_box(rng: np.random.Generator, height: int, width: int, areas: tuple[float, float]) -> Box:
    """A random box in whole pixels: (top, left, height, width).

    Its area is drawn evenly between `areas`, its aspect between 3:4 and 4:3 evenly on a logarithmic scale. Where ten
    draws do not fit into the picture, the largest central box of an allowed aspect is taken.

    Args:
        rng: draws.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        areas: least and most of the picture's area.

    Example:
        >>> draw_box(np.random.default_rng(0), 100, 100, (1.0, 1.0))
        (0, 0, 100, 100)
    """
    for _ in range(TRIES):
        area = rng.uniform(*areas) * height * width
        aspect = np.exp(rng.uniform(*np.log(ASPECTS)))
        wide, tall = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
        if 0 < wide <= width and 0 < tall <= height:
            return int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1)), tall, wide
    wide = min(width, round(height * ASPECTS[1]))
    tall = min(height, round(width / ASPECTS[0]))
    return (height - tall) // 2, (width - wide) // 2, tall, wide
