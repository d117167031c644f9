"""Many pictures: answers as they come, a table of all probabilities, and pictures that vanish meanwhile."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import convscope
from convscope.data.files import replacing, write_csv
from convscope.data.sources import gather
from convscope.errors import DataError
from convscope.evaluation.answers import stream
from convscope.models.bundle import Bundle
from tests.conftest import COLOURS, make_photos, paint


def table(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def new(tmp_path):
    """Twelve pictures that no training has seen, the fourth of them broken."""
    folder = make_photos(tmp_path / "new", count=4, first_seed=7_000)
    (folder / "blue" / "003.png").write_bytes(b"no picture")
    return folder


def test_the_table_holds_all_probabilities_in_the_form_of_a_runs_own(convscope, trained, new, tmp_path):
    status, out, _ = convscope("predict", trained[0], new, "--csv", "a.csv", "--json")

    rows, answers = table(tmp_path / "a.csv"), json.loads(out)
    assert status == 0
    assert list(rows[0]) == ["file", "label", "probability", "error", "p:blue", "p:green", "p:red"]
    assert [name for name in table(trained[0] / "predictions.csv")[0] if name.startswith("p:")] == list(rows[0])[4:]
    assert [row["file"] for row in rows] == [answer["file"] for answer in answers]
    for row, answer in zip(rows, answers, strict=True):
        if answer["error"]:
            assert row == {name: "" for name in row} | {"file": answer["file"], "error": answer["error"]}
            continue
        chances = {entry["label"]: entry["probability"] for entry in answer["top"]}
        assert {name: float(row[f"p:{name}"]) for name in COLOURS} == pytest.approx(chances, abs=1e-6)
        assert (row["label"], row["probability"]) == (answer["label"], row[f"p:{answer['label']}"])
    assert [answer["file"] for answer in answers if answer["error"]] == [str(new / "blue" / "003.png")]


def test_the_stream_holds_what_predict_lists(trained, new):
    bundle = Bundle.load(trained[0])

    answers = list(stream(bundle, str(new)))
    rows = convscope.predict(bundle, str(new), top=2)

    assert [answer.to_dict(2) for answer in answers] == rows
    chances = [answer.probabilities for answer in answers if answer.probabilities is not None]
    np.testing.assert_allclose(np.sum(chances, axis=1), 1, atol=1e-6)
    assert [answer.file for answer in answers if answer.error] == [str(new / "blue" / "003.png")]


def test_a_picture_that_goes_between_listing_and_reading_is_answered_with_an_error(trained, new):
    listing = gather([str(new)])
    (new / "red" / "002.png").unlink()

    rows = convscope.predict(trained[0], listing)

    assert [row["file"] for row in rows] == list(listing.files)
    errors = {Path(row["file"]).name: row["error"] for row in rows if row["error"] and "red" in row["file"]}
    assert errors == {"002.png": "No such file or directory"}
    assert [row["label"] for row in rows if "red" in row["file"]] == ["red", "red", None, "red"]


def test_a_picture_that_goes_while_others_are_answered_is_an_error_row_too(trained, tmp_path):
    folder = make_photos(tmp_path / "many", count=150, first_seed=20_000)  # more than are decoded ahead
    answers = stream(trained[0], str(folder))

    first = next(answers)
    (folder / "red" / "149.png").unlink()
    rest = list(answers)

    assert first.error is None
    assert len(rest) == 449
    assert [answer.file for answer in rest if answer.error] == [str(folder / "red" / "149.png")]


def test_answers_come_before_all_pictures_are_read(trained, tmp_path):
    """The planted failure is a stream that lists: it would have read the last picture before the first answer."""
    folder = make_photos(tmp_path / "many", count=150, first_seed=20_000)
    listing = gather([str(folder)])
    read = []
    picture = listing.store.picture
    listing.store.picture = lambda name, *more: (read.append(name), picture(name, *more))[1]

    next(stream(trained[0], listing))
    early = len(read)
    list(stream(trained[0], listing))

    assert early < len(listing) < len(read)


def test_broken_pictures_alone_are_one_error_and_still_in_the_table(convscope, trained, tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"no picture")

    status, out, err = convscope("predict", trained[0], "a.jpg", "b.jpg", "--csv", "t.csv")

    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "a.jpg: not a picture" in err
    assert "(and 1 more)" in err
    assert [row["file"] for row in table(tmp_path / "t.csv")] == ["a.jpg", "b.jpg"]


def test_a_broken_first_picture_is_told_in_its_place(convscope, trained, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    paint(tmp_path / "b.png", COLOURS["red"], seed=5)

    out = convscope("predict", trained[0], "a.jpg", "b.png", "--top", 1)[1].splitlines()

    assert out[0].startswith("a.jpg: not a picture")
    assert out[1] == "b.png"
    assert out[2].endswith("  red")
    assert out[3] == "1 of 2 files could not be read"


@pytest.mark.parametrize("precision", ["auto", "f32", "bf16"])
def test_each_precision_answers_and_bf16_says_so(convscope, trained, new, precision):
    status, out, err = convscope("predict", trained[0], new, "--precision", precision, "--threads", 1, "--json")

    labels = [row["label"] for row in json.loads(out)]
    assert status == 0
    assert labels == ["blue"] * 3 + [None] + ["green"] * 4 + ["red"] * 4
    assert ("bfloat16" in err) == (precision == "bf16")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--precision", "int8"), "--precision int8: allowed: auto, f32, bf16"),
        (("--threads", "0"), "--threads 0: needs at least 1"),
        (("--csv", "new"), "--csv new: cannot be written"),
        (("--csv", "new/red/000.png/a.csv"), "--csv new/red/000.png/a.csv: cannot be written"),
    ],
)
def test_a_flag_that_cannot_be_is_one_line(convscope, trained, new, flags, sentence):
    status, out, err = convscope("predict", trained[0], new, "--quiet", *flags)

    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_table_that_fails_half_way_leaves_the_old_one(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("old\n")

    def rows():
        yield ["1"]
        assert file.read_text() == "old\n"  # while the new one grows beside it
        raise DataError("half way")

    with pytest.raises(DataError):
        write_csv(file, ["n"], rows())

    assert file.read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_table_is_written_row_by_row(tmp_path):
    sizes = []

    def rows():
        for _ in range(4):
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
            yield ["x" * 1_000_000]

    write_csv(tmp_path / "a.csv", ["n"], rows())

    assert sizes[-1] > 2_000_000
    with replacing(tmp_path / "b") as stream:
        stream.write(b"whole")
    assert (tmp_path / "b").read_bytes() == b"whole"
