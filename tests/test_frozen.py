"""A new head on a frozen network: what is trained, what is not, and what a run says of it."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
import yaml
from sklearn.linear_model import LogisticRegression

import convscope as cs
from convscope.data.preprocess import Preprocess
from convscope.errors import RunError
from convscope.inference.engine import Engine
from convscope.models import zoo
from convscope.models.bundle import Bundle, Card
from convscope.models.heads import split
from convscope.training.transfer.head import STRENGTHS, USUAL, fit
from convscope.words import Listener
from tests.conftest import COLOURS, make_photos, paint

NETWORK = "mobilenet_v1_025"


class Said(Listener):
    """Remembers what a run says."""

    def __init__(self):
        self.keys: dict[str, dict] = {}

    def message(self, key, **values):
        self.keys[key] = values


SIZE = 64


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A model file of a small network whose values are random: its features still tell colours apart."""
    torch.manual_seed(0)
    network = zoo.build(NETWORK, 10, 3, SIZE)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(16, 3, SIZE, SIZE))
    preprocess = Preprocess(size=SIZE, mean=(0.5,) * 3, spread=(0.5,) * 3)
    card = Card(
        convscope="0", network=NETWORK, classes=tuple("0123456789"), preprocess=preprocess, licence="Apache-2.0"
    )
    file = tmp_path_factory.mktemp("weights") / f"{NETWORK}.safetensors"
    Bundle(card, network.state_dict()).save(file)
    return file


@pytest.fixture
def frozen(weights):
    return cs.Recipe(model=NETWORK, weights=str(weights))


def test_weights_make_a_run_frozen_by_itself(photos, frozen, tmp_path):
    run = cs.train(photos, frozen, out=tmp_path / "runs")

    config = yaml.safe_load((run.path / "config.yaml").read_text())
    assert (config["mode"], config["epochs"]) == ("frozen", 1)
    assert run.test_top1 == 1.0
    assert cs.predict(run.path, paint(tmp_path / "new.png", COLOURS["blue"], seed=77))[0]["label"] == "blue"


def test_nothing_but_the_head_differs_from_the_borrowed_network(photos, frozen, weights, tmp_path):
    run = cs.train(photos, frozen, out=tmp_path / "runs")

    before, after = Bundle.load(weights), Bundle.load(run.path)
    for name, tensor in split(before.network())[0].state_dict().items():  # batch norm's buffers among them
        assert torch.equal(tensor, after.weights[name]), name
    assert after.weights["classifier.scores.weight"].shape == (3, 256)
    assert after.card.licence == "Apache-2.0"
    assert after.card.recipe["weights"] == weights.name  # and no folder of its maker's


def test_the_row_of_metrics_is_one_epoch_with_the_head_s_losses(photos, frozen, tmp_path):
    run = cs.train(photos, frozen, out=tmp_path / "runs")

    (row,) = csv.DictReader((run.path / "metrics.csv").read_text().splitlines())
    assert row["epoch"] == "1"
    model, val = Bundle.load(run.path), cs.evaluate(run.path, photos, split="val")
    chances = val.predictions.probabilities[np.arange(val.n), val.predictions.truth]
    assert float(row["val_loss"]) == pytest.approx(float(-np.log(chances).mean()), rel=1e-3, abs=1e-6)
    assert float(row["val_top1"]) == val.top1
    assert model.card.scores["val_top1"] == val.top1


def test_the_report_agrees_with_an_evaluation_that_looks_anew(photos, frozen, tmp_path):
    run = cs.train(photos, frozen, out=tmp_path / "runs")

    again = cs.evaluate(run.path, photos)
    assert np.abs(again.predictions.probabilities - run.report.predictions.probabilities).max() < 1e-5


