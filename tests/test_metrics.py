"""Averages and curves against scikit-learn on random cases, a class absent among them, and against counting by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from convscope.evaluation import metrics
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.ranking import MOST_CURVES, MOST_POINTS, ranking, thinned
from convscope.evaluation.report import Report

FACTS = {"views": "centre", "seconds_per_image": 0.5, "split": "test", "model": "m", "precision": "f32", "data": "d"}


@st.composite
def cases(draw):
    """(probabilities, truth, names) of a few pictures; often with ties, often with a class that is absent or all."""
    classes, count = draw(st.integers(2, 7)), draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probabilities = random.dirichlet(np.full(classes, draw(st.sampled_from([0.1, 1.0]))), size=count)
    if draw(st.booleans()):  # ties
        probabilities = probabilities.round(1)
    there = draw(st.integers(1, classes))
    return probabilities.astype(np.float32), random.integers(0, there, count), tuple("abcdefg"[:classes])


@given(cases())
@settings(max_examples=150, deadline=None)
def test_every_average_is_scikit_learns(case):
    probabilities, truth, names = case
    predicted = probabilities.argmax(axis=1)

    found = metrics.averages(truth, predicted, len(names))
    each = metrics.per_class(truth, predicted, names)

    asked = {"labels": range(len(names)), "zero_division": 0}
    for how in ("macro", "weighted"):
        expected = {
            "precision": theirs.precision_score(truth, predicted, average=how, **asked),
            "recall": theirs.recall_score(truth, predicted, average=how, **asked),
            "f1": theirs.f1_score(truth, predicted, average=how, **asked),
        }
        assert found[how] == pytest.approx(expected, abs=1e-12)
    for key in ("precision", "recall", "f1"):  # and what macro and weighted mean
        values, support = [row[key] for row in each.values()], [row["support"] for row in each.values()]
        assert found["macro"][key] == pytest.approx(sum(values) / len(names), abs=1e-12)
        assert found["weighted"][key] == pytest.approx(np.dot(values, support) / len(truth), abs=1e-12)


def test_averages_of_three_classes_by_hand():
    truth, predicted = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0])

    found = metrics.averages(truth, predicted, 3)  # the third class is absent, and counts as 0

    assert found["macro"]["precision"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert found["weighted"]["recall"] == pytest.approx((3 * 2 / 3 + 2 * 1 / 2) / 5)


@given(cases())
@settings(max_examples=150, deadline=None)
def test_every_area_is_scikit_learns_and_none_where_there_is_nothing_to_rank(case):
    probabilities, truth, names = case

    for label, (name, row) in enumerate(ranking(probabilities, truth, names).items()):
        positive = truth == label
        assert name == names[label]
        if positive.all() or not positive.any():
            assert row == {"auc": None, "average_precision": None, "roc": [], "pr": []}
            continue
        assert row["auc"] == pytest.approx(theirs.roc_auc_score(positive, probabilities[:, label]), abs=1e-12)
        assert row["average_precision"] == pytest.approx(
            theirs.average_precision_score(positive, probabilities[:, label]), abs=1e-12
        )


@given(cases())
@settings(max_examples=100, deadline=None)
def test_the_area_is_the_share_of_pairs_in_the_right_order(case):
    probabilities, truth, names = case

    for label, row in enumerate(ranking(probabilities, truth, names).values()):
        ours, others = (probabilities[truth == label, label], probabilities[truth != label, label])
        if len(ours) and len(others):
            above = (ours[:, None] > others).sum() + 0.5 * (ours[:, None] == others).sum()
            assert row["auc"] == pytest.approx(above / (len(ours) * len(others)), abs=1e-12)


def test_long_curves_are_thinned_and_stay_where_they_were():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 5000)
    chance = (0.35 * truth + 0.65 * random.random(5000)).astype(np.float32)

    row = ranking(np.stack([1 - chance, chance], axis=1), truth, ("a", "b"))["b"]

    precision, recall, _ = theirs.precision_recall_curve(truth, chance)
    whole = {"roc": theirs.roc_curve(truth, chance, drop_intermediate=False)[:2], "pr": (recall, precision)}
    for key, (x, y) in whole.items():
        points = np.array(row[key])
        assert 10 < len(points) <= MOST_POINTS
        assert (np.diff(points[:, 0]) >= 0).all()
        apart = np.abs(points[:, None] - np.stack([x, y], axis=1).round(4)).sum(axis=2)
        assert apart.min(axis=1).max() < 1e-9  # every point is one of the whole curve
        assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(abs(np.trapezoid(y, x)), abs=0.01)
    assert row["roc"][0] == [0, 0]
    assert row["roc"][-1] == [1, 1]
    assert row["pr"][0] == [0, 1]
    assert row["pr"][-1][0] == 1


def test_a_short_curve_keeps_every_point():
    assert thinned(np.array([0, 0, 1.0]), np.array([0, 1.0, 1])) == [[0, 0], [0, 1], [1, 1]]


def random_predictions(count, classes):
    random = np.random.default_rng(1)
    chances = random.dirichlet(np.full(classes, 0.1), size=count).astype(np.float32)
    names = tuple(f"class {number}" for number in range(classes))
    return Predictions(tuple(map(str, range(count))), random.integers(0, classes, count), chances, names)


def test_with_many_classes_the_areas_stay_and_the_curves_go():
    report = Report.of(random_predictions(300, MOST_CURVES + 1), **FACTS)

    assert len(report.ranking) == MOST_CURVES + 1
    assert all(row.keys() == {"auc", "average_precision"} for row in report.ranking.values())
    assert len(json.dumps(report.to_dict()["ranking"])) < 100 * (MOST_CURVES + 1)


def test_what_was_added_can_be_read_again_and_older_reports_too(tmp_path):
    report = Report.of(random_predictions(60, 3), **FACTS, temperature=1.5, threshold=0.7)
    content = {"schema": 1, **{k: v for k, v in report.to_dict().items() if k != "schema"}}
    (tmp_path / "report.json").write_text(json.dumps(content))
    assert Report.read(tmp_path) == report

    for added in ("averages", "calibration", "ranking", "threshold", "members"):
        del content[added]
    (tmp_path / "report.json").write_text(json.dumps({**content, "of a later version": 1}))
    older = Report.read(tmp_path)

    assert older.top1 == report.top1
    assert (older.averages, older.calibration, older.ranking, older.threshold, older.members) == (
        {},
        None,
        {},
        None,
        (),
    )
    assert "top-1" in older._repr_html_()
    assert "macro average" in report._repr_html_()


def test_answers_that_are_no_numbers_have_no_calibration():
    chances = np.array([[0.5, 0.5], [np.nan, np.nan]], np.float32)

    report = Report.of(Predictions(("x", "y"), np.array([0, 1]), chances, ("a", "b")), **FACTS)

    assert (report.calibration, report.ranking, report.threshold) == (None, {}, None)
