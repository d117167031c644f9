"""Work that is done before anyone asks for it: threads read and change the next pictures while these are used."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Rows = NDArray[np.int64]
Make = Callable[[Rows], Tensor]

# groups that wait to be asked for: enough to bridge a slow one, few enough to hold
AHEAD = 2


def ahead(groups: list[Rows], make: Make, workers: int) -> Iterator[tuple[Rows, Tensor]]:
    """Each group and what is made of it, in order; the same whatever the number of workers.

    Every group is shared out among the workers, so that the first one comes soon. An error in a worker is raised
    where its group would have come; whoever stops asking waits for what is being made at that moment and no longer.

    Args:
        groups: rows of pictures.
        make: rows to pictures, each by itself; called in several threads at once.
        workers: threads; 0 makes each group when it is asked for, in the caller's thread.

    Example:
        >>> groups = [np.array([3, 1]), np.array([2])]
        >>> [made.tolist() for _, made in ahead(groups, torch.from_numpy, workers=2)]
        [[3, 1], [2]]
    """
    if not workers:
        yield from ((rows, make(rows)) for rows in groups)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pictures")
    waiting: deque[tuple[Rows, list[Future[Tensor]]]] = deque()
    try:
        for rows in groups:
            parts = np.array_split(rows, max(1, min(workers, len(rows))))
            waiting.append((rows, [pool.submit(make, part) for part in parts]))
            if len(waiting) > AHEAD:
                yield _ready(*waiting.popleft())
        while waiting:
            yield _ready(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _ready(rows: Rows, parts: list[Future[Tensor]]) -> tuple[Rows, Tensor]:
    made = [part.result() for part in parts]
    return rows, made[0] if len(made) == 1 else torch.cat(made)