def test_the_head_of_cached_features_is_that_of_uncached_ones(photos, frozen, tmp_path, monkeypatch):
    runs = []
    for name, cache in (("cold", "a"), ("warm", "a"), ("other", "b")):
        monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / cache))
        said = Said()
        runs.append(Bundle.load(cs.train(photos, frozen, out=tmp_path / "runs", name=name, listener=said).path).weights)
        assert said.keys["train.looked"] == {
            "computed": 0 if name == "warm" else 36,
            "known": 36 if name == "warm" else 0,
        }

    for name in ("classifier.scores.weight", "classifier.scores.bias"):
        assert (runs[0][name] - runs[1][name]).abs().max() <= 1e-6
        assert (runs[0][name] - runs[2][name]).abs().max() <= 1e-6


def test_a_run_repeats_from_its_config(photos, frozen, tmp_path, convscope):
    run = cs.train(photos, frozen, out=tmp_path / "runs")

    status, out, _ = convscope("train", "--config", run.path / "config.yaml", "--json")

    again = json.loads(out)["run"]
    assert status == 0
    assert (tmp_path / again / "metrics.csv").read_bytes() == (run.path / "metrics.csv").read_bytes()


def test_a_killed_run_starts_over_when_resumed(photos, frozen, tmp_path):
    run = cs.train(photos, frozen, out=tmp_path / "runs")
    (run.path / "model.safetensors").unlink()

    before = (run.path / "metrics.csv").read_bytes()
    (run.path / "metrics.csv").unlink()

    again = cs.train(resume=run.path)

    assert again.test_top1 == run.test_top1
    assert (run.path / "metrics.csv").read_bytes() == before


def test_a_resumed_run_refuses_other_weights(photos, weights, tmp_path):
    mine = shutil.copy(weights, tmp_path / "mine.safetensors")
    run = cs.train(photos, cs.Recipe(model=NETWORK, weights=str(mine)), out=tmp_path / "runs")
    (run.path / "model.safetensors").unlink()
    bundle = Bundle.load(mine)
    other = {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in bundle.weights.items()}
    Bundle(bundle.card, other).save(tmp_path / "mine.safetensors")

    with pytest.raises(RunError, match="not the file that it began with"):
        cs.train(resume=run.path)


def test_weights_in_a_folder_are_found_without_being_named(photos, weights, tmp_path, convscope):
    folder = tmp_path / "kit"
    folder.mkdir()
    shutil.copy(weights, folder / "mobilenet_v1_025_same.safetensors")  # of another network: refused, not taken

    status, _, err = convscope("train", photos, "--weights-dir", folder, "--quiet")
    assert status == 2
    assert "a convscope model of mobilenet_v1_025, not of mobilenet_v1_025_same" in err

    (folder / "mobilenet_v1_025_same.safetensors").rename(folder / f"{NETWORK}.safetensors")
    status, out, _ = convscope("train", photos, "--model", NETWORK, "--weights-dir", folder)
    assert status == 0
    assert "stays as it is" in out


def test_without_weights_photos_are_trained_from_scratch_and_it_is_said(photos, convscope):
    status, out, _ = convscope("train", photos, "--epochs", 1)

    assert status == 0
    assert "is trained from scratch" in out
    assert "convscope weights fetch mobilenet_v3_large" in out


def test_every_mode_says_what_it_does_in_both_languages(photos, weights, convscope):
    for language, words in (("en", "batch norm does not change"), ("ko", "배치 정규화는 변하지 않습니다")):
        _, out, _ = convscope("train", photos, "--model", NETWORK, "--weights", weights, "--lang", language)
        assert words in out


def test_a_broken_picture_is_named_and_left_out(photos, frozen, tmp_path):
    (photos / "red" / "000.png").write_bytes(b"nothing")

    run = cs.train(photos, frozen, out=tmp_path / "runs")

    assert [fault["file"] for fault in run.report.broken] == ["red/000.png"]
    assert "broken" in (run.path / "split.csv").read_text()


def test_a_picture_deleted_after_it_was_listed_is_left_out(photos, frozen, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))  # where nobody has looked at it before
    listing = cs.read(photos)
    listing.hash()
    (photos / "red" / "000.png").unlink()

    run = cs.train(listing, frozen, out=tmp_path / "runs")

    assert [fault["file"] for fault in run.report.broken] == ["red/000.png"]


