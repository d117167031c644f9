"""Checkpoints: the last two are kept, a damaged one is passed over in words, and a full disk ends no run."""

import json

import pytest
import torch

import convscope as cs
from convscope.errors import RunError
from convscope.training import checkpoint
from convscope.training.checkpoint import Checkpoint, finite
from tests.test_resume import QUICK, StopsAfter


class Hears(StopsAfter):
    """The same, asked for the names alone of what was said."""

    def keys(self) -> list[str]:
        return [key for key, _ in self.told]


def state(number: float, step: int = 0) -> Checkpoint:
    weights, best = ({"layer.weight": torch.full((3,), number)} for _ in range(2))
    return Checkpoint([], weights, best, {"0.step": torch.tensor(float(step))}, step=step)


def test_the_last_two_are_kept(tmp_path):
    for step in (9, 10, 11):
        state(step, step).save(tmp_path)

    names = sorted(file.name for file in (tmp_path / "checkpoint").iterdir())
    assert names == [
        f"epoch-00001-step-00000{step}.{suffix}" for step in (10, 11) for suffix in ("json", "safetensors")
    ]
    assert Checkpoint.load(tmp_path).step == 11


def test_of_a_truncated_one_it_is_said_and_the_one_before_is_used(tmp_path):
    for step in (1, 2):
        state(step, step).save(tmp_path)
    file = tmp_path / "checkpoint/epoch-00001-step-0000002.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    hears = Hears()

    loaded = Checkpoint.load(tmp_path, hears)

    assert loaded.step == 1
    assert loaded.weights["layer.weight"].tolist() == [1, 1, 1]
    assert hears.keys() == ["checkpoint.damaged"]
    assert hears.told[0][1]["file"] == file


def test_damaged_ones_that_were_passed_over_make_room_for_good_ones(tmp_path):
    for step in (10, 20):
        state(step, step).save(tmp_path)
    file = tmp_path / "checkpoint/epoch-00001-step-0000020.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    assert Checkpoint.load(tmp_path).step == 10

    state(12, 12).save(tmp_path)

    steps = sorted(int(seal.stem[-7:]) for seal in (tmp_path / "checkpoint").glob("*.json"))
    assert steps == [10, 12]


def test_one_of_an_older_convscope_is_named(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint/last.safetensors").write_bytes(b"")

    with pytest.raises(RunError, match="of an older convscope; train anew without --resume"):
        Checkpoint.load(tmp_path)


def test_one_changed_bit_is_noticed(tmp_path):
    state(1).save(tmp_path)
    file = next((tmp_path / "checkpoint").glob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    with pytest.raises(RunError, match=r"cannot be read \(its checksum is another\); train anew"):
        Checkpoint.load(tmp_path)


def test_tensors_without_their_json_are_no_checkpoint(tmp_path):
    state(1, 1).save(tmp_path)
    state(2, 2).save(tmp_path)
    (tmp_path / "checkpoint/epoch-00001-step-0000002.json").unlink()

    assert Checkpoint.load(tmp_path).step == 1


def test_one_of_a_newer_convscope_is_not_misread(tmp_path):
    state(1).save(tmp_path)
    seal = next((tmp_path / "checkpoint").glob("*.json"))
    seal.write_text(json.dumps(json.loads(seal.read_text()) | {"schema": 99}))

    with pytest.raises(RunError, match="schema 99 of a newer convscope"):
        Checkpoint.load(tmp_path)


def test_weights_that_are_no_numbers_are_not_finite():
    assert finite(state(1.0))
    assert not finite(state(float("nan")))


def test_a_disk_that_fills_up_ends_no_training_and_keeps_the_last_good_one(tmp_path, photos, monkeypatch):
    real, calls = checkpoint.write_bytes, []

    def full(file, content):
        calls.append(file)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        real(file, content)

    monkeypatch.setattr(checkpoint, "write_bytes", full)
    hears = Hears(3)

    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, cs.Recipe(**QUICK), out=tmp_path, name="r", listener=hears)

    assert hears.keys().count("checkpoint.failed") >= 1
    assert len(calls) > 1
    monkeypatch.undo()
    resumed = cs.train(resume=tmp_path / "r")
    assert resumed.epochs == 3


def test_metrics_that_cannot_be_written_end_no_training_before_its_end(tmp_path, photos, monkeypatch):
    from convscope.training import loop

    real, calls = loop.write_csv, []

    def full(*given):
        calls.append(given)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        real(*given)

    monkeypatch.setattr(loop, "write_csv", full)
    hears = Hears()

    run = cs.train(photos, cs.Recipe(**QUICK), out=tmp_path, listener=hears)

    assert hears.keys().count("train.unwritten") == 1
    assert len((run.path / "metrics.csv").read_text().splitlines()) == 4


def test_metrics_that_a_kill_after_the_last_checkpoint_lost_come_back(tmp_path, photos, monkeypatch):
    from convscope.training import loop

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "write_csv", killed)
    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, cs.Recipe(**{**QUICK, "epochs": 1}), out=tmp_path, name="r")
    monkeypatch.undo()
    assert not (tmp_path / "r/metrics.csv").exists()

    cs.train(resume=tmp_path / "r")

    assert len((tmp_path / "r/metrics.csv").read_text().splitlines()) == 2


def test_a_run_that_its_time_ended_has_saved_all_its_epochs(tmp_path, photos, monkeypatch):
    monkeypatch.setattr("convscope.training.loop.CHECKPOINT_EVERY", 1e9)

    run = cs.train(photos, cs.Recipe(**{**QUICK, "epochs": 500}, time_limit_min=0.01), out=tmp_path)

    assert len(Checkpoint.load(run.path).history) == run.epochs >= 1


def test_a_resumed_run_says_which_checkpoint_was_damaged_and_ends_as_the_whole_one(tmp_path, photos, monkeypatch):
    monkeypatch.setattr("convscope.training.loop.CHECKPOINT_EVERY", 0)
    whole = cs.train(photos, cs.Recipe(**QUICK), out=tmp_path, name="whole")
    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, cs.Recipe(**QUICK), out=tmp_path, name="cut", listener=Hears(2))
    newest = max((tmp_path / "cut/checkpoint").glob("*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:100])
    hears = Hears()

    resumed = cs.train(resume=tmp_path / "cut", listener=hears)

    assert hears.keys().count("checkpoint.damaged") == 1
    assert (resumed.path / "metrics.csv").read_bytes() == (whole.path / "metrics.csv").read_bytes()
    weights, others = cs.Bundle.load(whole.path).weights, cs.Bundle.load(resumed.path).weights
    assert all(torch.equal(weights[name], others[name]) for name in weights)
