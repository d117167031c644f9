"""Pictures at the network's size: the same bits from memory and from disk; broken ones named; files written whole."""

import csv
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from convscope.data import files
from convscope.data.batches import Pixels
from convscope.data.memory import free_memory
from convscope.data.preprocess import Preprocess
from convscope.data.sources import read
from convscope.errors import DataError
from tests.conftest import make_photos

SMALL = Preprocess(size=16, mean=(0.5,) * 3, spread=(0.5,) * 3)


class Ears:
    def __init__(self):
        self.heard = []

    def progress(self, stage, done, total):
        self.heard.append((stage, done, total))

    def message(self, key, **values):
        pytest.fail("no message was expected")


@pytest.fixture
def listing(tmp_path):
    """Three classes of four pictures; two of them broken."""
    root = make_photos(tmp_path / "photos", count=4)
    (root / "blue" / "001.png").write_bytes(b"no picture")
    whole = (root / "red" / "000.png").read_bytes()
    (root / "red" / "000.png").write_bytes(whole[: len(whole) // 2])
    return read(root)


def test_broken_pictures_are_named_and_the_good_are_kept(listing):
    pixels = Pixels(listing, SMALL)

    assert [fault.file for fault in pixels.broken] == ["blue/001.png", "red/000.png"]
    assert "not a picture" in pixels.broken[0].reason and "cut off" in pixels.broken[1].reason
    assert len(pixels) == 10
    assert not {"blue/001.png", "red/000.png"} & set(pixels.listing.files)


@pytest.mark.parametrize("keep", ["auto", "memory", "disk", "none"])
def test_every_picture_is_its_own_fitted(listing, keep):
    pixels = Pixels(listing, SMALL, keep=keep)

    for row in range(len(pixels)):
        assert torch.equal(pixels[np.array([row])][0], SMALL.fit(pixels.listing.picture(row)))


@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_memory_and_disk_give_the_same_bits_and_batches(listing, size):
    kept, streamed = Pixels(listing, SMALL), Pixels(listing, SMALL, keep="none", threads=3)
    order = np.random.default_rng(0).permutation(10)

    pairs = list(zip(kept.batches(order, size), streamed.batches(order, size), strict=True))

    assert all((rows == others).all() for (rows, _), (others, _) in pairs)
    assert all(torch.equal(pictures, others) for (_, pictures), (_, others) in pairs)
    assert [int(row) for (rows, _), _ in pairs for row in rows] == order.tolist()


@pytest.mark.parametrize("keep", ["auto", "memory", "disk", "none"])
@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [(10, 5, [5, 5]), (10, 4, [4, 4, 2]), (9, 4, [4, 5]), (1, 4, [1]), (5, 4, [5]), (3, 1, [1, 2]), (0, 4, [])],
)
def test_a_last_batch_of_one_joins_the_one_before(listing, keep, count, size, sizes):
    pixels = Pixels(listing, SMALL, keep=keep)

    assert [len(pictures) for _, pictures in pixels.batches(np.arange(count), size)] == sizes


@pytest.mark.parametrize("keep", ["auto", "memory", "disk", "none"])
def test_a_part_taken_out_has_the_same_pictures(listing, keep):
    pixels = Pixels(listing, SMALL, keep=keep)

    part = pixels.take(np.array([7, 2, 5]))

    assert part.listing.files == tuple(pixels.listing.files[row] for row in (7, 2, 5))
    assert torch.equal(part[np.array([2, 0])], pixels[np.array([5, 7])])
    assert torch.equal(part.take(np.array([1]))[np.array([0])], pixels[np.array([2])])


@pytest.mark.parametrize("keep", ["memory", "disk", "none"])
@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_groups_come_in_order_and_the_same_whatever_the_workers(listing, keep, workers):
    pixels = Pixels(listing, SMALL, keep=keep, workers=workers)
    groups = [np.array(rows, np.int64) for rows in ([9], [3, 3, 0], [], [1, 2, 4, 5, 6, 7, 8])]

    found = list(pixels.grouped(groups))

    assert [rows.tolist() for rows, _ in found] == [rows.tolist() for rows in groups]
    for rows, pictures in found:
        assert pictures.shape == (len(rows), 3, 16, 16)
        assert all(map(torch.equal, pictures, [SMALL.fit(pixels.listing.picture(row)) for row in rows]))


@pytest.mark.parametrize("workers", [0, 2])
def test_some_groups_are_made_ahead_in_other_threads_and_without_workers_none(listing, workers):
    pixels = Pixels(listing, SMALL, keep="none", workers=workers)
    made_by = []

    def noted(rows, pictures):
        made_by.append(threading.get_ident())
        return pictures

    coming = pixels.grouped([np.array([row]) for row in range(8)], noted)
    next(coming)
    time.sleep(0.2)  # time enough to make all of them
    early = len(made_by)
    list(coming)

    assert early == (3 if workers else 1)
    assert (threading.get_ident() in made_by) == (workers == 0)


@pytest.mark.parametrize("end", ["stop", "forget", "error"])
def test_whoever_stops_early_leaves_no_thread_behind(listing, end):
    def slow(rows, pictures):
        time.sleep(0.02)
        if end == "error" and 2 in rows:
            raise ValueError("planted")
        return pictures

    pixels = Pixels(listing, SMALL, workers=2)
    coming = pixels.grouped([np.array([row % 10]) for row in range(200)], slow)
    start = time.monotonic()
    next(coming)
    if end == "stop":
        coming.close()
    elif end == "error":
        with pytest.raises(ValueError, match="planted"):
            list(coming)
    del coming

    assert time.monotonic() - start < 1.5  # 200 of them would take two seconds
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pictures")]


def test_a_planted_worker_that_goes_on_alone_is_noticed(listing, monkeypatch):
    shutdown = ThreadPoolExecutor.shutdown
    pixels = Pixels(listing, SMALL, keep="none", workers=2)
    pools = []
    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", lambda self, **_: pools.append(self))
    coming = pixels.grouped([np.array([row]) for row in range(10)])
    next(coming)
    del coming

    try:
        assert [thread for thread in threading.enumerate() if thread.name.startswith("pictures")]
    finally:
        monkeypatch.setattr(ThreadPoolExecutor, "shutdown", shutdown)
        for pool in pools:
            pool.shutdown()


def test_nothing_but_broken_pictures_is_refused_unless_allowed(listing):
    broken = listing.take([1, 8])

    with pytest.raises(DataError, match=r"not one of 2 pictures can be read: blue/001.png: not a picture"):
        Pixels(broken, SMALL)

    allowed = Pixels(broken, SMALL, allow_none=True)
    assert (len(allowed), len(allowed.broken), list(allowed.batches(np.arange(0), 4))) == (0, 2, [])


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_picture_that_vanishes_is_named(listing, workers):
    pixels = Pixels(listing, SMALL, keep="none", workers=workers)
    (listing.store.root / "green" / "002.png").unlink()

    with pytest.raises(DataError, match=r"green/002.png could be read before and cannot now: No such file"):
        list(pixels.batches(np.arange(10), 4))


def test_arrays_take_the_same_way(monkeypatch):
    listing = read("digits").take(range(300))
    grey = Preprocess(size=8, channels=1, mean=(0.5,), spread=(0.5,))
    ears = Ears()

    kept, streamed = Pixels(listing, grey, listener=ears), Pixels(listing, grey, keep="none")

    rows = np.array([299, 0, 256])
    assert torch.equal(kept[rows], streamed[rows])
    assert torch.equal(kept[rows], torch.stack([listing.picture(row) for row in rows]))
    assert ears.heard == [("read", 256, 300), ("read", 300, 300)]


def test_arrays_of_another_size_are_fitted_one_like_the_other():
    listing = read("digits").take(range(20))
    larger = Preprocess(size=28, mean=(0.5,) * 3, spread=(0.5,) * 3)

    pixels = Pixels(listing, larger)

    for row in range(20):
        assert torch.equal(pixels[np.array([row])][0], larger.fit(listing.picture(row)))


WRITERS = {
    "bytes": lambda file, word: files.write_bytes(file, word.encode()),
    "text": files.write_text,
    "json": lambda file, word: files.write_json(file, {"word": word}),
    "csv": lambda file, word: files.write_csv(file, ["word"], [[word]]),
}


@pytest.mark.parametrize("crash", [(os, "fsync"), (Path, "replace")], ids=["fsync", "replace"])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_crash_in_the_middle_leaves_the_old_content(tmp_path, monkeypatch, writer, crash):
    file = tmp_path / "new folder" / "file"
    WRITERS[writer](file, "old")
    old = file.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*crash, fail)
    with pytest.raises(OSError, match="No space left"):
        WRITERS[writer](file, "new")

    assert b"old" in old
    assert file.read_bytes() == old
    assert list(file.parent.iterdir()) == [file]


