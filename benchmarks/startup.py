"""`convscope --help` against a bare `python -c pass`, run in turn."""

import subprocess
import sys
import time
from statistics import median

RUNS = 15


def seconds(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def measure(runs: int = RUNS) -> tuple[float, float]:
    """Median seconds of the bare interpreter and of the help."""
    pairs = [(seconds("-c", "pass"), seconds("-m", "convscope", "--help")) for _ in range(runs + 1)][1:]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


if __name__ == "__main__":
    import tables  # here, for `measure` is borrowed elsewhere, and this loads PyTorch

    bare, ours = measure()
    print(tables.machine())
    rows = [
        ("python -c pass", f"{bare:.3f}"),
        ("convscope --help", f"{ours:.3f}"),
        ("difference", f"{ours - bare:.3f}"),
    ]
    tables.show(("command", "s"), rows, [f"medians of {RUNS} runs of each, in turn"])
