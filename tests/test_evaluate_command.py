"""What `evaluate` takes beside the model and the pictures: a manifest, a threshold, foreign pictures, heatmaps."""

import json
import shutil

import pytest

import convscope as cs
from convscope.data import manifest
from convscope.errors import ConvscopeError
from convscope.words import Listener
from tests.conftest import make_photos
from tests.untrained import untrained


@pytest.fixture
def model(tmp_path):
    bundle = untrained()
    bundle.save(tmp_path / "model.safetensors")
    return "model.safetensors"


def test_a_manifest_says_which_pictures_count_and_as_what(convscope, model, photos, tmp_path):
    lines = manifest.entries(cs.read(photos))[:30]  # twelve blue ones, twelve green ones, six red ones
    changed = [*lines[:24], *(manifest.Entry(line.file, "blue", "", line.sha256) for line in lines[24:])]
    manifest.write(tmp_path / "m.csv", [manifest.Entry(changed[0].file, "", "drop"), *changed[1:]])

    status, out, _ = convscope("evaluate", model, photos, "--manifest", "m.csv", "--json")
    same = cs.evaluate(tmp_path / model, photos, manifest=tmp_path / "m.csv")

    report = json.loads(out)
    assert (status, report["n"]) == (0, 29)
    assert {name: row["support"] for name, row in report["per_class"].items()} == {"blue": 17, "green": 12, "red": 0}
    assert same.confusion == report["confusion"]


@pytest.fixture
def relabelled(photos, tmp_path):
    """A run by a manifest that calls the first three red test pictures green: (run folder, manifest)."""
    plain = cs.read(photos).split()
    lines = [
        manifest.Entry(file, plain.classes[label], part)
        for file, label, part in zip(plain.files, plain.labels, plain.parts, strict=True)
    ]
    tests = {line.file for line in lines if line.label == "red"} & set(plain.part("test").files)
    lines = [manifest.Entry(line.file, "green" if line.file in tests else line.label, line.split) for line in lines]
    manifest.write(tmp_path / "m.csv", lines)
    recipe = cs.Recipe(
        model="lenet5_modern", mode="scratch", size=32, epochs=6, batch=8, manifest=str(tmp_path / "m.csv")
    )
    return cs.train(photos, recipe, out=tmp_path / "runs"), tmp_path / "m.csv"


def test_a_run_remembers_the_classes_of_its_manifest(relabelled, photos, tmp_path):
    run, file = relabelled

    assert run.report.per_class["red"]["support"] == 0
    assert cs.evaluate(run.path, photos).to_dict()["confusion"] == run.report.to_dict()["confusion"]
    assert cs.evaluate(run.path, photos, manifest=file).confusion == run.report.confusion
    # of a model file alone nobody knows the classes: that is said
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((run.path / "model.safetensors").read_bytes())
    told = Told()
    assert cs.evaluate(alone, photos, listener=told).per_class["red"]["support"] > 0
    assert "views.manifest_gone" in told.keys


class Told(Listener):
    """Keeps the messages that it hears."""

    def __init__(self):
        self.keys = []

    def progress(self, stage, done, total):
        """Nothing."""

    def message(self, key, **values):
        del values
        self.keys.append(key)


def test_a_part_that_a_manifest_names_is_judged(trained, tmp_path):
    run, photos = trained
    own = cs.evaluate(run, photos)
    lines = manifest.entries(cs.read(photos))
    few = [manifest.Entry(line.file, "", "test" if line.file in own.predictions.files[:2] else "") for line in lines]
    manifest.write(tmp_path / "few.csv", few)

    assert cs.evaluate(run, photos, manifest=tmp_path / "few.csv").n == 2 < own.n


def test_a_runs_split_with_a_broken_picture_is_a_manifest(tmp_path):
    (tmp_path / "split.csv").write_text("file,label,split,sha256\na/1.png,a,broken,\na/2.png,a,train,\n")

    assert [line.split for line in manifest.read(tmp_path / "split.csv")] == ["drop", "train"]


