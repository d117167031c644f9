"""Fine-tuning: the head first, batch norm measured anew where it came folded, then block after block."""

import csv
import json
import shutil
from collections import Counter

import numpy as np
import pytest
import torch
import torchvision
import yaml
from safetensors.torch import save_file

import convscope as cs
from convscope.models import zoo
from convscope.models.bundle import Bundle
from convscope.models.heads import linear
from convscope.training import loop as loops
from convscope.training import step as steps
from convscope.training.transfer import finetune as finetuning
from convscope.training.transfer.start import start
from convscope.words import Listener
from tests.conftest import make_photos
from tests.test_frozen import NETWORK, SIZE, Said, weights  # noqa: F401 (a fixture)

# ours: (torchvision's, its parameters with two outputs, those of its head, those of heads that serve training only)
TORCHVISION = {
    "alexnet_owt": ("alexnet", 57_012_034, 8_194, 0),
    "vgg16": ("vgg16", 134_268_738, 8_194, 0),
    "googlenet_tv": ("googlenet", 5_601_954, 2_050, 3_188_968 + 3_191_016 - 2 * (1_025_000 - 2_050)),
    "resnet18": ("resnet18", 11_177_538, 1_026, 0),
    "mobilenet_v3_large": ("mobilenet_v3_large", 4_204_594, 2_562, 0),
}


@pytest.fixture
def finetune(weights):  # noqa: F811 (the fixture)
    return cs.Recipe(model=NETWORK, weights=str(weights), mode="finetune", epochs=2, batch=8, threads=1)


def test_a_mode_brings_its_own_defaults():
    recipe = cs.Recipe(mode="finetune", model="resnet18")

    assert (recipe.epochs, recipe.batch, recipe.warmup_epochs) == (5, 32, 0.5)
    assert cs.Recipe(mode="finetune", epochs=9).epochs == 9
    assert cs.Recipe().epochs == 30


def test_fine_tuning_says_what_it_does_and_ends_no_worse_than_the_head_alone(photos, finetune, tmp_path):
    said = Said()

    run = cs.train(photos, finetune, out=tmp_path / "runs", listener=said)

    assert said.keys["train.thawing"] == {"blocks": 3}
    assert "train.recalibrated" not in said.keys  # these weights bring their own statistics
    rows = list(csv.DictReader((run.path / "metrics.csv").read_text().splitlines()))
    best = min(float(row["val_loss"]) for row in rows)
    kept = said.keys.get("train.kept_head")
    assert (kept is None) == (best < said.keys["train.head"]["val_loss"])
    judged = cs.evaluate(run.path, photos, split="val").predictions
    chances = judged.probabilities[range(len(judged.truth)), judged.truth]
    assert -np.log(chances).mean() <= said.keys["train.head"]["val_loss"] * 1.001


def test_the_first_step_is_no_worse_than_twice_the_head_alone(photos, finetune, tmp_path, monkeypatch):
    """Frozen normalisation is what makes it so. A batch of all pictures makes the two losses the same measure."""
    first = []
    real = steps.with_heads

    def spy(*arguments):
        result = real(*arguments)
        first.append(result[1].item())
        return result

    monkeypatch.setattr(steps, "with_heads", spy)
    said = Said()
    cs.train(photos, finetune.settle(augment=False, batch=64), out=tmp_path / "runs", listener=said)

    assert first[0] <= 2 * said.keys["train.head"]["train_loss"]


def test_batch_norm_of_frozen_blocks_does_not_move(photos, finetune, weights, tmp_path, monkeypatch):  # noqa: F811
    """With every block frozen for good, nothing but the head may differ after two epochs of steps."""
    monkeypatch.setattr(finetuning, "blocks_at", lambda *_: 0)
    monkeypatch.setattr(loops.Outcome, "best_row", property(lambda self: {**self.history[-1], "val_loss": -1.0}))

    run = cs.train(photos, finetune, out=tmp_path / "runs")

    before, after = Bundle.load(weights), Bundle.load(run.path)
    moved = {
        name
        for name, tensor in after.weights.items()
        if name not in before.weights or not torch.equal(tensor, before.weights[name])
    }
    assert moved == {"classifier.scores.weight", "classifier.scores.bias"}


def test_folded_batch_norm_is_measured_before_anything_moves(photos, tmp_path):
    torch.manual_seed(0)
    network = zoo.build(NETWORK, 10, 3, SIZE)  # fresh: every normalisation is neutral, as folding leaves it
    file = tmp_path / "folded.safetensors"
    save_file({name: tensor.clone() for name, tensor in network.state_dict().items()}, file)
    said = Said()
    recipe = cs.Recipe(model=NETWORK, weights=str(file), mode="finetune", epochs=1, batch=8, size=SIZE, threads=1)

    run = cs.train(photos, recipe, out=tmp_path / "runs", listener=said)

    assert said.keys["train.recalibrated"]["count"] == 27
    log = [json.loads(line)["event"] for line in (run.path / "log.jsonl").read_text().splitlines()]
    assert log.index("head") < log.index("recalibrated") < log.index("epoch")


