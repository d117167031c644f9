"""Which network photos are given by default: pictures a second through each candidate, and accuracy with real weights.

Speed does not depend on what weights hold, so every candidate is timed with fresh ones, on the engine that would be
chosen. Accuracy is a frozen head's on hymenoptera's own validation folder and on 10 imagenette classes (100 photos a
class to learn from, 50 to judge, first by name).
"""

import sys
import tempfile
import time
import zipfile
from pathlib import Path
from statistics import median

import torch
from asking import SHARED, WEIGHTS

import convscope as cs
from convscope.data.preprocess import Preprocess
from convscope.inference.engine import Engine
from convscope.models import zoo
from convscope.models.bundle import Bundle, Card

CANDIDATES = (
    "mobilenet_v3_small", "mobilenet_v1_025_same", "mobilenet_v3_large", "mobilenet_v1", "mobilenet_v2",
    "mobilenet_v2_same", "resnet18", "resnet50",
)  # fmt: skip
AT_HAND = {
    "mobilenet_v2_same": "mobilenet_v2_tf.safetensors",
    "mobilenet_v1_025_same": "mobilenet_v1_025_keras.safetensors",
}
PICTURES, ROUNDS, LEARNED, JUDGED = 192, 3, 100, 50


def engine_of(name: str) -> Engine:
    row = zoo.find(name)
    torch.manual_seed(0)
    network = row.build(2, 3, row.sizes[0])
    preprocess = Preprocess(size=row.sizes[0], mean=(0.5,) * 3, spread=(0.5,) * 3)
    card = Card(convscope="0", network=name, classes=("a", "b"), preprocess=preprocess)
    return Engine(Bundle(card, network.state_dict()), pictures=1_000)


def rate(engine: Engine) -> float:
    size = engine.bundle.card.preprocess.size
    pixels = torch.randint(0, 256, (PICTURES, 3, size, size), dtype=torch.uint8)
    engine.probabilities(pixels[:32])
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        engine.probabilities(pixels)
        seconds.append(time.perf_counter() - start)
    return PICTURES / median(seconds)


def imagenette(folder: Path) -> Path:
    """A thousand photos to learn from and five hundred to judge, as class folders."""
    with zipfile.ZipFile(SHARED / "imagenette-128.zip") as archive:
        files = sorted(name for name in archive.namelist() if name.upper().endswith(".JPEG") or name.endswith(".jpg"))
        for part, count in (("train", LEARNED), ("val", JUDGED)):
            of_class: dict[str, list[str]] = {}
            for name in files:
                *_, this, label, _ = name.split("/")
                if this == part:
                    of_class.setdefault(label, []).append(name)
            for label, names in of_class.items():
                (folder / part / label).mkdir(parents=True, exist_ok=True)
                for name in names[:count]:
                    (folder / part / label / Path(name).name).write_bytes(archive.read(name))
    return folder


def accuracy(name: str, data: Path, runs: Path) -> str:
    recipe = cs.Recipe(model=name, weights=str(WEIGHTS / AT_HAND[name]), test_share=0.0)
    run = cs.train(data, recipe, out=runs)
    return f"{run.val_top1:.4f}"


def main() -> None:
    print(f"{'network':<24}{'ImageNet':>10}{'MMACs':>8}{'photos/s':>10}{'hymenoptera':>13}{'imagenette':>12}  engine")
    with tempfile.TemporaryDirectory() as folder:
        sets = [SHARED / "hymenoptera", imagenette(Path(folder) / "imagenette")] if SHARED.is_dir() else []
        for name in sys.argv[1:] or CANDIDATES:
            row, engine = zoo.find(name), engine_of(name)
            seen = [accuracy(name, data, Path(folder) / "runs") if name in AT_HAND else "-" for data in sets] or [
                "-",
                "-",
            ]
            published = min(
                (error.top1 for error in row.errors if error.top1 and "ImageNet" in error.protocol), default=None
            )
            top1 = "-" if published is None else f"{100 - published:.1f}"
            line = f"{name:<24}{top1:>10}{row.macs / 1e6:>8.0f}{rate(engine):>10.0f}{seen[0]:>13}{seen[1]:>12}"
            print(f"{line}  {engine.choice.backend}", flush=True)


if __name__ == "__main__":
    main()