def test_a_test_picture_deleted_after_the_look_is_named(photos, frozen, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))

    class Deleting(Said):
        def message(self, key, **values):
            super().message(key, **values)
            if key == "train.folder":
                rows = csv.DictReader((values["run"] / "split.csv").read_text().splitlines())
                self.lost = next(row["file"] for row in rows if row["split"] == "test")
                (photos / self.lost).unlink()

    said = Deleting()
    run = cs.train(
        photos, frozen.settle(mode="scratch", model="lenet5_modern", epochs=1), out=tmp_path / "runs", listener=said
    )

    assert [fault["file"] for fault in run.report.broken] == [said.lost]
    assert said.keys["train.broken"]["file"] == said.lost


def test_another_mode_than_the_config_s_has_its_own_numbers(photos, frozen, tmp_path, convscope):
    run = cs.train(photos, frozen, out=tmp_path / "runs")

    _, out, _ = convscope(
        "train", "--config", run.path / "config.yaml", "--mode", "finetune", "--time-limit", 0.0001, "--json"
    )

    config = yaml.safe_load((tmp_path / json.loads(out)["run"] / "config.yaml").read_text())
    assert (config["epochs"], config["batch"], config["warmup_epochs"]) == (5, 32, 0.5)


def test_a_complaint_names_the_flag_that_was_typed(photos, weights, convscope):
    status, _, err = convscope("train", photos, "--model", NETWORK, "--weights", weights, "--patience", 3)

    assert status == 2
    assert "--patience 3: a frozen run fits its head at once" in err


