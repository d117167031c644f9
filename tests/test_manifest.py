"""A manifest changes labels and parts on reading, and never a file."""

import codecs
import unicodedata
from dataclasses import replace
from hashlib import sha256

import pytest

from convscope.data.manifest import Entry, apply, entries, read, write
from convscope.data.sources import gather
from convscope.data.sources import read as read_data
from convscope.errors import DataError
from tests.conftest import make_photos, paint


def lines_of(listing, **changes):
    """The manifest of a listing, with the entries of some files changed."""
    return [
        replace(line, **changes.get(line.file.replace("/", "_").removesuffix(".png"), {})) for line in entries(listing)
    ]


def test_the_manifest_of_a_listing_changes_nothing(photos):
    listing = read_data(photos)

    same = apply(listing, entries(listing))

    assert (same.files, same.classes, same.parts) == (listing.files, listing.classes, listing.parts)
    assert same.labels.tolist() == listing.labels.tolist()
    assert same.ignored == ()


def test_entries_name_class_part_and_content(photos):
    line = entries(read_data(photos))[0]

    content = (photos / "blue/000.png").read_bytes()
    assert line == Entry("blue/000.png", "blue", "", sha256(content).hexdigest())


def test_what_is_written_is_read_again(tmp_path):
    lines = [Entry('a,b/1 "x".jpg', "고양이", "val", "AB" * 32, "looked at, 확인"), Entry("c/2.jpg", "c", "drop")]
    write(tmp_path / "m.csv", lines)

    assert read(tmp_path / "m.csv") == [replace(lines[0], sha256="ab" * 32), lines[1]]


def test_a_picture_changes_class_and_part_and_another_is_dropped(photos):
    listing = read_data(photos)
    lines = lines_of(listing, blue_000={"label": "green", "split": "val"}, blue_001={"split": "drop"})

    changed = apply(listing, lines)

    row = changed.files.index("blue/000.png")
    assert changed.classes[changed.labels[row]] == "green"
    assert changed.parts[row] == "val"
    assert "blue/001.png" not in changed.files
    assert len(changed) == 35
    assert changed.ignored == ()
    assert (photos / "blue/001.png").exists()


def test_a_new_class_may_be_named_and_an_empty_one_goes(photos):
    listing = read_data(photos)

    changed = apply(
        listing, [replace(line, label="sky" if line.label == "blue" else line.label) for line in entries(listing)]
    )

    assert changed.classes == ("green", "red", "sky")


def test_pictures_that_the_manifest_does_not_name_are_passed_over_and_counted(photos):
    listing = read_data(photos)

    changed = apply(listing, [Entry("red/000.png", ""), Entry("blue/000.png", "")])

    assert changed.files == ("blue/000.png", "red/000.png")
    assert len(changed.ignored) == 34


def test_the_hashes_go_along(photos):
    listing = read_data(photos)
    changed = apply(listing, lines_of(listing, blue_000={"split": "drop"}))

    assert changed.hashes == listing.hashes[1:]


def test_a_picture_that_is_gone_is_one_clear_error(photos):
    lines = entries(read_data(photos))
    (photos / "red/003.png").unlink()

    with pytest.raises(DataError, match=r"1 of 36 pictures .* not there \(first: red/003.png\)"):
        apply(read_data(photos), lines)


def test_another_picture_under_the_name_is_one_clear_error(photos):
    lines = entries(read_data(photos))
    paint(photos / "red/003.png", (1, 2, 3), seed=77)

    with pytest.raises(DataError, match=r"not as they were .* red/003.png"):
        apply(read_data(photos), lines)


def test_a_dropped_picture_may_be_gone(photos):
    listing = read_data(photos)
    lines = lines_of(listing, red_003={"split": "drop"})
    (photos / "red/003.png").unlink()

    assert len(apply(read_data(photos), lines)) == 35


def test_dropping_everything_is_refused(photos):
    listing = read_data(photos)

    with pytest.raises(DataError, match="drops every picture"):
        apply(listing, [replace(line, split="drop") for line in entries(listing)])


def test_hangul_in_pieces_is_the_same_name(tmp_path):
    folder = make_photos(tmp_path / "p", classes=("red", "green"), count=1)
    paint(folder / "red" / unicodedata.normalize("NFD", "사과.png"), (200, 0, 0))
    listing = read_data(folder)

    changed = apply(listing, [Entry("red/사과.png", "green", "val"), Entry("red/000.png", "")])

    assert sorted(changed.parts) == ["", "val"]


def test_a_spreadsheet_may_have_saved_it(tmp_path):
    text = "file;label;split\nred/1.jpg;빨강;valid\nred/2.jpg;빨강;DROP\n"
    for content in (codecs.BOM_UTF8 + text.encode(), text.encode("cp949")):
        (tmp_path / "m.csv").write_bytes(content)

        assert read(tmp_path / "m.csv") == [Entry("red/1.jpg", "빨강", "val"), Entry("red/2.jpg", "빨강", "drop")]


BAD = {
    "no such column": ("path,class\na.jpg,b\n", "no column file or label or split"),
    "unknown part": ("file,label,split\na.jpg,b,both\n", "line 2: split 'both': allowed: train, val, test, drop"),
    "no file": ("file,label,split\n,b,val\n", "line 2: no file"),
    "named twice": ("file,label,split\na.jpg,b,val\na.jpg,c,val\n", "line 3: a.jpg is named before"),
    "empty": ("file,label,split\n", "names no picture"),
    "nothing": ("", "no column"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_manifest_is_one_line_that_says_what(case, tmp_path):
    text, sentence = BAD[case]
    (tmp_path / "m.csv").write_text(text)

    with pytest.raises(DataError, match=sentence):
        read(tmp_path / "m.csv")


def test_a_manifest_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "none.csv")


def test_a_manifest_beside_its_pictures_is_data_itself(photos):
    listing = read_data(photos)
    write(
        photos / "split.csv", lines_of(listing, blue_000={"split": "drop"}, blue_001={"label": "red", "split": "val"})
    )

    direct = read_data(photos / "split.csv")

    assert len(direct) == 35
    assert direct.classes[direct.labels[direct.files.index("blue/001.png")]] == "red"
    assert direct.part("val").files == ("blue/001.png",)


def test_one_picture_in_two_spellings_is_refused(photos, tmp_path):
    (photos / "red" / "가.png").write_bytes((photos / "red" / "000.png").read_bytes())
    lines = [
        Entry("red/가.png", "red", "train"),
        Entry(unicodedata.normalize("NFD", "red/가.png"), "blue", "test"),
    ]

    with pytest.raises(DataError, match="named twice, in two spellings"):
        apply(read_data(photos), lines)


def test_a_spreadsheets_capitals_change_nothing(tmp_path):
    (tmp_path / "m.csv").write_text("File, Label,SPLIT\na/1.png,a,Drop\n")

    assert read(tmp_path / "m.csv") == [Entry("a/1.png", "a", "drop")]


def test_a_picture_without_any_class_is_refused(photos):
    pictures = gather([str(photos / "red")])

    with pytest.raises(DataError, match="without a class"):
        apply(pictures, [Entry(pictures.files[0], "")])
