"""Decoded pictures on disk: read instead of decoded, never stale, made anew whenever something is wrong with them."""

import os
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from convscope.data import batches, cache, decoded
from convscope.data.batches import Pixels
from convscope.data.preprocess import Preprocess
from convscope.data.sources import read
from convscope.errors import DataError
from convscope.words import LANGUAGES, say
from tests.conftest import make_photos, paint

SMALL = Preprocess(size=16, mean=(0.5,) * 3, spread=(0.5,) * 3)
EACH = 3 * 16 * 16
ROWS = np.arange(10)


class Ears:
    """Remembers what it heard, and that it can be said."""

    def __init__(self):
        self.heard = {}

    def progress(self, stage, done, total):
        pass

    def message(self, key, **values):
        assert all(say(key, language, **values) for language in LANGUAGES)
        self.heard[key] = values


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "decoded"


@pytest.fixture
def photos(tmp_path):
    """Three classes of four pictures; two of them broken."""
    root = make_photos(tmp_path / "photos", count=4)
    (root / "blue" / "001.png").write_bytes(b"no picture")
    (root / "red" / "000.png").write_bytes((root / "red" / "000.png").read_bytes()[:100])
    return root


@pytest.fixture
def decodes(monkeypatch):
    """How many pictures were decoded so far."""
    counted = []
    fitted = batches.fitted
    monkeypatch.setattr(batches, "fitted", lambda *all_: counted.append(1) or fitted(*all_))
    return counted


def opened(photos, preprocess=SMALL, keep="disk", **options):
    ears = Ears()
    return Pixels(read(photos), preprocess, keep=keep, listener=ears, **options), ears.heard


def right(pixels):
    """Whether every picture is what its file holds."""
    expected = torch.stack([pixels.preprocess.fit(pixels.listing.picture(row)) for row in range(len(pixels))])
    return torch.equal(pixels[np.arange(len(pixels))], expected)


def test_later_epochs_and_runs_decode_nothing(photos, decodes):
    first, heard = opened(photos)
    assert (len(decodes), set(heard), first.kept) == (12, {"pictures.written"}, "disk")
    for _ in range(2):
        pictures = torch.cat([some for _, some in first.batches(ROWS, 4)])
    again, heard = opened(photos)

    assert torch.equal(again[ROWS], pictures)
    assert len(decodes) == 12
    assert set(heard) == {"pictures.known"}
    assert again.broken == first.broken and again.listing.files == first.listing.files
    assert right(again)


def test_how_bytes_are_scaled_does_not_count_and_everything_else_does(photos, decodes):
    opened(photos)
    opened(photos, SMALL.model_copy(update={"mean": (0.1,) * 3, "spread": (0.2,) * 3}))
    assert len(decodes) == 12
    changes = [{"size": 17}, {"resize": "squash"}, {"share": 0.5}, {"interpolation": "bicubic"}, {"decode": "scaled"}]

    for number, change in enumerate(changes):
        pixels, heard = opened(photos, SMALL.model_copy(update=change))
        assert len(decodes) == 24 + 12 * number, change
        assert "pictures.written" in heard
        assert right(pixels)


def test_a_changed_a_new_and_a_lost_picture_are_decoded_anew(photos, decodes):
    opened(photos)
    paint(photos / "green" / "002.png", (1, 2, 3), seed=77)
    assert right(opened(photos)[0]) and len(decodes) == 24
    paint(photos / "green" / "009.png", (1, 2, 3), seed=78)
    assert right(opened(photos)[0]) and len(decodes) == 37
    (photos / "green" / "001.png").unlink()
    assert right(opened(photos)[0]) and len(decodes) == 49
    (photos / "green" / "000.png").rename(photos / "green" / "000a.png")  # the same content in the same order
    assert right(opened(photos)[0]) and len(decodes) == 49


def test_a_planted_name_that_forgets_the_contents_is_noticed(photos, monkeypatch):
    monkeypatch.setattr(decoded, "place", lambda *_: decoded.cache_folder() / "decoded" / "one.u8")
    opened(photos)
    paint(photos / "green" / "002.png", (1, 2, 3), seed=77)

    assert not right(opened(photos)[0])


def cut(content, share):
    return content[: int(len(content) * share)]


