"""One picture, one tensor: training, validation, evaluation and prediction feed the network the same bits."""

import io
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import convscope as cs
from convscope.models import zoo
from tests.conftest import make_photos

SETTINGS = {"model": "lenet5_modern", "size": 32, "epochs": 1, "batch": 4, "device": "cpu", "precision": "f32"}


@contextmanager
def inputs(monkeypatch):
    """Every batch that reaches a network built by the zoo, as (mode, tensor)."""
    seen: list[tuple[str, torch.Tensor]] = []
    row = zoo.find(SETTINGS["model"])

    def watched(*arguments):
        network = row.build(*arguments)

        def note(module: nn.Module, batch):
            if batch[0].device.type != "meta" and batch[0].any():  # an empty picture is only counted through
                seen.append(("train" if module.training else "eval", batch[0].detach().clone()))

        next(each for each in network.modules() if not list(each.children())).register_forward_pre_hook(note)
        return network

    with monkeypatch.context() as patched:
        patched.setitem(zoo.NETWORKS, SETTINGS["model"], replace(row, build=watched))
        yield seen


def pictures_of(batches, mode="eval"):
    """The single pictures of all batches of a mode, as bytes of their float32 values."""
    return {picture.numpy().tobytes() for kind, batch in batches if kind == mode for picture in batch.contiguous()}


@pytest.fixture
def odd_photos(tmp_path):
    """Photos of odd sizes and kinds: portrait, landscape, EXIF-turned JPEG, grey, RGBA, palette."""
    root = make_photos(tmp_path / "d", classes=("red", "green"), count=8)
    noise = np.random.default_rng(5)
    for name in ("red", "green"):
        for index in range(8):
            array = noise.integers(0, 256, size=(37 + 5 * index, 61 - 3 * index, 3), dtype=np.uint8)
            image = Image.fromarray(array)
            exif = Image.Exif()
            exif[274] = index + 1
            image.save(root / name / f"jpeg{index}.jpg", exif=exif, quality=90)
            kinds = ("L", "RGBA", "P", "1")
            image.convert(kinds[index % 4]).save(root / name / f"kind{index}.png")
    return root


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
def test_every_path_gives_the_network_the_same_bits(tmp_path, odd_photos, monkeypatch, resize):
    with inputs(monkeypatch) as training:
        run = cs.train(odd_photos, cs.Recipe(**SETTINGS, resize=resize), out=tmp_path / "runs")
    with inputs(monkeypatch) as evaluation:
        cs.evaluate(run.path, odd_photos, split="all")
    with inputs(monkeypatch) as prediction:
        cs.predict(run.path, [str(odd_photos)])

    everything = pictures_of(prediction)
    assert len(everything) == 48
    assert pictures_of(evaluation) == everything
    trained = pictures_of(training, "train")
    judged = pictures_of(training, "eval")
    assert len(trained) == 40  # of 24 a class, 2.4 rounded to 2 go to each of validation and test
    assert len(judged) == 8
    assert trained | judged == everything


def test_a_planted_difference_is_noticed(tmp_path, odd_photos, monkeypatch):
    run = cs.train(odd_photos, cs.Recipe(**SETTINGS), out=tmp_path / "runs")
    with inputs(monkeypatch) as honest:
        cs.predict(run.path, [str(odd_photos)])
    scale = cs.Preprocess.scale
    monkeypatch.setattr(cs.Preprocess, "scale", lambda self, pixels: scale(self, pixels) * (1 + 2e-7))

    with inputs(monkeypatch) as other:
        cs.predict(run.path, [str(odd_photos)])

    assert pictures_of(honest) != pictures_of(other)


def test_arrays_and_files_of_the_same_digit_give_the_same_bits(tmp_path):
    digits = cs.read("digits")
    preprocess = zoo.find("lenet5").preprocess(32, 1)
    for row in range(20):
        file = io.BytesIO()
        Image.fromarray(digits.picture(row)[0].numpy()).save(file, "PNG")
        (tmp_path / f"{row:02d}.png").write_bytes(file.getvalue())

    from convscope.data.sources import gather

    files = gather([str(tmp_path)])
    for row in range(20):
        assert torch.equal(preprocess.fit(digits.picture(row)), preprocess.fit(files.picture(row)))
