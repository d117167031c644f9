"""Ctrl-C and SIGTERM while training: the step is finished, a checkpoint is written, then the run ends."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(KeyboardInterrupt):
    """A run was told to end, and has saved where it stands.

    Args:
        signum: the signal that said so.

    Example:
        >>> Stopped(signal.SIGTERM).code
        143
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.code = 128 + signum


@contextmanager
def listening() -> Iterator[Callable[[], int]]:
    """Signals that would end the process are only noted in this block; the function given tells which came, or 0.

    A second Ctrl-C ends it at once. Outside the main thread no signal can be caught, and none is.

    Example:
        >>> with listening() as told:
        ...     signal.raise_signal(signal.SIGTERM)
        ...     told() == signal.SIGTERM
        True
    """
    came = 0

    def note(signum: int, _frame: FrameType | None) -> None:
        nonlocal came
        if came and signum == signal.SIGINT:
            raise KeyboardInterrupt
        came = came or signum

    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
