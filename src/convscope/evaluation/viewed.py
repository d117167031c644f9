"""A model that looks several times at each picture, and answers with the mean of its probabilities."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.data.batches import Broken
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.data.stream import AHEAD
from convscope.errors import UnreadableImage
from convscope.evaluation.views import COUNTS, looks, own, shrink
from convscope.inference.engine import Values
from convscope.inference.engines import Compiled, Precision
from convscope.words import SILENT, Listener


class Running(Protocol):
    """What takes batches of pixels, as an `Engine` does.

    Attributes:
        batch: pictures at a time.
        readers: threads that decode.
    """

    batch: int
    readers: int

    @property
    def precision(self) -> Precision:
        """The arithmetic of its answers."""
        ...

    @property
    def compiled(self) -> Compiled:
        """What runs."""
        ...

    def score(self, entering: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities, (N, K), of what has run."""
        ...


@dataclass
class Seen:
    """A picture's looks.

    Attributes:
        row: of the picture.
        pixels: uint8 (V, channels, size, size); None once they are on their way.
        counts: (V,), how many views each of them stands for.
    """

    row: int
    pixels: Tensor | None
    counts: NDArray[np.float64]


class Viewed:
    """A model that answers from several views of each picture, which is decoded once for all of them.

    Memory holds the looks of a few pictures, however many there are; looks of several pictures fill a batch.

    Args:
        engine: runs batches of pixels.
        preprocess: of the model.
        views: one of `views.VIEWS` but dense.
    """

    def __init__(self, engine: Running, preprocess: Preprocess, views: str) -> None:
        self.engine = engine
        self.preprocess = preprocess
        self.views = views

    @property
    def precision(self) -> Precision:
        """The engine's arithmetic."""
        return self.engine.precision

    def answer(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """Mean probabilities of a listing of any length, some pictures at a time, in order."""
        waiting: deque[Seen | Broken] = deque()
        rows: list[NDArray[np.float32]] = []  # probabilities of looks whose picture is not complete
        done = 0

        def feed() -> Iterator[Tensor]:
            gathered: list[Tensor] = []
            for seen in self._seen(listing):
                waiting.append(seen)
                if isinstance(seen, Broken) or seen.pixels is None:
                    continue
                gathered.append(seen.pixels)
                seen.pixels = None
                if sum(map(len, gathered)) >= self.engine.batch:
                    *full, rest = torch.split(torch.cat(gathered), self.engine.batch)
                    if len(rest) == self.engine.batch:
                        full, rest = [*full, rest], rest[:0]
                    yield from full
                    gathered = [rest]
            if any(map(len, gathered)):
                yield torch.cat(gathered)

        def complete() -> Values:
            """The pictures whose looks have all been answered."""
            nonlocal rows, done
            known = np.concatenate(rows) if rows else np.empty((0, 0), np.float32)
            readable, means, broken, used = list[int](), [], list[Broken](), 0
            while waiting:
                first = waiting[0]
                if isinstance(first, Broken):
                    broken.append(first)
                elif used + len(first.counts) <= len(known):
                    readable.append(first.row)
                    means.append(mean(known[used : used + len(first.counts)], first.counts))
                    used += len(first.counts)
                else:
                    break
                waiting.popleft()
            rows = [known[used:]]
            done += len(readable) + len(broken)
            listener.progress("answer", done, len(listing))
            return Values(listing.take(readable), np.stack(means) if means else known[:0], tuple(broken))

        for entering in self.engine.compiled.run(feed()):
            rows.append(self.engine.score(entering))
            values = complete()
            if len(values.listing) or values.broken:
                yield values
        if waiting:
            yield complete()

    def _seen(self, listing: Listing) -> Iterator[Seen | Broken]:
        """Every picture's looks, in order; the next ones are decoded meanwhile."""
        ahead = max(self.engine.readers, AHEAD * self.engine.batch // COUNTS[self.views])
        with ThreadPoolExecutor(self.engine.readers) as pool:
            futures: deque[Future[Seen | Broken]] = deque()
            try:
                for row in range(len(listing)):
                    futures.append(pool.submit(self._look, listing, row))
                    if len(futures) > ahead:
                        yield futures.popleft().result()
                while futures:
                    yield futures.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _look(self, listing: Listing, row: int) -> Seen | Broken:
        try:
            picture = listing.picture(row, partial(shrink, self.preprocess, self.views))
        except UnreadableImage as error:
            return Broken(listing.files[row], str(error))
        pixels, counts = seen(self.preprocess, self.views, picture)
        return Seen(row, pixels, counts)


def seen(preprocess: Preprocess, views: str, picture: Tensor) -> tuple[Tensor, NDArray[np.float64]]:
    """A picture's looks at the network's size, each once, and how many views each stands for.

    Args:
        preprocess: of the model.
        views: one of `VIEWS` but dense.
        picture: uint8 (1 or 3, H, W).

    Shape:
        -> uint8 (V, channels, size, size), (V,)

    Example:
        >>> picture = torch.tensor([[[1, 2]] * 2] * 3, dtype=torch.uint8).repeat(1, 4, 4)
        >>> pixels, counts = seen(Preprocess(size=8, mean=(0.5,) * 3, spread=(0.5,) * 3), "flip", picture)
        >>> pixels[:, 0, 0, :2].tolist(), counts.tolist()
        ([[1, 2], [2, 1]], [1.0, 1.0])
    """
    height, width = picture.shape[-2:]
    size, itself = preprocess.size, own(preprocess, width, height)
    found = looks(preprocess, views, width, height)
    boxes = {look.box for look in found}
    pixels = {
        box: preprocess.fit(picture) if box == itself else preprocess.cut(picture, box, size, size) for box in boxes
    }
    stacked = torch.stack([pixels[look.box].flip(-1) if look.flip else pixels[look.box] for look in found])
    return stacked, np.array(list(found.values()), np.float64)


def mean(probabilities: NDArray[np.float32], counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """The mean of several probabilities of one picture, each as often as it counts; summed in float64.

    Args:
        probabilities: (V, K), rows adding up to 1.
        counts: (V,).

    Returns:
        (K,), adding up to 1.

    Example:
        >>> mean(np.array([[1, 0], [0.5, 0.5]], np.float32), np.array([1.0, 3.0])).tolist()
        [0.625, 0.375]
    """
    averaged: NDArray[np.float32] = (counts @ probabilities.astype(np.float64) / counts.sum()).astype(np.float32)
    return averaged
