"""The training pictures as each epoch sees them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.augment.colour import coloured
from convscope.data.augment.crops import cropped
from convscope.data.augment.erasing import erased
from convscope.data.augment.plan import Plan
from convscope.data.augment.policies import by_policy
from convscope.data.batches import Pixels, split
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess

Rows = NDArray[np.int64]


class Augmented:
    """Pictures that every epoch sees otherwise.

    What becomes of a picture depends on the seed, the epoch and its row alone: not on batches, order, threads,
    processes or resuming.

    Args:
        pixels: pictures with room to cut, from `roomy`.
        size: side of the network's input, in pixels.
        seed: of all that is drawn.
        plan: what becomes of them.
    """

    def __init__(self, pixels: Pixels, size: int, seed: int, plan: Plan) -> None:
        self.pixels = pixels
        self.size = size
        self.seed = seed
        self.plan = plan

    @property
    def listing(self) -> Listing:
        """The pictures' names and labels."""
        return self.pixels.listing

    def __len__(self) -> int:
        return len(self.pixels)

    def epoch(self, number: int, share: float = 1.0) -> "Epoch":
        """The pictures as one epoch sees them, at a share of the side of the network's input."""
        return Epoch(self, number, round(self.size * share))


@dataclass(frozen=True)
class Epoch:
    """What `Pixels` is, for one epoch.

    Attributes:
        source: where the pictures come from.
        number: of the epoch.
        side: of the pictures, in pixels.
    """

    source: Augmented
    number: int
    side: int

    @property
    def listing(self) -> Listing:
        """The pictures' names and labels."""
        return self.source.pixels.listing

    @property
    def preprocess(self) -> Preprocess:
        """What scales them, at their size."""
        return self.source.pixels.preprocess.model_copy(update={"size": self.side})

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Rows) -> Tensor:
        """The pictures at `rows`, uint8 (N, channels, side, side)."""
        return self._changed(rows, self.source.pixels[rows])

    def batches(self, order: Rows, size: int) -> Iterator[tuple[Rows, Tensor]]:
        """Rows and pictures, `size` at a time in the order given, as `Pixels.batches`."""
        return self.grouped(split(order, size))

    def grouped(self, groups: list[Rows]) -> Iterator[tuple[Rows, Tensor]]:
        """Each group's rows and pictures, as `Pixels.grouped`; they are changed ahead as well as read ahead."""
        return self.source.pixels.grouped(groups, self._changed)

    def _changed(self, rows: Rows, pictures: Tensor) -> Tensor:
        source, preprocess = self.source, self.source.pixels.preprocess
        mean = (255 * np.array(preprocess.mean)).round().clip(0, 255).astype(np.uint8)
        changed = pictures.new_empty((*pictures.shape[:2], self.side, self.side))
        for place, row in enumerate(rows):
            rng = np.random.default_rng([source.seed, self.number, int(row)])
            picture = cropped(pictures[place], source.plan, self.side, preprocess.interpolation, rng)
            if source.plan.flip and rng.random() < 0.5:
                picture = picture.flip(-1)
            picture = coloured(picture, source.plan, rng)
            picture = by_policy(picture, source.plan.policy, rng)
            changed[place] = erased(picture, source.plan.erase, mean, rng)
        return changed
