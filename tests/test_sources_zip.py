"""Zips: every layout inside, names in any old encoding, nothing that leads outside."""

import io
import random
import stat
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image

from convscope.data.sources import gather, read
from convscope.errors import DataError, UnreadableImage, UnsafeArchive

CAT = "고양이"


def picture(level=100):
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), level, dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def pack(file, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), content, compression)
    return file


def legacy(file, members):
    """A zip as old Windows tools write it: names as raw bytes, without the flag that says UTF-8."""
    swapped = {}
    for number, (name, content) in enumerate(members.items()):
        swapped["XYZ"[number] * len(name)] = (name, content)
    pack(file, {stand_in: content for stand_in, (_, content) in swapped.items()})
    data = file.read_bytes()
    for stand_in, (name, _) in swapped.items():
        data = data.replace(stand_in.encode(), name)
    file.write_bytes(data)
    return file


def named(listing):
    return dict(zip(listing.files, [listing.classes[label] for label in listing.labels], strict=True))


def test_class_folders_in_a_zip(tmp_path):
    junk = {"set/readme.txt": b"x", "__MACOSX/set/cat/._1.png": b"x", "set/cat/.DS_Store": b"x"}
    file = pack(tmp_path / "x.zip", {"set/cat/1.png": picture(), "set/dog/sub/2.png": picture(), **junk})

    listing = read(file)

    assert named(listing) == {"set/cat/1.png": "cat", "set/dog/sub/2.png": "dog"}
    assert set(listing.ignored) == set(junk)
    assert listing.picture(0).unique().tolist() == [100]


def test_split_folders_in_a_zip(tmp_path):
    names = ["train/cat/1.png", "valid/cat/2.png", "test/dog/3.png"]

    listing = read(pack(tmp_path / "x.zip", dict.fromkeys(names, picture())))

    assert dict(zip(listing.files, listing.parts)) == dict(zip(names, ["train", "val", "test"]))


def test_a_table_in_a_zip_counts_paths_from_its_own_folder(tmp_path):
    table = b"path,label\n../images/1.png,a\n./../images/2.png,b\n"
    members = {"images/1.png": picture(), "images/2.png": picture(), "lists/labels.csv": table}

    assert named(read(pack(tmp_path / "x.zip", members))) == {"images/1.png": "a", "images/2.png": "b"}


def test_list_files_in_a_zip(tmp_path):
    members = {"d/p/1.png": picture(), "d/p/2.png": picture(), "d/classes.txt": b"ant\nbee\n"}
    members |= {"d/train.txt": b"p/1.png 1\n", "d/test.txt": b"p/2.png 0\n"}

    listing = read(pack(tmp_path / "x.zip", members))

    assert named(listing) == {"d/p/1.png": "bee", "d/p/2.png": "ant"}
    assert sorted(listing.parts) == ["test", "train"]


def test_hangul_names_with_the_flag(tmp_path):
    assert read(pack(tmp_path / "x.zip", {f"{CAT}/1.png": picture(), "b/1.png": picture()})).classes == ("b", CAT)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_hangul_names_without_the_flag(tmp_path, encoding):
    file = legacy(tmp_path / "x.zip", {f"{CAT}/1.png".encode(encoding): picture(), b"bbbbbb/1.png": picture()})

    listing = read(file)

    assert listing.classes == ("bbbbbb", CAT)
    assert listing.picture(0).shape == (3, 8, 8)


def test_hangul_in_pieces_is_the_same_class(tmp_path):
    apart = unicodedata.normalize("NFD", CAT)

    listing = read(pack(tmp_path / "x.zip", {f"{apart}/1.png": picture(), f"{CAT}/2.png": picture(), "b/3.png": b""}))

    assert listing.classes == ("b", CAT)


def test_backslashes_of_windows_tools_are_folders(tmp_path):
    file = legacy(tmp_path / "x.zip", {b"set\\cat\\1.png": picture(), b"set\\dogs\\1.png": picture()})

    assert named(read(file)) == {"set/cat/1.png": "cat", "set/dogs/1.png": "dogs"}


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "name",
    ["../1.png", "cat/../../1.png", "/etc/1.png", "C:/1.png", "c:1.png", "\\\\server\\share\\1.png", "..\\..\\1.png"],
)
def test_a_member_that_leads_outside_is_refused(tmp_path, name):
    file = legacy(tmp_path / "x.zip", {name.encode(): picture(), b"cat/1.png": picture()})

    with pytest.raises(UnsafeArchive, match="leads outside the archive; make the zip anew without it"):
        read(file)