def test_a_class_that_came_later_does_not_stop_the_runs_own_test(trained, tmp_path):
    run, photos = trained
    more = tmp_path / "more"
    shutil.copytree(photos, more)
    make_photos(more, classes=("violet",), count=2, first_seed=70_000)

    assert cs.evaluate(run, more).confusion == cs.evaluate(run, photos).confusion
    with pytest.raises(ConvscopeError, match="violet"):
        cs.evaluate(run, more, split="all")


def test_a_threshold_and_foreign_pictures_are_counted(convscope, model, photos, tmp_path):
    foreign = make_photos(tmp_path / "strangers" / "deep", classes=("violet",), count=5, first_seed=9_000)
    top = cs.evaluate(tmp_path / model, photos).predictions.probabilities.max(axis=1)
    limit = f"{sorted(top)[18]:.6f}"
    sure = int((top >= float(limit)).sum())

    _, out, _ = convscope("evaluate", model, photos, "--threshold", limit, "--foreign", foreign.parent, "--json")
    told = json.loads(out)["threshold"]

    strangers = cs.predict(tmp_path / model, foreign)
    accepted = sum(row["probability"] >= float(limit) for row in strangers)
    assert told["value"] == float(limit)
    assert told["coverage"] == pytest.approx(sure / 36)
    assert (told["foreign"]["n"], told["foreign"]["accepted"]) == (5, accepted)


def test_the_models_own_threshold_counts_unless_it_is_told_otherwise(photos):
    bundle = untrained()
    own = cs.Bundle(bundle.card.model_copy(update={"threshold": 0.4}), bundle.weights)

    values = {wish: cs.evaluate(own, photos, threshold=wish).threshold["value"] for wish in (None, "auto", "none", 0.3)}

    assert values == {None: 0.4, "auto": 0.4, "none": None, 0.3: 0.3}
    assert cs.evaluate([own, own], photos).threshold["value"] is None  # of several models, none is anybody's own
    with pytest.raises(ConvscopeError, match="--threshold auto: several models"):
        cs.evaluate([own, own], photos, threshold="auto")
    with pytest.raises(ConvscopeError, match="--threshold auto: this model"):
        cs.evaluate(bundle, photos, threshold="auto")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--threshold", "high"), "--threshold high: allowed: a number from 0 to 1, auto or none"),
        (("--threshold", "2"), "--threshold 2.0: allowed: a number from 0 to 1"),
        (("--heatmaps", "3"), "--heatmaps 3: goes with --out DIR"),
        (("--heatmaps", "-1", "--out", "r"), "--heatmaps -1: needs at least 0"),
        (("--foreign", "nowhere"), "nowhere: no such file, folder or pattern"),
        (("--manifest", "none.csv"), "none.csv: the manifest cannot be read"),
        (("--precision", "f16"), "--precision f16: allowed: f32, bf16"),
    ],
)
def test_a_flag_that_cannot_be_is_one_clear_line(convscope, model, photos, flags, sentence):
    status, _, err = convscope("evaluate", model, photos, *flags)

    assert (status, err.count("\n")) == (2, 1)
    assert sentence in err


def test_the_report_page_shows_the_command_that_made_it(convscope, model, photos, tmp_path):
    convscope("evaluate", model, photos, "--views", "flip", "--out", "kept", "--heatmaps", 2)

    page = (tmp_path / "kept" / "report.html").read_text(encoding="utf-8")
    assert f"convscope evaluate {model} {photos} --views flip --out kept --heatmaps 2" in page


def test_views_are_told_in_two_languages(convscope, model, photos):
    _, english, _ = convscope("evaluate", model, photos, "--views", "dense")
    _, korean, _ = convscope("evaluate", model, photos, "--views", "dense", "--lang", "ko")

    assert "the whole of each picture" in english
    assert "확률을 평균" in korean
