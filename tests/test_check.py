"""The data passport: each planted fault is found, once, and a clean set is silent."""

import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.data.manifest import Entry, apply
from convscope.data.sources import gather, read
from convscope.errors import DataError
from convscope.evaluation.passport.finding import GROUPED, KINDS
from tests.faults import blurred, brighter, clean_set, jpeg, put, resized, scene


@pytest.fixture
def clean(tmp_path):
    return clean_set(tmp_path / "clean", parts=("train", "val"))


def kinds(passport):
    return [finding.kind for finding in passport.findings]


def only(passport, kind):
    """The one finding of a kind, and no other kind."""
    assert set(kinds(passport)) == {kind}
    (finding,) = passport.findings
    return finding


def test_a_clean_set_is_silent(clean):
    passport = cs.check(clean)

    assert passport.findings == ()
    assert passport.files == 56
    assert passport.classes == {"ant": 28, "bee": 28}
    assert passport.splits == {"train": 28, "val": 28}


def test_photos_are_silent_but_for_what_is_there(shared):
    passport = cs.check(shared / "hymenoptera")

    assert {finding.kind: len(finding.files) for finding in passport.findings} == {"huge": 1, "grey": 1}


def test_digits_are_silent():
    assert cs.check("digits").findings == ()


def test_broken_files_are_named_with_the_reason(clean):
    (clean / "train/ant/empty.jpg").write_bytes(b"")
    (clean / "train/ant/cut.jpg").write_bytes(jpeg(scene(900))[:2000])
    (clean / "train/bee/text.png").write_text("no picture at all")

    told = only(cs.check(clean), "broken").to_dict()

    assert told["files"] == ["train/ant/cut.jpg", "train/ant/empty.jpg", "train/bee/text.png"]
    assert told["notes"]["train/ant/empty.jpg"] == "the file is empty"
    assert "damaged or cut off" in told["notes"]["train/ant/cut.jpg"]
    assert told["detail"].startswith("3 of 59: ")


def test_two_empty_files_are_broken_and_no_copies(clean):
    for name in ("one", "two"):
        (clean / f"train/ant/{name}.jpg").write_bytes(b"")

    assert len(only(cs.check(clean), "broken").files) == 2


def test_exact_copies_are_one_group(clean):
    for name in ("copy", "사본"):
        shutil.copy(clean / "train/ant/00.jpg", clean / f"train/ant/{name}.jpg")

    finding = only(cs.check(clean), "exact-duplicate")

    assert finding.files == ("train/ant/00.jpg", "train/ant/copy.jpg", "train/ant/사본.jpg")


def test_one_flower_labelled_both_ways(clean):
    shutil.copy(clean / "train/ant/00.jpg", clean / "train/bee/wrong.jpg")

    passport = cs.check(clean)

    assert kinds(passport) == ["duplicate-across-classes", "exact-duplicate"]
    assert passport.of("duplicate-across-classes")[0].detail() == "the same file under ant, bee"
    assert {finding.files for finding in passport.findings} == {("train/ant/00.jpg", "train/bee/wrong.jpg")}


def test_a_copy_in_another_part_is_a_leak(clean):
    shutil.copy(clean / "val/ant/00.jpg", clean / "train/ant/leak.jpg")

    passport = cs.check(clean)

    assert kinds(passport) == ["leak", "exact-duplicate"]
    assert passport.of("leak")[0].detail("ko") == "같은 파일이 학습, 검증에 있음"


def test_a_near_duplicate_leaks_and_contradicts_too(clean):
    put(clean / "val/bee/near.jpg", brighter(resized(scene(0), 0.7), 1.05))

    passport = cs.check(clean)

    assert kinds(passport) == ["duplicate-across-classes", "leak", "near-duplicate"]
    assert {finding.files for finding in passport.findings} == {("train/ant/00.jpg", "val/bee/near.jpg")}
    assert passport.of("leak")[0].detail() == "nearly the same picture in train, val"


def test_copies_and_near_duplicates_of_one_picture_are_one_group_of_near_duplicates(clean):
    shutil.copy(clean / "train/ant/00.jpg", clean / "train/ant/copy.jpg")
    put(clean / "train/ant/near.jpg", resized(scene(0), 0.7))

    passport = cs.check(clean)

    assert kinds(passport) == ["exact-duplicate", "near-duplicate"]
    assert passport.of("near-duplicate")[0].files == ("train/ant/00.jpg", "train/ant/copy.jpg", "train/ant/near.jpg")


def test_the_same_pixels_in_another_format_are_near_not_exact(clean):
    picture = Image.open(clean / "train/ant/00.jpg").copy()
    put(clean / "train/ant/same.png", picture)

    assert kinds(cs.check(clean)) == ["near-duplicate"]


def test_giants_among_small_pictures(clean):
    for number in range(2):
        put(clean / f"train/ant/giant{number}.jpg", scene(800 + number, (3024, 3024)))

    finding = only(cs.check(clean), "huge")

    assert finding.files == ("train/ant/giant0.jpg", "train/ant/giant1.jpg")
    assert finding.note("train/ant/giant0.jpg") == "3,024 × 3,024 px"


def test_dwarfs_among_pictures(clean):
    put(clean / "val/bee/dwarf.png", scene(800).resize((24, 18)))

    assert only(cs.check(clean), "tiny").files == ("val/bee/dwarf.png",)


def test_grey_pictures_among_colour_ones_in_one_channel_or_three(clean):
    put(clean / "val/bee/l.jpg", scene(800).convert("L"))
    put(clean / "val/bee/rgb.png", scene(801).convert("L").convert("RGB"))

    assert only(cs.check(clean), "grey").files == ("val/bee/l.jpg", "val/bee/rgb.png")


