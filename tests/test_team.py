"""Two processes train as one would: same batches, same gradients, one run folder."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from convscope.training import feed
from convscope.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
WAIT_S = 180.0
TORCHRUN = ("-m", "torch.distributed.run", "--standalone")


def launch(run: Path, processes: int, *arguments: str) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CONVSCOPE_CACHE": str(run.parent / "cache")}
    starter = [*TORCHRUN, "--nproc_per_node", str(processes)] if processes > 1 else []
    command = [sys.executable, *starter, "-m", "tests.teamed", str(run), *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def finish(run: Path, processes: int, *arguments: str) -> None:
    process = launch(run, processes, *arguments)
    _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, said


def seen(run: Path, rank: int) -> list[tuple[int, list[int]]]:
    return [tuple(json.loads(line)) for line in run.with_suffix(f".{rank}.seen").read_text().splitlines()]


def trained(run: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(max((run / "checkpoint").glob("*.safetensors")))
    return {name: values for name, values in tensors.items() if name.startswith("weights/")}


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("one") / "run"
    finish(run, 1, "lenet5_modern")
    return run


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("two") / "run"
    finish(run, 2, "lenet5_modern")
    return run


def test_two_processes_take_part_and_each_sees_half_of_every_batch(one, two):
    halves, whole = [seen(two, rank) for rank in (0, 1)], seen(one, 0)

    assert len({process for half in halves for process, _ in half}) == 2
    assert len(whole) >= 50
    for (_, first), (_, second), (_, batch) in zip(*halves, whole, strict=True):
        assert sorted(first + second) == sorted(batch)
        assert abs(len(first) - len(second)) <= 1


def test_their_weights_and_figures_equal_those_of_one_process(one, two):
    weights, others = trained(one), trained(two)

    assert max(float((weights[name] - others[name]).abs().max()) for name in weights) <= 1e-5
    tables = [np.loadtxt(run / "metrics.csv", delimiter=",", skiprows=1) for run in (one, two)]
    np.testing.assert_allclose(tables[0], tables[1], atol=1e-5)
    assert (two / "model.safetensors").is_file()
    assert not [other for other in two.parent.iterdir() if other.name.startswith("run-")]


def test_gradients_that_are_not_shared_would_be_seen(one, tmp_path):
    run = tmp_path / "run"
    script = tmp_path / "unshared.py"
    script.write_text(
        "import runpy, sys\nimport convscope.training.team as team\n"
        "team.DistributedDataParallel = lambda network, **_: network\n"
        "runpy.run_module('tests.teamed', run_name='__main__')\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CONVSCOPE_CACHE": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, *TORCHRUN, "--nproc_per_node", "2", str(script), str(run), "lenet5_modern"]

    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=WAIT_S)

    weights, others = trained(one), trained(run)
    assert max(float((weights[name] - others[name]).abs().max()) for name in weights) > 1e-4


def test_one_killed_process_ends_all_and_the_run_can_be_resumed(tmp_path):
    run = tmp_path / "run"
    launcher = launch(run, 2, "lenet5_modern", "long")
    end = time.monotonic() + WAIT_S
    while not (run / "metrics.csv").is_file():
        assert time.monotonic() < end
        assert launcher.poll() is None, launcher.stderr.read()
        time.sleep(0.05)

    os.kill(seen(run, 1)[-1][0], signal.SIGKILL)
    killed = time.monotonic()
    launcher.communicate(timeout=60)

    assert launcher.returncode != 0
    assert time.monotonic() - killed < 60
    config, trained_epochs = run / "config.yaml", len((run / "metrics.csv").read_text().splitlines()) - 1
    config.write_text(config.read_text().replace("epochs: 200", f"epochs: {trained_epochs + 1}"))
    finish(run, 2, "lenet5_modern", "resume")
    assert (run / "model.safetensors").is_file()


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
def test_batches_are_the_same_for_one_two_and_four_processes(sampling):
    class Member:
        def __init__(self, rank: int, size: int) -> None:
            self.rank, self.size = rank, size

        def part(self, rows):
            return rows[self.rank :: self.size]

    labels, recipe = np.arange(101) % 7, Recipe(batch=16, sampling=sampling, accumulate=3)
    groups = feed.steps(feed.order(recipe, 1, labels), recipe.batch)
    for size in (1, 2, 4):
        shares = [[feed.parts(group, recipe, Member(rank, size)) for rank in range(size)] for group in groups]
        for group, members in zip(groups, shares, strict=True):
            together = np.concatenate([part for parts in members for part in parts])
            np.testing.assert_array_equal(np.sort(together), np.sort(group))
