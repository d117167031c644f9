"""What a resumed run must not forget, and what it must not be confused by."""

import os
from pathlib import Path

import pytest

import convscope as cs
from convscope.errors import ModelError, RecipeError, RunError
from convscope.training import material
from convscope.words import Listener
from tests.conftest import make_photos

QUICK = {"model": "lenet5_modern", "size": 32, "epochs": 3, "batch": 8, "device": "cpu", "precision": "f32"}


class StopsAfter(Listener):
    """Ends the training from outside when an epoch is done; keeps what it was told."""

    def __init__(self, epoch: int | None = None) -> None:
        self.epoch = epoch
        self.told: list[tuple[str, dict]] = []

    def message(self, key, **values):
        self.told.append((key, values))
        if key == "train.epoch" and values["epoch"] == self.epoch:
            raise KeyboardInterrupt


def cut(photos: Path, out: Path) -> Path:
    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, cs.Recipe(**QUICK), out=out, name="cut", listener=StopsAfter(1))
    return out / "cut"


def test_broken_pictures_are_named_again(tmp_path, photos):
    (photos / "red/broken.png").write_bytes(b"no picture")
    run = cut(photos, tmp_path)

    resumed = cs.train(resume=run)

    assert [fault["file"] for fault in resumed.report.broken] == ["red/broken.png"]
    assert "red/broken.png" in (run / "report.html").read_text()


def test_pictures_and_classes_that_came_later_stay_outside(tmp_path, photos):
    run = cut(photos, tmp_path / "runs")
    split = (run / "split.csv").read_bytes()
    make_photos(photos, classes=("amber", "red"), count=14, first_seed=500)
    for index in range(12):
        (photos / "red" / f"{index:03d}.png").unlink()
    whole = make_photos(photos, count=12)

    resumed = cs.train(resume=run)

    assert whole == photos
    assert resumed.report.classes == ("blue", "green", "red")
    assert (run / "split.csv").read_bytes() == split


def test_a_damaged_state_in_a_checkpoint_is_one_clear_error(tmp_path, photos):
    run = cut(photos, tmp_path)
    for seal in (run / "checkpoint").glob("*.json"):
        seal.write_text('{"schema": 2}')

    with pytest.raises(RunError, match="checkpoint cannot be read"):
        cs.train(resume=run)


@pytest.mark.skipif(os.name != "posix", reason="other systems have no names that are not Unicode")
def test_names_that_are_no_unicode_train_and_resume(tmp_path):
    folder = make_photos(tmp_path / "d", classes=("red", "green"), count=8)
    strange = os.fsencode(tmp_path / "d") + b"/caf\xe9"
    (folder / "green").rename(os.fsdecode(strange))

    run = cut(folder, tmp_path / "runs")
    resumed = cs.train(resume=run)

    assert set(resumed.report.classes) == {"red", "caf\\xe9"}
    assert cs.evaluate(run, folder).own_split


def test_no_gpu_is_one_clear_error_and_leaves_nothing(tmp_path, photos, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    with pytest.raises(RecipeError, match="no CUDA GPU here; allowed: auto, cpu"):
        cs.train(photos, cs.Recipe(**{**QUICK, "device": "cuda"}), out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_network_too_large_for_the_memory_is_refused_with_the_batch_that_fits(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(material, "free_memory", lambda: 40_000_000)

    with pytest.raises(ModelError, match=r"batch 4096, needs about .* --batch \d+ fits"):
        cs.train(photos, cs.Recipe(**{**QUICK, "batch": 4096}), out=tmp_path / "runs")
    with pytest.raises(ModelError, match="take a smaller --size"):
        cs.train(photos, cs.Recipe(**{**QUICK, "model": "course_cnn", "size": 64}), out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_is_one_clear_error(tmp_path, photos, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convscope.training.loop.write_csv", full)

    with pytest.raises(RunError, match=r"No space left on device.*--resume"):
        cs.train(photos, cs.Recipe(**QUICK), out=tmp_path)


def test_training_and_answering_give_the_threads_back(tmp_path, photos):
    import torch

    torch.set_num_threads(2)

    run = cs.train(photos, cs.Recipe(**QUICK), out=tmp_path)
    cs.predict(run.path, [str(photos)])

    assert torch.get_num_threads() == 2
