"""A folder of photos to a trained model file, from a cold process start: ours against fastai's and Keras's way.

Ours is `convscope train` in mode frozen: once without any cache, once with only the converted network kept. The peers
train one frozen and one unfrozen epoch, as their guides do, with the same network and weights. Accuracy is that on the
same val folder.

    python benchmarks/transfer.py [--quick] [imagenette] [hymenoptera]      # --quick: one seed instead of three
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import borrowed
import tables
from asking import SHARED, WEIGHTS, WORK
from peers import ask, python_of

FILE = WEIGHTS / "mobilenet_v2_tf.safetensors"
FOLDER = WORK / "transfer"
EACH = {"train": 100, "val": 50}  # pictures of each class, first by name

DID = {
    "convscope": "features of the frozen network once, logistic regression; no cache",
    "convscope, converted": "the same; the converted network was kept, no features",
    "fastai": "fine_tune(1): a frozen and an unfrozen epoch, then export",
    "keras": "a frozen and an unfrozen epoch, then save",
}


def imagenette() -> Path:
    """1,000 training pictures and 500 to validate on, unpacked once."""
    folder = FOLDER / "imagenette"
    if not folder.is_dir():
        new = FOLDER / "unpacking"
        shutil.rmtree(new, ignore_errors=True)
        with zipfile.ZipFile(SHARED / "imagenette-128.zip") as archive:
            taken: dict[tuple[str, str], int] = {}
            for name in sorted(archive.namelist()):
                _, part, label, file = name.split("/")
                taken[part, label] = taken.get((part, label), 0) + 1
                if taken[part, label] <= EACH[part]:
                    (new / part / label).mkdir(parents=True, exist_ok=True)
                    (new / part / label / file).write_bytes(archive.read(name))
        new.rename(folder)
    return folder


def ours(data: Path, seed: int, keep: str | None) -> tuple[float, float]:
    """Seconds and accuracy of our command; of the cache only the folder `keep` is left from the run before."""
    cache = FOLDER / "cache"
    for folder in cache.iterdir() if cache.is_dir() else ():
        if folder.name != keep:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    flags = ["--model", borrowed.MODEL, "--weights", FILE, "--mode", "frozen", "--test-share", 0, "--seed", seed]
    command = [sys.executable, "-m", "convscope", "train", data, *flags, "--out", FOLDER / "runs", "--json"]
    start = time.monotonic()
    environment = os.environ | {"CONVSCOPE_CACHE": str(cache)}
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, env=environment)
    seconds = time.monotonic() - start
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return seconds, json.loads(done.stdout)["val_top1"]


def theirs(peer: str, data: Path, weights: Path, seed: int) -> tuple[float, float, str]:
    """Seconds, accuracy and versions of a peer."""
    start = time.monotonic()
    answer = ask(peer, "train", data, weights, FOLDER / f"{peer}.{'keras' if peer == 'keras' else 'pkl'}", seed)
    return time.monotonic() - start, float(str(answer["val_top1"])), str(answer["versions"])


def warm_up(peers: list[str]) -> None:
    """Read every library once: the first process after a start of the machine would pay for the disk."""
    imports = {"fastai": "fastai.vision.all, timm", "keras": "tensorflow, keras"}
    subprocess.run([sys.executable, "-c", "import openvino, torchvision, sklearn.linear_model"], check=True)
    for peer in peers:
        subprocess.run(
            [str(python_of(peer)), "-W", "ignore", "-c", f"import {imports[peer]}"], capture_output=True, check=True
        )


def compare(title: str, data: Path, peers: list[str], seeds: range) -> tuple[list[tuple[str, ...]], list[str]]:
    """Rows of the table, and what to know about them."""
    network, photos = borrowed.recalibrated(FILE, data)
    place = FOLDER / "lent" / title
    place.mkdir(parents=True, exist_ok=True)
    lent = {peer: borrowed.lend(peer, network, photos, place) for peer in peers}
    notes = [f"{title}: {peer}'s features of 8 photos are ours to {gap:.0e}" for peer, (_, gap) in lent.items()]
    seconds: dict[str, list[float]] = {}
    top1: dict[str, list[float]] = {}
    for seed in seeds:
        results = {"convscope": ours(data, seed, None), "convscope, converted": ours(data, seed, "engines")}
        for peer in peers:
            took, accuracy, versions = theirs(peer, data, lent[peer][0], seed)
            results[peer] = took, accuracy
            if seed == seeds[0]:
                notes.append(f"{title}: {peer} ran {versions}")
        for side, (took, accuracy) in results.items():
            seconds.setdefault(side, []).append(took)
            top1.setdefault(side, []).append(accuracy)
        print(f"{title}, seed {seed} done", file=sys.stderr, flush=True)
    rows = []
    for side, taken in seconds.items():
        cold, warm = (
            statistics.median(b / a for a, b in zip(seconds[base], taken, strict=True))
            for base in ("convscope", "convscope, converted")
        )
        error = statistics.stdev(top1[side]) / len(taken) ** 0.5 if len(taken) > 1 else float("nan")
        rows.append((
            title, side, f"{statistics.median(taken):.1f}", f"{min(taken):.1f} to {max(taken):.1f}", f"{cold:.1f}",
            f"{warm:.1f}", f"{statistics.mean(top1[side]):.4f}", f"{error:.4f}",
        ))  # fmt: skip
    return rows, notes


def main() -> int:
    if not FILE.is_file():
        print(f"needs {FILE}")
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    peers = [peer for peer in borrowed.SUFFIX if python_of(peer)]
    seeds = range(1 if "--quick" in sys.argv else 3)
    warm_up(peers)
    rows, notes = [], [f"{side}: {did}" for side, did in DID.items() if side in peers or "convscope" in side]
    notes += [f"{peer}: not installed (python benchmarks/peers.py {peer})" for peer in borrowed.SUFFIX.keys() - peers]
    notes.append(
        "peers: 224 pixels, batch 64, x / 127.5 - 1, everything else as it comes; batch norm recalibrated beforehand"
    )
    sets = {"imagenette": imagenette, "hymenoptera": lambda: SHARED / "hymenoptera"}
    for title in [name for name in sets if name in sys.argv] or sets:
        more, told = compare(title, sets[title](), peers, seeds)
        rows += more
        notes += told
    header = ("pictures", "side", "s", "of runs", "/ ours cold", "/ converted kept", "val top-1", "s.e.")
    print(tables.machine("torch", "openvino", "scikit-learn"))
    tables.show(header, rows, notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
