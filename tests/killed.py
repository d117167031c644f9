"""A small training that is run in its own process, to be killed: `python -m tests.killed RUN [resume] [FAULT...]`.

Writes what each step saw to RUN.seen, a line as the step begins. Faults: `slow-save` takes its time between the two
files of a checkpoint and says so in RUN.saving; `skip-step` is the planted error of a sampler that forgets a step.
"""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import convscope as cs
from convscope.training import checkpoint, feed

RECIPE = {
    "data": "digits", "model": "course_cnn", "mode": "scratch", "size": 28, "epochs": 3, "batch": 32, "threads": 1,
    "precision": "f32", "device": "cpu", "ema": 0.9, "crop": "shift", "mixup": 0.2, "label_smoothing": 0.1,
    "optimiser": "sgd", "schedule": "one-cycle", "accumulate": 2, "checkpoint_min": 0.0001, "rate": 0.02,
    "patience_checks": None,
}  # fmt: skip


def record(seen: Path) -> None:
    """Write down every group of training pictures: epoch, groups that are left, rows."""
    real = feed.batches

    def spy(pixels, groups, device):
        for number, batch in enumerate(real(pixels, groups, device)):
            if hasattr(pixels, "number"):
                line = [pixels.number, len(groups) - number, groups[number].tolist()]
                with seen.open("a") as file:
                    file.write(json.dumps(line) + "\n")
            yield batch

    feed.batches = spy


def main() -> None:
    run, faults = Path(sys.argv[1]), sys.argv[2:]
    record(run.with_suffix(".seen"))
    if "slow-save" in faults:
        real = checkpoint.write_json

        def slowly(file, content):
            run.with_suffix(".saving").write_text("now")
            time.sleep(0.4)
            real(file, content)

        checkpoint.write_json = slowly
    if "skip-step" in faults:
        load = checkpoint.Checkpoint.load
        checkpoint.Checkpoint.load = lambda *given: replace(load(*given), step=load(*given).step + 1)
    workers = 2 if "workers" in faults else 0
    precision = "bf16" if "bf16" in faults else "f32"
    if "resume" in faults and (run / "config.yaml").is_file():
        cs.train(resume=run)
    else:
        epochs = 12 if "long" in faults else RECIPE["epochs"]
        recipe = cs.Recipe(**{**RECIPE, "workers": workers, "precision": precision, "epochs": epochs})
        cs.train(cs.read("digits").take(range(0, 1797, 3)), recipe, out=run.parent, name=run.name)


if __name__ == "__main__":
    main()
