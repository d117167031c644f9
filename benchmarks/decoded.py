"""An epoch of training pictures from the cache of decoded ones, against decoding each anew, on twelve megapixels.

Photos are enlarged as for decode.py. Each round reads an epoch both ways, in turn, in one process, once alone and once
with a network that trains on what comes; both cut and mirror pictures, and must give the same bytes. `keep: disk` is
opened a second time, as a later run does, so that its first epoch is counted, too.

    python benchmarks/decoded.py [PHOTOS]
"""

import os
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from statistics import median

import numpy as np
import tables
import torch
from asking import SHARED
from decode import GRAIN, enlarged
from torch.nn import functional

import convscope as cs
from convscope.data import cache
from convscope.data.augment import Augmented, Plan, roomy
from convscope.data.batches import Pixels
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.data.sources import read
from convscope.inference import cpu

ROUNDS = 3
BATCH = 16
NETWORK = "resnet18"
# decoding, pixels, whether the network trains meanwhile
CASES = (("full", 224, False), ("scaled", 224, False), ("full", 64, True), ("full", 224, True))
PLAN = Plan(crop="area", flip=True)


def pictures(listing: Listing, keep: str, decode: str, size: int) -> Augmented:
    mean, spread = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    preprocess = Preprocess(size=size, share=0.875, decode=decode, mean=mean, spread=spread)
    pixels = Pixels(listing, roomy(preprocess, PLAN), keep=keep, threads=cpu.threads())
    return Augmented(pixels, size, 0, PLAN)


@cpu.keeping_memory()
def epoch(source: Augmented, number: int, network: torch.nn.Module | None) -> tuple[float, str]:
    """Seconds of an epoch, and a hash of what was seen."""
    seen, labels = source.epoch(number), torch.from_numpy(source.pixels.listing.labels)
    order = np.random.default_rng(number).permutation(len(source))
    start, total = time.perf_counter(), sha256()
    for rows, some in seen.batches(order, BATCH):
        if network:
            functional.cross_entropy(network(seen.preprocess.scale(some)), labels[rows]).backward()
            with torch.no_grad():
                for values in network.parameters():
                    values.sub_(values.grad, alpha=0.01)
                    values.grad = None
        total.update(some.numpy())
    return time.perf_counter() - start, total.hexdigest()


def compared(kind: str, listing: Listing, decode: str, size: int, trains: bool) -> tuple[str, ...]:
    cache.clear(["decoded"])
    start = time.perf_counter()
    pictures(listing, "disk", decode, size)
    filling = time.perf_counter() - start
    start = time.perf_counter()
    kept = pictures(listing, "disk", decode, size)
    opening = time.perf_counter() - start
    assert kept.pixels.kept == "disk"
    anew = pictures(listing, "none", decode, size)
    network = cs.build(NETWORK, len(listing.classes), 3, size) if trains else None
    pairs = [[epoch(source, number, network) for source in (anew, kept)] for number in range(1, ROUNDS + 1)]
    ratios = sorted(first[0] / second[0] for first, second in pairs)
    speeds = [f"{len(listing) / median(pair[side][0] for pair in pairs):.1f}" for side in (0, 1)]
    work = f"{kind}, {decode}, {size} pixels" + f", {NETWORK} trains" * trains
    print(f"{work} done", file=sys.stderr, flush=True)
    return (
        work, str(len(listing)), *speeds, f"{median(ratios):.2f}", f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
        f"{filling:.1f}", f"{opening:.2f}", "yes" if all(one[1] == other[1] for one, other in pairs) else "NO",
    )  # fmt: skip


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    photos = read(SHARED / "hymenoptera" / "val")
    photos = photos.take(np.linspace(0, len(photos) - 1, min(most, len(photos))).round())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CONVSCOPE_CACHE"] = str(folder / "cache")
        rows = []
        for kind, grain in (("12 megapixels", 0.0), ("12 megapixels, grainy", GRAIN)):
            root = folder / kind
            root.mkdir()
            for label, title in enumerate(photos.classes):
                enlarged(photos.take(np.flatnonzero(photos.labels == label)), root / title, grain)
            rows += [compared(kind, read(root), *case) for case in CASES]
    header = ("an epoch of", "photos", "anew", "cached", "ratio", "of rounds", "filling s", "opening s", "equal")
    print(tables.machine("torch", "torchvision", "pillow"))
    tables.show(
        header,
        rows,
        [
            f"photos/s, cut and mirrored, batches of {BATCH}; medians of {ROUNDS} rounds; "
            "the ratio must be at least 1.5; where a network trains, its own time bounds it",
            "filling: decoding all once and writing them, which a run does anyway to know what can be read; opening: "
            "what a later run does instead",
        ],
    )


if __name__ == "__main__":
    main()