DAMAGES = {
    "cut in half": lambda content: cut(content, 0.5),
    "cut at a picture's end": lambda content: content[: 3 * EACH],
    "last byte lost": lambda content: content[:-1],
    "empty": lambda content: b"",
    "half written": lambda content: cut(content, 0.5) + bytes(len(content) - len(cut(content, 0.5))),
    "pictures lost": lambda content: content[2 * EACH :],
    "a number changed": lambda content: content[: 10 * EACH] + b"?" + content[10 * EACH + 1 :],
    "of another shape": lambda content: bytes(100) + content,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_and_made_anew(photos, empty, decodes, damage):
    opened(photos)
    (file,) = empty.iterdir()
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))

    pixels, heard = opened(photos)

    assert set(heard) == {"pictures.damaged", "pictures.written"}
    assert right(pixels)
    assert len(decodes) == 24
    assert file.read_bytes() == whole


def flip_a_bit(file, picture):
    content = bytearray(file.read_bytes())
    content[picture * EACH + 5] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_whose_bytes_rotted_is_decoded_anew_and_the_next_run_makes_the_file_anew(
    photos, empty, decodes, workers
):
    opened(photos)
    flip_a_bit(next(empty.iterdir()), picture=6)
    pixels, _ = opened(photos, workers=workers)
    assert len(decodes) == 12  # nobody looked at it yet

    assert right(pixels.take(np.array([7, 6, 2])))
    assert len(decodes) == 13
    assert right(opened(photos)[0]) and len(decodes) == 25


def test_a_planted_reader_that_does_not_check_is_noticed(photos, empty, monkeypatch):
    opened(photos)
    flip_a_bit(next(empty.iterdir()), picture=6)
    monkeypatch.setattr(decoded.Decoded, "read", lambda self, at: (torch.from_numpy(np.array(self._pixels[at])), []))

    assert not right(opened(photos)[0])


def test_a_picture_that_changes_while_it_is_read_is_not_kept(photos, empty, monkeypatch):
    fitted = batches.fitted

    def and_changed(listing, row, preprocess):
        if row == 5:
            paint(photos / listing.files[row], (9, 9, 9), seed=5)
        return fitted(listing, row, preprocess)

    monkeypatch.setattr(batches, "fitted", and_changed)

    pixels, heard = opened(photos)

    assert heard["pictures.failed"]["reason"] == "green/001.png changed while it was read"
    assert list(empty.iterdir()) == []
    assert (pixels.kept, len(pixels), len(pixels.broken)) == ("none", 10, 2)


@pytest.mark.parametrize("when", [0, 3, 10])
def test_a_full_disk_loses_nothing_and_leaves_nothing(photos, empty, monkeypatch, when):
    monkeypatch.setattr(batches, "CHUNK", 1)
    replacing = decoded.replacing

    @contextmanager
    def on_a_full_disk(file):
        with replacing(file) as stream:
            written = []

            def write(content):
                written.append(stream.write(content))
                if len(written) > when:
                    raise OSError(28, "No space left on device")

            yield SimpleNamespace(write=write)

    monkeypatch.setattr(decoded, "replacing", on_a_full_disk)
    pixels, heard = opened(photos)

    assert heard["pictures.failed"]["reason"] == "No space left on device"
    assert (pixels.kept, len(pixels), len(pixels.broken)) == ("none", 10, 2)
    assert right(pixels)
    assert list(empty.iterdir()) == []


def test_a_cache_that_may_not_be_written_loses_nothing(photos, empty):
    empty.parent.write_bytes(b"no folder")

    pixels, heard = opened(photos)

    assert set(heard) == {"pictures.failed"}
    assert pixels.kept == "none" and right(pixels)


def machine(monkeypatch, memory, disk):
    monkeypatch.setattr(batches, "free_memory", lambda: memory)
    monkeypatch.setattr(decoded.shutil, "disk_usage", lambda _: SimpleNamespace(free=disk))


WANTED = 12 * EACH


