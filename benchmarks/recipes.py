"""Deep classics learn from scratch on few photos: `--recipe practical` on 200 pictures of each of imagenette's classes.

Without help, their loss stays at ln 10 = 2.303. The bar: within 5 epochs the validation loss is at most ln 10 - 0.3,
with the network as its paper has it. With --resnet18, all 9,469 pictures, 5 epochs, and the mean accuracy over seeds.

    python benchmarks/recipes.py [NETWORK ...] [--size PX] [--epochs N] [--seeds N]
    python benchmarks/recipes.py --resnet18 [--seeds 3] [--epochs 5]
"""

import argparse
import csv
import shutil
import statistics
import sys
import time
import zipfile
from math import log
from pathlib import Path

import tables
from asking import SHARED, WORK

import convscope as cs

ZIP = SHARED / "imagenette-128.zip"
FOLDER = WORK / "recipes"
EACH = 200  # training pictures of each class, first by name
TARGET = log(10) - 0.3
# network → pixels: dense layers of 4,096 cost less at 64
NETWORKS = {"mobilenet_v2": 128, "googlenet": 128, "alexnet": 128, "vgg11": 64, "vgg16": 64}
RESNET18_BAR = 0.75


def few() -> Path:
    """The first pictures of each class by name, and all of its val part, unpacked once."""
    folder = FOLDER / f"imagenette-{EACH}"
    if not folder.is_dir():
        new = FOLDER / "unpacking"
        shutil.rmtree(new, ignore_errors=True)
        with zipfile.ZipFile(ZIP) as archive:
            taken: dict[str, int] = {}
            for name in sorted(entry for entry in archive.namelist() if not entry.endswith("/")):
                _, part, label, file = name.split("/")
                taken[label] = taken.get(label, 0) + (part == "train")
                if part == "val" or taken[label] <= EACH:
                    (new / part / label).mkdir(parents=True, exist_ok=True)
                    (new / part / label / file).write_bytes(archive.read(name))
        new.rename(folder)
    return folder


def trained(data: Path, model: str, size: int, epochs: int, seed: int) -> tuple[float, list[dict[str, float]]]:
    """Seconds and the rows of metrics.csv of a run from scratch."""
    recipe = cs.Recipe(
        model=model, mode="scratch", recipe="practical", size=size, epochs=epochs, seed=seed, test_share=0
    )
    start = time.monotonic()
    run = cs.train(data, recipe, out=FOLDER / "runs")
    seconds = time.monotonic() - start
    with (run.path / "metrics.csv").open(encoding="utf-8") as file:
        history = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    shutil.rmtree(run.path)  # a VGG's is half a gigabyte
    return seconds, history


def classics(chosen: list[str], size: int | None, epochs: int, seeds: int) -> bool:
    """The table of those that are infamous."""
    rows, good, data = [], True, few()
    for model in chosen:
        for seed in range(seeds):
            pixels = size or NETWORKS.get(model, 128)
            seconds, history = trained(data, model, pixels, epochs, seed)
            losses = [row["val_loss"] for row in history]
            best = min(history, key=lambda row: row["val_loss"])
            good &= best["val_loss"] <= TARGET
            rows.append((
                model, str(pixels), str(seed), f"{seconds:.0f}", " ".join(f"{loss:.3f}" for loss in losses),
                f"{best['val_top1']:.4f}", "reached" if best["val_loss"] <= TARGET else "missed",
            ))  # fmt: skip
            print(f"{model}, seed {seed}: {rows[-1][4]}", file=sys.stderr, flush=True)
    print(tables.machine("torch"))
    header = ("network", "pixels", "seed", "s", "val loss of each epoch", "val top-1", f"at most {TARGET:.3f}")
    tables.show(header, rows, [f"practical, {EACH} training pictures of each of 10 classes, {epochs} epochs"])
    return good


def resnet18(size: int, epochs: int, seeds: int) -> bool:
    """All of imagenette."""
    rows, top1 = [], []
    for seed in range(seeds):
        seconds, history = trained(ZIP, "resnet18", size, epochs, seed)
        best = min(history, key=lambda row: row["val_loss"])
        top1.append(best["val_top1"])
        rows.append((
            f"seed {seed}", f"{seconds:.0f}", " ".join(f"{row['val_top1']:.3f}" for row in history), f"{top1[-1]:.4f}",
        ))  # fmt: skip
        print(f"resnet18, seed {seed}: {rows[-1][2]}", file=sys.stderr, flush=True)
    mean = statistics.mean(top1)
    error = statistics.stdev(top1) / seeds**0.5 if seeds > 1 else float("nan")
    print(tables.machine("torch"))
    note = f"resnet18 at {size} pixels, {epochs} epochs: mean top-1 {mean:.4f} (s.e. {error:.4f}); bar of 5 epochs: "
    tables.show(("resnet18", "s", "val top-1 of each epoch", "kept"), rows, [note + f"{RESNET18_BAR}"])
    return mean >= RESNET18_BAR


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"default: {' '.join(NETWORKS)}")
    parser.add_argument("--size", type=int, help="side of the input; default: each network's own here")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--resnet18", action="store_true", help="all pictures, resnet18")
    asked = parser.parse_args()
    if not ZIP.is_file():
        print(f"needs {ZIP}")
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    if asked.resnet18:
        good = resnet18(asked.size or 128, asked.epochs, asked.seeds)
    else:
        good = classics(asked.networks or list(NETWORKS), asked.size, asked.epochs, asked.seeds)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
