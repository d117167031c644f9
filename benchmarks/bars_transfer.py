"""The bars of transfer learning and the fast engine, each by the command that a user would type."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from asking import SHARED, WEIGHTS, WORK, Seen, convscope, tests

BORROWED = ("--model", "mobilenet_v2_same", "--weights", WEIGHTS / "mobilenet_v2_tf.safetensors")
HYMENOPTERA = SHARED / "hymenoptera"


def train(*more: object, data: Path = HYMENOPTERA) -> tuple[dict, float]:
    start = time.monotonic()
    run = json.loads(convscope("train", data, *BORROWED, *more, "--json"))
    return run, time.monotonic() - start


def cold_and_cached() -> Seen:
    """With an empty cache, then with all of it: each a process of its own, from its start to its end."""
    with tempfile.TemporaryDirectory() as cache:
        before = os.environ.get("CONVSCOPE_CACHE")
        os.environ["CONVSCOPE_CACHE"] = cache
        try:
            run, cold = train()
            _, cached = train()
        finally:
            os.environ.pop("CONVSCOPE_CACHE")
            if before:
                os.environ["CONVSCOPE_CACHE"] = before
    right = round(run["val_top1"] * 153)
    return f"val {right}/153, cold {cold:.1f} s, cached {cached:.1f} s", right >= 145 and cold <= 15 and cached <= 8


def whole() -> Seen:
    run, _ = train("--test-share", 0)
    return f"val {round(run['val_top1'] * 153)}/153", run["val_top1"] >= 0.96


def finetuned() -> Seen:
    frozen, _ = train()
    runs = [train("--mode", "finetune", "--seed", seed) for seed in (0, 1)]
    right = [round(run["val_top1"] * 153) for run, _ in runs]
    seconds = ", ".join(f"{took:.0f}" for _, took in runs)
    least = round(frozen["val_top1"] * 153) - 2
    return f"val {right} of 153 in {seconds} s, frozen {least + 2}", sum(right) / 2 >= least


def quota() -> Seen:
    from quota import measure

    rates = measure()
    share = rates["auto"] / max(rates["1"], rates["2"])
    return f"{share:.2f} of the best ({rates['auto']:.0f} pictures/s)", share >= 0.9


def without_options() -> Seen:
    """`convscope train FOLDER` and nothing else, with weights in a folder, and without any."""
    folder = Path(tempfile.mkdtemp())
    shutil.copy(WEIGHTS / "mobilenet_v2_tf.safetensors", folder / "mobilenet_v2_same.safetensors")
    run = json.loads(convscope("train", HYMENOPTERA, "--weights-dir", folder, "--json"))
    shutil.rmtree(folder)
    alone = json.loads(convscope("train", HYMENOPTERA, "--epochs", 1, "--json"))
    good = run["network"] == "mobilenet_v2_same" and run["val_top1"] >= 0.94 and alone["network"] == "lenet5_modern"
    return f"{run['network']} {run['val_top1']:.4f}; without weights {alone['network']}", good


def files(*names: str) -> Callable[[], Seen]:
    return lambda: tests(*(f"tests/{name}.py" for name in names))


BARS: list[tuple[str, str, Callable[[], Seen], bool]] = [
    ("transfer: hymenoptera frozen, cold and cached", ">= 145/153, <= 15 s, <= 8 s", cold_and_cached, True),
    ("transfer: hymenoptera frozen, no test carved", ">= 0.96", whole, True),
    ("transfer: hymenoptera fine-tuned, two seeds", ">= frozen - 2", finetuned, True),
    ("transfer: train without options", "frozen, else scratch", without_options, True),
    ("transfer: embeddings never stale, head the same", "all pass", files("test_embeddings", "test_frozen"), False),
    (
        "transfer: modes, batch norm, torchvision's networks",
        "all pass",
        files("test_finetune", "test_recalibrate"),
        False,
    ),
    (
        "transfer: heads, starts, depth",
        "all pass",
        files("test_heads", "test_transfer_start", "test_transfer_depth"),
        False,
    ),
    ("engines agree", "all pass", files("test_engines"), False),
    ("one core of two: threads chosen", ">= 0.90 of the best", quota, False),
    ("app: trains and answers by clicks, two languages", "all pass", files("test_app", "test_app_served"), False),
]

if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    for name, wanted, bar, _ in BARS:
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            print(name, wanted, *bar(), sep=" | ", flush=True)