def test_a_member_with_a_nul_in_its_name_is_refused(tmp_path):
    with pytest.raises(UnsafeArchive, match="leads outside"):
        read(legacy(tmp_path / "x.zip", {b"cat/1.png\0.exe": picture(), b"dog/1.png": picture()}))


def test_a_member_that_is_a_link_is_refused(tmp_path):
    with pytest.raises(UnsafeArchive, match="is a link"):
        read(pack(tmp_path / "x.zip", {link("cat/1.png"): b"/etc/passwd", "dog/1.png": picture()}))


def test_a_class_name_with_a_colon_is_no_drive(tmp_path):
    assert read(pack(tmp_path / "x.zip", {"4:3/1.png": picture(), "16:9/1.png": picture()})).classes == ("4:3", "16:9")


def test_a_password_is_said(tmp_path):
    file = pack(tmp_path / "x.zip", {"cat/1.png": picture(), "dog/1.png": picture()})
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # general purpose bit 0: encrypted (APPNOTE 4.4.4)
    file.write_bytes(data)

    with pytest.raises(DataError, match="password; unpack it"):
        read(file)


@pytest.mark.parametrize("content", [b"", b"plain text", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_what_is_not_a_zip_is_refused(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)

    with pytest.raises(DataError, match="not a zip that can be opened"):
        read(tmp_path / "x.zip")


def test_a_zip_cut_off_anywhere_is_refused(tmp_path):
    data = pack(tmp_path / "x.zip", {"cat/1.png": picture(), "dog/1.png": picture()}).read_bytes()

    for percent in range(0, 100, 5):
        (tmp_path / "cut.zip").write_bytes(data[: len(data) * percent // 100])
        with pytest.raises(DataError, match="not a zip"):
            read(tmp_path / "cut.zip")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_zips_raise_nothing_but_errors_of_our_own(tmp_path, compression):
    noise = np.random.default_rng(0).integers(0, 256, 600).astype(np.uint8).tobytes()
    whole = pack(tmp_path / "x.zip", {"cat/1.png": picture(), f"{CAT}/1.png": noise}, compression).read_bytes()
    dice, opened = random.Random(0), 0

    for _ in range(300):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 2, 8])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        (tmp_path / "y.zip").write_bytes(data)
        try:
            listing = read(tmp_path / "y.zip")
            opened += 1
            _ = listing.hashes
        except DataError as error:
            assert "\n" not in str(error)

    assert opened > 50


def test_a_member_beyond_the_cap_is_refused_whatever_its_header_says(tmp_path, monkeypatch):
    monkeypatch.setattr("convscope.data.stores.MAX_BYTES", 1000)
    file = pack(tmp_path / "x.zip", {"cat/1.png": bytes(100_000), "dog/1.png": picture()})
    lied = file.read_bytes().replace((100_000).to_bytes(4, "little"), (900).to_bytes(4, "little"))
    (tmp_path / "lied.zip").write_bytes(lied)

    with pytest.raises(UnreadableImage, match="unpacks to more than"):
        read(file).picture(0)
    with pytest.raises(UnreadableImage):
        read(tmp_path / "lied.zip").picture(0)


def test_a_table_that_cannot_be_unpacked_is_named(tmp_path):
    file = pack(tmp_path / "x.zip", {"1.png": picture(), "labels.csv": b"path,label\n1.png,a\n"}, zipfile.ZIP_STORED)
    file.write_bytes(file.read_bytes().replace(b"1.png,a\n", b"1.png,b\n"))  # its checksum is wrong now

    with pytest.raises(DataError, match=r"labels.csv: cannot be unpacked \(Bad CRC-32"):
        read(file)


def test_gather_looks_into_zips(tmp_path):
    file = pack(tmp_path / "x.zip", {"b.png": picture(7), "notes.txt": b"", "a/a.png": picture(9)})

    listing = gather([str(file)])

    assert listing.files == (f"{file}/a/a.png", f"{file}/b.png")
    assert listing.picture(1).unique().tolist() == [7]


def test_many_threads_read_one_zip(tmp_path):
    members = {f"{'cat' if number % 2 else 'dog'}/{number}.png": picture(number) for number in range(250)}

    listing = read(pack(tmp_path / "x.zip", members))

    assert len(set(listing.hash())) == 250
    assert "" not in listing.hashes


def test_imagenette_has_the_official_counts(shared):
    counts = read(shared / "imagenette-128.zip").counts()

    train, val = ([count[part] for count in counts.values()] for part in ("train", "val"))
    assert len(counts) == 10
    assert (sum(train), sum(val)) == (9469, 3925)
    assert train == [963, 955, 993, 858, 941, 956, 961, 931, 951, 960]
    assert val == [387, 395, 357, 386, 409, 394, 389, 419, 399, 390]
