"""Pictures that tests make for themselves, and the real ones where they are at hand."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.ui.cli.main import main

SHARED = Path(__file__).parents[2] / "shared" / "data"

COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (40, 60, 220)}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's cache, speaks the user's language, or leaves torch's threads changed."""
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def shared():
    """The folder of real pictures; a test that needs it is skipped where it is not there."""
    if not SHARED.is_dir():
        pytest.skip("no folder of real pictures beside the checkout")
    return SHARED


def paint(file: Path, colour, size=(40, 32), seed=0) -> Path:
    """A noisy picture of one colour; no two seeds give the same bytes."""
    noise = np.random.default_rng(seed).integers(-30, 31, size=(size[1], size[0], 3))
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(file)
    return file


def make_photos(root: Path, classes=("red", "green", "blue"), count=12, suffix=".png", first_seed=0) -> Path:
    """Class folders of pictures that any network can tell apart; class names beyond the colours get grey levels."""
    for number, name in enumerate(classes):
        colour = COLOURS.get(name, (30 + 200 * number // max(1, len(classes) - 1),) * 3)
        for index in range(count):
            paint(root / name / f"{index:03d}{suffix}", colour, seed=first_seed + 1000 * number + index)
    return root


@pytest.fixture
def photos(tmp_path):
    """Three classes of twelve pictures each."""
    return make_photos(tmp_path / "photos")


@pytest.fixture
def convscope(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder: (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return leaving.value.code or 0, out, err

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A finished run on easy photos: (run folder, photos folder). Not to be changed by a test."""
    import convscope

    os.environ["CONVSCOPE_CACHE"] = str(tmp_path_factory.getbasetemp() / "cache")
    root = tmp_path_factory.mktemp("trained")
    folder = make_photos(root / "photos", count=20)
    run = convscope.train(
        folder, convscope.Recipe(model="lenet5_modern", size=32, epochs=6, batch=8), out=root / "runs"
    )
    return run.path, folder


@pytest.fixture
def browser():
    """Chromium; its absence fails in CI and skips elsewhere."""
    if shutil.which("chromium") is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: apt-get install chromium")
        pytest.skip("no Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()
