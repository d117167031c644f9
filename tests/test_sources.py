"""Every layout of folders that people come with, to the same listing; and what is refused."""

import os
import unicodedata
from pathlib import Path

import pytest

from convscope.data.sources import gather, read
from convscope.errors import DataError
from tests.conftest import make_photos, paint

CAT, DOG = "고양이", "강아지"


def fill(root, *names, content=b"not decoded here"):
    """Files under `root`: listing looks at names only."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return root


def listed(listing):
    """{file: (class, part)}"""
    names = [listing.classes[label] for label in listing.labels]
    return dict(zip(listing.files, zip(names, listing.parts, strict=True), strict=True))


def test_class_folders_give_their_names(tmp_path):
    listing = read(fill(tmp_path, "cat/1.jpg", "cat/2.PNG", "dog/old/deep/3.webp"))

    assert listed(listing) == {"cat/1.jpg": ("cat", ""), "cat/2.PNG": ("cat", ""), "dog/old/deep/3.webp": ("dog", "")}
    assert listing.counts() == {"cat": {"": 2}, "dog": {"": 1}}


@pytest.mark.parametrize("outer", ["flowers", "a/b/c"])
def test_outer_folders_are_stepped_into(tmp_path, outer):
    listing = read(fill(tmp_path, f"{outer}/cat/1.jpg", f"{outer}/dog/1.jpg", f"{outer}/loose.jpg"))

    assert listing.classes == ("cat", "dog")
    assert listing.ignored == (f"{outer}/loose.jpg",)


def test_junk_and_loose_pictures_are_passed_over_and_named(tmp_path):
    junk = ["loose.jpg", "notes.txt", "cat/.DS_Store", "cat/Thumbs.db", "__MACOSX/cat/1.jpg", "cat/._1.jpg"]
    junk += [".ipynb_checkpoints/1.jpg", "cat/.ipynb_checkpoints/1.jpg", "@eaDir/1.jpg"]

    listing = read(fill(tmp_path, "cat/1.jpg", "dog/1.jpg", *junk))

    assert listing.files == ("cat/1.jpg", "dog/1.jpg")
    assert sorted(listing.ignored) == sorted(junk)


def test_a_folder_linked_from_outside_is_followed(tmp_path):
    fill(tmp_path, "elsewhere/1.jpg", "data/dog/1.jpg")
    (tmp_path / "data" / "cat").symlink_to(tmp_path / "elsewhere")

    assert read(tmp_path / "data").files == ("cat/1.jpg", "dog/1.jpg")


@pytest.mark.parametrize("link", ["aaa", "cat/zzz", "cat/aaa"])
def test_a_link_to_another_class_neither_moves_nor_doubles_its_pictures(tmp_path, link):
    fill(tmp_path, "cat/1.jpg", "dog/1.jpg", "dog/2.jpg")
    (tmp_path / link).symlink_to(tmp_path / "dog")

    assert read(tmp_path).files == ("cat/1.jpg", "dog/1.jpg", "dog/2.jpg")


def test_a_loop_of_links_ends(tmp_path):
    fill(tmp_path, "cat/1.jpg", "dog/1.jpg")
    (tmp_path / "cat" / "again").symlink_to(tmp_path)
    (tmp_path / "dog" / "self").symlink_to(tmp_path / "dog")

    assert read(tmp_path).files == ("cat/1.jpg", "dog/1.jpg")


def test_classes_are_sorted_as_people_count(tmp_path):
    names = ["10", "2", "1", "01", "b10", "b9", "a"]

    assert read(fill(tmp_path, *[f"{name}/1.jpg" for name in names])).classes == (
        "01",
        "1",
        "2",
        "10",
        "a",
        "b9",
        "b10",
    )


def test_both_spellings_of_a_hangul_name_are_one_class(tmp_path):
    apart = unicodedata.normalize("NFD", CAT)

    listing = read(fill(tmp_path, f"{CAT}/1.jpg", f"{apart}/2.jpg", f"{DOG}/1.jpg"))

    assert listing.classes == (DOG, CAT)
    assert listing.counts()[CAT] == {"": 2}


@pytest.mark.parametrize("val", ["val", "valid", "validation", "VAL", "dev"])
@pytest.mark.parametrize("train", ["train", "Train", "training"])
def test_split_folders_give_the_parts(tmp_path, train, val):
    files = f"set/{train}/cat/1.jpg", f"set/{val}/cat/2.jpg", "set/test/dog/sub/3.jpg"

    listing = read(fill(tmp_path, *files))

    assert listed(listing) == dict(zip(files, [("cat", "train"), ("cat", "val"), ("dog", "test")]))


def test_a_folder_beside_the_parts_is_passed_over(tmp_path):
    listing = read(fill(tmp_path, "train/cat/1.jpg", "val/cat/2.jpg", "unlabelled/x/3.jpg", "train/loose.jpg"))

    assert listing.files == ("train/cat/1.jpg", "val/cat/2.jpg")
    assert listing.ignored == ("train/loose.jpg", "unlabelled/x/3.jpg")


def test_trains_and_planes_are_two_classes(tmp_path):
    listing = read(fill(tmp_path, "train/1.jpg", "train/2.jpg", "plane/1.jpg"))

    assert listing.counts() == {"plane": {"": 1}, "train": {"": 2}}


def test_a_class_called_test_among_others_is_a_class(tmp_path):
    assert read(fill(tmp_path, "test/1.jpg", "control/1.jpg")).classes == ("control", "test")


def test_a_folder_that_may_not_be_opened_is_named(tmp_path, monkeypatch):
    fill(tmp_path, "cat/1.jpg", "dog/1.jpg", "locked/1.jpg")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)

    assert read(tmp_path).ignored == ("locked",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_named_like_a_picture_is_not_waited_for(tmp_path):
    os.mkfifo(fill(tmp_path, "cat/1.jpg", "dog/1.jpg") / "cat" / "2.jpg")

    listing = read(tmp_path)

    assert [hashed == "" for hashed in listing.hashes] == [False, True, False]


def test_one_class_folder_is_one_class(tmp_path):
    assert read(fill(tmp_path, "set/cat/1.jpg", "set/cat/2.jpg")).classes == ("cat",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("fashion_mnist", "did you mean fashion-mnist"),
        ("digit", "did you mean digits"),
        ("no/such/folder", "no such file or folder, and no built-in set; known: digits, mnist"),
        ("x" * 5000, "no such file or folder"),
        ("nul\0byte", "no such file or folder"),
    ],
)
def test_what_is_not_there_offers_the_nearest(data, words):
    with pytest.raises(DataError, match=words):
        read(data)


def test_one_picture_is_not_a_data_set(tmp_path):
    with pytest.raises(DataError, match=r"is one picture; expected a folder, a \.zip"):
        read(paint(tmp_path / "1.png", (9, 9, 9)))


def test_an_empty_folder_says_what_is_expected(tmp_path):
    with pytest.raises(DataError, match=r"no pictures of a class were found \(1 other files, such as notes.md\)"):
        read(fill(tmp_path, "notes.md"))


def test_gather_takes_files_folders_and_patterns_in_the_order_given(tmp_path, monkeypatch):
    make_photos(tmp_path / "photos", count=2)
    fill(tmp_path, "words.txt", "b.png", "a.png")
    monkeypatch.chdir(tmp_path)

    listing = gather(["words.txt", "photos/red", "*.png"])

    assert listing.files == tuple(
        str(Path(name)) for name in ("words.txt", "photos/red/000.png", "photos/red/001.png", "a.png", "b.png")
    )
    assert listing.labels.tolist() == [-1] * 5
    assert listing.picture(1).shape == (3, 32, 40)


@pytest.mark.parametrize(("inputs", "words"), [(["nowhere/*.jpg"], "no such file"), (["."], "no pictures there")])
def test_gather_says_what_it_did_not_find(tmp_path, monkeypatch, inputs, words):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DataError, match=words):
        gather(inputs)


def test_hymenoptera_has_the_counts_of_the_tutorial(shared):
    listing = read(shared / "hymenoptera")

    assert listing.counts() == {"ants": {"train": 123, "val": 70}, "bees": {"train": 121, "val": 83}}
