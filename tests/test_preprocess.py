"""Boxes by hand; bytes against Pillow and torchvision; numbers bit for bit."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from convscope.data.preprocess import Preprocess
from convscope.models import zoo

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def preprocess(**options):
    return Preprocess(**{"size": 32, "mean": MEAN, "spread": SPREAD, **options})


def noise(channels, height, width, seed=0):
    return torch.randint(0, 256, (channels, height, width), generator=torch.Generator().manual_seed(seed)).byte()


@pytest.mark.parametrize(
    ("width", "height", "share", "box"),
    [
        (40, 30, 1.0, (0, 5, 30, 30)),
        (30, 40, 1.0, (5, 0, 30, 30)),
        (41, 30, 1.0, (0, 5, 30, 30)),  # of 11 spare columns 5 are left, 6 right
        (31, 30, 1.0, (0, 0, 30, 30)),
        (40, 30, 0.5, (7, 12, 15, 15)),  # spare rows 15: 7 above, 8 below
        (256, 256, 0.875, (16, 16, 224, 224)),
        (500, 1, 1.0, (0, 249, 1, 1)),
        (1, 1, 0.01, (0, 0, 1, 1)),  # never less than one pixel
    ],
)
def test_crop_cuts_the_central_square(width, height, share, box):
    assert preprocess(share=share).box(width, height) == box
    assert preprocess(share=share).placement(width, height) == (0, 0, 32, 32)


@pytest.mark.parametrize(("width", "height"), [(40, 30), (7, 501)])
def test_squash_takes_everything_and_fills_everything(width, height):
    assert preprocess(resize="squash").box(width, height) == (0, 0, height, width)
    assert preprocess(resize="squash").placement(width, height) == (0, 0, 32, 32)


@pytest.mark.parametrize(
    ("width", "height", "placement"),
    [
        (64, 16, (12, 0, 8, 32)),
        (16, 64, (0, 12, 32, 8)),
        (64, 64, (0, 0, 32, 32)),
        (64, 18, (11, 0, 9, 32)),  # of 23 spare rows 11 are above, 12 below
        (1000, 1, (15, 0, 1, 32)),
    ],
)
def test_pad_keeps_the_shape_and_centres_it(width, height, placement):
    assert preprocess(resize="pad").box(width, height) == (0, 0, height, width)
    assert preprocess(resize="pad").placement(width, height) == placement


def painted():
    """Left half red, right half blue, 16 high, 64 wide."""
    picture = torch.zeros(3, 16, 64, dtype=torch.uint8)
    picture[0, :, :32] = 200
    picture[2, :, 32:] = 100
    return picture


def test_a_cropped_picture_keeps_its_middle():
    fitted = preprocess(size=16).fit(painted())

    assert fitted.shape == (3, 16, 16)
    assert fitted[:, 0, :8].unique(dim=1).tolist() == [[200], [0], [0]]
    assert fitted[:, 0, 8:].unique(dim=1).tolist() == [[0], [0], [100]]


def test_a_squashed_picture_keeps_both_ends():
    fitted = preprocess(size=16, resize="squash").fit(painted())

    assert fitted[:, 8, 0].tolist() == [200, 0, 0]
    assert fitted[:, 8, -1].tolist() == [0, 0, 100]


def test_a_padded_picture_is_framed_by_one_grey():
    fitted = preprocess(resize="pad", fill=99).fit(painted())

    frame = torch.cat([fitted[:, :12], fitted[:, 20:]], dim=1).flatten(1)
    assert frame.unique(dim=1).flatten().tolist() == [99, 99, 99]
    assert fitted[:, 12, 0].tolist() == fitted[:, 19, 0].tolist() == [200, 0, 0]
    assert fitted[:, 12, -1].tolist() == [0, 0, 100]


def test_a_picture_of_the_right_size_is_not_touched():
    picture = noise(3, 32, 32)

    assert torch.equal(preprocess().fit(picture), picture)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("height", "width"), [(100, 100), (20, 20), (97, 97), (33, 33)])
def test_resizing_is_torchvisions_to_the_bit_and_pillows_to_a_level(interpolation, height, width):
    picture = noise(3, height, width)
    fitted = preprocess(interpolation=interpolation).fit(picture)

    mode = InterpolationMode(interpolation)
    theirs = transforms.resize(picture, [32, 32], interpolation=mode, antialias=True)
    kernel = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}[interpolation]
    pillow = np.array(Image.fromarray(picture.permute(1, 2, 0).numpy()).resize((32, 32), kernel))
    assert torch.equal(fitted, theirs)
    assert np.abs(fitted.permute(1, 2, 0).numpy().astype(int) - pillow).max() <= 1


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stored", [1, 3])
def test_a_batch_has_the_same_bits_as_its_pictures_alone(resize, channels, stored):
    ours = preprocess(resize=resize, channels=channels, mean=MEAN[:channels], spread=SPREAD[:channels])
    pictures = torch.stack([noise(stored, 50, 41, seed) for seed in range(5)])

    alone = torch.stack([ours.fit(picture) for picture in pictures])

    assert torch.equal(ours.fit(pictures), alone)
    assert torch.equal(ours.scale(alone), torch.stack([ours.scale(picture) for picture in alone]))


def test_grey_is_pillows_luma():
    levels = torch.arange(0, 256, 5, dtype=torch.uint8)
    picture = torch.cartesian_prod(levels, levels, levels).T.reshape(3, 52, -1).contiguous()
    square = torch.nn.functional.pad(picture, (0, 0, 0, 2652))  # 52^2 = 2,704 a side

    fitted = preprocess(size=2704, channels=1, mean=(0.5,), spread=(0.5,)).fit(square)

    pillow = np.array(Image.fromarray(picture.permute(1, 2, 0).numpy()).convert("L"))
    assert (fitted[0, :52].numpy() == pillow).all()


def test_grey_becomes_colour_by_repetition():
    picture = noise(1, 32, 32)

    assert torch.equal(preprocess().fit(picture), picture.expand(3, -1, -1))


def test_scaling_is_torchvisions_to_the_bit():
    pixels = torch.arange(256, dtype=torch.uint8).repeat(3, 4, 1)

    theirs = transforms.normalize(transforms.to_dtype(pixels, torch.float32, scale=True), list(MEAN), list(SPREAD))

    assert torch.equal(preprocess().scale(pixels), theirs)


def test_lenet5_scales_white_to_minus_a_tenth_and_black_to_1175_thousandths():
    """LeCun 1998, section II.B: the background becomes -0.1 and the ink 1.175; here ink is 255."""
    ours = zoo.find("lenet5").preprocess(32, 1, "squash")

    numbers = ours.scale(torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 2))

    torch.testing.assert_close(numbers.flatten(), torch.tensor([-0.1, 1.175]), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"mean": (0.5,)}, "need 3 numbers"),
        ({"spread": (1.0, 1.0)}, "need 3 numbers"),
        ({"channels": 1}, "need 1 numbers"),
        ({"spread": (1.0, 0.0, 1.0)}, "greater than 0"),
        ({"spread": (1.0, -1.0, 1.0)}, "greater than 0"),
        ({"mean": (0.5, float("nan"), 0.5)}, "finite"),
        ({"spread": (1.0, float("inf"), 1.0)}, "finite"),
        ({"size": 7}, "greater than or equal to 8"),
        ({"size": 5000}, "less than or equal to 4096"),
        ({"share": 0.0}, "greater than 0"),
        ({"share": float("nan")}, "less than or equal to 1"),
        ({"share": 1.1}, "less than or equal to 1"),
        ({"channels": 2}, "1 or 3"),
        ({"resize": "stretch"}, "crop"),
        ({"sise": 32}, "Extra inputs"),
    ],
)
def test_wrong_numbers_are_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        preprocess(**wrong)


@given(
    mean=st.tuples(*[st.floats(-10, 10)] * 3),
    spread=st.tuples(*[st.floats(1e-6, 10)] * 3),
    share=st.floats(0.01, 1),
    size=st.integers(8, 4096),
    resize=st.sampled_from(["crop", "squash", "pad"]),
)
def test_nothing_is_lost_on_the_way_through_json(mean, spread, share, size, resize):
    ours = preprocess(mean=mean, spread=spread, share=share, size=size, resize=resize)

    assert Preprocess.model_validate_json(ours.model_dump_json()) == ours
    assert Preprocess(**json.loads(json.dumps(ours.model_dump()))) == ours


@given(width=st.integers(1, 3000), height=st.integers(1, 3000), share=st.floats(0.01, 1))
def test_a_box_and_its_placement_lie_inside(width, height, share):
    for resize in ("crop", "squash", "pad"):
        ours = preprocess(resize=resize, share=share)
        top, left, tall, wide = ours.box(width, height)
        above, beside, high, broad = ours.placement(width, height)

        assert min(top, left, above, beside) >= 0 < min(tall, wide, high, broad)
        assert top + tall <= height and left + wide <= width
        assert above + high <= 32 and beside + broad <= 32