SINGLE = {
    "blurred": lambda: blurred(scene(800, (320, 240)), 6),
    "dark": lambda: brighter(scene(800), 0.2),
    "low-information": lambda: Image.fromarray(
        np.random.default_rng(0).normal(128, 2, (120, 160, 3)).clip(0, 255).astype(np.uint8)
    ),
}


@pytest.mark.parametrize("kind", SINGLE)
def test_a_picture_with_one_fault(kind, clean):
    put(clean / "val/bee/fault.jpg", SINGLE[kind](), quality=95)

    assert only(cs.check(clean), kind).files == ("val/bee/fault.jpg",)


def test_a_picture_that_exif_turns(clean):
    exif = Image.Exif()
    exif[0x0112] = 8
    put(clean / "val/bee/phone.jpg", scene(800), exif=exif)

    assert only(cs.check(clean), "rotated").files == ("val/bee/phone.jpg",)


def test_a_film(clean):
    put(clean / "val/bee/film.webp", scene(800), save_all=True, append_images=[scene(801)], quality=95)

    assert only(cs.check(clean), "animated").files == ("val/bee/film.webp",)


def test_names_that_are_one_name_elsewhere(clean):
    for number, name in enumerate(("Photo.jpg", "photo.jpg", "강아지.jpg", unicodedata.normalize("NFD", "강아지.jpg"))):
        put(clean / "train/ant" / name, scene(800 + number))

    found = cs.check(clean).findings

    assert [(finding.kind, finding.form, len(finding.files)) for finding in found] == [
        ("name-collision", "unicode", 2),
        ("name-collision", "case", 2),
    ]


def test_names_that_other_systems_cannot_write(clean):
    put(clean / "train/ant/what?.jpg", scene(800))
    put(clean / "train/ant/caf\udce9.jpg", scene(801))

    finding = only(cs.check(clean), "unreadable-name")

    assert len(finding.files) == 2
    assert "caf\\xe9.jpg" in finding.detail()


def test_a_large_and_a_small_class(tmp_path):
    clean_set(tmp_path, classes=("ant",), count=33)
    clean_set(tmp_path, classes=("bee", "fly"), count=11)
    for number in range(11):
        put(tmp_path / f"bee/{number:02d}.jpg", scene(5000 + number))

    detail = only(cs.check(tmp_path), "imbalance").detail()

    assert detail == "ant has 33 pictures, bee has 11: 3.0 times as many"


def test_a_class_that_is_too_small_for_the_split(tmp_path):
    clean_set(tmp_path, count=12)
    for number in range(2):
        put(tmp_path / f"cricket/{number}.jpg", scene(700 + number))

    found = {finding.kind: finding for finding in cs.check(tmp_path).findings}

    assert set(found) == {"too-few", "imbalance"}
    assert found["too-few"].files == ("cricket/0.jpg", "cricket/1.jpg")
    assert "cricket: 2 different pictures for training" in found["too-few"].detail()


def test_every_kind_is_told_in_both_languages(clean):
    shutil.copy(clean / "train/ant/00.jpg", clean / "val/bee/wrong.jpg")
    for finding in cs.check(clean).findings:
        assert finding.kind in KINDS
        assert finding.detail("en") != finding.detail("ko")
    assert set(KINDS) >= GROUPED


def test_zip_and_folder_are_told_the_same(clean, tmp_path):
    shutil.copy(clean / "train/ant/00.jpg", clean / "val/bee/wrong.jpg")
    (clean / "val/bee/empty.jpg").write_bytes(b"")
    shutil.make_archive(str(tmp_path / "set"), "zip", clean)

    one, other = (cs.check(data).to_dict()["findings"] for data in (clean, tmp_path / "set.zip"))

    assert one == other
    assert {found["kind"] for found in one} == {"broken", "duplicate-across-classes", "leak", "exact-duplicate"}


def test_idx_files_are_looked_at(shared):
    listing = read(shared / "fashion-mnist")
    some = listing.take([0, 1, 2, 0])

    assert [finding.files for finding in cs.check(some).of("exact-duplicate")] == [(listing.files[0],) * 2]


def test_a_manifest_counts_before_the_folders_do(clean):
    shutil.copy(clean / "train/ant/00.jpg", clean / "train/bee/wrong.jpg")
    listing = read(clean)
    lines = [Entry(file, "", "drop" if file.endswith("wrong.jpg") else "") for file in listing.files]

    assert cs.check(apply(listing, lines)).findings == ()


def test_a_set_where_everything_is_broken_is_told_not_a_crash(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(3):
            (tmp_path / label / f"{number}.jpg").write_bytes(b"\x00" * number)

    passport = cs.check(tmp_path)

    assert set(kinds(passport)) == {"broken", "too-few"}
    assert "check.kind" not in passport.page("ko")


def test_a_blind_check_would_be_noticed(clean, monkeypatch):
    """The tests of copies fail if contents are not compared."""
    shutil.copy(clean / "train/ant/00.jpg", clean / "val/bee/wrong.jpg")
    monkeypatch.setattr("convscope.evaluation.passport.copies.contents", lambda looks: {})

    assert cs.check(clean).findings == ()


def test_a_notebook_shows_it(clean):
    (clean / "val/bee/<b>.jpg").write_bytes(b"")

    shown = cs.check(clean)._repr_html_()

    assert "Files that cannot be read" in shown
    assert "<b>.jpg" not in shown


def test_pictures_without_classes_are_refused(photos):
    with pytest.raises(DataError, match="pictures without a class"):
        cs.check(gather([str(photos / "red")]))
