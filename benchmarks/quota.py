"""A container that may use one of two cores: what the automatic thread count reaches of the best one set by hand.

Each count runs in a process of its own that is bound to one core, in turn, on the same pictures.
"""

import subprocess
import sys
from statistics import median

COUNTS = ("auto", "1", "2")
ROUNDS = 3
ONE = """
import os, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.path.insert(0, sys.argv[2])
import torch
from backbones import engine_of
from convscope.inference.engine import Engine
engine = engine_of("mobilenet_v2_same")
threads = None if sys.argv[1] == "auto" else int(sys.argv[1])
engine = Engine(engine.bundle, threads=threads, pictures=1000)
pixels = torch.randint(0, 256, (96, 3, 224, 224), dtype=torch.uint8)
engine.probabilities(pixels[:32])
start = time.perf_counter()
engine.probabilities(pixels)
print(96 / (time.perf_counter() - start))
"""


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """Pictures a second with each count, the median of some rounds taken in turn."""
    seen: dict[str, list[float]] = {count: [] for count in COUNTS}
    for _ in range(rounds):
        for count in COUNTS:
            command = [sys.executable, "-c", ONE, count, sys.path[0]]
            seen[count].append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return {count: median(rates) for count, rates in seen.items()}


if __name__ == "__main__":
    rates = measure()
    best = max(rates["1"], rates["2"])
    for count, rate in rates.items():
        print(f"threads {count:<5}{rate:>7.1f} pictures/s  {rate / best:.2f} of the best")
