"""Threads and precision: decided once, with a reason, and read back ever after."""

import json

import pytest
import torch
import yaml

import convscope as cs
from convscope.inference import cpu
from convscope.training import choices
from convscope.words import SILENT

PREPROCESS = cs.Preprocess(size=32, channels=3, mean=(0.5,) * 3, spread=(0.5,) * 3)


@pytest.fixture
def large(monkeypatch):
    """A machine that knows bfloat16, on which every network counts as large."""
    monkeypatch.setattr(cpu, "bf16_hardware", lambda: ["amx_bf16"])
    monkeypatch.setattr(cpu, "SMALL_MACS", 0)
    monkeypatch.setattr(cpu, "SELF_TEST_S", 0.05)


def settled(**settings):
    recipe = cs.Recipe(model="lenet5_modern", device="cpu", **settings)
    return choices.settle(recipe, cs.build("lenet5_modern", 3, 3, 32), PREPROCESS, SILENT)


def test_what_was_asked_for_is_taken():
    recipe, why = settled(precision="bf16", threads=2)

    assert (recipe.precision, recipe.threads, why["precision_why"]) == ("bf16", 2, "asked for")


def test_a_small_network_takes_f32_and_one_thread():
    recipe, why = settled()

    assert (recipe.precision, recipe.threads) == ("f32", 1)
    assert why["precision_why"]


def test_a_processor_without_bfloat16_takes_f32(large, monkeypatch):
    monkeypatch.setattr(cpu, "bf16_hardware", lambda: [])

    recipe, why = settled()

    assert recipe.precision == "f32"
    assert "no bfloat16" in why["precision_why"]


@pytest.mark.parametrize(("gain", "chosen"), [(1.14, "f32"), (1.15, "bf16"), (3.0, "bf16")])
def test_bfloat16_is_taken_where_it_pays(large, monkeypatch, gain, chosen):
    monkeypatch.setattr(cpu, "bf16_gain", lambda step, key: gain)

    recipe, why = settled()

    assert recipe.precision == chosen
    assert f"{gain:.2f} times" in why["precision_why"]


def test_the_self_test_runs_both_precisions_and_changes_nothing(large):
    network = cs.build("course_cnn", 3, 3, 32)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    _, why = choices.settle(cs.Recipe(model="course_cnn", device="cpu"), network, PREPROCESS, SILENT)

    assert "times as fast" in why["precision_why"]
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_the_choice_is_measured_once_a_machine(large, monkeypatch):
    measured = []
    monkeypatch.setattr(cpu, "_measure", lambda step: measured.append(step) or 2.0)

    for _ in range(2):
        settled(batch=17)

    assert len(measured) == 1


def test_training_in_bfloat16_learns_validates_in_f32_and_is_written_down(tmp_path, photos):
    settings = cs.Recipe(model="lenet5_modern", size=32, epochs=6, batch=8, precision="bf16", device="cpu")

    run = cs.train(photos, settings, out=tmp_path)

    assert run.report.top1 == 1.0
    assert run.report.precision == "f32"
    assert yaml.safe_load((run.path / "config.yaml").read_text())["precision"] == "bf16"
    assert json.loads((run.path / "env.json").read_text())["precision"] == "bf16"
    in_f32 = cs.train(photos, settings.settle(precision="f32"), out=tmp_path)
    assert (run.path / "metrics.csv").read_bytes() != (in_f32.path / "metrics.csv").read_bytes()
