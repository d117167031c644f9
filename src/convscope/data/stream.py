"""Pictures at the network's size, each decoded once on the way by: the next ones are decoded while these are used."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import torch
from torch import Tensor

from convscope.data.batches import Broken, fitted
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.data.stores import Arrays

# batches that are decoded before anyone asks for them: enough to never wait, few enough to hold
AHEAD = 4


class Batch(NamedTuple):
    """Some pictures in a row.

    Attributes:
        rows: of the readable ones, in the listing.
        pixels: the same, uint8 (N, channels, size, size).
        broken: the others.
    """

    rows: list[int]
    pixels: Tensor
    broken: tuple[Broken, ...]


def stream(listing: Listing, preprocess: Preprocess, *, batch: int, threads: int) -> Iterator[Batch]:
    """Every picture of a listing once, in order, `batch` at a time; memory holds a few batches, however many there are.

    Args:
        listing: the pictures.
        preprocess: cut and size.
        batch: pictures at a time, readable or not.
        threads: decoders at work.

    Example:
        >>> from convscope.data.builtin import digits
        >>> preprocess = Preprocess(size=8, channels=1, mean=(0.5,), spread=(0.5,))
        >>> [len(some.rows) for some in stream(digits().take(range(5)), preprocess, batch=2, threads=1)]
        [2, 2, 1]
    """
    groups = [range(start, min(start + batch, len(listing))) for start in range(0, len(listing), batch)]
    if isinstance(listing.store, Arrays):
        for rows in groups:
            pictures = preprocess.fit(listing.store.rows([listing.files[row] for row in rows]))
            yield Batch(list(rows), pictures, ())
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[range, list[Future[Tensor | Broken]]]] = deque()
        try:
            for rows in groups:
                waiting.append((rows, [pool.submit(fitted, listing, row, preprocess) for row in rows]))
                if len(waiting) > AHEAD:
                    yield _ready(*waiting.popleft(), preprocess)
            while waiting:
                yield _ready(*waiting.popleft(), preprocess)
        finally:  # whoever stops asking should not wait for pictures that nobody wants
            pool.shutdown(cancel_futures=True)


def _ready(rows: range, futures: list[Future[Tensor | Broken]], preprocess: Preprocess) -> Batch:
    results = {row: future.result() for row, future in zip(rows, futures, strict=True)}
    pictures = {row: result for row, result in results.items() if isinstance(result, Tensor)}
    empty = torch.empty((0, preprocess.channels, preprocess.size, preprocess.size), dtype=torch.uint8)
    return Batch(
        list(pictures),
        torch.stack(list(pictures.values())) if pictures else empty,
        tuple(result for result in results.values() if isinstance(result, Broken)),
    )
