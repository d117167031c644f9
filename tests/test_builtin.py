"""Sets known by name; downloads come from a server of our own on this machine."""

import gzip
import hashlib
import io
import struct
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from sklearn.datasets import load_digits
from torchvision import datasets

from convscope.data import builtin
from convscope.data.sources import read
from convscope.errors import DataError

KINDS = {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST}
FILES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """(folder that is served, its address); nothing is in the cache, and no proxy stands between."""
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        thread = Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def serve_idx(monkeypatch, kind, server, contents):
    folder, address = server
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    monkeypatch.setattr(kind, "mirrors", ["http://127.0.0.1:9/", address])  # nobody listens on the first
    monkeypatch.setattr(kind, "resources", [(file, md5(content)) for file, content in contents.items()])


def tiny_idx():
    images = {part: np.random.default_rng(size).integers(0, 256, (size, 28, 28)) for part, size in ((0, 6), (1, 4))}
    contents = []
    for part, numbers in ((0, [9, 0, 0, 3, 0, 2]), (1, [9, 2, 1, 1])):
        pictures = images[part].astype(np.uint8)
        contents.append(gzip.compress(struct.pack(">4I", 2051, *pictures.shape) + pictures.tobytes()))
        contents.append(gzip.compress(struct.pack(">2I", 2049, len(numbers)) + bytes(numbers)))
    return images[0], dict(zip(FILES, contents, strict=True))


def words(listing, part):
    rows = listing.part(part)
    return [rows.classes[label] for label in rows.labels]


def test_digits_are_scikit_learns_in_bytes():
    listing = read("digits")

    images, numbers = load_digits(return_X_y=True)
    theirs = {(bytes(round(value * 255 / 16) for value in image), str(n)) for image, n in zip(images, numbers)}
    ours = {
        (listing.picture(row).numpy().tobytes(), listing.classes[label]) for row, label in enumerate(listing.labels)
    }
    assert len(listing) == 1797
    assert ours == theirs
    assert (listing.side, listing.channels, listing.classes) == (8, 1, tuple("0123456789"))


def test_the_digits_test_is_a_fifth_of_every_class():
    counts = read("digits").counts().values()

    assert sum(count["test"] for count in counts) == 360
    assert all(abs(count["test"] - 360 / 1797 * (count["test"] + count["train"])) < 1 for count in counts)
    assert (read("digits").labels == read("digits").labels).all()


def test_a_set_that_has_a_test_keeps_it_and_gets_a_val():
    listing = read("digits")

    assert listing.split().part("test").files == listing.part("test").files
    assert 0.08 < len(listing.val) / (len(listing.val) + len(listing.train)) < 0.12


@pytest.mark.parametrize(("name", "nine", "two"), [("mnist", "9", "2"), ("fashion-mnist", "Ankle boot", "Pullover")])
def test_mnist_is_downloaded_once_from_the_first_mirror_that_answers(server, monkeypatch, name, nine, two):
    train, contents = tiny_idx()
    serve_idx(monkeypatch, KINDS[name], server, contents)

    listing = read(name)

    for file in server[0].iterdir():
        file.unlink()
    again = read(name)
    assert (words(listing, "train")[0], words(listing, "train")[5]) == (nine, two)
    assert words(listing, "test")[:2] == [nine, two]
    first = listing.part("train")
    assert (np.stack([first.picture(row)[0].numpy() for row in range(6)]) == train).all()
    assert again.files == listing.files and again.hashes == listing.hashes


def test_a_download_that_broke_off_is_fetched_again(server, monkeypatch):
    _, contents = tiny_idx()
    serve_idx(monkeypatch, datasets.MNIST, server, contents)
    half = builtin.cache_folder() / "data" / "MNIST" / "raw"
    half.mkdir(parents=True)
    (half / FILES[0]).write_bytes(contents[FILES[0]][:100])
    (half / FILES[0].removesuffix(".gz")).write_bytes(b"half of what torchvision unpacked")

    assert len(read("mnist")) == 10


