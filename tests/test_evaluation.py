"""Figures against scikit-learn, scipy and sums by hand; which pictures are judged; and what a report keeps."""

import csv
import json
import shutil

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as theirs

import convscope
from convscope.data import splits
from convscope.errors import DataError
from convscope.evaluation import metrics
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.report import Report
from convscope.models.bundle import FILE
from tests.conftest import COLOURS, make_photos, paint

CLASSES = tuple("abcdefg")


@pytest.fixture(scope="module")
def answers():
    """(probabilities, truth) of 200 pictures of seven classes, without ties; nothing is ever taken for a g."""
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(7), size=200).astype(np.float32)
    probabilities[:, 6] = 0
    return probabilities, random.integers(0, 7, 200)


@pytest.mark.parametrize("k", [1, 2, 5, 7])
def test_top_k_is_scikit_learns(answers, k):
    probabilities, truth = answers

    expected = theirs.top_k_accuracy_score(truth, probabilities, k=k, labels=range(7)) if k < 7 else 1.0

    assert metrics.top_k(probabilities, truth, k) == pytest.approx(expected)


def test_a_tie_counts_for_the_earlier_class():
    tied = np.array([[0.4, 0.2, 0.4], [0.2, 0.4, 0.4]], np.float32)

    assert metrics.top_k(tied, np.array([0, 1]), 1) == 1
    assert metrics.top_k(tied, np.array([2, 2]), 1) == 0
    assert metrics.top_k(tied, np.array([2, 2]), 2) == 1
    assert Predictions(("x", "y"), np.array([0, 1]), tied, ("a", "b", "c")).predicted.tolist() == [0, 1]


def test_confusion_and_classes_are_scikit_learns(answers):
    probabilities, truth = answers
    predicted = probabilities.argmax(axis=1)
    expected = theirs.classification_report(truth, predicted, target_names=CLASSES, output_dict=True, zero_division=0)

    assert metrics.confusion(truth, predicted, 7).tolist() == theirs.confusion_matrix(truth, predicted).tolist()
    for name, row in metrics.per_class(truth, predicted, CLASSES).items():
        assert [row["precision"], row["recall"], row["f1"], row["support"]] == pytest.approx(
            [expected[name][key] for key in ("precision", "recall", "f1-score", "support")]
        )


def test_figures_of_three_classes_by_hand():
    truth, predicted = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0])

    table = metrics.per_class(truth, predicted, ("a", "b", "c"))

    assert metrics.confusion(truth, predicted, 3).tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert table["a"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "support": 3})
    assert table["b"] == pytest.approx({"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "support": 2})
    assert table["c"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}


def test_the_text_is_scikit_learns_letter_by_letter(answers):
    truth, predicted = answers[1], answers[0].argmax(axis=1)
    said = [[CLASSES[label] for label in labels] for labels in (truth, predicted)]

    expected = theirs.classification_report(*said, digits=4, zero_division=0)

    assert metrics.text_report(truth, predicted, CLASSES) == expected


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (1, 1), (0, 10), (10, 10), (9, 10), (81, 100), (9_812, 10_000)])
def test_the_interval_is_wilsons(hits, count):
    z2 = stats.norm.ppf(0.975) ** 2
    share = hits / count
    # the bounds p solve (share - p)**2 = z**2 p (1 - p) / count
    solved = sorted(np.roots([1 + z2 / count, -(2 * share + z2 / count), share**2]).real)
    scipys = stats.binomtest(hits, count).proportion_ci(method="wilson")

    assert metrics.wilson(hits, count) == pytest.approx(solved, abs=1e-9)
    assert metrics.wilson(hits, count) == pytest.approx((scipys.low, scipys.high), abs=1e-9)


def test_the_interval_holds_the_share_and_stays_between_0_and_1():
    for count in range(1, 120):
        for hits in range(count + 1):
            low, high = metrics.wilson(hits, count)
            assert 0 <= low <= hits / count <= high <= 1, (hits, count)


@pytest.fixture
def three():
    """Four pictures: right, wrong and fairly sure, wrong and very sure, right but in a tie."""
    chances = [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.05, 0.05, 0.9], [0.1, 0.45, 0.45]]
    files = ("a/1.png", "b/2, 3.png", "b/고양이.png", "b/4.png")
    return Predictions(files, np.array([0, 1, 1, 1]), np.array(chances, np.float32), ("a", "b", "c"))


