"""IDX files, gzipped or not, on disk or in a zip: MNIST's layout, byte by byte."""

import gzip
import struct
import zipfile

import numpy as np
import pytest

from convscope.data import idx
from convscope.data.sources import read
from convscope.errors import DataError

NAMES = {"train": "train", "test": "t10k"}
# first labels in file order, as published
FASHION = {"train": [9, 0, 0, 3, 0, 2, 7, 2, 5, 5], "test": [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]}
FASHION_NAMES = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]  # fmt: skip


def images(values):
    values = np.asarray(values, dtype=np.uint8)
    return struct.pack(">4I", 2051, *values.shape) + values.tobytes()


def labels(values):
    return struct.pack(">2I", 2049, len(values)) + bytes(values)


def pixels(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 3))


def put(folder, stem, pictures, numbers, packed=False):
    """The two files of a part, in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((f"{stem}-images-idx3-ubyte", pictures), (f"{stem}-labels-idx1-ubyte", numbers)):
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("inside", ["", "set-images/raw"])
def test_pictures_labels_and_parts_come_as_they_lie(tmp_path, packed, inside):
    train, test = pixels(3), pixels(2, seed=1)
    put(tmp_path / inside, "train", images(train), labels([7, 0, 7]), packed)
    put(tmp_path / inside, "t10k", images(test), labels([0, 12]), packed)

    listing = read(tmp_path)

    assert listing.classes == ("0", "7", "12")
    assert [listing.classes[label] for label in listing.part("train").labels] == ["7", "0", "7"]
    assert [listing.classes[label] for label in listing.part("test").labels] == ["0", "12"]
    for part, expected in (("train", train), ("test", test)):
        rows = listing.part(part)
        assert (np.stack([rows.picture(row)[0].numpy() for row in range(len(rows))]) == expected).all()
    assert (listing.channels, listing.side) == (1, None)


def test_one_idx_file_brings_its_partner(tmp_path):
    put(tmp_path, "train", images(pixels(3)), labels([0, 1, 0]))

    assert len(read(tmp_path / "train-labels-idx1-ubyte")) == 3


def test_the_old_spelling_with_dots_is_known(tmp_path):
    (tmp_path / "train-images.idx3-ubyte").write_bytes(images(pixels(2)))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(labels([0, 1]))

    assert read(tmp_path).parts == ("train", "train")


def test_idx_files_in_a_zip(tmp_path):
    put(tmp_path / "raw", "train", images(pixels(2)), labels([0, 1]), packed=True)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for file in (tmp_path / "raw").iterdir():
            archive.write(file, f"mnist/{file.name}")

    assert read(tmp_path / "x.zip").picture(0).shape == (1, 4, 3)


BROKEN = {
    "cut off": (images(pixels(3))[:-1], labels([0, 1, 0]), "35 of 36 values: the file is cut off"),
    "cut in its header": (images(pixels(3))[:9], labels([0, 1, 0]), "damaged IDX file"),
    "labels cut off": (images(pixels(3)), labels([0, 1, 0])[:-1], "2 of 3 values"),
    "labels for images": (labels([0, 1, 0]) + bytes(20), labels([0, 1, 0]), r"not an IDX file of images \(magic 2049"),
    "images for labels": (images(pixels(3)), images(pixels(3)), r"not an IDX file of labels \(magic 2051"),
    "more labels": (images(pixels(3)), labels([0, 1, 0, 1]), "has 3 images, .*4 labels"),
    "empty": (b"", b"", "damaged IDX file"),
    "a size that overflows": (struct.pack(">4I", 2051, 2**31, 2**31, 4), labels([0]), "not an IDX file"),
    "a size beyond memory": (struct.pack(">4I", 2051, 2**16, 2**8, 2**8), labels([0]), "not an IDX file|cut off"),
    "no picture at all": (images(np.zeros((0, 4, 4))), labels([]), "no pictures of a class"),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_said_in_one_line(tmp_path, what, packed):
    pictures, numbers, words = BROKEN[what]

    with pytest.raises(DataError, match=words) as caught:
        read(put(tmp_path, "train", pictures, numbers, packed))

    assert "\n" not in str(caught.value)


def test_a_broken_gzip_is_said(tmp_path):
    put(tmp_path, "train", images(pixels(30)), labels([0, 1, 0] * 10), packed=True)
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:40])

    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz: damaged IDX file"):
        read(tmp_path)


def test_a_file_beyond_the_byte_limit_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.data.idx.MAX_VALUES", 30)

    with pytest.raises(DataError, match="train-images-idx3-ubyte: larger than"):
        read(put(tmp_path, "train", images(pixels(3)), labels([0, 1, 0])))


def test_a_label_beyond_the_names_keeps_its_number():
    _, words = idx.load({"train": ("i", images(pixels(3)), "l", labels([0, 9, 10]))}, names=idx.DIGITS)

    assert words == {"train": ["0", "9", "10"]}


@pytest.mark.parametrize("unpacked", [True, False])
def test_fashion_mnist_is_known_by_its_labels(shared, tmp_path, unpacked):
    source = shared / "fashion-mnist"
    if unpacked:
        for file in source.iterdir():
            (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        source = tmp_path

    listing = read(source)

    for part, first in FASHION.items():
        rows = listing.part(part)
        assert [rows.classes[label] for label in rows.labels[:10]] == [FASHION_NAMES[number] for number in first]
        assert set(rows.counts()[name][part] for name in rows.classes) == {6000 if part == "train" else 1000}
    assert listing.side == 28


def test_mnist_has_its_published_counts_and_mean(shared):
    listing = read(shared / "mnist")

    counts = listing.counts()
    assert listing.classes == tuple("0123456789")
    assert [counts[name]["test"] for name in listing.classes] == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert sum(count["train"] for count in counts.values()) == 60_000
    mean = listing.store.pixels[np.array(listing.parts) == "train"].double().mean() / 255
    assert mean.item() == pytest.approx(0.1306605, abs=1e-7)
