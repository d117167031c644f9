"""Bad weights: one line that helps, exit status 2, no pickle opened, nothing written."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch

from convscope.models import zoo
from convscope.models.bundle import Bundle
from convscope.ui.cli.main import main

SMALL = "mobilenet_v1_025"


@pytest.fixture
def weights(tmp_path):
    """A file of weights of a small network with 4 classes."""
    safetensors.torch.save_file(zoo.build(SMALL, classes=4).state_dict(), tmp_path / "theirs.safetensors")
    return tmp_path / "theirs.safetensors"


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    """Run an import that must be refused; its one line, after checking that nothing was written."""
    monkeypatch.chdir(tmp_path)

    def run(file, *more, model=SMALL) -> str:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(SystemExit) as leaving:
            main(["weights", "import", str(file), "--model", model, *map(str, more)])
        out, err = capsys.readouterr()
        assert leaving.value.code == 2, err
        (line,) = err.splitlines()
        assert out == ""
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        return line

    return run


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def trap(marker):
    return pickle.dumps({"fc.weight": Trap(marker)}, protocol=4)


def pth(marker):
    """What torch.save writes: a zip with a pickle in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", trap(marker))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def test_the_trap_would_spring(tmp_path):
    pickle.loads(trap(tmp_path / "marker"))

    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
@pytest.mark.parametrize(("make", "sentence"), [(pth, "inside is a pickle"), (trap, "a pickle, which may run code")])
def test_a_pickle_is_not_opened_whatever_it_is_called(refused, tmp_path, make, sentence, name):
    (tmp_path / name).write_bytes(make(tmp_path / "marker"))

    line = refused(name)

    assert sentence in line
    assert "docs/weights.md" in line
    assert not (tmp_path / "marker").exists()


def hostile_header(length):
    return length.to_bytes(8, "little") + b'{"w":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"weights, I promise\n" * 20, "a text; safetensors is what can be imported"),
        (b"<html>log in</html>", "a text"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"\x1f\x8b" + bytes(100), "gzip"),
        (bytes(range(128, 256)) * 9, "a pickle"),
        (bytes(range(129, 256)) * 9, "not weights that convscope knows"),
        (hostile_header(55), "damaged or cut off"),
        (hostile_header(2**62), "not weights"),
        (safetensors.torch.save({}), "without a tensor"),
    ],
)
def test_a_file_of_another_kind_is_told_by_its_content(refused, tmp_path, content, sentence):
    (tmp_path / "w.safetensors").write_bytes(content)

    line = refused("w.safetensors")
    assert line.startswith("convscope: w.safetensors: ")
    assert sentence in line


def test_a_file_that_was_cut_off(refused, weights):
    whole = weights.read_bytes()

    for length in (9, 500, len(whole) // 2, len(whole) - 1):
        weights.write_bytes(whole[:length])
        assert "damaged or cut off" in refused(weights)


def test_a_file_that_is_not_there(refused, tmp_path):
    assert "w.safetensors: cannot be opened" in refused("w.safetensors")
    (tmp_path / "folder").mkdir()
    assert "folder: cannot be opened" in refused("folder")


def test_weights_of_another_family(refused, tmp_path):
    safetensors.torch.save_file(zoo.build("lenet_caffe", classes=10).state_dict(), tmp_path / "w.safetensors")

    line = refused("w.safetensors", model="vgg11")

    assert "w.safetensors: not the weights of vgg11" in line


def test_a_single_output_is_no_classifier(refused, tmp_path):
    safetensors.torch.save_file(zoo.build(SMALL, classes=1).state_dict(), tmp_path / "w.safetensors")

    assert "1 output; a classifier has at least 2" in refused("w.safetensors")


def test_a_network_that_is_not_there(refused, weights):
    assert "no network is called 'mobilenet'; did you mean" in refused(weights, model="mobilenet")


def test_weights_that_are_no_numbers(refused, weights):
    state = safetensors.torch.load_file(weights)
    state["classifier.scores.bias"][2] = float("inf")
    safetensors.torch.save_file(state, weights)

    assert "classifier.scores.bias holds numbers that are none" in refused(weights)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"a\nb\nc\n", "names.txt: 3 names, but theirs.safetensors has 4 outputs"),
        (b"a\nb\nc\nb\n", "names.txt: 'b' is there twice"),
        ("e\u0301\n\u00e9\nc\nd\n".encode(), "is there twice"),  # one letter, spelt in two ways
        ("\uac00\n".encode("cp949"), "not a text in UTF-8"),
        (None, "No such file or directory; allowed: imagenet, or a text file"),
    ],
)
def test_classes_that_do_not_fit(refused, weights, tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "names.txt").write_bytes(text)

    assert sentence in refused(weights.name, "--classes", "names.txt")