FACTS = {"views": "centre", "seconds_per_image": 0.5, "split": "test", "model": "m", "precision": "f32", "data": "d"}


def test_mistakes_are_named_surest_first(three):
    assert three.predicted.tolist() == [0, 0, 2, 1]
    assert three.mistakes().tolist() == [2, 1]


def test_a_report_of_four_pictures_by_hand(three):
    report = Report.of(three, **FACTS)

    assert (report.top1, report.top5, report.n) == (0.5, None, 4)
    assert report.top1_interval == pytest.approx((0.1500, 0.8500), abs=1e-4)
    assert report.confusion == [[1, 0, 0], [1, 1, 1], [0, 0, 0]]
    assert report.worst_confusions() == [("b", "a", 1), ("b", "c", 1)]
    assert "top-1 50.0%" in report._repr_html_()


def test_top5_needs_more_than_five_classes(answers):
    probabilities, truth = answers
    many = Predictions(tuple(map(str, range(200))), truth, probabilities, CLASSES)

    assert Report.of(many, **FACTS).top5 == pytest.approx(theirs.top_k_accuracy_score(truth, probabilities, k=5))


def test_a_written_report_holds_what_is_promised(three, tmp_path):
    report = Report.of(three, **FACTS, broken=({"file": "x", "reason": "y"},), trained_on=("z",), refused=1)

    report.write(tmp_path / "new", picture=lambda row: None)
    content = json.loads((tmp_path / "new" / "report.json").read_text(encoding="utf-8"))
    texts = {name: (tmp_path / "new" / f"{name}.csv").read_text("utf-8") for name in ("predictions", "confusion")}
    tables = {name: list(csv.reader(text.splitlines())) for name, text in texts.items()}

    assert content.keys() >= {
        "schema", "top1", "top5", "top1_interval", "n", "classes", "per_class", "confusion", "views",
        "seconds_per_image", "split", "precision", "broken", "trained_on", "refused",
    }  # fmt: skip
    assert content["per_class"]["b"].keys() == {"precision", "recall", "f1", "support"}
    assert tables["confusion"] == [
        ["true \\ predicted", "a", "b", "c"], ["a", "1", "0", "0"], ["b", "1", "1", "1"], ["c", "0", "0", "0"],
    ]  # fmt: skip
    assert tables["predictions"][0] == ["file", "true", "predicted", "probability", "p:a", "p:b", "p:c"]
    assert tables["predictions"][3] == ["b/고양이.png", "b", "c", "0.900000", "0.050000", "0.050000", "0.900000"]
    assert [row[0] for row in tables["predictions"][1:]] == list(three.files)
    assert (tmp_path / "new" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert Report.read(tmp_path / "new") == report


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "no report"), ("{", "no report"), ("[]", "no report"), ("{}", "no report"), ('{"schema": 2}', "newer")],
)
def test_a_report_that_cannot_be_read_is_one_clear_error(tmp_path, text, message):
    if text is not None:
        (tmp_path / "report.json").write_text(text)

    with pytest.raises(DataError, match=message):
        Report.read(tmp_path)


def members(run, part):
    """The files of one part of the run's split."""
    return [row.file for row in splits.read(run / "split.csv") if row.split == part]


def test_the_runs_own_test_counts_wherever_its_pictures_lie_now(trained, tmp_path):
    run, folder = trained
    shutil.copytree(folder, tmp_path / "moved")
    for number, file in enumerate(sorted((tmp_path / "moved").rglob("*.png"), reverse=True)):
        file.rename(file.with_name(f"renamed{number}.png"))
    kept = Report.read(run)

    report = convscope.evaluate(run, tmp_path / "moved")

    assert (report.split, report.n, kept.n) == ("test", 6, len(members(run, "test")))
    assert (report.top1, report.confusion, report.trained_on) == (kept.top1, kept.confusion, ())


def test_the_model_file_alone_knows_the_split(trained, tmp_path):
    run, folder = trained
    shutil.copy(run / FILE, tmp_path)

    assert set(convscope.evaluate(tmp_path / FILE, folder).predictions.files) == set(members(run, "test"))


