"""What the processor at hand can do: how many threads it may use, and whether bfloat16 pays."""

import ctypes
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import torch

from convscope.data.builtin import cache_folder
from convscope.data.files import write_json

SELF_TEST_S = 2.0
WORTH_IT = 1.15
# below this much work a step is overhead, not arithmetic, and bfloat16 only adds conversions
SMALL_MACS = 2_000_000_000
# below this, one thread: LeNet takes 7 ms a step against 17 to 80 beside a second process, 5 to 7 against 4 to 6 alone
ONE_THREAD_MACS = 300_000_000

# taken before anyone changes it: a later choice of ours must not shrink the next one
_PYTORCHS_CHOICE = torch.get_num_threads()

# of glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4

BF16_FLAGS = ("amx_bf16", "avx512_bf16", "bf16")


def quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Processors that a container may use, from cgroup v2 or v1; None without a limit.

    Args:
        root: where the control groups are mounted.
    """
    try:
        limit, period = (root / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        pass
    try:
        limit_us = int((root / "cpu/cpu.cfs_quota_us").read_text())
        return limit_us / int((root / "cpu/cpu.cfs_period_us").read_text()) if limit_us > 0 else None
    except (OSError, ValueError):
        return None


def threads(wanted: int | None = None) -> int:
    """Threads to compute with: those asked for, else what PyTorch, the affinity and the container's quota allow.

    >>> threads(3)
    3
    """
    if wanted:
        return wanted
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_PYTORCHS_CHOICE, affinity, ceil(quota() or affinity)))


def threads_for(macs: int, wanted: int | None = None) -> int:
    """Threads for steps of `macs` multiply-accumulates: one where sharing the work costs more than it saves.

    Two threads that wait for each other after every small layer gain little on an idle machine, and lose several
    times over on a busy one.

    >>> threads_for(1_000_000), threads_for(1_000_000, wanted=2)
    (1, 2)
    """
    return threads(wanted) if wanted or macs >= ONE_THREAD_MACS else 1


@contextmanager
def using(count: int | None) -> Iterator[None]:
    """Compute with `count` threads in this block, None for as many as before; afterwards all is as it was.

    >>> with using(1):
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def keeping_memory() -> Iterator[None]:
    """In this block memory that is freed stays with the process; afterwards all is as it was.

    glibc returns every block above 32 MB to the system at once, and each training step would pay for zeroed pages anew:
    15 % of ResNet-18's step at 224 pixels, a quarter of MobileNet v2's. Without glibc nothing happens.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not hasattr(libc, "mallopt"):  # musl has none
        yield
        return
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:  # as glibc has it once it has seen large blocks
        libc.mallopt(M_MMAP_MAX, 65_536)
        libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(M_TRIM_THRESHOLD, 64 << 20)
        libc.malloc_trim(0)


def model_name() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def bf16_hardware() -> list[str]:
    """Instructions for bfloat16 that the processor has; empty where it would be emulated."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    flags = next(
        (line.split(":", 1)[1].split() for line in lines if line.lower().startswith(("flags", "features"))), []
    )
    return [flag for flag in BF16_FLAGS if flag in flags]


def bf16_gain(step: Callable[[bool], None], key: str, cache: Path | None = None) -> float:
    """How many times faster `step(True)`, in bfloat16, runs than `step(False)`; measured once and remembered.

    Args:
        step: runs one step of real work in either precision.
        key: names the work; the processor and PyTorch's version are added to it.
        cache: folder of the memory; None takes the user's.
    """
    memory = (cache or cache_folder()) / "bf16.json"
    name = f"{key} | {model_name()} | torch {torch.__version__} | {torch.get_num_threads()} threads"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if not isinstance(known, dict):
        known = {}
    if not isinstance(known.get(name), float):
        known[name] = _measure(step)
        try:
            write_json(memory, known)
        except OSError:
            pass  # a read-only home measures anew each time
    gain: float = known[name]
    return gain


def _measure(step: Callable[[bool], None]) -> float:
    """The ratio of the fastest steps, taken in turn for two seconds."""
    best = {True: float("inf"), False: float("inf")}
    for bf16 in (True, False):
        step(bf16)  # the first step of each also compiles and allocates
    end = time.perf_counter() + SELF_TEST_S
    while time.perf_counter() < end:
        for bf16 in (True, False):
            start = time.perf_counter()
            step(bf16)
            best[bf16] = min(best[bf16], time.perf_counter() - start)
    return round(best[False] / best[True], 3)
