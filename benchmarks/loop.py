"""Our training loop against the same recipe written as a bare PyTorch loop, in turn, on the same pictures.

The bare loop does what a tutorial's does: shuffle, scale, step. Losses must be equal bit for bit; then the time of
ours over the bare one's is printed, for several networks.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.nn import functional

import convscope as cs
from convscope.data.batches import Pixels
from convscope.training.loop import Loop
from convscope.training.schedules import rate_at
from convscope.words import SILENT

# of an epoch, as Fashion-MNIST has and as a small set has
PICTURES = {"lenet5_modern": 49_152, "course_cnn": 8_192}
ROUNDS = 5


def material(pictures: int) -> tuple[Pixels, Pixels]:
    """Random pictures and labels: the time of a step does not depend on what they show."""
    from convscope.data.listing import build
    from convscope.data.stores import Arrays

    generator = torch.Generator().manual_seed(0)
    blocks = {
        "train": torch.randint(0, 256, (pictures, 1, 28, 28), dtype=torch.uint8, generator=generator),
        "val": torch.randint(0, 256, (64, 1, 28, 28), dtype=torch.uint8, generator=generator),
    }
    store = Arrays(Path("random"), blocks)
    entries = [(name, str(number % 10), name.split("/")[0]) for number, name in enumerate(store.names)]
    listing = build(store, entries, title="random")
    preprocess = cs.Preprocess(size=28, channels=1, mean=(0.5,), spread=(0.5,))
    return Pixels(listing.part("train"), preprocess), Pixels(listing.part("val"), preprocess)


def ours(recipe: cs.Recipe, train: Pixels, val: Pixels) -> tuple[float, float]:
    torch.manual_seed(recipe.seed)
    network = cs.build(recipe.model, 10, 1, 28)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(network, recipe, train, val, Path(folder), SILENT, lambda *_, **__: None)
        start = time.perf_counter()
        history = loop.run().history
        return time.perf_counter() - start, history[-1]["train_loss"]


def bare(recipe: cs.Recipe, train: Pixels, val: Pixels) -> tuple[float, float]:
    torch.manual_seed(recipe.seed)
    network = cs.build(recipe.model, 10, 1, 28).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), recipe.rate)
    pixels, labels = train[np.arange(len(train))], torch.from_numpy(train.listing.labels)
    steps = len(train) // recipe.batch
    start = time.perf_counter()
    total = 0.0
    for epoch in range(1, recipe.epochs + 1):
        torch.manual_seed(int(np.random.SeedSequence([recipe.seed, epoch]).generate_state(1)[0]))
        network.train()
        order = torch.from_numpy(np.random.default_rng([recipe.seed, epoch]).permutation(len(train)))
        total = 0.0
        for step, rows in enumerate(order.split(recipe.batch)):
            x = pixels[rows].float().mul_(1 / 255).sub_(0.5).div_(0.5).contiguous(memory_format=torch.channels_last)
            for group in optimiser.param_groups:
                group["lr"] = rate_at(recipe, (epoch - 1) * steps + step, steps)
            loss = functional.cross_entropy(network(x), labels[rows])
            total += loss.item() * len(rows)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
        network.eval()
        with torch.inference_mode():
            network(val.preprocess.scale(val[np.arange(len(val))]))
    return time.perf_counter() - start, total / len(train)


def main() -> None:
    print(f"{'network':<16}{'ours s':>10}{'bare s':>10}{'ratio':>8}  losses equal")
    for model, pictures in PICTURES.items():
        recipe = cs.Recipe(model=model, epochs=2, batch=64, device="cpu", precision="f32")
        train, val = material(pictures)
        pairs = [(ours(recipe, train, val), bare(recipe, train, val)) for _ in range(ROUNDS + 1)][1:]
        mine, theirs = median(p[0][0] for p in pairs), median(p[1][0] for p in pairs)
        ratio = median(p[0][0] / p[1][0] for p in pairs)
        equal = all(p[0][1] == p[1][1] for p in pairs)
        print(f"{model:<16}{mine:>10.2f}{theirs:>10.2f}{ratio:>8.3f}  {equal}")


if __name__ == "__main__":
    main()
