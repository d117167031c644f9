"""Our training step against a plain PyTorch loop in float32: every family of the zoo, the same pictures and weights.

Ours is `training.loop` as `convscope train` runs it. The plain one is what a tutorial writes: contiguous tensors, Adam
as it comes, no settings. Each side is a process; they take turns of some steps each, and the ratio is taken turn by
turn.

    python benchmarks/train_step.py [NETWORK ...]
"""

import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

import sides
import tables

from convscope.words import Listener

TURNS = 5
TURN_S = 2.0  # of each turn; at least 2 steps count, at most 60
MOST_STEPS = 60

# network → pixels, batch; the first two at the size that is promised, large ones at a smaller one
FAMILIES = {
    "resnet18": (224, 16),
    "mobilenet_v2": (224, 16),
    "lenet5": (32, 64),
    "lenet5_modern": (28, 64),
    "lenet_caffe": (28, 64),
    "course_cnn": (28, 64),
    "alexnet_owt": (224, 16),
    "zfnet": (224, 16),
    "nin": (32, 64),
    "vgg11": (96, 16),
    "googlenet": (128, 16),
    "resnet50": (128, 16),
    "resnet20_cifar": (32, 64),
    "mobilenet_v1": (128, 16),
    "mobilenet_v3_large": (128, 16),
    "allcnn": (32, 64),
}


class Clock(Listener):
    """Notes when each step ended."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    def progress(self, stage: str, done: int, total: int) -> None:  # noqa: ARG002 (a Listener's)
        if stage == "train":
            self.moments.append(time.perf_counter())

    def steps(self) -> list[float]:
        """Seconds of every step but the first, which also wakes the threads."""
        return [after - before for before, after in zip(self.moments, self.moments[1:], strict=False)]


@lru_cache(maxsize=1)
def network(model: str, size: int, wish: str) -> tuple[Any, Any]:
    """The network as built from seed 0, and its preprocessing; kept from turn to turn, one at a time."""
    import torch

    import convscope as cs
    from convscope.models import zoo

    del wish  # another arithmetic begins anew
    row = zoo.find(model)
    torch.manual_seed(0)
    return cs.build(model, 10, row.channels, size), row.preprocess(size, row.channels)


@lru_cache(maxsize=1)
def pictures(channels: int, size: int, count: int) -> tuple[Any, Any]:
    """Random pictures to learn from, and two to validate on: a step's time does not depend on what they show."""
    import torch

    from convscope.data.listing import build
    from convscope.data.stores import Arrays

    random = torch.Generator().manual_seed(0)
    blocks = {
        part: torch.randint(0, 256, (some, channels, size, size), dtype=torch.uint8, generator=random)
        for part, some in (("train", count), ("val", 2))
    }
    store = Arrays(Path("random"), blocks)
    entries = [(name, str(number % 10), name.split("/")[0]) for number, name in enumerate(store.names)]
    listing = build(store, entries, title="random")
    return listing.part("train"), listing.part("val")


def ours(model: str, size: int, batch: int, steps: int, wish: str) -> sides.Answer:
    """The loop of `convscope train` for one epoch of `steps` steps."""
    import convscope as cs
    from convscope.data.batches import Pixels
    from convscope.inference import cpu
    from convscope.training import choices
    from convscope.training.loop import Loop
    from convscope.words import SILENT

    net, preprocess = network(model, size, wish)
    train, val = (Pixels(part, preprocess) for part in pictures(preprocess.channels, size, steps * batch))
    recipe = cs.Recipe(model=model, epochs=1, batch=batch, schedule="constant", device="cpu", precision=wish)
    with cpu.using(None):
        recipe, _ = choices.settle(recipe, net, preprocess, SILENT)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, cpu.using(recipe.threads):
        history = Loop(net, recipe, train, val, Path(folder), clock, lambda *_, **__: None).run().history
    return {"seconds": clock.steps(), "loss": history[-1]["train_loss"], "precision": recipe.precision}