def test_imagenets_names_for_other_weights(refused, weights):
    assert "--classes imagenet: 1000 names, but theirs.safetensors has 4 outputs" in refused(
        weights.name, "--classes", "imagenet"
    )


def test_a_background_class_is_recognised(refused, tmp_path):
    safetensors.torch.save_file(zoo.build(SMALL, classes=1001).state_dict(), tmp_path / "w.safetensors")

    assert "count a background class first" in refused("w.safetensors", "--classes", "imagenet")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"maen": [0, 0, 0]}', "maen: Extra inputs are not permitted; allowed: size, channels"),
        ('{"mean": [0, 0]}', "mean and spread need 3 numbers"),
        ('{"spread": [0, 1, 1]}', "spread.0: Input should be greater than 0"),
        ("[1, 2]", "expected fields such as mean"),
        ("{broken", "not YAML"),
        ("mean: !!python/object/apply:os.getcwd []", "tags"),
        (None, "no such file; allowed: imagenet, tf, caffe, or a JSON or YAML file"),
    ],
)
def test_preprocessing_that_cannot_be(refused, weights, tmp_path, text, sentence):
    if text:
        (tmp_path / "mine.yaml").write_text(text)

    line = refused(weights, "--preprocess", "mine.yaml")
    assert line.startswith("convscope: --preprocess mine.yaml: ")
    assert sentence in line


def test_three_channels_for_a_grey_network(refused, tmp_path):
    safetensors.torch.save_file(zoo.build("lenet_caffe", classes=10).state_dict(), tmp_path / "w.safetensors")

    assert "three channels, but lenet_caffe takes grey" in refused(
        "w.safetensors", "--preprocess", "caffe", model="lenet_caffe"
    )


def test_a_place_that_is_taken(refused, weights, tmp_path):
    (tmp_path / f"{SMALL}.safetensors").write_text("mine")
    (tmp_path / "folder").mkdir()

    assert f"--out {SMALL}.safetensors: is there already; give another name, or --force" in refused(weights)
    assert "that is the file of weights itself" in refused(weights, "--out", "./theirs.safetensors", "--force")
    assert "--out folder: is there already" in refused(weights, "--out", "folder", "--force")
    assert "cannot be written" in refused(weights, "--out", f"{SMALL}.safetensors/m.st")
    assert "cannot be written" in refused(weights, "--out", "m" * 300)
    assert "no such file" in refused(weights, "--preprocess", "p" * 300)
    assert "File name too long" in refused(weights, "--classes", "c" * 300)


def test_force_writes_over_another_file(weights, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.st").write_text("old")

    with pytest.raises(SystemExit) as leaving:
        main(["weights", "import", str(weights), "--model", SMALL, "--out", "m.st", "--force"])

    assert not leaving.value.code
    assert torch.isfinite(Bundle.load("m.st").network()(torch.zeros(1, 3, 224, 224))).all()


def test_the_two_lines_that_convert_a_pickle_do(tmp_path, monkeypatch):
    page = (Path(__file__).parents[1] / "docs" / "weights.md").read_text(encoding="utf-8")
    block = next(part for part in page.split("```python\n")[1:] if "torch.load" in part).partition("```")[0]
    state = zoo.build(SMALL, classes=4).state_dict()
    monkeypatch.chdir(tmp_path)
    torch.save(state, "alexnet-owt-7be5be79.pth")

    exec(block, {})

    converted = safetensors.torch.load_file("alexnet_owt_tv.safetensors")
    assert all(torch.equal(converted[name], state[name]) for name in state)
