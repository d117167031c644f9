"""The bars of training that holds, each by the command that a user would type, or by its test files."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from asking import ROOT, SHARED, WORK, Seen, convscope, tests

IMAGENETTE = SHARED / "imagenette-128.zip"
PRACTICAL = ("--mode", "scratch", "--recipe", "practical")


def script(*arguments: object) -> Seen:
    """Run a benchmark whose exit status says whether its bar is reached; its table's last lines."""
    command = [sys.executable, ROOT / "benchmarks" / str(arguments[0]), *map(str, arguments[1:])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return " / ".join(done.stdout.strip().splitlines()[-6:]), done.returncode == 0


def fashion() -> Seen:
    start = time.monotonic()
    flags = ("--model", "resnet20_cifar", "--recipe", "practical", "--time-limit", 24)
    run = json.loads(convscope("train", "fashion-mnist", *flags, "--json"))
    minutes = (time.monotonic() - start) / 60
    return f"test {run['test_top1']:.4f} in {minutes:.1f} min", run["test_top1"] >= 0.935 and minutes <= 25


def killed(*faults: str) -> Callable[[], Seen]:
    """Kill a run twenty times, every second time within a save, and compare it with one that was left alone."""

    def bar() -> Seen:
        sys.path.insert(0, str(ROOT))
        from tests.test_killed import finish, kill_at_random, same

        with tempfile.TemporaryDirectory() as folder:
            whole, cut = Path(folder) / "whole", Path(folder) / "cut"
            finish(whole, "long", *faults)
            lived = kill_at_random(cut, 20, 0, "long", *faults)
            finish(cut, "resume", "long", *faults)
            equal = same(whole, cut)
        return f"{lived} of 20 kills came before the end; equal: {equal}", lived >= 18 and equal

    return bar


def overhead() -> Seen:
    """Share of a run's epochs that its checkpoints take at the default interval, by its own log."""
    flags = ("--model", "resnet18", "--size", 64, "--epochs", 8)
    run = json.loads(convscope("train", SHARED / "hymenoptera", *PRACTICAL, *flags, "--json"))["run"]
    events = [json.loads(line) for line in (WORK / run / "log.jsonl").read_text().splitlines()]
    seconds = {
        kind: [event["seconds"] for event in events if event["event"] == kind] for kind in ("checkpoint", "epoch")
    }
    # the first comes before anyone knows what one takes, the last so that a report that fails can be made again
    saving, training = sum(seconds["checkpoint"][1:-1]), sum(seconds["epoch"])
    count = len(seconds["checkpoint"])
    return f"{count} checkpoints; but for first and last {saving:.2f} s of {training:.0f} s", saving <= 0.03 * training


def files(*names: str) -> Callable[[], Seen]:
    return lambda: tests(*(f"tests/{name}.py" for name in names))


BARS = (
    (
        "training: resnet18 on imagenette, 5 epochs, 3 seeds",
        "mean val >= 0.75",
        lambda: script("recipes.py", "--resnet18", "--seeds", 3),
        True,
    ),
    ("training: deep classics on 200 pictures a class", "val loss <= 2.003", lambda: script("recipes.py"), True),
    ("training: fashion-mnist, practical", ">= 0.935 in 25 min", fashion, True),
    ("training: killed 20 times", "equal bit for bit", killed(), False),
    ("training: killed 20 times, 2 workers", "equal bit for bit", killed("workers"), False),
    ("training: killed 20 times, bf16", "equal bit for bit", killed("bf16"), False),
    ("training: checkpoints and a full disk", "all pass", files("test_checkpoint", "test_resume"), False),
    ("training: two processes", "all pass", files("test_team"), False),
    ("training: the doctor's ten ill and five healthy runs", "all pass", files("test_doctor_runs"), False),
    ("training: lr-find on two networks", "within 10 % of a grid's best", lambda: script("lr_find.py"), False),
    ("training: checkpoints' share", "<= 3 %", overhead, True),
    ("training: decoded cache, 12-megapixel photos", ">= 1.5 times", lambda: script("decoded.py"), True),
)

if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    for name, wanted, bar, _ in BARS:
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            print(name, wanted, *bar(), sep=" | ", flush=True)
