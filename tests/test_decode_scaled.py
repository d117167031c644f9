"""`decode: scaled`: large JPEGs come out smaller, never too small, upright, and the same on every path."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import convscope as cs
from convscope.data.batches import Pixels, fitted
from convscope.data.decode import decode
from convscope.data.listing import build
from convscope.data.preprocess import Preprocess
from convscope.data.sources import gather, read
from convscope.data.stores import Folder, Many
from convscope.errors import UnreadableImage
from convscope.models.bundle import Bundle
from tests.test_decode import STORED
from tests.test_same_pixels import SETTINGS, inputs, pictures_of

TIMES = (2, 4, 8)


def scaled(**options):
    return Preprocess(**{"size": 224, "decode": "scaled", "mean": (0.5,) * 3, "spread": (0.5,) * 3, **options})


def smooth(width, height, seed=0):
    """Few pixels, enlarged: as photos of twelve megapixels are, from pixel to pixel."""
    few = np.random.default_rng(seed).integers(40, 216, (max(2, height // 40), max(2, width // 40), 3))
    return Image.fromarray(few.astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)


def encode(image, format="JPEG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def averaged(picture, times):
    """Every square of `times` x `times` pixels by its mean."""
    return torch.nn.functional.avg_pool2d(picture.float(), times)


@pytest.mark.parametrize(
    ("options", "width", "height", "times"),
    [
        ({}, 4000, 3000, 4),  # the square's 3000: 750 are at least 448, 375 are not
        ({"share": 0.875}, 4000, 3000, 4),  # 656 of 750
        ({"share": 0.5}, 4000, 3000, 2),  # 375 of 750 are too few, 750 of 1500 are enough
        ({"resize": "squash"}, 4000, 3000, 4),  # the shorter side becomes 224, too
        ({"resize": "squash"}, 40_000, 500, 1),
        ({"resize": "pad"}, 4000, 3000, 8),  # the longer side counts: 500 become 224, and 375 become 168
        ({"resize": "pad"}, 3000, 4000, 8),
        ({"resize": "pad"}, 3500, 1000, 4),  # 437.5 are too few
        ({"size": 8}, 4000, 3000, 8),  # libjpeg has no 16
        ({}, 896, 1200, 2),
        ({}, 895, 1200, 2),  # 447.5 come out as 448
        ({}, 894, 1200, 1),
        ({"decode": "full"}, 4000, 3000, 1),
    ],
)
def test_a_picture_is_shrunk_to_no_less_than_twice_its_target(options, width, height, times):
    assert scaled(**options).shrink(width, height) == times
    assert scaled(**options).shrink(height, width) == times  # whichever way the camera was held


@given(
    st.sampled_from(["crop", "squash", "pad"]),
    st.integers(8, 300),
    st.floats(0.05, 1),
    st.integers(1, 5000),
    st.integers(1, 5000),
)
def test_one_size_smaller_would_have_been_too_small(resize, size, share, width, height):
    preprocess = scaled(resize=resize, size=size, share=share)

    def ample(times):
        small = -(-width // times), -(-height // times)
        _, _, tall, wide = preprocess.box(*small)
        _, _, becomes_tall, becomes_wide = preprocess.placement(*small)
        return tall >= 2 * becomes_tall and wide >= 2 * becomes_wide

    times = preprocess.shrink(width, height)

    assert times == 1 or ample(times)
    assert times == 8 or not any(ample(larger) for larger in TIMES if larger > times)


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"optimize": True}], ids=str
)
def test_a_shrunk_jpeg_is_the_mean_of_its_squares(options, times):
    data = encode(smooth(320, 240), quality=95, **options)

    small = decode(data, lambda *_: times)

    assert small.dtype == torch.uint8 and small.shape == (3, 240 // times, 320 // times)
    most = 5 if options == {"subsampling": 1} else 1.5  # colour stored half as wide is shrunk square, and lost by half
    assert (small - averaged(decode(data), times)).abs().mean() < most


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_stands_upright_when_shrunk(orientation, times):
    blocks = np.array([[[250, 0, 0], [0, 250, 0], [0, 0, 250]], [[250, 250, 0], [0, 0, 0], [250, 250, 250]]])
    upright = blocks.repeat(64, axis=0).repeat(64, axis=1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))

    small = decode(encode(image, quality=100, subsampling=0, exif=exif.tobytes()), lambda *_: times)

    wanted = torch.from_numpy(upright[::times, ::times]).permute(2, 0, 1)
    assert small.shape == wanted.shape
    assert (small.int() - wanted.int()).abs().max() <= 4


def test_sides_that_do_not_divide_are_rounded_up():
    assert decode(encode(smooth(321, 243)), lambda *_: 4).shape == (3, 61, 81)


@pytest.mark.parametrize("mode", ["L", "CMYK", "MPO"])
def test_unusual_jpegs_are_shrunk_to_the_same_picture(mode):
    image = smooth(320, 240)
    if mode == "MPO":
        data = encode(image, "MPO", quality=95, save_all=True, append_images=[Image.new("RGB", (320, 240))])
    else:
        data = encode(image.convert(mode), quality=95)

    small = decode(data, lambda *_: 4)

    assert small.shape == (3, 60, 80)
    assert (small - averaged(decode(data), 4)).abs().mean() < 1.5


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_other_formats_keep_every_pixel(format):
    data = encode(smooth(320, 240), format)

    assert torch.equal(decode(data, lambda *_: 8), decode(data))


def test_a_jpeg_that_needs_all_its_pixels_comes_out_bit_for_bit():
    data = encode(smooth(320, 240))

    assert torch.equal(decode(data, scaled().shrink), decode(data))
    assert torch.equal(decode(data, scaled(size=32, decode="full").shrink), decode(data))
    assert not torch.equal(scaled(size=32).fit(decode(data, scaled(size=32).shrink)), scaled(size=32).fit(decode(data)))


@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_a_jpeg_cut_off_anywhere_is_refused_when_shrunk(percent):
    data = encode(smooth(320, 240))

    with pytest.raises(UnreadableImage):
        decode(data[: len(data) * percent // 100], lambda *_: 4)


@pytest.fixture
def large(tmp_path):
    """Two classes of JPEGs that 32 pixels need only half of, a camera's turned ones among them, and PNGs."""
    for number, name in enumerate(("ants", "bees")):
        (tmp_path / "large" / name).mkdir(parents=True)
        for index in range(8):
            exif = Image.Exif()
            exif[0x0112] = index + 1
            image = smooth(200 + 7 * index, 160 - 3 * index, seed=10 * number + index)
            image.save(tmp_path / "large" / name / f"{index}.jpg", quality=90, exif=exif.tobytes())
            image.save(tmp_path / "large" / name / f"{index}.png")
    return tmp_path / "large"


