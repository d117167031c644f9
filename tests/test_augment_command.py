"""`convscope augment`: a sheet that shows what training would see, and one line for what cannot be."""

import io
import json
import warnings

import numpy as np
import pytest
from PIL import Image

from convscope.data.augment import Augmented, Plan, roomy
from convscope.data.batches import Pixels
from convscope.data.preprocess import Preprocess
from convscope.data.sources import gather
from convscope.explanation.draw import sheet
from tests.conftest import paint


@pytest.fixture
def photo(tmp_path):
    return paint(tmp_path / "사진.png", (200, 90, 40), size=(90, 70))


def drawn(monkeypatch):
    """What is put on the sheet."""
    seen = {}
    draw = sheet.sheet
    monkeypatch.setattr(sheet, "sheet", lambda pictures, title: seen.update(pictures) or draw(pictures, title))
    return seen


def test_the_sheet_shows_the_original_and_what_training_would_see(convscope, photo, monkeypatch):
    seen = drawn(monkeypatch)

    status, out, _ = convscope(
        "augment", photo, "--out", "a.png", "--size", 32, "--count", 3, "--seed", 5, "--policy", "trivial", "--json"
    )

    plan = Plan(crop="area", flip=True, policy="trivial")
    assert status == 0
    assert json.loads(out) == {
        "file": str(photo), "out": "a.png", "plan": vars(plan), "variants": [{"epoch": 1}, {"epoch": 2}, {"epoch": 3}],
    }  # fmt: skip
    network = Preprocess(size=32, mean=(0.5,) * 3, spread=(0.5,) * 3)
    listing = gather([str(photo)])
    source = Augmented(Pixels(listing, roomy(network, plan)), 32, 5, plan)
    assert list(seen) == ["original", "epoch 1", "epoch 2", "epoch 3"]
    assert seen["original"].equal(network.fit(listing.picture(0)))
    assert all(seen[f"epoch {number}"].equal(source.epoch(number)[np.array([0])][0]) for number in (1, 2, 3))


def test_what_is_done_is_said_in_the_recipes_words(convscope, photo):
    status, out, _ = convscope("augment", photo, "--crop", "jitter", "--no-flip", "--colour", "pca", "--count", 1)

    assert (status, out) == (0, "augmentation: crop jitter, jitter_to 2.0, colour pca\nsaved: augment.png\n")
    assert (
        "데이터 증강: none"
        in convscope("augment", photo, "--crop", "none", "--no-flip", "--count", 1, "--lang", "ko")[1]
    )


def test_a_grey_picture_stays_grey(convscope, tmp_path, monkeypatch):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (28, 28)).astype(np.uint8)).save(tmp_path / "grey.png")
    seen = drawn(monkeypatch)

    status, _, _ = convscope(
        "augment", "grey.png", "--size", 28, "--crop", "shift", "--colour", "jitter", "--policy", "rand",
        "--erase", 1, "--count", 4,
    )  # fmt: skip

    assert status == 0
    assert {tuple(picture.shape) for picture in seen.values()} == {(1, 28, 28)}


def test_the_sheet_has_every_picture_in_its_place_and_colours():
    """Nine pictures of one colour each, found again row by row."""
    import torch

    colours = [(250, 10 * number, 250 - 20 * number) for number in range(9)]
    pictures = [
        (str(n), torch.tensor(c, dtype=torch.uint8)[:, None, None].expand(3, 8, 8)) for n, c in enumerate(colours)
    ]

    image = Image.open(io.BytesIO(sheet.sheet(pictures, "나인 $x$ _^")))

    pixels = np.asarray(image.convert("RGB"))
    places = [np.argwhere((pixels == colour).all(axis=2)).mean(axis=0) for colour in colours]
    thirds = np.array([1, 2]) / 3
    assert [int((place[0] > image.height * thirds).sum()) for place in places] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [int((place[1] > image.width * thirds).sum()) for place in places] == [0, 1, 2] * 3


def test_hangul_is_written_where_a_font_knows_it_and_is_no_warning_where_none_does(monkeypatch):
    import torch

    picture = [("에포크", torch.zeros(1, 8, 8, dtype=torch.uint8))]
    with_fonts = sheet.sheet(picture, "한글") if sheet._fonts() else None
    monkeypatch.setattr(sheet, "_fonts", list)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        without = sheet.sheet(picture, "한글")

    assert with_fonts != without


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--crop", "zoom"), "--crop zoom: allowed: none, shift, area, jitter"),
        (("--colour", "red"), "--colour red: allowed: none, pca, jitter"),
        (("--policy", "auto"), "--policy auto: allowed: none, rand, trivial"),
        (("--resize", "fit"), "--resize fit: allowed: crop, squash, pad"),
        (("--erase", "2"), "--erase 2: needs 0 to 1"),
        (("--erase", "nan"), "--erase nan: needs 0 to 1"),
        (("--area-from", "0"), "--area-from 0: needs 0.01 to 1"),
        (("--jitter-to", "0.5"), "--jitter-to 0.5: needs 1 to 4"),
        (("--size", "4"), "--size 4: needs 8 to 4096"),
        (("--count", "0"), "--count 0: needs 1 to 99"),
        (("--seed", "-1"), "--seed -1: needs 0 to 4294967295"),
        (("--out", "a.jpg"), "--out a.jpg: a PNG is written; give a name that ends in .png"),
        (("--out", "사진.png/a.png"), "--out 사진.png/a.png: cannot be written (File exists)"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(convscope, photo, options, sentence):
    before = photo.read_bytes()

    status, out, err = convscope("augment", photo, "--size", 32, "--count", 1, *options)

    assert (status, out, err) == (2, "", f"convscope: {sentence}\n")
    assert list(photo.parent.iterdir()) == [photo] and photo.read_bytes() == before


def test_a_picture_that_cannot_be_read_and_several_pictures_are_one_line(convscope, photo):
    (photo.parent / "broken.jpg").write_bytes(b"no picture")

    assert "not one of 1 pictures can be read: broken.jpg: not a picture" in convscope("augment", "broken.jpg")[2]
    assert "2 pictures; give one" in convscope("augment", photo.parent)[2]
    assert "nowhere.png: no such file" in convscope("augment", "nowhere.png")[2]
