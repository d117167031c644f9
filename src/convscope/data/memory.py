"""How much memory is free."""

import os
from contextlib import suppress
from pathlib import Path

import psutil


def free_memory(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that may still be taken, by the machine's account and by the container's.

    Args:
        root: where the control groups are mounted.

    Example:
        >>> free_memory() > 0
        True
    """
    free = [psutil.virtual_memory().available]
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # no such version of control groups, or "max": no limit
            free.append(int((root / limit).read_text()) - int((root / used).read_text()))
    # processes that train together on this machine take their shares at the same moment
    return max(0, min(free)) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
