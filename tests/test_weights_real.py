"""Real weights of three families, imported by the command, judged on real pictures; skipped where there are none."""

import json

import pytest

from convscope.ui.cli.main import main


@pytest.fixture
def borrowed(shared):
    """The folder of real weights."""
    return shared.parent / "weights"


@pytest.fixture
def photos(shared, tmp_path):
    """250 photos of ImageNet's classes as a table; the labels are WordNet ids."""
    files = sorted((shared / "imagenet-sample").glob("*.JPEG"))
    assert len(files) == 250
    (tmp_path / "list.csv").write_text("path,label\n" + "".join(f'"{file}",{file.name[:9]}\n' for file in files))
    return "list.csv"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder; the object that it prints."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        with pytest.raises(SystemExit) as leaving:
            main([*map(str, arguments), "--json"])
        assert not leaving.value.code
        return json.loads(capsys.readouterr().out)

    return command


# top-1 and top-5 of 250, measured when the weights were prepared, by other code
MEASURED = {
    "TensorFlow's padding": ("mobilenet_v2_tf", "mobilenet_v2_same", (), (224, 1), (244, 1)),
    "PyTorch's padding": ("mobilenet_v2_tf", "mobilenet_v2", ("--preprocess", "tf"), (202, 2), None),
    "Keras's names": ("mobilenet_v1_025_keras", "mobilenet_v1_025_same", (), (154, 1), (201, 1)),
}


@pytest.mark.parametrize("case", MEASURED)
def test_imagenets_photos_are_recognised_as_often_as_they_were_elsewhere(run, borrowed, photos, case):
    file, network, more, top1, top5 = MEASURED[case]
    weights = borrowed / f"{file}.safetensors"
    run("weights", "import", weights, "--model", network, "--classes", "imagenet", "--out", "m.safetensors", *more)

    report = run("evaluate", "m.safetensors", photos, "--split", "all")

    assert report["n"] == 250
    assert abs(report["top1"] * 250 - top1[0]) <= top1[1] + 1e-9
    if top5:
        assert abs(report["top5"] * 250 - top5[0]) <= top5[1] + 1e-9


def test_caffes_lenet_reads_digits_as_well_as_it_did_in_caffe(run, borrowed, shared):
    run("weights", "import", borrowed / "lenet_caffe_mnist.safetensors", "--model", "lenet_caffe", "--out", "m.st")

    report = run("evaluate", "m.st", shared / "mnist", "--split", "test")

    assert report["n"] == 10_000
    assert report["top1"] == pytest.approx(0.9905, abs=0.0003)