def test_a_resumed_run_ends_as_the_unbroken_one(photos, finetune, tmp_path, monkeypatch):
    whole = cs.train(photos, finetune.settle(epochs=3), out=tmp_path / "runs", name="whole")

    class Cut(Exception):
        pass

    class Stopping(Listener):
        def message(self, key, **values):
            if key == "train.epoch" and values["epoch"] == 2:
                raise Cut

    monkeypatch.setattr(loops, "CHECKPOINT_EVERY", 0)
    with pytest.raises(Cut):
        cs.train(photos, finetune.settle(epochs=3), out=tmp_path / "runs", name="cut", listener=Stopping())
    resumed = cs.train(resume=tmp_path / "runs" / "cut")

    assert (resumed.path / "metrics.csv").read_bytes() == (whole.path / "metrics.csv").read_bytes()
    one, other = Bundle.load(whole.path).weights, Bundle.load(resumed.path).weights
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_head_is_the_same_on_a_rerun_whatever_precision_the_steps_took(photos, finetune, tmp_path, monkeypatch):
    """Steps in bfloat16 must not make the second run look in it, too."""
    monkeypatch.setattr("convscope.inference.cpu.bf16_hardware", lambda: ["amx_bf16"])
    monkeypatch.setattr("convscope.inference.cpu.SMALL_MACS", 0)
    monkeypatch.setattr("convscope.training.choices._bf16_gain", lambda *_: 2.0)
    first, second = Said(), Said()

    run = cs.train(photos, finetune, out=tmp_path / "runs", listener=first)
    config = cs.Recipe.model_validate(yaml.safe_load((run.path / "config.yaml").read_text()))
    assert config.precision == "bf16"
    cs.train(photos, config, out=tmp_path / "runs", listener=second)

    assert first.keys["train.head"] == second.keys["train.head"]


@pytest.fixture(scope="module", params=TORCHVISION)
def foreign(request, tmp_path_factory):
    """A state dict of torchvision's, of random values, running statistics included; deleted afterwards."""
    torch.manual_seed(0)
    theirs = TORCHVISION[request.param][0]
    more = {"init_weights": False} if theirs == "googlenet" else {}
    network = getattr(torchvision.models, theirs)(weights=None, **more)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.5, 1.5)
    file = tmp_path_factory.mktemp("foreign") / "theirs.safetensors"
    save_file(network.state_dict(), file)
    yield request.param, file
    file.unlink()


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Two classes, six photos each: of ants and bees where they are at hand."""
    from tests.conftest import SHARED

    root = tmp_path_factory.mktemp("few")
    if not SHARED.is_dir():
        return make_photos(root, ("red", "blue"), count=6)
    for name in ("ants", "bees"):
        (root / name).mkdir()
        for file in sorted((SHARED / "hymenoptera" / "train" / name).iterdir())[:6]:
            shutil.copy(file, root / name)
    return root


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_torchvision_s_networks_are_trained_by_mode(foreign, mode, few, tmp_path, monkeypatch):
    (name, file), trained, shares = foreign, Counter(), {}
    _, parameters, head, beside = TORCHVISION[name]
    real = loops.make_optimiser

    def spy(recipe, groups):
        for group in groups:
            trained[group["name"]] += sum(values.numel() for values in group["params"])
            shares[group["name"]] = group["share"]
        return real(recipe, groups)

    monkeypatch.setattr(loops, "make_optimiser", spy)
    steps = {"epochs": 1, "batch": 4} if mode == "finetune" else {}
    recipe = cs.Recipe(model=name, weights=str(file), mode=mode, test_share=0.0, threads=1, **steps)
    borrowed = start(name, None, file, 2, 3).network.state_dict()

    run = cs.train(few, recipe, out=tmp_path / "runs")

    after = Bundle.load(run.path)
    fresh = linear(after.network())
    assert sum(values.numel() for values in fresh.parameters()) == head
    if mode == "finetune":
        assert trained.pop("head") == head + (2 * 2_050 if beside else 0)
        assert sum(trained.values()) + head == parameters + beside - (2 * 2_050 if beside else 0)
        assert shares["head"] == 1 > shares["block 1"] > shares["block 2"] > shares["block 3"] > 0
    else:
        moved = [key for key, tensor in after.weights.items() if not torch.equal(tensor, borrowed[key])]
        assert sum(after.weights[key].numel() for key in moved) == head
        assert not trained
