"""Who trains, validates and tests: by content, stratified, the same for ever."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.data.listing import Listing
from convscope.data.sources import read
from convscope.data.splits import Row, assign, write
from convscope.data.splits import read as read_split
from convscope.errors import DataError
from tests.conftest import make_photos, paint


def draw(labels, hashes=None, given=None, **options):
    hashes = hashes or [f"{number:064x}" for number in range(len(labels))]
    return assign(labels, hashes, given or [""] * len(labels), **options)


def per_class(labels, parts):
    return {label: Counter(p for name, p in zip(labels, parts) if name == label) for label in sorted(set(labels))}


def test_every_class_gives_its_share():
    labels = ["cat"] * 100 + ["dog"] * 40 + ["emu"] * 7

    counts = per_class(labels, draw(labels))

    assert counts == {
        "cat": {"train": 80, "val": 10, "test": 10},
        "dog": {"train": 32, "val": 4, "test": 4},
        "emu": {"train": 5, "val": 1, "test": 1},  # 0.7 pictures, rounded to 1
    }


def test_a_class_of_three_has_one_picture_in_each_part():
    assert sorted(draw(["a"] * 3)) == ["test", "train", "val"]


@pytest.mark.parametrize(("count", "expected"), [(4, (1, 1, 2)), (6, (1, 2, 3)), (10, (1, 4, 5))])
def test_train_keeps_a_picture_however_large_the_shares(count, expected):
    parts = Counter(draw(["a"] * count, val_share=0.49, test_share=0.49))

    assert parts["train"] >= 1
    assert (parts["train"], parts["val"], parts["test"]) == expected


def test_the_sum_of_shares_decides_what_each_part_gets():
    assert Counter(draw(["a"] * 20, val_share=0.25, test_share=0.1)) == {"train": 13, "val": 5, "test": 2}


def test_no_test_share_carves_no_test():
    assert Counter(draw(["a"] * 20, test_share=0)) == {"train": 18, "val": 2}


def test_parts_that_are_given_stay_and_the_missing_one_comes_out_of_train():
    given = ["train"] * 20 + ["val"] * 5

    parts = draw(["a"] * 25, given=given)

    assert parts[20:] == ["val"] * 5
    assert Counter(parts[:20]) == {"train": 18, "test": 2}


def test_a_given_test_is_never_drawn_from():
    parts = draw(["a"] * 30, given=["test"] * 10 + [""] * 20)

    assert parts[:10] == ["test"] * 10
    assert Counter(parts[10:]) == {"train": 18, "val": 2}


def test_copies_stay_together():
    hashes = [f"{number // 3:064x}" for number in range(90)]

    parts = draw(["a"] * 90, hashes)

    assert all(len({parts[row] for row in range(start, start + 3)}) == 1 for start in range(0, 90, 3))
    assert Counter(parts) == {"train": 72, "val": 9, "test": 9}


def test_copies_in_two_classes_stay_together_and_leave_no_part_of_a_class_empty():
    labels = ["a"] * 30 + ["b"] * 10
    hashes = [f"{number:064x}" for number in [*range(30), *range(5), *range(100, 105)]]

    for seed in range(50):
        parts = draw(labels, hashes, seed=seed)

        assert parts[:5] == parts[30:35]
        assert all(set(counts) == {"train", "val", "test"} for counts in per_class(labels, parts).values())


def test_order_and_names_change_nothing_and_the_seed_does():
    labels = ["a"] * 60 + ["b"] * 40
    hashes = [f"{number:064x}" for number in range(100)]

    parts = dict(zip(hashes, draw(labels, hashes)))

    backwards = dict(zip(hashes[::-1], draw(labels[::-1], hashes[::-1])))
    other = dict(zip(hashes, draw(labels, hashes, seed=1)))
    assert backwards == parts
    assert other != parts


def test_more_pictures_move_few_of_the_old():
    hashes = [f"{number:064x}" for number in range(1100)]

    before, after = draw(["a"] * 1000, hashes[:1000]), draw(["a"] * 1100, hashes)

    moved = sum(old != new for old, new in zip(before, after))
    assert moved < 60  # a fresh draw would move about 340


def test_what_cannot_be_read_stays_in_train_and_counts_for_nothing():
    parts = draw(["a"] * 12, [""] * 2 + [f"{number:064x}" for number in range(10)])

    assert parts[:2] == ["train"] * 2
    assert Counter(parts) == {"train": 10, "val": 1, "test": 1}


@pytest.mark.parametrize(
    ("count", "options", "words"),
    [
        (
            2,
            {},
            "class 'rare' has 2 different pictures; a class needs 3: one for train and one more each for test and val",
        ),
        (1, {}, "has 1 different picture; .* Add pictures or drop the class; --test-share 0 carves no test"),
        (
            1,
            {"test_share": 0},
            "a class needs 2: one for train and one more each for val. Add pictures or drop the class$",
        ),
    ],
)
def test_a_class_that_is_too_small_is_named_with_a_way_out(count, options, words):
    with pytest.raises(DataError, match=words):
        draw(["many"] * 9 + ["rare"] * count, **options)


def test_copies_do_not_make_a_class_large_enough():
    with pytest.raises(DataError, match=r"'b' has 1 different picture \(and 1 more such classes\)"):
        draw(["a"] * 3 + ["b"] * 9 + ["c"] * 2, ["1", "2", "3"] + ["4"] * 9 + ["5", "6"])


SHARES = st.floats(0.01, 0.4)


@given(
    sizes=st.lists(st.integers(3, 60), min_size=1, max_size=5),
    seed=st.integers(0, 2**31),
    val_share=SHARES,
    test_share=SHARES,
)
def test_a_split_is_complete_and_stratified(sizes, seed, val_share, test_share):
    labels = [str(label) for label, size in enumerate(sizes) for _ in range(size)]

    parts = draw(labels, seed=seed, val_share=val_share, test_share=test_share)

    assert len(parts) == len(labels)
    for label, size in enumerate(sizes):
        counts = per_class(labels, parts)[str(label)]
        assert set(counts) == {"train", "val", "test"}
        for part, share in (("val", val_share), ("test", test_share)):
            most = max(1, round(share * size))
            assert counts[part] in (most, most - 1)
            assert counts[part] == most or counts["train"] == 1  # less only so that train keeps one


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(rows=st.lists(st.builds(Row, NAMES, NAMES, st.sampled_from(["train", "val", "test"]), NAMES)))
def test_a_split_file_gives_back_what_was_written(tmp_path_factory, rows):
    file = tmp_path_factory.getbasetemp() / "split.csv"
    write(file, rows)

    assert read_split(file) == rows


def test_a_split_file_is_a_plain_table(tmp_path):
    write(tmp_path / "split.csv", [Row('고양이/"1, a".jpg', "고양이\n", "train", "ab" * 32)])

    text = (tmp_path / "split.csv").read_bytes().decode()
    assert text == 'file,label,split,sha256\n"고양이/""1, a"".jpg","고양이\n",train,' + "ab" * 32 + "\n"


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"file,label,split\n", b'file,"' + b"x" * 200_000]
)
def test_what_is_no_split_is_refused(tmp_path, content):
    (tmp_path / "split.csv").write_bytes(content)

    with pytest.raises(DataError, match="not a split"):
        read_split(tmp_path / "split.csv")


def test_a_missing_split_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"split.csv: the run's split cannot be read \(No such file"):
        read_split(tmp_path / "split.csv")


def test_a_listing_draws_by_content_wherever_the_files_lie(tmp_path):
    here, there = make_photos(tmp_path / "here", count=10), tmp_path / "there"
    for file in here.rglob("*.png"):
        moved = there / "set" / file.parent.name / f"renamed {file.name}"
        moved.parent.mkdir(parents=True, exist_ok=True)
        moved.write_bytes(file.read_bytes())

    one, two = read(here).split(), read(there).split()

    assert dict(zip(one.hashes, one.parts)) == dict(zip(two.hashes, two.parts))
    assert len(one.train) == 24 and len(one.val) == 3 and len(one.test) == 3


def test_hashes_are_counted_once(tmp_path, monkeypatch):
    listing = read(make_photos(tmp_path, count=4))
    hashes = listing.hashes

    monkeypatch.setattr(Listing, "_hash", lambda *_: pytest.fail("hashed again"))

    assert listing.split().hashes == hashes
    assert listing.split().take([3, 1]).hashes == (hashes[3], hashes[1])


def test_a_picture_that_cannot_be_read_has_no_hash(tmp_path):
    make_photos(tmp_path, classes=("red",), count=2)
    listing = read(paint(tmp_path / "blue" / "1.png", (0, 0, 200)).parents[1])
    (tmp_path / "blue" / "1.png").unlink()

    assert [bool(hashed) for hashed in listing.hashes] == [False, True, True]