@pytest.mark.parametrize(
    ("memory", "disk", "kept"),
    [
        (WANTED / 0.4, 0, "memory"),
        (WANTED / 0.4 - 1, 2 * WANTED, "disk"),
        (0, 2 * WANTED, "disk"),
        (0, 2 * WANTED - 1, "none"),
        (0, 0, "none"),
    ],
)
def test_auto_takes_memory_then_disk_then_nothing(photos, monkeypatch, memory, disk, kept):
    machine(monkeypatch, memory, disk)

    pixels, heard = opened(photos, keep="auto")

    assert pixels.kept == kept
    assert set(heard) == {"memory": set(), "disk": {"pictures.written"}, "none": {"pictures.none"}}[kept]
    assert right(pixels)


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(photos, empty, monkeypatch):
    machine(monkeypatch, 10**12, WANTED - 1)

    pixels, heard = opened(photos, keep="disk")

    assert (pixels.kept, set(heard), empty.exists()) == ("none", {"pictures.none"}, False)


def test_what_lies_on_a_full_disk_is_used(photos, monkeypatch, decodes):
    opened(photos)
    machine(monkeypatch, 0, 0)

    assert opened(photos, keep="auto")[0].kept == "disk"
    assert len(decodes) == 12


def test_memory_that_was_asked_for_and_is_too_small_is_refused(photos, monkeypatch):
    machine(monkeypatch, 5_000, 0)

    with pytest.raises(DataError, match=r"keep memory: 12 pictures take 0.0 GB, and 0.0 are free; take auto"):
        opened(photos, keep="memory")


def test_arrays_are_kept_on_disk_too(decodes):
    listing = read("digits").take(range(300))
    larger = Preprocess(size=28, mean=(0.5,) * 3, spread=(0.5,) * 3)

    for _ in range(2):
        pixels = Pixels(listing, larger, keep="disk")
        assert pixels.kept == "disk" and len(pixels) == 300
        assert all(torch.equal(pixels[np.array([row])][0], larger.fit(listing.picture(row))) for row in (0, 299))


@pytest.mark.parametrize("keep", ["disk", "auto"])
def test_no_picture_at_all_is_no_file(photos, empty, keep):
    broken = read(photos).take([1, 8])
    assert len(Pixels(broken, SMALL, keep=keep, allow_none=True)) == 0
    assert len(Pixels(broken.take([]), SMALL, keep=keep, allow_none=True)) == 0
    with pytest.raises(DataError, match="not one of 2 pictures can be read"):
        Pixels(broken, SMALL, keep=keep)

    assert not empty.exists() or list(empty.iterdir()) == []


def test_files_are_listed_and_cleared_and_kept_below_the_cap_but_for_those_in_use(photos, empty, monkeypatch):
    old, _ = opened(photos)
    (first,) = empty.iterdir()
    monkeypatch.setenv("CONVSCOPE_CACHE_GB", "0")
    os.utime(first, (1, 1))
    opened(photos, SMALL.model_copy(update={"size": 8}))
    assert len(list(empty.iterdir())) == 2  # the first is still read from
    del old
    opened(photos, SMALL.model_copy(update={"size": 9}))
    assert not first.exists()

    (kind,) = (kind for kind in cache.kept() if kind.name == "decoded")
    assert kind.bytes == sum(file.stat().st_size for file in empty.iterdir()) > 0
    cache.clear(["decoded"])
    assert list(empty.iterdir()) == []


def test_a_file_that_is_cleared_while_it_is_read_goes_on_being_read(photos):
    pixels, _ = opened(photos)

    cache.clear(["decoded"])

    assert right(pixels)


def test_using_a_file_makes_it_the_newest(photos, empty):
    opened(photos)
    (file,) = empty.iterdir()
    os.utime(file, (1, 1))

    opened(photos)

    assert file.stat().st_mtime > 1


def test_another_decoder_decodes_anew(photos, monkeypatch, decodes):
    opened(photos)
    monkeypatch.setattr(decoded, "version", lambda name: "99")

    opened(photos)

    assert len(decodes) == 24


def test_what_a_killed_process_left_is_not_taken_for_a_file(photos, empty, decodes):
    file = decoded.place(read(photos), SMALL)
    Path(file.parent).mkdir(parents=True)
    file.with_name(f".{file.name}.1-2.part").write_bytes(b"half")

    assert right(opened(photos)[0]) and len(decodes) == 12
