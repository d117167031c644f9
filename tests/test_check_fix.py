"""`check --fix`: a manifest without the faults, and a split that keeps copies on one side."""

import shutil
from collections import Counter

import pytest

import convscope as cs
from convscope.data import splits
from convscope.data.manifest import Entry, apply, read, write
from convscope.data.sources import read as read_data
from convscope.errors import DataError
from convscope.evaluation.passport.fix import _unclear, cleaned
from tests.faults import brighter, clean_set, put, resized, scene


def by_file(found):
    return {line.file: line for line in found.lines}


def test_a_clean_set_is_only_divided(tmp_path):
    clean_set(tmp_path, count=20)
    passport = cs.check(tmp_path)

    found = cleaned(passport)

    assert found.dropped == {}
    assert found.parts == {"train": 32, "val": 4, "test": 4}
    assert tuple(line.split for line in found.lines) == passport.listing.split().parts


def test_broken_pictures_and_extra_copies_are_dropped_and_contradictions_altogether(tmp_path):
    clean_set(tmp_path, count=12)
    (tmp_path / "ant/empty.jpg").write_bytes(b"")
    shutil.copy(tmp_path / "ant/00.jpg", tmp_path / "ant/zcopy.jpg")
    shutil.copy(tmp_path / "ant/01.jpg", tmp_path / "bee/wrong.jpg")

    found = cleaned(cs.check(tmp_path))

    assert found.dropped == {"broken": 1, "copy": 1, "contradiction": 2}
    dropped = {file: line.note for file, line in by_file(found).items() if line.split == "drop"}
    assert dropped == {
        "ant/empty.jpg": "cannot be read: the file is empty",
        "ant/zcopy.jpg": "the same file as ant/00.jpg",
        "ant/01.jpg": "the same file under ant, bee",
        "bee/wrong.jpg": "the same file under ant, bee",
    }
    assert len(list(tmp_path.rglob("*.jpg"))) == 27


def test_of_a_leak_the_picture_in_the_test_stays(tmp_path):
    clean_set(tmp_path, parts=("train", "val", "test"))
    shutil.copy(tmp_path / "test/ant/00.jpg", tmp_path / "train/ant/exact.jpg")
    put(tmp_path / "train/ant/near.jpg", brighter(resized(scene(20_001), 0.7), 1.05))
    put(tmp_path / "val/ant/near.jpg", resized(scene(20_001), 0.8))

    found = cleaned(cs.check(tmp_path))

    dropped = {file for file, line in by_file(found).items() if line.split == "drop"}
    assert dropped == {"train/ant/exact.jpg", "train/ant/near.jpg", "val/ant/near.jpg"}
    assert found.dropped == {"copy": 1, "leak": 2}
    assert by_file(found)["test/ant/01.jpg"].split == "test"


def test_near_duplicates_stay_together_under_every_seed(tmp_path):
    clean_set(tmp_path, count=20)
    for number in range(10):
        put(tmp_path / f"ant/near{number}.jpg", resized(scene(number), 0.7))
    passport = cs.check(tmp_path)

    seen = set()
    for seed in range(8):
        found = cleaned(passport, seed=seed)
        lines = by_file(found)
        for number in range(10):
            part = lines[f"ant/{number:02d}.jpg"].split
            assert lines[f"ant/near{number}.jpg"].split == part
            seen.add(part)
        assert found.grouped == 10
        assert 2 <= sum(line.label == "ant" and line.split == "test" for line in found.lines) <= 4
    assert seen == {"train", "val", "test"}


def test_without_groups_near_duplicates_would_be_torn_apart(tmp_path):
    """What the test above guards: the split by content alone parts them under some seed."""
    clean_set(tmp_path, count=20)
    for number in range(10):
        put(tmp_path / f"ant/near{number}.jpg", resized(scene(number), 0.7))
    listing = read_data(tmp_path)

    torn = 0
    for seed in range(8):
        parts = dict(zip(listing.files, listing.split(seed).parts, strict=True))
        torn += sum(parts[f"ant/{number:02d}.jpg"] != parts[f"ant/near{number}.jpg"] for number in range(10))
    assert torn > 0


def test_near_duplicates_under_two_classes_stay_on_one_side_with_a_note(tmp_path):
    clean_set(tmp_path, count=12)
    put(tmp_path / "bee/near.jpg", resized(scene(0), 0.7))

    lines = by_file(cleaned(cs.check(tmp_path)))

    assert lines["bee/near.jpg"].split == lines["ant/00.jpg"].split != "drop"
    assert lines["bee/near.jpg"].note == "nearly the same picture as ant/00.jpg, which is under ant"


def test_the_fixed_data_has_no_finding_left_but_what_is_noted(tmp_path):
    clean_set(tmp_path / "data", count=14, parts=("train", "val"))
    (tmp_path / "data/train/ant/empty.jpg").write_bytes(b"")
    shutil.copy(tmp_path / "data/val/ant/00.jpg", tmp_path / "data/train/ant/leak.jpg")
    shutil.copy(tmp_path / "data/val/bee/01.jpg", tmp_path / "data/val/ant/wrong.jpg")
    put(tmp_path / "data/train/bee/near.jpg", resized(scene(11_002), 0.8))
    write(tmp_path / "split.csv", cleaned(cs.check(tmp_path / "data")).lines)

    again = cs.check(apply(read_data(tmp_path / "data"), read(tmp_path / "split.csv")))

    assert again.findings == ()