def test_a_table_gives_back_every_cell(tmp_path):
    rows = [["a\rb", 'say "x"'], ["a\nb", "c,d"], ["고양이", ""], [" ", "'"]]

    files.write_csv(tmp_path / "t.csv", ["one", "two"], iter(rows))

    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as lines:
        assert list(csv.reader(lines)) == [["one", "two"], *rows]
    assert b"\r\n" not in (tmp_path / "t.csv").read_bytes()


def test_a_name_that_is_not_unicode_is_written_with_its_bytes_escaped(tmp_path):
    files.write_text(tmp_path / "t.txt", os.fsdecode(b"\xb0\xed.jpg"))

    assert (tmp_path / "t.txt").read_text() == r"\udcb0\udced.jpg"


def test_free_memory_is_the_containers_where_that_is_less(tmp_path):
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("3000000\n")
    (tmp_path / "v1/memory").mkdir(parents=True)
    (tmp_path / "v1/memory/memory.limit_in_bytes").write_text("1000")
    (tmp_path / "v1/memory/memory.usage_in_bytes").write_text("2000")
    (tmp_path / "none").mkdir()
    (tmp_path / "none/memory.max").write_text("max\n")

    assert free_memory(tmp_path) == 2_000_000
    assert free_memory(tmp_path / "v1") == 0
    assert free_memory(tmp_path / "none") > 2_000_000


def test_pictures_that_move_to_a_device_are_the_same_in_the_same_order(photos):
    pixels = Pixels(read(photos), Preprocess(size=32, mean=(0.5,) * 3, spread=(0.5,) * 3))
    some = pixels.take(np.array([5, 3, 30]))

    moved = some.to(torch.device("cpu"))

    assert torch.equal(moved[np.array([2, 0])], pixels[np.array([30, 5])])
    assert moved.listing.files == some.listing.files
