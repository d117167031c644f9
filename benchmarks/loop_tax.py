"""What our training loop costs: against the same recipe as a bare PyTorch loop, in turn, on the same pictures.

The bare loop does what a tutorial's does, shuffle, scale, step; layout, optimiser and what happens to freed memory are
as in ours. Losses must be equal bit for bit; the ratio is the time of ours over the bare one's.

    python benchmarks/loop_tax.py [NETWORK ...]
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import tables
import torch
from torch.nn import functional

import convscope as cs
from convscope.data.batches import Pixels
from convscope.inference import cpu
from convscope.training.loop import Loop
from convscope.training.optimisers import make_optimiser
from convscope.training.schedules import rate_at
from convscope.training.step import seed_of
from convscope.words import SILENT

ROUNDS = 5
# network, pictures, pixels, channels, batch, epochs: pictures as of half of Fashion-MNIST, of a small set, and as many
# photos as the ants and bees of PyTorch's tutorial
CASES = (
    ("lenet5_modern", 24_576, 28, 1, 64, 2),
    ("course_cnn", 8_192, 28, 1, 64, 2),
    ("mobilenet_v2", 244, 64, 3, 32, 4),
    ("mobilenet_v2", 244, 96, 3, 32, 4),
)


def material(pictures: int, size: int, channels: int) -> tuple[Pixels, Pixels]:
    """Random pictures and labels: the time of a step does not depend on what they show."""
    from convscope.data.listing import build
    from convscope.data.stores import Arrays

    generator = torch.Generator().manual_seed(0)
    blocks = {
        part: torch.randint(0, 256, (count, channels, size, size), dtype=torch.uint8, generator=generator)
        for part, count in (("train", pictures), ("val", 64))
    }
    store = Arrays(Path("random"), blocks)
    entries = [(name, str(number % 10), name.split("/")[0]) for number, name in enumerate(store.names)]
    listing = build(store, entries, title="random")
    preprocess = cs.Preprocess(size=size, channels=channels, mean=(0.5,) * channels, spread=(0.5,) * channels)
    return Pixels(listing.part("train"), preprocess), Pixels(listing.part("val"), preprocess)


def fresh(recipe: cs.Recipe, train: Pixels) -> torch.nn.Module:
    torch.manual_seed(recipe.seed)
    return cs.build(recipe.model, 10, train.preprocess.channels, train.preprocess.size)


def ours(recipe: cs.Recipe, train: Pixels, val: Pixels) -> tuple[float, list[float]]:
    network = fresh(recipe, train)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(network, recipe, train, val, Path(folder), SILENT, lambda *_, **__: None)
        start = time.perf_counter()
        history = loop.run().history
        return time.perf_counter() - start, [row["train_loss"] for row in history]


@cpu.keeping_memory()
def bare(recipe: cs.Recipe, train: Pixels, val: Pixels) -> tuple[float, list[float]]:
    network = fresh(recipe, train).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(recipe, network)
    pixels, labels = train[np.arange(len(train))], torch.from_numpy(train.listing.labels)
    steps = -(-len(train) // recipe.batch)
    start = time.perf_counter()
    losses = []
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        order = torch.from_numpy(np.random.default_rng([recipe.seed, epoch]).permutation(len(train)))
        total = 0.0
        for step, rows in enumerate(order.split(recipe.batch)):
            torch.manual_seed(seed_of(recipe.seed, epoch, step, 0))
            x = pixels[rows].float().mul_(1 / 255).sub_(0.5).div_(0.5).contiguous(memory_format=torch.channels_last)
            for group in optimiser.param_groups:
                group["lr"] = rate_at(recipe, (epoch - 1) * steps + step, steps)
            loss = functional.cross_entropy(network(x), labels[rows])
            total += loss.item() * len(rows)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
        losses.append(total / len(train))
        network.eval()
        with torch.inference_mode():
            network(val.preprocess.scale(val[np.arange(len(val))]).contiguous(memory_format=torch.channels_last))
    return time.perf_counter() - start, losses


def main() -> None:
    rows = []
    for model, pictures, size, channels, batch, epochs in CASES:
        if sys.argv[1:] and model not in sys.argv[1:]:
            continue
        recipe = cs.Recipe(model=model, epochs=epochs, batch=batch, device="cpu", precision="f32")
        train, val = material(pictures, size, channels)
        pairs = [(ours(recipe, train, val), bare(recipe, train, val)) for _ in range(ROUNDS + 1)][1:]
        seconds = [f"{median(pair[side][0] for pair in pairs):.2f}" for side in (0, 1)]
        ratios = sorted(pair[0][0] / pair[1][0] for pair in pairs)
        equal = "yes" if all(pair[0][1] == pair[1][1] for pair in pairs) else "NO"
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        rows.append((model, f"{pictures:,}", f"{size}", *seconds, f"{median(ratios):.3f}", spread, equal))
        print(f"{model} at {size} done", file=sys.stderr, flush=True)
    header = ("network", "pictures", "pixels", "ours s", "bare s", "ours / bare", "of rounds", "losses equal")
    print(tables.machine("torch", "accelerate"))
    tables.show(header, rows, [f"medians of {ROUNDS} rounds after one that is not counted"])


if __name__ == "__main__":
    main()
