"""Recipes by the command: what fills what, and what is refused in one line."""

import json

import pytest
import yaml

from tests.conftest import make_photos


@pytest.fixture
def few(tmp_path):
    return make_photos(tmp_path / "few", classes=("red", "green"), count=12)


def config(run: str, tmp_path) -> dict:
    return yaml.safe_load((tmp_path / run / "config.yaml").read_text())


def test_practical_numbers_are_written_down_and_train_the_same_again(convscope, few, tmp_path):
    flags = ("--model", "lenet5_modern", "--mode", "scratch", "--size", 32, "--recipe", "practical", "--epochs", 2)
    status, out, _ = convscope("train", few, *flags, "--json")
    assert status == 0
    run = json.loads(out)["run"]
    settled = config(run, tmp_path)

    assert (settled["recipe"], settled["schedule"], settled["optimiser"]) == ("practical", "one-cycle", "adamw")
    status, out, _ = convscope("train", "--config", tmp_path / run / "config.yaml", "--json")
    assert status == 0
    again = json.loads(out)["run"]
    assert config(again, tmp_path) == settled
    assert (tmp_path / run / "metrics.csv").read_bytes() == (tmp_path / again / "metrics.csv").read_bytes()


def test_another_recipe_or_network_than_the_config_s_takes_its_own_numbers(convscope, few, tmp_path):
    flags = ("--mode", "scratch", "--size", 32, "--recipe", "paper", "--epochs", 1)
    status, out, _ = convscope("train", few, "--model", "lenet5", *flags, "--json")
    assert status == 0
    paper = tmp_path / json.loads(out)["run"] / "config.yaml"

    status, out, _ = convscope("train", "--config", paper, "--recipe", "practical", "--epochs", 1, "--json")
    assert status == 0
    practical = config(json.loads(out)["run"], tmp_path)
    assert (practical["initialise"], practical["rbf_margin"], practical["optimiser"]) == ("own", None, "adamw")

    status, out, _ = convscope("train", "--config", paper, "--model", "lenet_caffe", "--epochs", 1, "--json")
    assert status == 0
    caffe = config(json.loads(out)["run"], tmp_path)
    assert (caffe["rbf_margin"], caffe["schedule"], caffe["batch"]) == (None, "inverse", 64)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--recipe", "paper", "--mode", "finetune"), "recipe paper: it is for training from scratch"),
        (("--recipe", "best"), "--recipe best: allowed: 'plain', 'paper' or 'practical'"),
        (("--recipe", "practical", "--weights", "w.safetensors"), "weights w.safetensors: a recipe is for training"),
        (("--set", "step_epochs=0"), "--set step_epochs 0: needs at least 1"),
        (("--set", "step_epochs"), "--set step_epochs: expected NAME=VALUE"),
        (("--set", "step_epoch=3"), "step_epoch: not a setting; did you mean step_epochs"),
        (("--set", "step_at=" + "[" * 3000), "expected NAME=VALUE"),
        (("--ema", "1"), "--ema 1.0: must be less than 1"),
        (("--start-from", "nowhere", "--mode", "scratch"), "nowhere"),
    ],
)
def test_what_cannot_be_is_one_line(convscope, few, flags, sentence):
    status, _, err = convscope("train", few, "--model", "lenet5_modern", "--size", 32, *flags)

    assert status == 2
    assert sentence in err.strip().splitlines()[-1]