def test_a_class_that_has_too_few_left_is_refused_in_words(tmp_path):
    clean_set(tmp_path, count=12)
    put(tmp_path / "fly/0.jpg", scene(500))

    with pytest.raises(DataError, match="class 'fly' has 1 different picture"):
        cleaned(cs.check(tmp_path))


def test_groups_of_any_size_give_shares_near_those_asked_for():
    labels = ["a"] * 100 + ["b"] * 60
    groups = [f"a{row // 5}" for row in range(100)] + [f"b{row // 2}" for row in range(60)]
    hashes = [str(row) for row in range(160)]

    for seed in range(20):
        parts = splits.assign(labels, hashes, [""] * 160, seed=seed, groups=groups)
        counts = Counter(zip(labels, parts, strict=True))
        assert counts["a", "test"] == counts["a", "val"] == 10
        assert counts["b", "test"] == counts["b", "val"] == 6
        assert len({(group, part) for group, part in zip(groups, parts, strict=True)}) == len(set(groups))


def test_a_giant_group_stays_in_training_while_others_fit():
    groups = ["film"] * 50 + [str(row) for row in range(50)]
    for seed in range(20):
        parts = splits.assign(["a"] * 100, [str(row) for row in range(100)], [""] * 100, seed=seed, groups=groups)
        assert set(parts[:50]) == {"train"}
        assert parts.count("test") == 10


def test_notes_and_dropped_lines_of_the_manifest_before_are_kept(tmp_path):
    clean_set(tmp_path, count=14)
    shutil.copy(tmp_path / "bee/02.jpg", tmp_path / "bee/zcopy.jpg")
    before = [line for line in cleaned(cs.check(tmp_path)).lines if line.file != "bee/zcopy.jpg"]
    before[0] = Entry(before[0].file, "bee", before[0].split, before[0].sha256, "label checked")
    before[1] = Entry(before[1].file, before[1].label, "drop", before[1].sha256, "a thumb")
    before.append(Entry("bee/zcopy.jpg", "", "", "", "label checked, too"))

    found = cleaned(cs.check(apply(read_data(tmp_path), before)), before=before)

    lines = by_file(found)
    assert lines["ant/00.jpg"] == before[0]
    assert lines["ant/01.jpg"] == before[1] == found.lines[-1]
    assert lines["bee/zcopy.jpg"].note == "the same file as bee/02.jpg"
    assert len(found.lines) == 29
    assert found.dropped == {"copy": 1, "before": 1}


def test_near_duplicates_under_two_classes_leave_a_note_that_was_there(tmp_path):
    clean_set(tmp_path, count=12)
    put(tmp_path / "bee/near.jpg", resized(scene(0), 0.7))

    lines = by_file(cleaned(cs.check(tmp_path), before=[Entry("bee/near.jpg", "bee", note="label checked")]))

    assert lines["bee/near.jpg"].note == "label checked"
    assert lines["ant/00.jpg"].note.startswith("nearly the same picture as bee/near.jpg")


def test_a_class_of_one_near_duplicate_group_is_told_by_the_passport_and_refused_as_such(tmp_path):
    clean_set(tmp_path, classes=("ant",), count=12)
    for number in range(5):
        put(tmp_path / f"bee/{number}.jpg", resized(scene(700), 1 - number / 10))
    passport = cs.check(tmp_path)

    (few,) = passport.of("too-few")
    assert few.detail().startswith("class bee: 1 different pictures for training (near-duplicates count as one)")
    with pytest.raises(DataError, match=r"class 'bee' has 1 different picture.*near-duplicates count as one"):
        cleaned(passport)


def test_a_manifest_that_would_drop_everything_is_refused(tmp_path):
    clean_set(tmp_path, classes=("ant",), count=3)
    shutil.copytree(tmp_path / "ant", tmp_path / "bee")

    with pytest.raises(DataError, match=r"no picture would be left \(under several classes 6\)"):
        cleaned(cs.check(tmp_path))


def test_a_class_of_which_nothing_is_left_is_named(tmp_path):
    clean_set(tmp_path, count=12)
    (tmp_path / "fly").mkdir()
    (tmp_path / "fly/0.jpg").write_bytes(b"")

    assert cleaned(cs.check(tmp_path)).lost == ("fly",)


class Counted(list):
    """A list that counts how often it is read."""

    read = 0

    def __getitem__(self, place):
        self.read += 1
        return super().__getitem__(place)


@pytest.mark.parametrize("odd", [None, 0, 999])
def test_a_large_group_is_gone_through_once(odd):
    lines = Counted(Entry(str(row), "bee" if row == odd else "ant") for row in range(1000))

    told = list(_unclear(lines, [list(range(1000))]))

    assert len(told) == (0 if odd is None else 1000)
    assert lines.read < 6 * 1000