def test_another_checksum_is_one_clear_line(server, monkeypatch):
    _, contents = tiny_idx()
    serve_idx(monkeypatch, datasets.MNIST, server, contents)
    (server[0] / FILES[1]).write_bytes(contents[FILES[1]] + b"x")

    with pytest.raises(DataError, match=rf"mnist: {FILES[1]} is not in .*\(File not found or corrupted") as caught:
        read("mnist")

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10", "cifar100"])
def test_a_dead_server_is_one_line_that_names_the_cache(server, monkeypatch, tmp_path, name):
    for kind in KINDS.values():
        monkeypatch.setattr(kind, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setattr(builtin, "CIFAR_HOME", "http://127.0.0.1:9/")

    with pytest.raises(DataError, match=r"could not be downloaded .*; connect once, or give the folder") as caught:
        read(name)

    assert str(tmp_path / "cache") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_the_server_lacks_is_one_line(server, monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", [server[1]])

    with pytest.raises(DataError, match=r"could not be downloaded \(HTTP Error 404"):
        read("mnist")


def test_the_published_fashion_mnist_passes_its_published_checksums(shared, server, monkeypatch):
    for file in FILES:
        (server[0] / file).symlink_to(shared / "fashion-mnist" / file)
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [server[1]])

    listing = read("fashion-mnist")

    assert len(listing) == 70_000
    assert words(listing, "test")[:3] == ["Ankle boot", "Pullover", "Trouser"]


def record(head, seed):
    """Bytes of one CIFAR record, and its planes as (3, 32, 32): red, green, blue, each row by row."""
    planes = np.random.default_rng(seed).integers(0, 256, 3072).astype(np.uint8)
    return bytes(head) + planes.tobytes(), planes.reshape(3, 32, 32)


def serve_cifar(monkeypatch, server, name, members, more=()):
    folder, address = server
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in more:
            archive.addfile(info)
    tar_name, _, names_file, label_bytes = builtin.CIFAR[name]
    (folder / tar_name).write_bytes(file.getvalue())
    monkeypatch.setattr(builtin, "CIFAR_HOME", address)
    monkeypatch.setitem(builtin.CIFAR, name, (tar_name, md5(file.getvalue()), names_file, label_bytes))
    return folder / tar_name


def cifar10():
    base = "cifar-10-batches-bin"
    members = {f"{base}/batches.meta.txt": b"airplane\nautomobile\nbird\n\n", f"{base}/readme.html": b"<html>"}
    members |= {f"{base}/data_batch_{number}.bin": record([number % 2], number)[0] for number in range(1, 6)}
    return members | {f"{base}/test_batch.bin": record([2], 9)[0] + record([0], 10)[0]}


def test_cifar10_reads_every_batch_and_plane(server, monkeypatch):
    serve_cifar(monkeypatch, server, "cifar10", cifar10())

    listing = read("cifar10")

    assert listing.classes == ("airplane", "automobile", "bird")
    assert words(listing, "train") == ["automobile", "airplane", "automobile", "airplane", "automobile"]
    assert words(listing, "test") == ["bird", "airplane"]
    assert (listing.part("train").picture(3).numpy() == record([0], 4)[1]).all()
    assert (listing.part("test").picture(1).numpy() == record([0], 10)[1]).all()
    assert (listing.side, listing.channels) == (32, 3)


def test_cifar100_reads_the_fine_label_behind_the_coarse(server, monkeypatch):
    base = "cifar-100-binary"
    members = {
        f"{base}/fine_label_names.txt": b"apple\nbeaver\nsea\n",
        f"{base}/coarse_label_names.txt": b"food\nfur\n",
    }
    members |= {f"{base}/train.bin": record([1, 2], 0)[0] + record([0, 1], 1)[0]}
    serve_cifar(monkeypatch, server, "cifar100", members | {f"{base}/test.bin": record([0, 0], 2)[0]})

    listing = read("cifar100")

    assert words(listing, "train") == ["sea", "beaver"]
    assert words(listing, "test") == ["apple"]
    assert (listing.part("train").picture(1).numpy() == record([], 1)[1]).all()


def test_a_cifar_file_with_another_checksum_is_refused(server, monkeypatch):
    file = serve_cifar(monkeypatch, server, "cifar10", cifar10())
    file.write_bytes(file.read_bytes() + b"x")

    with pytest.raises(DataError, match=r"cifar10: cifar-10-binary.tar.gz is not in .*corrupted"):
        read("cifar10")


def test_hostile_members_of_a_tar_are_neither_read_nor_unpacked(server, monkeypatch, tmp_path):
    outside = tarfile.TarInfo("../../../evil.bin")
    link = tarfile.TarInfo("cifar-10-batches-bin/data_batch_6.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device = tarfile.TarInfo("cifar-10-batches-bin/data_batch_7.bin")
    device.type = tarfile.CHRTYPE
    serve_cifar(monkeypatch, server, "cifar10", cifar10(), more=[outside, link, device])

    assert len(read("cifar10")) == 7
    assert [file.name for file in (tmp_path / "cache").rglob("*") if file.is_file()] == ["cifar-10-binary.tar.gz"]


def test_the_cache_goes_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CONVSCOPE_CACHE")

    assert builtin.cache_folder() == tmp_path / "convscope"
