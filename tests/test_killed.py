"""A run that is killed, again and again, ends as one that was left alone: bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).parents[1]
WAIT_S = 120.0


def start(run: Path, *faults: str) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CONVSCOPE_CACHE": str(run.parent / "cache")}
    command = [sys.executable, "-m", "tests.killed", str(run), *faults]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def finish(run: Path, *faults: str) -> str:
    process = start(run, *faults)
    _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, said
    return said


def until(process: subprocess.Popen, ready) -> None:
    """Wait for something while the process lives."""
    end = time.monotonic() + WAIT_S
    while not ready() and process.poll() is None:
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def kill_at_random(run: Path, times: int, seed: int, *faults: str) -> int:
    """Start the run and kill it, `times` over, every second time within a save; how often it lived to be killed."""
    random, killed = Random(seed), 0
    saving, seen = run.with_suffix(".saving"), run.with_suffix(".seen")
    for number in range(times):
        saving.unlink(missing_ok=True)
        before = seen.stat().st_size if seen.is_file() else 0
        process = start(run, "resume", "slow-save", *faults)
        until(process, lambda: seen.is_file() and seen.stat().st_size > before)  # noqa: B023 (called at once)
        if number % 2:
            until(process, saving.is_file)
            time.sleep(random.uniform(0, 0.3))
        else:
            time.sleep(random.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    return killed


def state(run: Path) -> tuple[dict[str, torch.Tensor], str]:
    """All tensors of the last checkpoint and of the model file, and what metrics.csv says."""
    last = max((run / "checkpoint").glob("*.safetensors"))
    model = {f"model/{name}": values for name, values in load_file(run / "model.safetensors").items()}
    return load_file(last) | model, (run / "metrics.csv").read_text()


def same(one: Path, other: Path) -> bool:
    (tensors, metrics), (others, other_metrics) = state(one), state(other)
    assert tensors.keys() == others.keys()
    assert any(name.startswith("average/") for name in tensors)
    assert any(name.startswith("optimiser/") for name in tensors)
    return metrics == other_metrics and all(torch.equal(tensors[name], others[name]) for name in tensors)


def used(run: Path) -> dict[int, Counter]:
    """How often each epoch's final course saw each row: a step that was taken again counts as it was taken last."""
    taken: dict[tuple[int, int], list[int]] = {}
    for line in run.with_suffix(".seen").read_text().splitlines():
        epoch, left, rows = json.loads(line)
        taken[epoch, left] = rows
    counts: dict[int, Counter] = {}
    for (epoch, _), rows in taken.items():
        counts.setdefault(epoch, Counter()).update(rows)
    return counts


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("unbroken") / "run"
    finish(run)
    return run


def test_a_run_that_was_killed_five_times_equals_the_unbroken_one_bit_for_bit(tmp_path, unbroken):
    run = tmp_path / "run"

    killed = kill_at_random(run, 5, 0, "workers")
    finish(run, "resume", "workers")

    assert killed >= 4
    assert same(run, unbroken)
    pictures = len(used(unbroken)[1])
    assert pictures > 400
    for epoch in (1, 2, 3):
        assert used(run)[epoch] == used(unbroken)[epoch] == Counter(range(pictures))


def test_a_sampler_that_forgets_a_step_is_caught(tmp_path, unbroken):
    run = tmp_path / "run"
    process = start(run, "slow-save")
    until(process, lambda: any((run / "checkpoint").glob("*.json")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (run / "model.safetensors").exists()

    finish(run, "resume", "skip-step")

    assert not same(run, unbroken)
    assert any(counts != used(unbroken)[epoch] for epoch, counts in used(run).items())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, number, photos):
    run = tmp_path / "runs" / "told"
    command = [sys.executable, "-m", "convscope", "train", str(photos), "--model", "lenet5_modern", "--size", "32",
               "--epochs", "100000", "--batch", "8", "--patience", "100000", "--out", str(run.parent),
               "--name", "told"]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(process, (run / "metrics.csv").is_file)
    trained = len((run / "metrics.csv").read_text().splitlines()) - 1

    process.send_signal(number)
    _, said = process.communicate(timeout=WAIT_S)

    assert process.returncode == 128 + number
    assert f"convscope train --resume {run} goes on" in said
    newest = max((run / "checkpoint").glob("*.json"))
    assert len(json.loads(newest.read_text())["history"]) >= trained
