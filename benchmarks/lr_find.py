"""Does the rate that `convscope lr-find` suggests train as well as the best of a grid?

Two networks, each with the optimiser that suits it, on few pictures for few epochs: the suggestion against five rates,
from far too small to far too large. The bar: the final validation loss is at most a tenth above the best of the grid's.

    python benchmarks/lr_find.py [NETWORK ...] [--seeds N]
"""

import sys
import tempfile
from typing import Any

import numpy as np
import tables
from asking import SHARED

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.training.lr_find import search

BAR = 1.10
# network → training pictures of Fashion-MNIST, what the recipe says beside the rate, the grid
CASES: dict[str, tuple[int, dict[str, Any], tuple[float, ...]]] = {
    "lenet5_modern": (
        6_000,
        {"optimiser": "adam", "epochs": 3, "batch": 32},
        (1e-4, 5.6e-4, 3.2e-3, 1.8e-2, 1e-1),
    ),
    "resnet20_cifar": (
        2_000,
        {"optimiser": "sgd", "epochs": 2, "batch": 32},
        (1e-3, 5.6e-3, 3.2e-2, 1.8e-1, 1.0),
    ),
}
VAL_SHARE = 0.2  # of them


def pictures(count: int) -> cs.Listing:
    """Some of the clothes, the same each time; of digits nearly no loss is left, and ratios would mean little."""
    listing = cs.read(SHARED / "fashion-mnist")
    parts, rng = np.array(listing.parts), np.random.default_rng(0)
    rows = [
        rng.choice(np.flatnonzero(parts == part), size, replace=False)
        for part, size in (("train", count), ("test", 100))
    ]
    return listing.take(np.sort(np.concatenate(rows)))


def final(listing: cs.Listing, recipe: cs.Recipe) -> float:
    """The last epoch's validation loss; infinite where it is no number."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = cs.train(listing, recipe, out=folder)
        except ConvscopeError:
            return float("inf")
        rows = (run.path / "metrics.csv").read_text(encoding="utf-8").splitlines()
    return float(dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))["val_loss"])


def main() -> int:
    seeds = int(sys.argv[sys.argv.index("--seeds") + 1]) if "--seeds" in sys.argv else 1
    rows, good = [], True
    if not (SHARED / "fashion-mnist").is_dir():
        print(f"needs {SHARED / 'fashion-mnist'}")
        return 0
    for model in [name for name in CASES if name in sys.argv] or CASES:
        count, settings, grid = CASES[model]
        listing = pictures(count)
        for seed in range(seeds):
            fixed = cs.Recipe(
                model=model, mode="scratch", schedule="one-cycle", patience_checks=None, precision="f32", seed=seed,
                val_share=VAL_SHARE, **settings,
            )  # fmt: skip
            found, _ = search(listing, fixed)
            losses = [final(listing, fixed.settle(rate=rate)) for rate in grid]
            own = final(listing, fixed.settle(rate=found.suggestion))
            ratio = own / min(losses)
            good &= ratio <= BAR
            best = grid[int(np.argmin(losses))]
            rows.append((
                model, f"{count:,}", str(seed), f"{found.suggestion:.2g}", f"{own:.4f}", f"{best:.2g}",
                f"{min(losses):.4f}", f"{ratio:.2f}", " ".join(f"{loss:.3f}" for loss in losses),
            ))  # fmt: skip
            print(f"{model}, seed {seed} done", file=sys.stderr, flush=True)
    print(tables.machine("torch"))
    header = ("network", "pictures", "seed", "suggested", "loss", "best of grid", "loss", "ratio", "grid's losses")
    tables.show(header, rows, [f"bar: ratio at most {BAR:g}: {'reached' if good else 'missed'}"])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
