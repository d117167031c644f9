"""Bad input: exit status 2, one line that helps, no traceback, nothing half-written."""

import io
import zipfile

import pytest

from convscope.ui.cli.main import main
from tests.conftest import make_photos

QUICK = ("--model", "lenet5_modern", "--size", "32", "--epochs", "2", "--batch", "8")


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    """Run a command that must be refused; its one line, after checking that nothing was written."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments) -> str:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert leaving.value.code == 2, err
        (line,) = err.splitlines()
        assert line.startswith("convscope: ")
        assert "Traceback" not in out + err
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        assert not (tmp_path / "runs").exists()
        return line

    return run


def train(refused, data, *more):
    return refused("train", data, *QUICK, "--quiet", *more)


def test_an_empty_folder(refused, tmp_path):
    (tmp_path / "empty").mkdir()

    line = train(refused, tmp_path / "empty")

    assert "no pictures of a class were found" in line
    assert "one folder per class" in line


def test_one_class_only(refused, tmp_path):
    make_photos(tmp_path / "d", classes=("red",))

    assert "one class only ('red'); a classifier needs two" in train(refused, tmp_path / "d")


def test_a_class_with_one_picture(refused, tmp_path):
    make_photos(tmp_path / "d", classes=("red", "green"))
    make_photos(tmp_path / "d", classes=("blue",), count=1)

    line = train(refused, tmp_path / "d")

    assert "class 'blue' has 1 different picture;" in line
    assert "needs 3" in line
    assert "--test-share 0" in line


def test_a_table_without_a_label_column(refused, photos, tmp_path):
    (tmp_path / "d.csv").write_text("file,width\nphotos/red/000.png,40\n")

    line = train(refused, tmp_path / "d.csv")

    assert "no label column among file, width" in line
    assert "call it label or class" in line


def test_a_table_that_names_missing_files(refused, photos, tmp_path):
    (tmp_path / "d.csv").write_text("file,label\nphotos/red/000.png,red\nphotos/red/999.png,red\n")

    line = train(refused, tmp_path / "d.csv")

    assert "1 of 2 files that it names are not there (first: photos/red/999.png)" in line


def test_a_zip_that_leads_outside(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("red/1.png", b"x")
        archive.writestr("../../green/1.png", b"x")

    line = train(refused, tmp_path / "d.zip")

    assert "'../../green/1.png' leads outside the archive" in line


def test_a_text_file_as_a_model(refused, photos, tmp_path):
    (tmp_path / "notes.txt").write_text("these are my notes, not a model\n" * 20)

    assert "not a model file; expected a model.safetensors" in refused("predict", "notes.txt", "photos/red/000.png")
    assert "not a model file" in refused("evaluate", "notes.txt", "photos")


def test_a_model_file_without_its_last_kilobyte(refused, trained, photos, tmp_path):
    whole = (trained[0] / "model.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-1024])

    assert "damaged or cut off" in refused("predict", "cut.safetensors", "photos/red/000.png")


def test_a_misspelt_network(refused, photos):
    line = refused("train", photos, "--model", "lenet")

    assert "no network is called 'lenet'; did you mean" in line
    assert "lenet5" in line


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--epochs", "0"), "--epochs 0: needs at least 1"),
        (("--epochs", "x"), "--epochs x: expected a valid integer"),
        (("--rate", "-1"), "--rate -1.0: needs more than 0"),
        (("--time-limit", "0"), "--time-limit 0.0: needs more than 0"),
        (("--resize", "stretch"), "--resize stretch: allowed: 'crop', 'squash' or 'pad'"),
        (("--mode", "half"), "--mode half: allowed: 'auto', 'scratch', 'frozen' or 'finetune'"),
        (("--mode", "frozen"), "convscope weights fetch mobilenet_v3_large brings it from timm/"),
        (
            ("--mode", "finetune", "--model", "resnet18"),
            "convscope weights fetch resnet18 brings it from timm/resnet18.tv_in1k",
        ),
        (
            ("--mode", "frozen", "--epochs", "5"),
            "--epochs 5: a frozen run fits its head at once, without steps or epochs",
        ),
        (("--mode", "frozen", "--rate", "0.1"), "--rate 0.1: a frozen run fits its head at once"),
        (("--mode", "frozen", "--weights", "none"), "--mode frozen starts from borrowed weights, and weights none has"),
        (("--weights", "somewhere.safetensors"), "--weights somewhere.safetensors: needs --model NAME"),
        (("--model", "resnet18", "--weights", "nowhere"), "--weights nowhere: no such file; allowed: default, none or"),
        (("--weights-dir", "nowhere"), "--weights-dir nowhere: no such folder"),
        (("--views", "ten"), "--views ten: allowed: 'centre', 'flip' or 'crops'"),
        (("--strength", "0"), "--strength 0.0: needs more than 0"),
        (("--decode", "half"), "--decode half: allowed: 'full' or 'scaled'"),
        (("--lang", "de"), "--lang de: allowed: en, ko"),
        (("--test-share", "0.9"), "--test-share 0.9: must be less than 0.5"),
        (("--nonsense",), "No such option: --nonsense"),
        (("--name", "../out"), "--name ../out: expected a plain folder name"),
        (("--model", "lenet5", "--size", "64"), "lenet5 takes pictures of 32 or 28 pixels, not 64"),
    ],
)
def test_a_flag_that_cannot_be(refused, photos, flags, sentence):
    assert sentence in refused("train", photos, "--quiet", *flags)


def test_a_setting_that_is_misspelt_in_a_config(refused, photos, tmp_path):
    (tmp_path / "my.yaml").write_text("model: lenet5_modern\nepohcs: 3\n")

    line = refused("train", photos, "--config", "my.yaml")

    assert "my.yaml: epohcs: not a setting; did you mean epochs" in line


@pytest.mark.parametrize("text", ["- a list", "{broken", "model: lenet5\n\x00"])
def test_a_config_that_is_none(refused, photos, tmp_path, text):
    (tmp_path / "my.yaml").write_text(text)

    assert "my.yaml: " in refused("train", photos, "--config", "my.yaml")


def test_an_output_folder_that_cannot_be_written(refused, photos, tmp_path):
    (tmp_path / "file").write_text("not a folder")

    line = train(refused, photos, "--out", "file/runs")

    assert "file is a file, not a folder; give another folder" in line


def test_data_that_is_not_there(refused):
    assert "did you mean fashion-mnist" in refused("train", "fashion-mnits")
    assert "no pictures to train on" in refused("train")


def test_settings_beside_a_resumed_run(refused, trained):
    line = refused("train", "--resume", trained[0], "--epochs", "5")

    assert "--epochs: a resumed run keeps its own recipe" in line


def test_classes_that_the_model_does_not_know(refused, trained, tmp_path):
    make_photos(tmp_path / "d", classes=("red", "violet"), count=2)

    line = refused("evaluate", trained[0], tmp_path / "d")

    assert "(first: 'violet'); the model knows blue, green, red" in line


def test_no_picture_that_can_be_read(refused, trained, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")

    assert "a.jpg: " in refused("predict", trained[0], "a.jpg")
    assert "no such file, folder or pattern" in refused("predict", trained[0], "b*.jpg")


def test_ten_broken_pictures_among_a_hundred_good_are_all_named(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    folder = make_photos(tmp_path / "d", classes=("red", "green"), count=50)
    whole = (folder / "red/000.png").read_bytes()
    broken = [folder / ("red" if number % 2 else "green") / f"broken{number}.png" for number in range(10)]
    for number, file in enumerate(broken):
        file.write_bytes(
            [whole[: len(whole) // 2], b"", b"<html>", whole[:20] + bytes(len(whole))][number % 4] + bytes([number])
        )

    with pytest.raises(SystemExit) as leaving:
        main(["train", "d", *QUICK])
    out, _ = capsys.readouterr()

    assert not leaving.value.code
    assert all(f"{file.parent.name}/{file.name}" in out for file in broken)
    assert "split: 80 train, 10 val, 10 test" in out
    page = (tmp_path / out.splitlines()[-1] / "report.html").read_text()
    assert all(file.name in page for file in broken)


def test_a_broken_zip_is_not_a_bug(refused, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("red/1.png", b"x" * 2000)
    (tmp_path / "d.zip").write_bytes(buffer.getvalue()[:-30])

    assert "not a zip that can be opened" in train(refused, tmp_path / "d.zip")


@pytest.mark.parametrize("text", ["1: 2", "on: 2", "mode: {x: 1}", "[" * 5000])
def test_a_config_with_odd_keys_or_depths(refused, photos, tmp_path, text):
    (tmp_path / "my.yaml").write_text(text)

    assert "my.yaml: " in refused("train", photos, "--config", "my.yaml")


def test_names_that_no_file_system_takes(refused, photos):
    assert "--out xxx" in train(refused, photos, "--out", "x" * 300)
    assert "expected a plain folder name" in train(refused, photos, "--name", "n" * 300)


def test_a_file_with_two_labels(refused, photos, tmp_path):
    (tmp_path / "d.csv").write_text("file,label\nphotos/red/000.png,red\nphotos/red/000.png,green\n")

    assert "photos/red/000.png is named twice, as red and as green" in train(refused, tmp_path / "d.csv")


def test_a_model_with_weights_that_are_no_numbers(refused, trained, photos, tmp_path):
    import convscope

    bundle = convscope.Bundle.load(trained[0])
    bundle.weights["classifier.output.bias"][0] = float("nan")
    bundle.save(tmp_path / "nan.safetensors")

    assert "classifier.output.bias holds numbers that are none" in refused("predict", "nan.safetensors", "photos")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("predict", "{model}", "photos", "--top", "0"), "--top 0: needs at least 1"),
        (("evaluate", "{model}", "photos", "--views", "ten"), "--views ten: allowed: centre, flip, ten-crop"),
        (("evaluate", "{model}", "photos", "--split", "tset"), "--split tset: allowed: test, val, all"),
        (("train", "photos", "--epochs=abc"), "--epochs abc: expected a valid integer"),
    ],
)
def test_a_flag_is_called_by_its_name(refused, trained, photos, arguments, sentence):
    assert sentence in refused(*(part.format(model=trained[0]) for part in arguments))
