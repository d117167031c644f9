"""What `evaluate` takes beside the model and the pictures: a manifest, a threshold, foreign pictures, heatmaps."""

import json

import pytest

import convscope as cs
from convscope.data import manifest
from convscope.errors import ConvscopeError
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
    with pytest.raises(ConvscopeError, match="--threshold auto: "):
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
