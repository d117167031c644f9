"""Doubtful labels: the arithmetic by hand, planted mistakes found, and nothing that leaks from a picture to itself."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from convscope.data.folds import deal
from convscope.data.listing import Listing
from convscope.data.sources import read
from convscope.errors import DataError, ModelFileError
from convscope.evaluation.mistakes import confident
from convscope.evaluation.mistakes.finder import mistakes, out_of_fold
from convscope.evaluation.mistakes.looks import look, reduced
from tests.conftest import make_photos, paint

# six pictures, three classes; the fourth bears label 1 and looks like class 0
CHANCES = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.6, 0.3, 0.1],
        [0.2, 0.7, 0.1],
        [0.9, 0.1, 0.0],
        [0.1, 0.1, 0.8],
        [0.3, 0.3, 0.4],
    ]
)
LABELS = np.array([0, 0, 1, 1, 2, 2])


def test_thresholds_joint_and_ranking_by_hand():
    # means of each label's own column: (0.8 + 0.6) / 2, (0.7 + 0.1) / 2, (0.8 + 0.4) / 2
    assert confident.thresholds(CHANCES, LABELS) == pytest.approx([0.7, 0.4, 0.6])
    # the second and the sixth reach no threshold; the fourth is sure of class 0
    counts = confident.confident_joint(CHANCES, LABELS)
    assert counts.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    # rows brought to a third each: label 1 is half wrong
    assert confident.joint(counts, LABELS) == pytest.approx(np.array([[2, 0, 0], [1, 1, 0], [0, 0, 2]]) / 6)
    assert confident.wrong_labels(CHANCES, LABELS) == 1
    # given labels' probabilities: 0.8, 0.6, 0.7, 0.1, 0.8, 0.4
    assert confident.ranked(CHANCES, LABELS).tolist() == [3, 5, 1, 2, 0, 4]
    assert confident.margin(CHANCES, LABELS) == pytest.approx([0.7, 0.3, 0.5, -0.8, 0.7, 0.1])


def test_a_picture_that_is_sure_of_two_classes_counts_for_the_likelier():
    chances = np.array([[0.5, 0.5], [0.4, 0.6], [0.2, 0.8], [0.9, 0.1]])
    labels = np.array([0, 0, 1, 1])  # thresholds 0.45 and 0.45

    assert confident.confident_joint(chances, labels).tolist() == [[1, 1], [1, 1]]


def test_a_label_that_no_picture_is_sure_of_is_taken_as_it_is():
    assert confident.joint(np.array([[0, 0], [1, 1]]), np.array([0, 0, 1, 1])).tolist() == [[0.5, 0], [0.25, 0.25]]


def test_equal_probabilities_reach_their_own_mean():
    chances = np.full((3, 2), [0.1, 0.9])  # the mean of three times 0.1 is a little more than 0.1
    labels = np.array([0, 0, 1])

    assert confident.confident_joint(chances, labels).sum() == 3


def test_out_of_fold_probabilities_are_those_of_models_that_did_not_see_the_row():
    from sklearn.linear_model import LogisticRegression

    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    labels, folds = np.arange(30) % 3, np.arange(30) // 10
    chances = out_of_fold(vectors, labels, folds)

    others = LogisticRegression(class_weight="balanced", tol=1e-6, max_iter=1000).fit(vectors[10:], labels[10:])
    assert chances[:10] == pytest.approx(others.predict_proba(vectors[:10]), abs=5e-3)
    moved = vectors.copy()
    moved[0] += 100  # of fold 0: nothing that is said of fold 0 but of itself may change
    assert out_of_fold(moved, labels, folds)[1:10] == pytest.approx(chances[1:10])
    assert out_of_fold(moved, labels, folds)[10:] != pytest.approx(chances[10:])


def test_folds_have_their_share_of_each_class_and_keep_copies_together():
    labels = np.array([0] * 20 + [1] * 10)
    hashes = [f"{row:064x}" for row in range(30)]
    hashes[1] = hashes[0]
    hashes[25] = hashes[24]

    folds = deal(labels, hashes, 5, seed=3)

    assert folds[0] == folds[1]
    assert folds[24] == folds[25]
    assert np.bincount(folds[:20]).tolist() == [4] * 5
    assert np.bincount(folds[20:]).tolist() == [2] * 5
    turned = deal(labels[::-1], hashes[::-1], 5, seed=3)
    assert turned[::-1].tolist() == folds.tolist()  # by content, whatever the order
    assert deal(labels, hashes, 5, seed=4).tolist() != folds.tolist()


def test_a_copy_under_two_labels_is_in_one_fold():
    labels = np.array([0, 1, 0, 0, 1, 1])

    folds = deal(labels, ["x", "x", "a", "b", "c", "d"], 2)

    assert folds[0] == folds[1]
    assert np.bincount(folds).tolist() == [3, 3]


def flipped(listing: Listing, share: float, seed: int) -> tuple[Listing, set[str]]:
    """The listing with some labels wrong, and the files that they are of."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(listing), round(share * len(listing)), replace=False)
    labels = listing.labels.copy()
    labels[rows] = (labels[rows] + rng.integers(1, len(listing.classes), len(rows))) % len(listing.classes)
    wrong = replace(listing, labels=labels)
    wrong.__dict__["hashes"] = listing.hash()
    return wrong, {listing.files[row] for row in rows}


