"""Every promised figure in full, each by the command that a user would type; prints a table.

Real pictures are read from ../shared/data beside the checkout; bars that need them are skipped without. Words on the
command line choose the bars whose names hold one of them.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bars_evaluation
import bars_mistakes
import bars_networks
import bars_passport
import bars_training
import bars_transfer
from asking import SHARED, WORK, Seen, convscope, tests
from startup import measure

RUN_FILES = (
    "model.safetensors config.yaml split.csv metrics.csv env.json checkpoint log.jsonl "
    "report.html report.json predictions.csv confusion.csv"
)


def demo() -> Seen:
    start = time.monotonic()
    run = WORK / convscope("demo", "--lang", "en").splitlines()[-1]
    seconds = time.monotonic() - start
    top1 = json.loads((run / "report.json").read_text())["top1"]
    missing = set(RUN_FILES.split()) - {path.name for path in run.iterdir()}
    return (
        f"top-1 {top1:.4f}, {seconds:.0f} s, missing files: {missing or 'none'}",
        top1 >= 0.96 and not missing and seconds < 60,
    )


def trained(data: str, model: str, epochs: int, least: float) -> Callable[[], Seen]:
    def bar() -> Seen:
        start = time.monotonic()
        run = json.loads(convscope("train", SHARED / data, "--model", model, "--epochs", epochs, "--json"))["run"]
        seconds = time.monotonic() - start
        report = json.loads(convscope("evaluate", run, SHARED / data, "--json"))
        return f"top-1 {report['top1']:.4f} of {report['n']:,} ({seconds:.0f} s)", report["top1"] >= least

    return bar


def photos() -> Seen:
    data = SHARED / "hymenoptera"
    flags = ("--model", "lenet5_modern", "--mode", "scratch", "--weights", "none", "--size", 64, "--epochs", 3)
    run = Path(json.loads(convscope("train", data, *flags, "--json"))["run"])
    rows = (WORK / run / "split.csv").read_text().splitlines()[1:]
    val = [row for row in rows if ",val," in row]
    test = [row for row in rows if ",test," in row]
    kept = (
        len(val) == 153 and all(row.startswith("val/") for row in val) and all(row.startswith("train/") for row in test)
    )
    report = json.loads((WORK / run / "report.json").read_text())
    (answer,) = json.loads(convscope("predict", run, next((data / "val/bees").iterdir()), "--json"))
    total = sum(entry["probability"] for entry in answer["top"])
    good = kept and len(test) == 24 and report["classes"] == ["ants", "bees"] and len(answer["top"]) == 2
    return f"val {len(val)}, test {len(test)}, classes {report['classes']}, sum {total:.7f}", good and abs(
        total - 1
    ) < 1e-6


def summary() -> Seen:
    content = json.loads(convscope("summary", "lenet5", "--json"))
    layers = [n for layer in content["layers"] if (n := layer["parameters"])]
    return f"{content['parameters']}: {layers}", (content["parameters"], layers) == (
        60_000,
        [156, 12, 1516, 32, 48120, 10164],
    )


def same_seed() -> Seen:
    runs = [
        json.loads(convscope("train", "digits", "--model", "course_cnn", "--epochs", 3, "--json"))["run"] for _ in "ab"
    ]
    first, second = ((WORK / run / "metrics.csv").read_bytes() for run in runs)
    return "metrics.csv equal" if first == second else "metrics.csv differ", first == second


def helps() -> Seen:
    bare, ours = measure(runs=5)
    command = [sys.executable, "-X", "importtime", "-m", "convscope", "--help"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    heavy = [name for name in ("torch", "pydantic", "rich") if re.search(rf"\| +{name}$", loaded, re.MULTILINE)]
    return (
        f"{ours - bare:.3f} s more than python -c pass; heavy imports: {heavy or 'none'}",
        ours - bare <= 0.2 and not heavy,
    )


BARS: list[tuple[str, str, Callable[[], Seen], bool]] = [  # name, wanted, how, whether it needs real pictures
    ("demo: digits, test top-1, under a minute, every file", ">= 0.96, < 60 s", demo, False),
    ("fashion-mnist, lenet5_modern, 10 epochs", ">= 0.895", trained("fashion-mnist", "lenet5_modern", 10, 0.895), True),
    ("fashion-mnist, course_cnn, 8 epochs", ">= 0.915", trained("fashion-mnist", "course_cnn", 8, 0.915), True),
    ("mnist, lenet5 (1998, RBF output), 12 epochs", ">= 0.98", trained("mnist", "lenet5", 12, 0.98), True),
    ("hymenoptera photos end to end", "val 153, test 24, 2 classes", photos, True),
    ("summary lenet5", "60,000 = 156 12 1516 32 48120 10164", summary, False),
    ("the same bits on every path", "all pass", lambda: tests("tests/test_same_pixels.py"), False),
    ("the same seed twice", "metrics.csv equal", same_seed, False),
    ("convscope --help", "<= 0.20 s more, nothing heavy", helps, False),
    ("bad input, exit status 2, one line", "all pass", lambda: tests("tests/test_bad_input.py"), False),
    ("Hangul names in Chromium", "all pass", lambda: tests("tests/test_chromium.py"), False),
    *bars_networks.BARS,
    *bars_transfer.BARS,
    *bars_training.BARS,
    *bars_evaluation.BARS,
    *bars_mistakes.BARS,
    *bars_passport.BARS,
]


def main() -> int:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    words = sys.argv[1:]
    chosen = [bar for bar in BARS if not words or any(word in bar[0] for word in words)]
    rows, failed = [], 0
    for number, (name, wanted, bar, needs_pictures) in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {name} ...", file=sys.stderr, flush=True)
        if needs_pictures and not SHARED.is_dir():
            rows.append((name, wanted, "no folder of real pictures", "skipped"))
            continue
        try:
            seen, good = bar()
        except (RuntimeError, OSError, KeyError, ValueError) as error:
            seen, good = str(error), False
        failed += not good
        rows.append((name, wanted, seen, "ok" if good else "MISSED"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
