"""What is kept on this machine: listed, cleared, kept below a size, and nothing else touched."""

import json
import os
import shutil
import time

import pytest

from convscope.data import cache
from convscope.errors import DataError

DAY = 86_400


def put(file, size, days_ago=0.0):
    """A file of some bytes that was last touched some days ago."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * size)
    moment = time.time() - days_ago * DAY
    os.utime(file, (moment, moment))
    return file


@pytest.fixture
def full(tmp_path, monkeypatch):
    """A cache with something of every kind, and a stranger's folder in it."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CONVSCOPE_CACHE", str(folder))
    put(folder / "weights" / "resnet18.safetensors", 1_000, days_ago=40)
    put(folder / "weights" / "resnet18.json", 10, days_ago=40)
    put(folder / "data" / "MNIST" / "raw" / "train.gz", 500, days_ago=3)
    for key, days in (("old", 20), ("new", 1)):
        put(folder / "features" / key / "0.safetensors", 300, days_ago=30)
        put(folder / "features" / key / "1.safetensors", 100, days_ago=days)
    put(folder / "engines" / "abc" / "deep" / "net.bin", 70, days_ago=2)
    put(folder / "bf16.json", 5, days_ago=1)
    put(folder / "photos" / "mine.jpg", 9)
    return folder


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_every_kind_is_listed_with_its_bytes_and_last_use(full):
    kinds = {kind.name: kind for kind in cache.kept()}

    assert {name: kind.bytes for name, kind in kinds.items()} == {
        "weights": 1_010, "data": 500, "features": 800, "decoded": 0, "engines": 70, "timings": 5,
    }  # fmt: skip
    assert [entry.path.name for entry in kinds["features"].entries] == ["old", "new"]
    assert time.time() - kinds["features"].used == pytest.approx(DAY, abs=60)
    assert sum(kind.bytes for kind in cache.kept(full / "nowhere")) == 0


def test_clearing_without_names_leaves_downloads_and_strangers(full):
    before = files(full)

    freed = cache.clear()

    assert {kind.name: kind.bytes for kind in freed} == {"features": 800, "decoded": 0, "engines": 70, "timings": 5}
    assert files(full) == {file for file in before if file.startswith(("weights/", "data/", "photos/"))}


def test_clearing_by_name_removes_that_kind_alone(full):
    before = files(full)

    (freed,) = cache.clear(["weights"])

    assert (freed.bytes, len(freed.entries)) == (1_010, 2)
    assert files(full) == {file for file in before if not file.startswith("weights/")}


def test_only_what_is_older_goes_when_asked(full):
    freed = cache.clear(["features", "data", "timings"], older_days=10)

    assert {kind.name: [entry.path.name for entry in kind.entries] for kind in freed} == {
        "data": [], "features": ["old"], "timings": [],
    }  # fmt: skip
    assert "features/new/0.safetensors" in files(full)


def test_a_kind_that_is_not_there_is_refused_before_anything_goes(full):
    before = files(full)

    for name in ("featurs", "photos", "..", "/", "features/old", ""):
        with pytest.raises(DataError, match="no kind of cache"):
            cache.clear(["engines", name])
    assert files(full) == before


def test_what_links_lead_to_stays(full, tmp_path):
    outside = put(tmp_path / "elsewhere" / "keep.bin", 50, days_ago=99).parent
    (full / "features" / "linked").symlink_to(outside)
    (full / "features" / "old" / "inside").symlink_to(outside)
    (full / "features" / "dangling").symlink_to(tmp_path / "nowhere")
    shutil.rmtree(full / "engines")
    (full / "engines").symlink_to(outside)

    freed = {kind.name: kind for kind in cache.clear()}

    assert (outside / "keep.bin").is_file()
    assert (full / "engines").is_symlink()  # somebody moved it to another disk on purpose
    assert (freed["engines"].link, freed["engines"].bytes) == (True, 0)
    assert freed["features"].bytes < 1_000  # the links' own few bytes, not what they lead to
    assert list((full / "features").iterdir()) == []
    assert cache.keep_below(full / "engines", 0) == 0


def test_what_cannot_be_removed_is_named_and_the_rest_goes(full, monkeypatch):
    remove = shutil.rmtree

    def protected(path):
        if ".old." in path.name:
            raise PermissionError(13, "Permission denied")
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", protected)

    with pytest.raises(DataError, match=r"1 could not be removed .*old .*475 bytes of others"):
        cache.clear()
    assert not (full / "engines" / "abc").exists()