def test_embeddings_that_do_not_fit_into_memory_are_refused_in_words(photos, frozen, tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.training.transfer.looks.free_memory", lambda: 1_000)

    with pytest.raises(cs.ConvscopeError, match="256 numbers each, views: 1"):
        cs.train(photos, frozen, out=tmp_path / "runs")


def test_one_photo_of_a_class_to_learn_from_is_enough_for_a_head(tmp_path, frozen):
    for part, count in (("train", 1), ("val", 3)):
        make_photos(tmp_path / "set" / part, count=count, first_seed=1 if part == "train" else 500)

    run = cs.train(tmp_path / "set", frozen.settle(test_share=0.0), out=tmp_path / "runs")

    assert run.val_top1 > 1 / 3  # of a network with random values


def test_one_photo_of_a_class_in_all_cannot_be_split(tmp_path, frozen):
    make_photos(tmp_path / "set", count=1)

    with pytest.raises(cs.ConvscopeError, match="has 1 different picture"):
        cs.train(tmp_path / "set", frozen, out=tmp_path / "runs")


def test_grey_pictures_go_through_a_colour_network(tmp_path, frozen):
    from PIL import Image

    for name, level in (("dark", 60), ("light", 190)):
        for number in range(12):
            noise = np.random.default_rng([level, number]).integers(-20, 21, (40, 40))
            (tmp_path / "grey" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray((level + noise).astype(np.uint8)).save(tmp_path / "grey" / name / f"{number}.png")

    run = cs.train(tmp_path / "grey", frozen, out=tmp_path / "runs")

    model = Bundle.load(run.path)
    assert model.card.preprocess.channels == 1
    assert model.weights["features.stem.conv.weight"].shape[1] == 1
    assert run.test_top1 == 1.0


@pytest.mark.parametrize("views", ["flip", "crops"])
def test_more_views_teach_the_head_and_leave_the_answers_to_one(views, photos, frozen, tmp_path):
    run = cs.train(photos, frozen.settle(views=views), out=tmp_path / "runs")

    again = cs.evaluate(run.path, photos)
    assert np.abs(again.predictions.probabilities - run.report.predictions.probabilities).max() < 1e-5


def blobs(count=60, classes=4, width=20, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = rng.normal(size=(classes, width))
    return (centres[labels] + rng.normal(size=(count, width))).astype(np.float32), labels.astype(np.int64)


def test_the_head_is_scikit_learn_s_on_standardised_vectors():
    vectors, labels = blobs()
    standard = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    expected = LogisticRegression(C=0.3, tol=1e-8, max_iter=5000, class_weight="balanced").fit(standard, labels)

    head = fit(vectors, labels, 4, strength=0.3)

    assert np.abs(head.probabilities(vectors) - expected.predict_proba(standard)).max() < 2e-3
    assert (head.strength, head.tried) == (0.3, {})


def test_two_classes_give_two_scores_that_are_the_sigmoid_s():
    vectors, labels = blobs(classes=2)
    standard = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    expected = LogisticRegression(C=1.0, tol=1e-8, max_iter=5000).fit(standard, labels)

    head = fit(vectors, labels, 2, strength=1.0)

    assert head.weight.shape == (2, 20)
    assert np.abs(head.probabilities(vectors) - expected.predict_proba(standard)).max() < 2e-3


def test_the_layer_computes_what_the_head_says():
    vectors, labels = blobs()
    head, layer = fit(vectors, labels, 4), torch.nn.Linear(20, 4)

    head.put_into(layer)

    with torch.no_grad():
        answers = torch.softmax(layer(torch.from_numpy(vectors)), dim=1).numpy()
    assert np.abs(answers - head.probabilities(vectors)).max() < 1e-5


def test_cross_validation_takes_the_strength_that_predicts_best():
    """Vectors of noise alone call for the strongest penalty: the surest answer is that nothing is known."""
    rng = np.random.default_rng(0)
    noise, labels = rng.normal(size=(90, 40)).astype(np.float32), np.arange(90) % 3

    head = fit(noise, labels, 3)

    assert set(head.tried) == set(STRENGTHS)
    assert head.strength == STRENGTHS[0]


def test_too_few_of_a_class_or_too_many_classes_take_the_usual_strength():
    vectors, labels = blobs(count=8)
    assert fit(vectors, labels, 4).strength == USUAL
    rng = np.random.default_rng(0)
    many = rng.normal(size=(2_000, 300)).astype(np.float32)

    head = fit(many, np.arange(2_000), 2_000)

    assert (head.strength, head.weight.shape) == (USUAL, (2_000, 300))
    assert (head.probabilities(many).argmax(axis=1) == np.arange(2_000)).mean() > 0.9


def test_rare_classes_count_as_much_as_frequent_ones():
    rng = np.random.default_rng(0)
    labels = np.array([0] * 190 + [1] * 10)
    vectors = (rng.normal(size=(200, 2)) + labels[:, None]).astype(np.float32)

    found = {
        b: fit(vectors, labels, 2, strength=1.0, balance=b).probabilities(vectors).argmax(axis=1) for b in (True, False)
    }

    assert (found[True][labels == 1] == 1).mean() > (found[False][labels == 1] == 1).mean() + 0.3


def test_looks_at_one_picture_share_a_fold():
    """Were they split, noise would be learnt by heart: each picture's twin would answer for it."""
    rng = np.random.default_rng(0)
    noise, labels = rng.normal(size=(60, 200)).astype(np.float32), np.arange(60) % 2

    head = fit(np.concatenate([noise, noise]), np.tile(labels, 2), 2, groups=2)

    assert min(head.tried.values()) > 0.6  # ln 2 = 0.69: nothing can be known


def test_the_real_network_reaches_what_was_reached(shared, tmp_path):
    file = shared.parent / "weights" / "mobilenet_v2_tf.safetensors"
    recipe = cs.Recipe(model="mobilenet_v2_same", weights=str(file))

    run = cs.train(shared / "hymenoptera", recipe, out=tmp_path / "runs")

    assert run.val_top1 >= 145 / 153
    whole = cs.train(shared / "hymenoptera", recipe.settle(test_share=0.0, model=recipe.model), out=tmp_path / "runs")
    assert whole.val_top1 >= 0.96
    reference = Engine(Bundle.load(whole.path), backend="torch")
    pixels = torch.stack(
        [reference.bundle.card.preprocess.fit(cs.read(shared / "hymenoptera").picture(row)) for row in range(8)]
    )
    fast = Engine(Bundle.load(whole.path), backend="openvino")
    assert np.abs(reference.probabilities(pixels) - fast.probabilities(pixels)).max() < 1e-4