def plain(model: str, size: int, batch: int, steps: int, wish: str) -> sides.Answer:
    """The same epoch as a tutorial writes it."""
    import numpy as np
    import torch
    from torch.nn import functional

    net, preprocess = network(model, size, wish)
    listing, _ = pictures(preprocess.channels, size, steps * batch)
    pixels = listing.store.rows(listing.files)
    labels = torch.from_numpy(listing.labels)
    mean, spread = (torch.tensor(values)[:, None, None] for values in (preprocess.mean, preprocess.spread))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    order = torch.from_numpy(np.random.default_rng([0, 1]).permutation(len(listing)))
    clock, total = Clock(), 0.0
    net.train()
    for rows in order.split(batch):
        x = (pixels[rows].float() / 255 - mean) / spread
        optimiser.zero_grad()
        scores, *inner = output if isinstance(output := net(x), tuple) else (output,)
        own = loss = functional.cross_entropy(scores, labels[rows])
        for head in inner:
            loss = loss + 0.3 * functional.cross_entropy(head, labels[rows])
        loss.backward()
        optimiser.step()
        total += own.item()
        clock.progress("train", 0, 0)
    return {"seconds": clock.steps(), "loss": total / steps, "precision": "f32"}


def compare(mine: sides.Side, theirs: sides.Side, model: str, wish: str) -> tuple[str, ...]:
    """A row of the table."""
    size, batch = FAMILIES[model]
    question = {"model": model, "size": size, "batch": batch, "wish": wish}
    first = [side.ask(**question, steps=3) for side in (mine, theirs)]  # warm up, and see how long a step is
    longest = max(median(answer["seconds"]) for answer in first)
    steps = 1 + max(2, min(MOST_STEPS, round(TURN_S / longest)))
    pairs = [(mine.ask(**question, steps=steps), theirs.ask(**question, steps=steps)) for _ in range(TURNS)]
    ms = [1000 * median(median(pair[side]["seconds"]) for pair in pairs) for side in (0, 1)]
    ratios = sorted(median(b["seconds"]) / median(a["seconds"]) for a, b in pairs)
    losses = "{:.3f} {:.3f}".format(*(pairs[0][side]["loss"] for side in (0, 1)))
    return (
        model, f"{size}", f"{batch}", pairs[0][0]["precision"], f"{ms[0]:.1f}", f"{ms[1]:.1f}",
        f"{median(ratios):.2f}", f"{ratios[0]:.2f} to {ratios[-1]:.2f}", losses,
    )  # fmt: skip


def main() -> None:
    from convscope.inference import cpu

    chosen = sys.argv[1:] or list(FAMILIES)
    header = (
        "network", "pixels", "batch", "ours in", "ours ms", "plain ms", "times faster", "of turns", "losses",
    )  # fmt: skip
    rows = []
    with sides.Side(__file__, "ours") as mine, sides.Side(__file__, "plain") as theirs:
        for model in chosen:
            rows.append(compare(mine, theirs, model, "auto"))
            if rows[-1][3] != "f32":
                rows.append(compare(mine, theirs, model, "f32"))
            print(f"{model} done", file=sys.stderr, flush=True)
    print(tables.machine("torch"))
    notes = [
        f"medians of {TURNS} turns; plain: contiguous float32, torch.optim.Adam, {cpu.threads()} threads",
        "ours: channels-last, threads and arithmetic as `convscope train` chooses them; where that is bf16, a second "
        "row has it switched off",
        "losses: mean of the first counted turn, ours and plain, from the same weights; first steps apart, they drift",
    ]
    if not cpu.bf16_hardware():
        notes.append("no bfloat16 instructions here: what ours gains by them cannot be shown on this machine")
    tables.show(header, rows, notes)


if __name__ == "__main__":
    side = sides.asked()
    if side:
        sides.serve(ours if side == "ours" else plain)
    else:
        main()
