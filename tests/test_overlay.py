"""A heatmap lies where the network saw it, however the picture was made square; and the small pictures of a report."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.data.preprocess import Preprocess
from convscope.data.resize import resized
from convscope.explanation.draw.overlay import UNSEEN, overlay, placed

SHAPES = [(90, 60), (60, 90), (64, 64), (300, 40)]


def preprocess(resize: str, share: float = 1.0) -> Preprocess:
    return Preprocess(size=48, channels=1, resize=resize, share=share, mean=(0,), spread=(1,))


def smooth(width: int, height: int) -> torch.Tensor:
    """A picture whose brightness changes slowly and differently along both sides."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    grey = 40 + 90 * x + 80 * y**2 + 30 * (x * y)
    return grey.round().to(torch.uint8).expand(3, -1, -1)


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_brightness_of_the_input_laid_back_is_that_of_the_picture(resize, width, height):
    """What the network saw at a place is what the picture has there: its own brightness is the heatmap."""
    picture, how = smooth(width, height), preprocess(resize)

    laid, seen = placed(how.fit(picture)[0].float(), how, width, height, side=60)

    there = resized(picture, *laid.shape)[0].float()
    assert laid.shape == (round(height * 60 / max(width, height)), round(width * 60 / max(width, height)))
    assert float((laid - there)[seen].abs().mean()) < 3
    assert bool((laid[~seen] == 0).all())
    inside = 1.0 if resize != "crop" else min(width, height) / max(width, height)
    assert float(seen.float().mean()) == pytest.approx(inside, abs=0.05)


def test_a_heatmap_that_is_shifted_would_be_noticed():
    """The test above, on a heatmap that lies a twelfth of the input aside."""
    picture, how = smooth(90, 60), preprocess("crop")

    laid, seen = placed(how.fit(picture)[0].roll(4, dims=1).float(), how, 90, 60, side=60)

    assert float((laid - resized(picture, *laid.shape)[0].float())[seen].abs().mean()) > 3


def test_only_what_was_cut_out_was_seen():
    _, seen = placed(torch.ones(4, 4), preprocess("crop", share=0.5), 40, 20, side=40)

    expected = np.zeros((20, 40), bool)
    expected[5:15, 15:25] = True
    assert np.array_equal(seen.numpy(), expected)


def test_the_small_picture_is_warm_where_the_heat_is_grey_where_it_is_not_and_dark_beside_what_was_seen():
    heat = torch.zeros(2, 2)
    heat[0, 0] = 1

    jpeg = overlay(torch.full((3, 40, 80), 200, dtype=torch.uint8), heat, preprocess("crop"), side=80)

    pixels = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).astype(int)
    hot, cold, beside = pixels[4, 24], pixels[36, 56], pixels[20, 4]
    assert pixels.shape == (40, 80, 3)
    assert hot[0] - hot[2] > 30  # the light end of the colours is yellow
    assert np.ptp(cold) <= 6
    assert beside.mean() == pytest.approx(200 * UNSEEN, abs=8)


@pytest.mark.parametrize("shape", [(1, 1, 300), (3, 300, 1), (1, 8, 8)])
def test_any_picture_has_one(shape):
    picture = torch.zeros(shape, dtype=torch.uint8)

    jpeg = overlay(picture, torch.rand(7, 7), preprocess("pad"))

    assert max(Image.open(io.BytesIO(jpeg)).size) == 160
