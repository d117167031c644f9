"""Recipes, schedules, and a loop whose every number can be foreseen."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import convscope as cs
from convscope.errors import DataError, RecipeError, RunError, TrainingDiverged
from convscope.training import feed, losses, recipe, schedules
from convscope.training.loop import Loop, Training
from convscope.training.outcome import best_epoch
from convscope.words import SILENT, Listener
from tests.conftest import make_photos

QUICK = {"model": "lenet5_modern", "size": 32, "epochs": 3, "batch": 8, "device": "cpu", "precision": "f32"}


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def metrics(run: Path) -> list[dict[str, str]]:
    return table(run / "metrics.csv")


def rows_of(run: Path, listing: cs.Listing, part: str) -> list[int]:
    """The listing's rows that the run put into a part."""
    split = {row["file"]: row["split"] for row in table(run / "split.csv")}
    return [row for row, file in enumerate(listing.files) if split[file] == part]


def test_cosine_falls_from_the_peak_to_nearly_nothing():
    settings = cs.Recipe(epochs=4, rate=0.1)

    rates = [schedules.rate_at(settings, step, steps_per_epoch=2) for step in range(8)]

    assert rates == pytest.approx([0.1 * (1 + math.cos(math.pi * step / 8)) / 2 for step in range(8)])


def test_step_divides_by_ten_at_each_mark():
    settings = cs.Recipe(epochs=9, rate=1.0, schedule="step", step_epochs=3)

    assert [schedules.rate_at(settings, e, 1) for e in range(9)] == pytest.approx([1] * 3 + [0.1] * 3 + [0.01] * 3)


def test_warm_up_rises_in_equal_steps():
    settings = cs.Recipe(epochs=5, rate=1.0, warmup_epochs=1, schedule="constant")

    assert [schedules.rate_at(settings, s, 4) for s in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "epochs 0: needs at least 1"),
        ({"rate": 0}, "rate 0: needs more than 0"),
        ({"rate": float("nan")}, "rate nan"),
        ({"batch": 1}, "batch 1: needs at least 2"),
        ({"epohcs": 3}, "epohcs: not a setting; did you mean epochs"),
        ({"optimiser": "lion"}, "optimiser lion: allowed: 'adam', 'adamw', 'sgd' or 'rmsprop'"),
        ({"warmup_epochs": 3, "epochs": 3}, "must end before training does"),
        ({"rbf_margin": 1.0, "model": "course_cnn"}, "rbf_margin belongs to lenet5"),
        ({"epochs": "many"}, "epochs many: expected a valid integer"),
    ],
)
def test_a_recipe_that_cannot_be_is_one_line(settings, sentence):
    with pytest.raises(RecipeError) as caught:
        recipe.parse(settings)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_survives_its_yaml(tmp_path):
    settings = cs.Recipe(model="lenet5", rate=3e-4, time_limit_min=1.5, data="사진 폴더")
    settings.save(tmp_path / "config.yaml")

    assert recipe.parse(recipe.load(tmp_path / "config.yaml")) == settings


def test_the_map_criterion_is_the_papers_equation():
    distances = torch.tensor([[1.0, 3.0, 4.0]])

    loss = losses.maximum_a_posteriori(-distances, torch.tensor([1]), margin=2.0)

    expected = 3.0 + math.log(math.exp(-2.0) + math.exp(-1.0) + math.exp(-3.0) + math.exp(-4.0))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_the_best_epoch_is_the_last_that_beat_all_before_it():
    history = [{"val_loss": loss} for loss in (0.9, 0.5, 0.6, 0.5, 0.49)]

    assert best_epoch(history, min_delta=0.0) == 5
    assert best_epoch(history, min_delta=0.05) == 2


