"""Hours of bad luck: runs killed at random moments and resumed must end bit for bit like one that was never killed.

    python benchmarks/soak.py --hours 2 --seed 0

Prints a line for each round, and stops with exit status 1 at the first difference.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRAIN = ("train", "digits", "--model", "course_cnn", "--epochs", "6", "--batch", "32", "--quiet", "--patience", "6")


def convscope(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "convscope", *arguments], cwd=folder, stdout=subprocess.DEVNULL)


def trained(folder: Path) -> tuple[bytes, bytes]:
    run = folder / "runs/r"
    return (run / "metrics.csv").read_bytes(), (run / "model.safetensors").read_bytes()


def killed_run(folder: Path, rng: random.Random, longest: float) -> int:
    """Start a run, kill it at a random moment, go on until it is finished; how often it was killed."""
    kills, arguments = 0, (*TRAIN, "--name", "r")
    while True:
        process = convscope(folder, *arguments)
        try:
            process.wait(timeout=rng.uniform(0.3 * longest, 1.2 * longest))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        if (folder / "runs/r/model.safetensors").exists():  # the last thing that a run writes
            return kills
        if (folder / "runs/r/config.yaml").exists():
            arguments = ("train", "--resume", "runs/r", "--quiet")
        else:  # killed before the run began: start over
            shutil.rmtree(folder / "runs", ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, end = random.Random(options.seed), time.monotonic() + 3600 * options.hours

    with tempfile.TemporaryDirectory() as kept:
        start = time.monotonic()
        convscope(Path(kept), *TRAIN, "--name", "r").wait()
        longest, expected, rounds, kills = time.monotonic() - start, trained(Path(kept)), 0, 0
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory() as folder:
            kills += killed_run(Path(folder), rng, longest)
            rounds += 1
            metrics, model = trained(Path(folder))
        equal = metrics == expected[0] and model == expected[1]
        print(f"round {rounds}: {kills} kills so far, {'equal' if equal else 'DIFFERENT'}", flush=True)
        if not equal:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