@pytest.mark.parametrize(("limit", "left"), [(0, ["c"]), (95, ["c"]), (96, ["a", "c"]), (200, ["a", "b", "c"])])
def test_a_folder_is_kept_below_a_size_by_dropping_what_was_used_longest_ago(tmp_path, limit, left):
    put(tmp_path / "b" / "0.bin", 40, days_ago=3)
    put(tmp_path / "a" / "0.bin", 26, days_ago=9)
    put(tmp_path / "a" / "1.bin", 10, days_ago=2)  # its newest file counts
    put(tmp_path / "c" / "0.bin", 60, days_ago=1)

    freed = cache.keep_below(tmp_path, limit)

    assert sorted(path.name for path in tmp_path.iterdir()) == left
    assert freed == sum({"a": 36, "b": 40, "c": 60}[name] for name in {"a", "b", "c"} - set(left))


def test_what_is_in_use_stays_and_others_go_instead(tmp_path):
    for name, days in (("a", 3), ("b", 2), ("c", 1)):
        put(tmp_path / name, 40, days_ago=days)

    assert cache.keep_below(tmp_path, 80, spare=[tmp_path / "a"]) == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_what_was_used_last_stays_however_large(tmp_path):
    put(tmp_path / "only" / "0.bin", 100)

    assert cache.keep_below(tmp_path, 0) == 0
    assert (tmp_path / "only" / "0.bin").is_file()


def test_an_entry_that_another_process_removed_is_no_error(tmp_path, monkeypatch):
    put(tmp_path / "a" / "0.bin", 10, days_ago=2)
    put(tmp_path / "b" / "0.bin", 10, days_ago=1)
    measured = cache._measured

    def and_gone(path):
        entry = measured(path)
        shutil.rmtree(path)
        return entry

    monkeypatch.setattr(cache, "_measured", and_gone)

    cache.keep_below(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def test_the_cap_is_five_gigabytes_or_what_the_environment_says(monkeypatch):
    monkeypatch.delenv("CONVSCOPE_CACHE_GB", raising=False)
    assert cache.cap() == 5_000_000_000
    monkeypatch.setenv("CONVSCOPE_CACHE_GB", "0.5")
    assert cache.cap() == 500_000_000
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv("CONVSCOPE_CACHE_GB", wrong)
        with pytest.raises(DataError, match=f"CONVSCOPE_CACHE_GB {wrong}: expected gigabytes"):
            cache.cap()


def test_the_list_is_told_as_a_table_and_as_json(convscope, full):
    status, out, _ = convscope("cache", "list", "--json")
    table = convscope("cache", "list", "--lang", "ko")[1]

    content = json.loads(out)
    assert status == 0
    assert (content["folder"], content["bytes"], content["cap_bytes"]) == (str(full), 2_385, 5_000_000_000)
    features = next(kind for kind in content["kinds"] if kind["name"] == "features")
    assert (features["bytes"], features["entries"], features["path"]) == (800, 2, str(full / "features"))
    assert features["used"].startswith(time.strftime("%Y-", time.localtime(time.time() - DAY)))
    assert "내려받은 데이터셋" in table


def test_clear_says_what_was_freed_and_what_stays(convscope, full):
    status, out, _ = convscope("cache", "clear")

    assert status == 0
    assert "features: 2 removed, 0.0 MB freed" in out
    assert "convscope cache clear weights data" in out
    named = json.loads(convscope("cache", "clear", "weights", "--older-than", 30, "--json")[1])
    assert (named["bytes"], [kind["name"] for kind in named["kinds"]]) == (1_010, ["weights"])
    assert json.loads(convscope("cache", "clear", "--json")[1])["bytes"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("clear", "featurs"), "featurs: no kind of cache; did you mean features?"),
        (("clear", "--older-than", "-1"), "--older-than -1: needs at least 0"),
        (("clear", "--older-than", "nan"), "--older-than nan: needs at least 0"),
        (("clean",), "clean: no such command; did you mean clear?"),
    ],
)
def test_a_wrong_word_is_one_line(convscope, full, arguments, sentence):
    before = files(full)

    status, out, err = convscope("cache", *arguments)

    assert (status, out) == (2, "")
    assert err == f"convscope: {sentence}\n"
    assert files(full) == before


def test_the_group_alone_shows_its_help(convscope):
    assert "convscope cache clear" in convscope("cache")[1]
