"""The bars of the mistake finder, k-fold and compare, each by the command that a user would type, or by test files."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from asking import SHARED, WEIGHTS, WORK, Seen, convscope, tests

from convscope.data import manifest
from convscope.data.sources import read

BORROWED = ("--model", "mobilenet_v2_same", "--weights", WEIGHTS / "mobilenet_v2_tf.safetensors")
SHARE, SEEDS, SOME = 0.05, (0, 1, 2), 2_000


def planted(data: str | Path, count: int | None, seed: int, file: Path) -> set[str]:
    """Write a manifest with 5 % wrong labels; which pictures they are of."""
    listing = read(data)
    if count:
        listing = listing.take(np.sort(np.random.default_rng(0).permutation(len(listing))[:count]))
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(listing), round(SHARE * len(listing)), replace=False)
    labels = listing.labels.copy()
    labels[rows] = (labels[rows] + rng.integers(1, len(listing.classes), len(rows))) % len(listing.classes)
    manifest.write(file, manifest.entries(replace(listing, labels=labels)))
    return {listing.files[row] for row in rows}


def found(data: str | Path, count: int | None = None) -> Callable[[], Seen]:
    """The share of planted mistakes among the first 5 % of the list, for each seed."""

    def measure() -> Seen:
        shares = []
        for seed in SEEDS:
            file = WORK / "mistakes.csv"
            wrong = planted(data, count, seed, file)
            ranked = json.loads(convscope("mistakes", data, *BORROWED, "--manifest", file, "--json"))["ranked"]
            shares.append(len(wrong & {each["file"] for each in ranked[: len(wrong)]}) / len(wrong))
        return ", ".join(f"{share:.2f}" for share in shares), min(shares) >= 0.6

    return measure


def compared() -> Seen:
    """Two seeds of one recipe, and LeNet against a frozen MobileNet, on hymenoptera's 153 validation pictures."""
    common = (SHARED / "hymenoptera", "--test-share", 0, "--json")
    scratch = ("--mode", "scratch", "--model", "lenet5_modern", "--epochs", 6)
    first, second, frozen = (
        json.loads(convscope("train", *common, *more))["run"]
        for more in ((*scratch, "--seed", 0), (*scratch, "--seed", 1), BORROWED)
    )
    seeds, networks = (json.loads(convscope("compare", first, other, "--json")) for other in (second, frozen))
    good = not seeds["better"] and networks["better"] and networks["best"] == frozen
    return f"{seeds['verdict']}; {networks['verdict']}", good


def files(*names: str) -> Callable[[], Seen]:
    return lambda: tests(*(f"tests/test_{name}.py" for name in names))


BARS: list[tuple[str, str, Callable[[], Seen], bool]] = [
    ("mistakes: hymenoptera, 5 % planted, three seeds", ">= 0.60 in the top 5 %", found(SHARED / "hymenoptera"), True),
    ("mistakes: digits", ">= 0.60 in the top 5 %", found("digits"), True),
    ("mistakes: Fashion-MNIST, 2,000", ">= 0.60 in the top 5 %", found(SHARED / "fashion-mnist", SOME), True),
    ("mistakes: imagenette-128, 2,000", ">= 0.60 in the top 5 %", found(SHARED / "imagenette-128.zip", SOME), True),
    ("compare: two seeds, and LeNet against MobileNet", "no evidence; the frozen one", compared, True),
    ("mistakes: arithmetic, decisions, page", "all pass", files("mistakes", "mistakes_decided"), False),
    ("k-fold", "all pass", files("folds"), False),
]  # fmt: skip

if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    for name, wanted, bar, _ in BARS:
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            print(name, wanted, *bar(), sep=" | ", flush=True)
