"""Who trains, validates and tests: by content, stratified, the same for ever."""

import itertools
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


def is_possible(labels, units):
    """Whether some part for every unit leaves no class without a part: all are tried."""
    names, parts = sorted(set(units)), ("train", "val", "test")
    inside = [{names.index(unit) for name, unit in zip(labels, units) if name == label} for label in set(labels)]
    draws = itertools.product(parts, repeat=len(names))
    return any(all({draw[at] for at in places} == set(parts) for places in inside) for draw in draws)


@given(classes=st.lists(st.sets(st.integers(0, 6), min_size=3), min_size=2, max_size=4), seed=st.integers(0, 100))
def test_groups_across_classes_leave_no_class_without_a_part_where_that_is_possible(classes, seed):
    labels = [str(label) for label, inside in enumerate(classes) for _ in inside]
    units = [f"group {number}" for inside in classes for number in sorted(inside)]

    try:
        parts = draw(labels, groups=units, seed=seed)
    except DataError:
        assert not is_possible(labels, units)
    else:
        assert all(set(counts) == {"train", "val", "test"} for counts in per_class(labels, parts).values())
        assert len(set(zip(units, parts))) == len(set(units))


def test_an_earlier_class_leaves_each_part_something_of_a_later_one():
    labels = ["a"] * 8 + ["b"] * 3
    units = [str(number) for number in [*range(8), 0, 1, 2]]

    for seed in range(30):
        assert sorted(draw(labels, groups=units, seed=seed)[8:]) == ["test", "train", "val"]


def test_a_draw_that_nothing_has_to_repair_stays_as_it_was():
    labels = ["a"] * 30 + ["b"] * 30
    alone = draw(["a"] * 30, groups=[str(number // 2) for number in range(30)])

    parts = draw(labels, groups=[str(number // 2) for number in range(60)])

    assert parts[:30] == alone
    assert [row for row, part in enumerate(parts) if part == "test"] == [14, 15, 30, 31]  # runs of old drew these
    assert [row for row, part in enumerate(parts) if part == "val"] == [8, 9, 40, 41]


def test_classes_that_cannot_all_be_in_every_part_are_named():
    # any three of four groups are a class: two of the four are in one part, and some class has them both
    classes = {"a": "123", "b": "124", "c": "134", "d": "234"}
    labels = [label for label, units in classes.items() for _ in units]

    with pytest.raises(DataError, match=r"class '[a-d]' would have no picture in (train|val|test): .* 2 more"):
        draw(labels, groups=[unit for units in classes.values() for unit in units])


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
