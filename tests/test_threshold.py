"""None of these: the threshold that is chosen, what it gives and costs, and what predict says of it."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import convscope as cs
from convscope.errors import DataError
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.report import Report
from convscope.evaluation.threshold import FEWEST, STEPS, Foreign, asked, choose, coverage, known
from convscope.models.bundle import FILE, Bundle

FACTS = {"views": "centre", "seconds_per_image": 0.5, "split": "test", "model": "m", "precision": "f32", "data": "d"}


def answers(top):
    """Probabilities of two classes; the first is answered with these, from a half up."""
    top = np.asarray(top, np.float32)
    return np.stack([top, 1 - top], axis=1)


def random_answers(count, classes, seed):
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.full(classes, 0.3), size=count).astype(np.float32)
    truth = np.where(random.random(count) < 0.7, chances.argmax(axis=1), random.integers(0, classes, count))
    return chances, truth


def test_the_threshold_keeps_19_of_20_right_answers_and_wrong_ones_have_no_say():
    right, wrong = np.linspace(0.7, 0.89, 20), [0.51, 0.52, 0.99]

    chosen = choose(answers([*right, *wrong]), np.array([0] * 20 + [1] * 3))

    assert chosen == pytest.approx(0.71, abs=1e-4)  # 0.70 is lost, 0.71 is kept
    assert (right.astype(np.float32) >= chosen).sum() == 19


@given(st.integers(30, 300), st.integers(2, 8), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_it_is_the_largest_of_four_decimals_that_keeps_95_percent(count, classes, seed):
    chances, truth = random_answers(count, classes, seed)
    right = [float(max(row)) for row, label in zip(chances, truth, strict=True) if np.argmax(row) == label]

    chosen = choose(chances, truth)

    if len(right) < FEWEST:
        assert chosen is None
        return
    assert sum(top >= chosen for top in right) >= 0.95 * len(right)
    assert sum(top >= chosen + 0.0001 for top in right) < 0.95 * len(right)


def test_of_few_right_answers_none_is_chosen():
    truth = np.zeros(FEWEST, np.int64)

    assert choose(answers(np.full(FEWEST, 0.9)), truth) == pytest.approx(0.9, abs=1e-4)
    assert choose(answers(np.full(FEWEST - 1, 0.9)), truth[1:]) is None
    assert choose(answers(np.full(FEWEST, 0.9)), 1 - truth) is None
    assert choose(answers(np.full(FEWEST, 1.0)), truth) == 0.9999  # one engine's 1.0 is another's 0.9999999


@given(st.integers(1, 80), st.integers(2, 6), st.sampled_from([None, 0.0, 0.3, 0.62, 1.0]), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_every_row_of_the_table_is_counted(count, classes, value, seed):
    chances, truth = random_answers(count, classes, seed)
    strangers, _ = random_answers(count + 3, classes, seed + 1)

    told = coverage(chances, truth, value, Foreign("elsewhere", strangers))

    def count_by_hand(threshold):
        kept = [(row, label) for row, label in zip(chances, truth, strict=True) if float(max(row)) >= threshold]
        hits = sum(int(np.argmax(row)) == label for row, label in kept)
        accepted = sum(float(max(row)) >= threshold for row in strangers)
        return len(kept), hits, accepted

    assert [row[0] for row in told["table"]] == list(STEPS)
    for threshold, covered, accuracy, accepted_share in told["table"]:
        kept, hits, accepted = count_by_hand(threshold)
        assert covered == pytest.approx(kept / count, abs=1e-12)
        assert accuracy == (pytest.approx(hits / kept, abs=1e-12) if kept else None)
        assert accepted_share == pytest.approx(accepted / len(strangers), abs=1e-12)
    kept, hits, accepted = count_by_hand(value or 0)
    assert told["value"] == value
    assert told["coverage"] == pytest.approx(kept / count)
    assert told["foreign"]["accepted"] == accepted
    if kept:
        expected = stats.binomtest(hits, kept).proportion_ci(method="wilson")
        assert told["accuracy_interval"] == pytest.approx([expected.low, expected.high], abs=1e-9)
    else:
        assert told["accuracy"] is told["accuracy_interval"] is None
    expected = stats.binomtest(accepted, len(strangers)).proportion_ci(method="wilson")
    assert told["foreign"]["interval"] == pytest.approx([expected.low, expected.high], abs=1e-9)


def test_a_report_tells_of_foreign_pictures():
    chances = answers([0.9, 0.8, 0.6])
    predictions = Predictions(("x", "y", "z"), np.array([0, 0, 1]), chances, ("a", "b"))

    report = Report.of(predictions, **FACTS, threshold=0.7, foreign=Foreign("shoes", answers([0.95, 0.55, 0.5, 0.69])))

    told = json.loads(json.dumps(report.to_dict()))["threshold"]
    assert (told["value"], told["coverage"], told["accuracy"]) == (0.7, pytest.approx(2 / 3), 1)
    assert told["foreign"].items() >= {"data": "shoes", "n": 4, "accepted": 1, "share": 0.25}.items()
    assert Report.of(predictions, **FACTS).threshold["foreign"] is None
    assert Report.of(predictions, **FACTS).threshold["coverage"] == 1


def test_an_answer_that_reaches_the_threshold_exactly_counts():
    third = np.float32(1 / 3)

    assert known(np.array([[third, third, third]]), float(third)).tolist() == [True]
    assert known(np.array([[third, third, third]]), float(np.nextafter(third, np.float32(1)))).tolist() == [False]


@pytest.mark.parametrize("wish", [-0.1, 1.1, float("nan")])
def test_a_number_that_is_no_probability_is_refused(wish):
    with pytest.raises(DataError, match="0 to 1"):
        asked(wish, 0.5)


# predict


@pytest.fixture
def sure(trained, tmp_path):
    """A model file with a threshold that some of its pictures reach, and its photos: (file, photos, threshold)."""
    run, photos = trained
    top = [row["probability"] for row in cs.predict(run, photos)]
    limit = float(np.median(top))
    bundle = Bundle.load(run)
    Bundle(bundle.card.model_copy(update={"threshold": limit}), bundle.weights).save(tmp_path / FILE)
    return tmp_path / FILE, photos, limit


def test_without_a_threshold_predict_says_what_it_said(sure, convscope):
    file, photos, _ = sure

    rows = json.loads(convscope("predict", file, photos, "--json")[1])

    assert all(row.keys() == {"file", "label", "probability", "top", "error"} for row in rows)
    assert "none of these" not in convscope("predict", file, photos)[1]


@pytest.mark.parametrize("wish", ["auto", "0.9"])
def test_predict_says_which_pictures_are_none_of_these_and_keeps_the_label(sure, convscope, tmp_path, wish):
    file, photos, own = sure
    limit, broken = own if wish == "auto" else 0.9, tmp_path / "broken.png"
    broken.write_bytes(b"no picture")

    rows = json.loads(convscope("predict", file, photos, broken, "--threshold", wish, "--json")[1])
    printed = convscope("predict", file, photos, "--threshold", wish)[1]
    korean = convscope("predict", file, photos, "--threshold", wish, "--lang", "ko")[1]

    assert [row["known"] for row in rows] == [
        row["probability"] >= limit if row["error"] is None else None for row in rows
    ]
    assert all(row["label"] for row in rows if row["error"] is None)
    unknown = [row["file"] for row in rows if row["known"] is False]
    assert [line.removesuffix(": none of these") for line in printed.splitlines() if line.endswith("these")] == unknown
    assert korean.count(": 해당 없음") == len(unknown)
    assert wish != "auto" or 0 < len(unknown) < len(rows) - 1
    assert cs.predict(file, photos, threshold=own) == [
        {key: row[key] for key in ("file", "label", "probability", "top", "error", "known")}
        for row in cs.predict(file, photos, threshold="auto")
    ]


def test_the_table_says_it_too(sure, convscope, tmp_path):
    file, photos, limit = sure

    convscope("predict", file, photos, "--threshold", "auto", "--csv", "answers.csv")

    with (tmp_path / "answers.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["known"] for row in rows} == {"yes", "no"}
    near = [row for row in rows if abs(float(row["probability"]) - limit) > 1e-5]
    assert all((row["known"] == "yes") == (float(row["probability"]) >= limit) for row in near)


@pytest.mark.parametrize("wish", ["high", "2", "-1", "nan"])
def test_predict_refuses_a_threshold_that_is_none(sure, convscope, wish):
    status, _, err = convscope("predict", sure[0], sure[1], "--threshold", wish)

    assert status == 2
    assert "--threshold" in err
    assert "a number from 0 to 1, auto or none" in err


def test_auto_needs_a_model_that_has_one(trained, convscope):
    status, _, err = convscope("predict", *trained, "--threshold", "auto")

    assert status == 2
    assert "this model file holds no threshold" in err
