"""What answers a listing of pictures, and what it gives."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from convscope.data.batches import Broken
from convscope.data.listing import Listing
from convscope.inference.engines import Precision
from convscope.models.bundle import Card
from convscope.words import SILENT, Listener


class Values(NamedTuple):
    """What an engine made of some pictures.

    Attributes:
        listing: the readable ones.
        values: a row for each.
        broken: the others.
    """

    listing: Listing
    values: NDArray[np.float32]
    broken: tuple[Broken, ...]


class Answering(Protocol):
    """Whatever answers a listing."""

    @property
    def precision(self) -> Precision:
        """The arithmetic of its answers."""
        ...

    def answer(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """Probabilities, some pictures at a time, in order."""
        ...


class Scoring(Protocol):
    """Whatever scores a listing, and can answer under another card."""

    def scores(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """Scores before the softmax, some pictures at a time, in order."""
        ...

    def under(self, card: Card) -> Answering:
        """The same weights under another card."""
        ...