def test_every_place_of_pictures_obeys(large, tmp_path):
    with zipfile.ZipFile(tmp_path / "large.zip", "w") as archive:
        for file in large.rglob("*.*"):
            archive.write(file, file.relative_to(large))
    small = scaled(size=32)
    places = {
        "folder": read(large),
        "zip": read(tmp_path / "large.zip"),
        "many": gather([str(large)]),
    }
    shapes = {
        name: [tuple(listing.picture(row, small.shrink).shape) for row in range(len(listing))]
        for name, listing in places.items()
    }

    assert shapes["folder"] == shapes["zip"] == shapes["many"]
    assert shapes["folder"][:4] == [(3, 80, 100), (3, 160, 200), (3, 79, 104), (3, 157, 207)]  # JPEG, PNG, JPEG, PNG
    assert read("digits").picture(3, scaled(size=8).shrink).shape == (1, 8, 8)


def test_memory_disk_and_single_pictures_give_the_same_bits(large):
    listing, small = read(large), scaled(size=32)
    rows = np.arange(len(listing))

    single = torch.stack([fitted(listing, int(row), small) for row in rows])

    assert torch.equal(Pixels(listing, small)[rows], single)
    assert torch.equal(Pixels(listing, small, keep="none")[rows], single)
    assert not torch.equal(Pixels(listing, scaled(size=32, decode="full"))[rows], single)


def test_every_path_gives_the_network_the_same_shrunk_picture(tmp_path, large, monkeypatch):
    with inputs(monkeypatch) as training:
        run = cs.train(large, cs.Recipe(**SETTINGS, decode="scaled"), out=tmp_path / "runs")
    with inputs(monkeypatch) as evaluation:
        cs.evaluate(run.path, large, split="all")
    with inputs(monkeypatch) as prediction:
        cs.predict(run.path, [str(large)])

    everything = pictures_of(prediction)
    assert Bundle.load(run.path).card.preprocess.decode == "scaled"
    assert len(everything) == 32
    assert pictures_of(evaluation) == everything
    assert pictures_of(training, "train") | pictures_of(training) == everything

    with monkeypatch.context() as planted:  # a path that forgot the wish
        planted.setattr(Preprocess, "shrink", lambda *_: 1)
        with inputs(monkeypatch) as forgetful:
            cs.predict(run.path, [str(large)])
    assert len(pictures_of(forgetful) & everything) == 16  # the PNGs


def test_a_model_file_that_says_nothing_decodes_in_full():
    old = json.loads(scaled().model_dump_json(exclude={"decode"}))

    assert Preprocess(**old).decode == "full"
    with pytest.raises(ValueError, match="decode"):
        scaled(decode="half")


def test_twelve_megapixels_move_by_less_than_a_grey_level(shared, tmp_path):
    photo = sorted((shared / "hymenoptera" / "val" / "bees").glob("*.jpg"))[0]
    Image.open(photo).resize((4000, 3000), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=90)
    listing = build(Many({"a": (Folder(tmp_path), "a.jpg")}), [("a", "", "")])

    full, small = (fitted(listing, 0, scaled(decode=decode)) for decode in ("full", "scaled"))

    assert (full.int() - small.int()).abs().float().mean() < 1
    assert (full.int() - small.int()).abs().max() <= 12
