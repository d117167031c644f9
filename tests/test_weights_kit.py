"""The classroom's kit: packed whole or not at all, and everything that is not as it was packed is named."""

import errno
import json
import shutil

import pytest
import safetensors.torch
import torch

from convscope.errors import ModelFileError
from convscope.models import zoo
from convscope.models.bundle import Bundle, Card
from convscope.models.pretrained import catalogue, kit, shelf
from convscope.ui.cli.main import main
from tests.hub import sha256

CONTENT = {
    name: safetensors.torch.save({"w": torch.full((500,), i)}) for i, name in enumerate(["resnet18", "mobilenet_v2"])
}


def fetched(network, content=None):
    """Put weights into the cache as `fetch` leaves them."""
    row = catalogue.find(network)
    content = content or CONTENT[network]
    file = shelf.cache() / row.file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    record = shelf.Record(
        file=row.file, network=network, sha256=sha256(content), bytes=len(content), licence=row.licence,
        source=f"http://127.0.0.1/{row.repository}",
    )  # fmt: skip
    shelf.record_file(file).write_text(record.model_dump_json())
    return file


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A kit of two files, freshly packed."""
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(shelf.FOLDER_VARIABLE, raising=False)
    for network in CONTENT:
        fetched(network)
    kit.pack(tmp_path / "kit", kit.wanted([]))
    return tmp_path / "kit"


@pytest.fixture
def run(capsys):
    """Run a command: (exit status, standard output, the lines of standard error)."""

    def command(*arguments):
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return leaving.value.code or 0, out, err.splitlines()

    return command


def test_a_kit_holds_weights_checksums_licences_and_a_page(folder):
    names = {file.name for file in folder.iterdir()}
    manifest = json.loads((folder / "manifest.json").read_text())

    assert names == {
        "resnet18.tv_in1k.safetensors", "mobilenetv2_100.ra_in1k.safetensors", "manifest.json", "LICENCES.txt",
        "README.txt",
    }  # fmt: skip
    assert manifest["schema_version"] == 1
    assert manifest["weights"][1] == {
        "file": "resnet18.tv_in1k.safetensors", "network": "resnet18", "sha256": sha256(CONTENT["resnet18"]),
        "bytes": len(CONTENT["resnet18"]), "licence": "bsd-3-clause",
        "source": "http://127.0.0.1/timm/resnet18.tv_in1k",
    }  # fmt: skip
    licences = (folder / "LICENCES.txt").read_text()
    assert "Redistribution and use in source and binary forms" in licences
    assert "Apache License" in licences
    assert "CONVSCOPE_WEIGHTS" in (folder / "README.txt").read_text()


def test_a_kit_as_it_was_packed_is_right(run, folder):
    status, out, err = run("weights", "verify", folder)

    assert (status, err) == (0, [])
    assert "2 weights files" in out


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES = {
    "a flipped byte": (flip, "resnet18.tv_in1k.safetensors: damaged (another SHA-256)"),
    "a missing file": (lambda file: file.unlink(), "resnet18.tv_in1k.safetensors: missing (not there)"),
    "a cut file": (lambda file: file.write_bytes(file.read_bytes()[:100]), "damaged (100 bytes, not "),
    "a file too many": (lambda file: (file.parent / "virus.exe").touch(), "virus.exe: unknown (not in the manifest)"),
    "a folder for a file": (lambda file: (file.unlink(), file.mkdir()), "resnet18.tv_in1k.safetensors: damaged ("),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_not_as_it_was_packed_is_named(run, folder, name):
    damage, sentence = DAMAGES[name]
    damage(folder / "resnet18.tv_in1k.safetensors")

    status, _, (line,) = run("weights", "verify", folder)

    assert status == 2
    assert sentence in line
    assert "mobilenetv2" not in line


def test_everything_that_is_wrong_is_named_at_once_and_as_json(run, folder):
    flip(folder / "resnet18.tv_in1k.safetensors")
    (folder / "mobilenetv2_100.ra_in1k.safetensors").unlink()
    (folder / "notes.txt").touch()

    status, out, (line,) = run("weights", "verify", folder, "--json")

    assert status == 2
    assert [(fault["file"], fault["kind"]) for fault in json.loads(out)["faults"]] == [
        ("mobilenetv2_100.ra_in1k.safetensors", "missing"), ("resnet18.tv_in1k.safetensors", "damaged"),
        ("notes.txt", "unknown"),
    ]  # fmt: skip
    assert all(word in line for word in ("missing", "damaged", "notes.txt"))


def test_what_systems_leave_behind_is_no_fault(folder):
    for name in (".DS_Store", "._resnet18", "Thumbs.db"):
        (folder / name).touch()

    assert kit.verify(folder)[1] == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "no kit of weights"),
        ("{", "cannot be used"),
        ('{"schema_version": 2, "convscope": "9", "weights": []}', "from a newer convscope"),
        ('{"convscope": "1", "weights": [{"file": "../../a.safetensors", "network": "n", "sha256": "'
         + "0" * 64 + '", "bytes": 1, "licence": "", "source": ""}]}', "not a plain file name"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_is_one_line(run, folder, text, sentence):
    (folder / "manifest.json").unlink()
    if text:
        (folder / "manifest.json").write_text(text)

    status, _, (line,) = run("weights", "verify", folder)

    assert status == 2
    assert sentence in line


def test_a_kit_grows_and_keeps_what_it_has(run, folder):
    before = (folder / "resnet18.tv_in1k.safetensors").stat().st_mtime_ns
    fetched("resnet34", CONTENT["resnet18"][:-4] + b"abcd")

    status, _, _ = run("weights", "pack", folder, "resnet34", "resnet18")

    assert status == 0
    assert [record.network for record in kit.verify(folder)[0].weights] == ["mobilenet_v2", "resnet18", "resnet34"]
    assert kit.verify(folder)[1] == []
    assert (folder / "resnet18.tv_in1k.safetensors").stat().st_mtime_ns == before


def test_packing_again_mends_what_was_damaged(folder):
    flip(folder / "resnet18.tv_in1k.safetensors")

    kit.pack(folder, kit.wanted([]))

    assert kit.verify(folder)[1] == []


def test_a_folder_of_other_things_is_left_alone(run, tmp_path, folder):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()

    status, _, (line,) = run("weights", "pack", tmp_path / "photos")

    assert status == 2
    assert "neither empty nor a kit" in line
    assert [file.name for file in (tmp_path / "photos").iterdir()] == ["a.jpg"]


def test_nothing_to_pack_says_how_to_get_something(run, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))

    assert "convscope weights fetch NAME gets some" in run("weights", "pack", tmp_path / "kit")[2][0]
    assert "convscope weights fetch vgg16 gets it" in run("weights", "pack", tmp_path / "kit", "vgg16")[2][0]
    assert not (tmp_path / "kit").exists()


def test_a_damaged_file_of_the_cache_does_not_travel(run, tmp_path, folder):
    flip(shelf.cache() / "resnet18.tv_in1k.safetensors")

    status, _, (line,) = run("weights", "pack", tmp_path / "second")

    assert status == 2
    assert "resnet18.tv_in1k.safetensors: damaged" in line
    assert "no kit of weights" in run("weights", "verify", tmp_path / "second")[2][0]


def test_a_stick_that_fills_up_holds_no_kit_and_no_half_file(tmp_path, folder, monkeypatch):
    def full(file, target):
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(ModelFileError, match="No space left on device"):
        kit.pack(tmp_path / "second", kit.wanted([]))

    assert list((tmp_path / "second").iterdir()) == []


def test_too_little_room_is_told_before_anything_is_copied(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 0, 10))

    with pytest.raises(ModelFileError, match="bytes are needed and 10 are free"):
        kit.pack(tmp_path / "second", kit.wanted([]))


def test_a_model_file_travels_under_its_networks_name_with_its_licence(run, tmp_path, folder):
    card = Card(
        convscope="1", network="lenet_caffe", classes=("0", "1"), licence="of my own",
        preprocess=zoo.find("lenet_caffe").borrowed_preprocess(),
    )  # fmt: skip
    Bundle(card, zoo.build("lenet_caffe", classes=2).state_dict()).save(tmp_path / "mine.safetensors")

    run("weights", "pack", folder, tmp_path / "mine.safetensors")

    (record,) = [record for record in kit.verify(folder)[0].weights if record.network == "lenet_caffe"]
    assert (record.file, record.licence) == ("lenet_caffe.safetensors", "of my own")
    assert shelf.find_weights("lenet_caffe", [folder]) == folder / "lenet_caffe.safetensors"
    assert kit.verify(folder)[1] == []


def test_weights_are_found_in_the_folder_given_then_in_the_kit_then_in_the_cache(folder, tmp_path, monkeypatch):
    file = "resnet18.tv_in1k.safetensors"
    (tmp_path / "mine").mkdir()
    cached = shelf.find_weights("resnet18", shelf.folders())
    monkeypatch.setenv("CONVSCOPE_WEIGHTS", str(folder))
    from_kit = shelf.find_weights("resnet18", shelf.folders(tmp_path / "mine"))
    (tmp_path / "mine" / file).touch()

    assert cached == shelf.cache() / file
    assert from_kit == folder / file
    assert shelf.find_weights("resnet18", shelf.folders(tmp_path / "mine")) == tmp_path / "mine" / file
    assert shelf.find_weights("vgg16", shelf.folders()) is None


def test_a_folder_that_is_named_and_not_there_is_one_line(run, folder, monkeypatch):
    assert "--weights-dir nowhere: no such folder" in run("weights", "list", "--weights-dir", "nowhere")[2][0]
    monkeypatch.setenv("CONVSCOPE_WEIGHTS", "gone")
    assert "CONVSCOPE_WEIGHTS gone: no such folder" in run("weights", "list")[2][0]


def test_the_list_says_what_is_here_what_can_be_fetched_and_what_cannot(run, folder):
    rows = {row["name"]: row for row in json.loads(run("weights", "list", "--json")[1])}
    text = run("weights", "list", "--lang", "ko")[1]

    assert rows["resnet18.tv_in1k"]["file"] == str(shelf.cache() / "resnet18.tv_in1k.safetensors")
    assert (rows["vgg16.tv_in1k"]["file"], rows["vgg16.tv_in1k"]["how"]) == (None, "fetch")
    assert rows["alexnet-owt-7be5be79.pth"]["how"] == "import"
    assert "내려받아야 함" in text