def test_the_loop_is_a_bare_loop_bit_for_bit(tmp_path, photos):
    settings = cs.Recipe(**QUICK, optimiser="sgd", momentum=0.9, decay=1e-3)
    run = cs.train(photos, settings, out=tmp_path / "runs")

    bundle = cs.Bundle.load(run.path)
    listing = cs.read(photos)
    chosen = rows_of(run.path, listing, "train")
    preprocess = bundle.card.preprocess
    x = preprocess.scale(torch.stack([preprocess.fit(listing.picture(row)) for row in chosen]))
    y = torch.from_numpy(listing.labels[chosen])
    torch.set_num_threads(1)  # as the run chose for so small a network
    torch.manual_seed(0)
    network = cs.build("lenet5_modern", 3, 3, 32).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), 0.001, momentum=0.9, nesterov=True, weight_decay=1e-3)
    steps, expected = math.ceil(len(x) / 8), []
    for epoch in (1, 2, 3):
        order, total = torch.from_numpy(np.random.default_rng([0, epoch]).permutation(len(x))), 0.0
        for number, rows in enumerate(order.split(8)):
            optimiser.param_groups[0]["lr"] = 0.001 * (1 + math.cos(math.pi * (epoch - 1 + number / steps) / 3)) / 2
            loss = functional.cross_entropy(network(x[rows].contiguous(memory_format=torch.channels_last)), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(rows)
        expected.append(total / len(x))

    assert [float(row["train_loss"]) for row in metrics(run.path)] == expected


def test_the_same_seed_gives_the_same_metrics_and_weights_twice(tmp_path, photos):
    settings = cs.Recipe(**{**QUICK, "model": "course_cnn"})  # dropout and batch normalisation draw and remember
    first, second = (cs.train(photos, settings, out=tmp_path / "runs") for _ in range(2))

    assert (first.path / "metrics.csv").read_bytes() == (second.path / "metrics.csv").read_bytes()
    weights = [cs.Bundle.load(run.path).weights for run in (first, second)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_another_seed_gives_other_metrics_and_the_same_split(tmp_path, photos):
    first, second = (cs.train(photos, cs.Recipe(**QUICK, seed=seed), out=tmp_path / "runs") for seed in (0, 1))

    assert (first.path / "metrics.csv").read_bytes() != (second.path / "metrics.csv").read_bytes()
    assert (first.path / "split.csv").read_bytes() == (second.path / "split.csv").read_bytes()


class StopsAfter(Listener):
    """Ends the training from outside when an epoch is done."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def message(self, key, **values):
        if key == "train.epoch" and values["epoch"] == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_resumed_run_ends_bit_for_bit_like_one_that_was_never_stopped(tmp_path, photos, optimiser):
    settings = cs.Recipe(**{**QUICK, "model": "course_cnn", "epochs": 4}, optimiser=optimiser)
    whole = cs.train(photos, settings, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, settings, out=tmp_path / "cut", name="cut", listener=StopsAfter(2))
    assert not (tmp_path / "cut/cut/model.safetensors").exists()

    resumed = cs.train(resume=tmp_path / "cut/cut")

    assert (resumed.path / "metrics.csv").read_bytes() == (whole.path / "metrics.csv").read_bytes()
    weights = [cs.Bundle.load(run.path).weights for run in (whole, resumed)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert [json.loads(line)["event"] for line in (resumed.path / "log.jsonl").read_text().splitlines()].count(
        "start"
    ) == 2


def test_a_run_stopped_before_its_first_epoch_is_resumed_from_the_start(tmp_path, photos):
    class StopsAtOnce(Listener):
        def progress(self, stage, done, total):
            if stage == "train":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, cs.Recipe(**QUICK), out=tmp_path, name="cut", listener=StopsAtOnce())

    assert cs.train(resume=tmp_path / "cut").epochs == 3


def test_a_finished_run_is_not_resumed(tmp_path, photos):
    run = cs.train(photos, cs.Recipe(**QUICK), out=tmp_path)

    with pytest.raises(RunError, match="finished"):
        cs.train(resume=run.path)


def test_resuming_notices_pictures_that_are_gone(tmp_path, photos):
    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, cs.Recipe(**QUICK), out=tmp_path / "runs", name="cut", listener=StopsAfter(1))
    (photos / "red/000.png").unlink()

    with pytest.raises(RunError, match="1 of its 36 pictures are gone"):
        cs.train(resume=tmp_path / "runs/cut")


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path, photos):
    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, cs.Recipe(**QUICK), out=tmp_path / "runs", name="cut", listener=StopsAfter(1))
    for checkpoint in (tmp_path / "runs/cut/checkpoint").glob("*.safetensors"):
        checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])

    with pytest.raises(RunError, match="checkpoint cannot be read"):
        cs.train(resume=tmp_path / "runs/cut")


def scripted(losses_of_epochs, settings, tmp_path, photos, monkeypatch):
    """A loop whose validation losses are given; what it keeps and when it stops can be told beforehand."""
    from convscope.data.batches import Pixels

    listing = cs.read(photos).split()
    preprocess = cs.Preprocess(size=32, mean=(0.5,) * 3, spread=(0.5,) * 3)
    pixels = [Pixels(listing.part(part), preprocess) for part in ("train", "val")]
    network = cs.build("lenet5_modern", 3, 3, 32)
    loop = Loop(network, settings, *pixels, tmp_path / "run", SILENT, lambda *_, **__: None)
    given = iter(losses_of_epochs)
    snapshots = []

    def validate(_):
        snapshots.append({name: tensor.clone() for name, tensor in network.state_dict().items()})
        return next(given), 0.5, None

    monkeypatch.setattr(Training, "validate", validate)
    return loop.run(), snapshots


def test_training_stops_when_patience_is_used_up_and_the_best_weights_come_back(tmp_path, photos, monkeypatch):
    settings = cs.Recipe(**{**QUICK, "epochs": 10}, patience_checks=2)

    outcome, snapshots = scripted([0.9, 0.5, 0.6, 0.7, 0.1], settings, tmp_path, photos, monkeypatch)

    assert (len(outcome.history), outcome.best_epoch, outcome.reason) == (4, 2, "patience")
    assert all(torch.equal(outcome.best[name], snapshots[1][name]) for name in outcome.best)


def test_a_fall_smaller_than_min_delta_does_not_count(tmp_path, photos, monkeypatch):
    settings = cs.Recipe(**{**QUICK, "epochs": 10}, patience_checks=2, min_delta=0.1)

    outcome, _ = scripted([0.9, 0.85, 0.81, 0.2], settings, tmp_path, photos, monkeypatch)

    assert (len(outcome.history), outcome.best_epoch) == (3, 1)


def test_the_time_limit_begins_no_further_epoch(tmp_path, photos):
    run = cs.train(photos, cs.Recipe(**{**QUICK, "epochs": 500}, time_limit_min=1e-6), out=tmp_path)

    assert run.epochs == 1


def test_a_loss_that_is_no_number_stops_at_once_and_names_the_layer(tmp_path, photos, monkeypatch):
    from convscope.models import zoo

    row = zoo.find(QUICK["model"])

    def poisoned(*arguments):
        network = row.build(*arguments)
        network.features.c3.weight.data[0, 0, 0, 0] = float("nan")
        return network

    monkeypatch.setitem(zoo.NETWORKS, QUICK["model"], replace(row, build=poisoned))

    with pytest.raises(TrainingDiverged, match=r"epoch 1, step 1: layer features\.c3 is the first"):
        cs.train(photos, cs.Recipe(**QUICK), out=tmp_path)


def test_a_validation_loss_that_is_no_number_is_no_success(tmp_path, photos):
    settings = cs.Recipe(**{**QUICK, "epochs": 1, "batch": 200}, rate=1e30, optimiser="sgd")

    with pytest.raises(TrainingDiverged, match="epoch 1, validation"):
        cs.train(photos, settings, out=tmp_path, name="r")
    assert not (tmp_path / "r/model.safetensors").exists()


def test_steps_count_a_lone_last_picture_into_the_batch_before():
    assert [len(feed.steps(np.arange(n), 8)) for n in (1, 8, 9, 10, 17)] == [1, 1, 1, 2, 2]


def test_mean_and_spread_are_those_of_the_training_pictures(tmp_path, photos):
    run = cs.train(photos, cs.Recipe(**QUICK), out=tmp_path)
    preprocess = cs.Bundle.load(run.path).card.preprocess
    listing = cs.read(photos)
    chosen = rows_of(run.path, listing, "train")
    values = torch.stack([preprocess.fit(listing.picture(row)) for row in chosen]).double() / 255

    assert preprocess.mean == pytest.approx(values.mean(dim=(0, 2, 3)).tolist(), abs=1e-6)
    assert preprocess.spread == pytest.approx(values.std(dim=(0, 2, 3), correction=0).tolist(), abs=1e-6)
    scaled = preprocess.scale((values * 255).byte())
    assert scaled.mean().abs() < 1e-3
    assert (scaled.std() - 1).abs() < 1e-3


def test_a_class_that_only_the_test_has_is_refused(tmp_path):
    make_photos(tmp_path / "d/train", classes=("red", "green"), count=4)
    make_photos(tmp_path / "d/test", classes=("red", "green", "blue"), count=2, first_seed=50)

    with pytest.raises(DataError, match="class 'blue' has no"):
        cs.train(tmp_path / "d", cs.Recipe(**QUICK), out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