def test_planted_mistakes_in_digits_are_found_from_pixels_alone():
    wrong, planted = flipped(read("digits").take(range(600)), 0.05, seed=0)

    found = mistakes(wrong, weights="none")

    assert found.network == ""
    first = {each.file for each in found.pictures[: len(planted)]}
    assert len(first & planted) >= 0.6 * len(planted)
    assert 0.5 * len(planted) <= found.estimated <= 2 * len(planted)
    assert [each.rank for each in found.pictures] == list(range(1, len(found.pictures) + 1))
    chances = [each.probability_given for each in found.pictures]
    assert chances == sorted(chances)
    clean = mistakes(read("digits").take(range(600)), weights="none")
    assert clean.estimated < found.estimated / 2


def test_the_suggested_class_of_a_planted_mistake_is_its_true_one(tmp_path):
    make_photos(tmp_path, count=15)
    paint(tmp_path / "red" / "stranger.png", (40, 60, 220), seed=77)

    found = mistakes(tmp_path, weights="none")

    assert (found.pictures[0].file, found.pictures[0].suggested) == ("red/stranger.png", "blue")
    assert [each.file for each in found.suspects] == ["red/stranger.png"]
    assert found.pairs == (("red", "blue", 1),)
    finding = found.to_dict()["findings"][0]
    assert (finding["kind"], finding["files"]) == ("label-suspect", ["red/stranger.png"])


def test_a_copy_under_a_wrong_label_cannot_vouch_for_itself(tmp_path):
    make_photos(tmp_path, classes=("red", "green"), count=12)
    for number in range(2):  # two copies of a green picture, both called red
        paint(tmp_path / "red" / f"copy{number}.png", (40, 200, 60), seed=5)

    found = mistakes(tmp_path, weights="none")

    assert {each.file for each in found.suspects} == {"red/copy0.png", "red/copy1.png"}


def test_pictures_that_nobody_can_judge_are_named(tmp_path):
    make_photos(tmp_path, classes=("red", "green"), count=6)
    paint(tmp_path / "blue" / "only.png", (40, 60, 220))
    (tmp_path / "red" / "broken.png").write_bytes(b"no picture")

    found = mistakes(tmp_path, weights="none")

    assert found.alone == ("blue/only.png",)
    assert [fault["file"] for fault in found.broken] == ["red/broken.png"]
    assert (found.n, found.classes) == (12, ("green", "red"))


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"folds": 101}, "--folds 101: allowed: 2 to 100"),
        ({"folds": 1}, "--folds 1: allowed: 2 to 100"),
        ({"top": 0}, "--top 0: needs at least 1"),
    ],
)
def test_numbers_that_cannot_be_are_refused(photos, wish, sentence):
    with pytest.raises(DataError, match=sentence):
        mistakes(photos, weights="none", **wish)


def test_weights_that_are_named_must_be_there(photos, tmp_path):
    with pytest.raises(ModelFileError, match="no such file"):
        mistakes(photos, model="mobilenet_v2", weights=str(tmp_path / "none.safetensors"))
    with pytest.raises(ModelFileError, match="needs --model NAME"):
        mistakes(photos, weights=str(tmp_path / "none.safetensors"))


def test_one_class_is_refused(tmp_path):
    make_photos(tmp_path, classes=("red",), count=5)

    with pytest.raises(DataError, match="two classes are needed"):
        mistakes(tmp_path, weights="none")


def test_each_kind_of_numbers_counts_the_same():
    rng = np.random.default_rng(0)
    many, few = rng.normal(size=(50, 30)).astype(np.float32), 1e6 * rng.normal(size=(50, 2)).astype(np.float32)

    both = reduced([many, few])

    assert both.var(axis=0, ddof=0).sum() == pytest.approx(2, rel=1e-3)  # one for each kind
    assert reduced([few]).var(axis=0).sum() == pytest.approx(1, rel=1e-3)


def test_a_borrowed_network_s_embeddings_are_computed_once(shared):
    some = read(shared / "hymenoptera").take(range(0, 397, 10))
    kit = {
        "network": "mobilenet_v1_025_same",
        "weights": str(shared.parent / "weights/mobilenet_v1_025_keras.safetensors"),
    }

    first, again = look(some, **kit), look(some, **kit)

    assert (first.computed, again.computed) == (40, 0)
    assert np.array_equal(first.vectors, again.vectors)
    assert first.network == "mobilenet_v1_025_same"


def test_planted_mistakes_in_real_photos_are_found(shared):
    wrong, planted = flipped(read(shared / "hymenoptera"), 0.05, seed=1)
    file = shared.parent / "weights/mobilenet_v2_tf.safetensors"

    found = mistakes(wrong, model="mobilenet_v2_same", weights=str(file))

    first = {each.file for each in found.pictures[: len(planted)]}
    assert len(first & planted) >= 0.6 * len(planted)


def test_the_command_lists_and_keeps(convscope, tmp_path):
    make_photos(tmp_path / "photos", count=15)
    paint(tmp_path / "photos" / "red" / "stranger, 1.png", (40, 60, 220), seed=77)

    status, out, _ = convscope("mistakes", "photos", "--weights", "none", "--json", "--csv", "list.csv", "--top", 7)

    content = json.loads(out)
    assert status == 0
    assert content["ranked"][0]["file"] == "red/stranger, 1.png"
    assert len(content["ranked"]) == 7
    assert content["findings"][0]["kind"] == "label-suspect"
    with (tmp_path / "list.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["file"] for row in rows] == [each["file"] for each in content["ranked"]]
    assert rows[0]["sha256"] == content["ranked"][0]["sha256"]
    status, out, _ = convscope("mistakes", "photos", "--weights", "none", "--lang", "ko")
    assert (status, "레이블은 red인데 blue처럼 보이는 사진 1장" in out) == (0, True)
