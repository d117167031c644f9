"""A small training that processes share: `torchrun --nproc_per_node 2 -m tests.teamed RUN [NETWORK] [resume]`.

Each process writes which rows it trained on to RUN.RANK.seen, a line as a step begins.
"""

import json
import os
import sys
from pathlib import Path

import convscope as cs
from convscope.training import feed

RECIPE = {
    "mode": "scratch", "size": 28, "epochs": 2, "batch": 26, "threads": 1, "precision": "f32", "device": "cpu",
    "optimiser": "sgd", "rate": 0.01, "checkpoint_min": 0.0001, "patience_checks": None,
}  # fmt: skip


def record(run: Path) -> None:
    real, rank = feed.batches, os.environ.get("RANK", "0")

    def spy(pixels, groups, device):
        training = len(pixels) > 300
        for rows, batch in zip(groups, real(pixels, groups, device), strict=True):
            if training:
                with run.with_suffix(f".{rank}.seen").open("a") as file:
                    file.write(json.dumps([os.getpid(), rows.tolist()]) + "\n")
            yield batch

    feed.batches = spy


def main() -> None:
    run, network = Path(sys.argv[1]), sys.argv[2]
    record(run)
    epochs = 200 if "long" in sys.argv else 2
    if "resume" in sys.argv:
        finished = cs.train(resume=run)
    else:
        listing = cs.read("digits").take(range(0, 1797, 2))
        recipe = cs.Recipe(**{**RECIPE, "model": network, "epochs": epochs})
        finished = cs.train(listing, recipe, out=run.parent, name=run.name)
    assert finished.path == run


if __name__ == "__main__":
    main()