def test_val_and_all_can_be_asked_for(trained):
    run, folder = trained

    val, whole = (convscope.evaluate(run, folder, split=split) for split in ("val", "all"))

    assert set(val.predictions.files) == set(members(run, "val"))
    assert (val.split, val.trained_on) == ("val", ())
    assert (whole.split, whole.n, whole.refused) == ("all", 60, 0)
    assert set(whole.trained_on) == set(members(run, "train"))


@pytest.mark.parametrize("wrong", [{"split": "train"}, {"views": "eleven"}])
def test_what_cannot_be_judged_is_refused_with_what_can(trained, wrong):
    with pytest.raises(DataError, match="allowed: "):
        convscope.evaluate(*trained, **wrong)


def test_a_foreign_folder_counts_whole(trained, tmp_path):
    report = convscope.evaluate(trained[0], make_photos(tmp_path, count=4, first_seed=50_000))

    assert (report.split, report.n, report.trained_on, report.classes) == ("all", 12, (), ("blue", "green", "red"))
    with pytest.raises(DataError, match="no test pictures; it has no split; --split all"):
        convscope.evaluate(trained[0], tmp_path, split="test")


def test_an_unknown_class_is_one_clear_error(trained, tmp_path):
    make_photos(tmp_path, classes=("red", "purple"), count=2, first_seed=50_000)

    with pytest.raises(DataError, match=r"1 of its classes are unknown .*'purple'.* knows blue, green, red$"):
        convscope.evaluate(trained[0], tmp_path)


def test_numbers_stand_for_positions(trained, tmp_path):
    for number, name in enumerate(("blue", "green", "red")):
        for index in range(number + 1):
            for folder in (f"named/{name}", f"numbered/{number}"):
                paint(tmp_path / folder / f"{index}.png", COLOURS[name], seed=900 + index)

    named, numbered = (convscope.evaluate(trained[0], tmp_path / folder) for folder in ("named", "numbered"))

    assert [named.per_class[name]["support"] for name in named.classes] == [1, 2, 3]
    assert (numbered.classes, numbered.confusion) == (named.classes, named.confusion)


def with_trained_ones(trained, root, part=""):
    """Four foreign pictures of each class and two that were trained on."""
    run, folder = trained
    make_photos(root / "train" if part else root, count=4, first_seed=50_000)
    for file in members(run, "train")[:2]:
        target = root / part / file.replace("/", "/known-")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / file, target)
    return [f"{part}/{file}".lstrip("/").replace("/0", "/known-0") for file in members(run, "train")[:2]]


def test_pictures_that_were_trained_on_are_named(trained, tmp_path):
    known = with_trained_ones(trained, tmp_path)

    report = convscope.evaluate(trained[0], tmp_path)

    assert (report.n, report.refused, sorted(report.trained_on)) == (14, 0, sorted(known))


def test_a_test_of_pictures_that_were_trained_on_tests_nothing(trained, tmp_path):
    with_trained_ones(trained, tmp_path, "test")

    with pytest.raises(DataError, match="all 2 test pictures were trained on"):
        convscope.evaluate(trained[0], tmp_path)


def test_a_mixed_test_leaves_them_out(trained, tmp_path):
    known = with_trained_ones(trained, tmp_path, "test")
    fresh = paint(tmp_path / "test" / "red" / "fresh.png", COLOURS["red"], seed=77_777)

    report = convscope.evaluate(trained[0], tmp_path)

    assert report.predictions.files == (fresh.relative_to(tmp_path).as_posix(),)
    assert (report.n, report.refused, sorted(report.trained_on)) == (1, 2, sorted(known))


def test_broken_pictures_are_named_and_the_others_judged(trained, tmp_path):
    make_photos(tmp_path, count=3, first_seed=50_000)
    (tmp_path / "red" / "broken.png").write_bytes(b"not a picture")

    report = convscope.evaluate(trained[0], tmp_path)

    assert report.n == 9
    assert [fault["file"] for fault in report.broken] == ["red/broken.png"]
    assert "not a picture" in report.broken[0]["reason"]


def test_a_folder_of_broken_pictures_only_is_one_clear_error(trained, tmp_path):
    for name in COLOURS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "broken.png").write_bytes(b"not a picture")

    with pytest.raises(DataError, match="not one of 3 pictures can be read"):
        convscope.evaluate(trained[0], tmp_path)
