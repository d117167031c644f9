"""Several models as one: the mean of their probabilities, whose pictures count, and what is refused."""

import csv
import json

import numpy as np
import pytest

import convscope as cs
from convscope.data import splits
from convscope.errors import ConvscopeError
from convscope.evaluation.ensemble import Ensemble
from convscope.evaluation.members import answering
from convscope.inference.engine import Values
from convscope.words import Listener
from tests.conftest import make_photos
from tests.untrained import untrained

SMALL = {"network": "course_cnn", "size": 28, "seed": 1, "resize": "squash"}


def answers(model, photos, **how):
    return cs.evaluate(model, photos, **how).predictions


class Told:
    """Answers every picture with the same probabilities."""

    precision = "f32"

    def __init__(self, *chances):
        self.chances = chances

    def answer(self, listing, listener=None):
        del listener
        for row in range(len(listing)):
            yield Values(listing.take([row]), np.array([self.chances], np.float32), ())


@pytest.mark.parametrize("views", ["centre", "flip"])
def test_pictures_that_nobody_can_read_are_one_clear_error(tmp_path, views):
    for name in ("red/1.png", "blue/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"no picture")
    model = untrained()

    with pytest.raises(ConvscopeError, match="not one of 2 pictures can be read"):
        cs.evaluate([model, model], cs.read(tmp_path), views=views, split="all")


def test_probabilities_are_averaged_not_scores(photos):
    """One member is very sure of the first class, two lean to the second: the mean of the scores says the first."""
    members = [Told(1 - 1e-6, 1e-6), Told(0.2, 0.8), Told(0.2, 0.8)]

    (values,) = Ensemble(members, [("a", "b")] * 3).answer(cs.read(photos).take([0, 1]))

    assert values.values == pytest.approx(np.array([[1.4 / 3, 1.6 / 3]] * 2), abs=1e-6)
    scores = np.mean([np.log(member.chances) for member in members], axis=0)
    assert (values.values[0].argmax(), scores.argmax()) == (1, 0)


@pytest.mark.parametrize("views", ["centre", "ten-crop", "dense"])
def test_an_ensemble_of_one_is_itself_bit_for_bit(photos, views):
    bundle = untrained(temperature=1.7)

    alone = answers(bundle, photos, views=views)

    for several in ([bundle], [bundle, bundle], [bundle] * 3):
        assert np.array_equal(answers(several, photos, views=views).probabilities, alone.probabilities)


@pytest.mark.parametrize("views", ["centre", "flip"])
def test_members_keep_their_own_size_and_preprocessing(photos, views):
    models = [untrained(), untrained(**SMALL), untrained("resnet20_cifar", 32, seed=2)]
    each = [answers(model, photos, views=views).probabilities.astype(np.float64) for model in models]

    report = cs.evaluate(models, photos, views=views)

    assert report.predictions.probabilities == pytest.approx(np.mean(each, axis=0), abs=1e-7)
    assert report.members == ("lenet5_modern", "course_cnn", "resnet20_cifar")
    assert report.model == "lenet5_modern + course_cnn + resnet20_cifar"


def test_classes_in_another_order_are_put_in_the_first_ones(photos):
    first, second = untrained(), untrained(**SMALL, classes=("red", "blue", "green"))
    mine, theirs = (answers(model, photos) for model in (first, second))

    found = answers([first, second], photos)

    turned = theirs.probabilities[:, [1, 2, 0]]
    assert found.classes == ("blue", "green", "red")
    assert found.probabilities == pytest.approx((mine.probabilities + turned) / 2, abs=1e-7)


def test_other_classes_are_refused_by_name(photos):
    with pytest.raises(
        ConvscopeError, match="same classes; one has, beside the first: violet; and lacks: green"
    ) as found:
        cs.evaluate([untrained(), untrained(classes=("blue", "red", "violet"))], photos)

    assert "\n" not in str(found.value)
    with pytest.raises(ConvscopeError, match="no model to judge"):
        cs.evaluate([], photos)


def test_a_broken_picture_is_answered_by_nobody(photos):
    (photos / "red" / "005.png").write_bytes(b"broken")

    report = cs.evaluate([untrained(), untrained(**SMALL)], photos)

    assert (report.n, [fault["file"] for fault in report.broken]) == (35, ["red/005.png"])
    assert "red/005.png" not in report.predictions.files


def recorded(photos, parts, **how):
    """A model that says who trained it: the part of each of the first, second, ... third of every class."""
    listing = cs.read(photos)
    hashes = {part: [] for part in splits.PARTS}
    for row, content in enumerate(listing.hash()):
        hashes[parts[row % 12 // 4]].append(content)
    return untrained(**how, hashes={part: tuple(found) for part, found in hashes.items()})


def test_the_split_that_all_members_share_decides(photos):
    models = [recorded(photos, ("train", "val", "test"), **how) for how in ({}, SMALL)]

    report = cs.evaluate(models, photos)

    assert (report.split, report.own_split, report.n, report.trained_on) == ("test", True, 12, ())
    assert {file[-7:-4] for file in report.predictions.files} == {"008", "009", "010", "011"}


def test_splits_that_differ_do_not_decide_and_that_is_said(photos):
    heard = []

    class Ear(Listener):
        def message(self, key, **values):
            heard.append(key)

    models = [
        recorded(photos, parts, **how)
        for parts, how in ((("train", "val", "test"), {}), (("val", "train", "test"), SMALL))
    ]

    report = cs.evaluate(models, photos, listener=Ear())

    assert "views.splits_differ" in heard
    assert (report.split, report.own_split, report.n) == ("all", False, 36)
    assert len(report.trained_on) == 24  # by one of them or the other


def test_what_any_member_was_trained_on_is_left_out_of_a_test(photos, tmp_path):
    """A test folder that holds two pictures that only the first member knows, two that only the second does."""
    make_photos(tmp_path / "d" / "test", count=4, first_seed=50_000)
    listing = cs.read(photos)
    known = [listing.files[row] for row in (0, 1, 4, 5)]
    for file in known:
        (tmp_path / "d" / "test" / file.replace("/", "/known-")).write_bytes((photos / file).read_bytes())
    models = [
        recorded(photos, parts, **how)
        for parts, how in ((("train", "val", "test"), {}), (("val", "train", "test"), SMALL))
    ]

    both, first = cs.evaluate(models, tmp_path / "d"), cs.evaluate(models[0], tmp_path / "d")

    assert (both.split, both.n, both.refused) == ("test", 12, 4)
    assert sorted(both.trained_on) == sorted("test/" + file.replace("/", "/known-") for file in known)
    assert (first.n, first.refused) == (14, 2)


def test_a_member_that_knows_nothing_of_its_training_has_no_say(photos):
    report = cs.evaluate([recorded(photos, ("train", "val", "test")), untrained(**SMALL)], photos)

    assert (report.split, report.own_split, report.n) == ("test", True, 12)


def test_the_time_left_is_that_of_all_members(photos):
    heard = []

    class Ear(Listener):
        def progress(self, stage, done, total):
            heard.append((stage, done, total))

    listing = cs.read(photos)
    for _ in answering([untrained(), untrained(**SMALL)], views="centre").answer(listing, Ear()):
        pass

    assert {total for _, _, total in heard} == {72}
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)
    assert heard[-1] == ("answer", 72, 72)


def test_the_command_takes_several_models_and_then_the_data(convscope, photos, tmp_path):
    for name, how in (("a", {}), ("b", SMALL)):
        untrained(**how).save(tmp_path / f"{name}.safetensors")

    status, out, err = convscope(
        "evaluate", "a.safetensors", "b.safetensors", photos, "--views", "flip", "--out", "kept", "--json"
    )

    report = json.loads(out)
    assert (status, report["members"], report["views"], report["n"]) == (
        0,
        ["a.safetensors", "b.safetensors"],
        "flip",
        36,
    )
    assert "an ensemble of 2 models" in err
    with (tmp_path / "kept" / "predictions.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 37


def test_a_command_without_data_is_one_clear_line(convscope, tmp_path):
    untrained().save(tmp_path / "a.safetensors")

    status, _, err = convscope("evaluate", "a.safetensors")

    assert (status, err.count("\n")) == (2, 1)
    assert "Missing argument 'MODEL'" in err
