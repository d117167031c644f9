"""Pictures of every kind come out as uint8 RGB, upright; anything else is UnreadableImage."""

import io
import struct
import zlib
from time import perf_counter

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from convscope.data.decode import decode, is_grey, thumbnail
from convscope.errors import UnreadableImage

EXACT = [("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {}), ("TIFF", {}), ("PPM", {})]
EXACT += [("TIFF", {"compression": name}) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits")]


def noise(height=12, width=18, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def encode(picture, format, **options):
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixels(data):
    return decode(data).permute(1, 2, 0).numpy()


def gap(data, expected):
    return np.abs(pixels(data).astype(int) - np.asarray(expected).astype(int)).max()


@pytest.mark.parametrize(("format", "options"), EXACT, ids=str)
def test_a_lossless_format_gives_back_every_byte(format, options):
    picture = noise()

    assert (pixels(encode(picture, format, **options)) == picture).all()


def test_a_gif_gives_the_colours_of_its_palette():
    image = Image.fromarray(noise()).quantize(16)

    assert (pixels(encode(image, "GIF")) == np.array(image.convert("RGB"))).all()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}], ids=str)
def test_a_jpeg_is_pillows_picture(options):
    data = encode(Image.fromarray(noise()).resize((64, 48)), "JPEG", **options)

    assert gap(data, Image.open(io.BytesIO(data))) <= 1


def test_a_grey_jpeg_has_three_equal_channels():
    picture = decode(encode(Image.new("L", (9, 8), 77), "JPEG"))

    assert picture.shape == (3, 8, 9)
    assert picture.unique().tolist() == [77]


def test_a_cmyk_jpeg_is_pillows_picture():
    data = encode(Image.fromarray(noise()).convert("CMYK"), "JPEG", quality=95, subsampling=0)

    assert gap(data, Image.open(io.BytesIO(data)).convert("RGB")) <= 2


def test_a_cameras_jpeg_with_a_second_picture_behind_gives_the_first():
    first, second = Image.new("RGB", (16, 8), (200, 0, 0)), Image.new("RGB", (16, 8), (0, 0, 200))

    assert gap(encode(first, "MPO", save_all=True, append_images=[second]), first) <= 2


def test_grey_with_transparency_keeps_the_grey_and_drops_the_rest():
    data = encode(np.array([[[10, 0], [200, 255]]], dtype=np.uint8), "PNG")

    assert pixels(data).tolist() == [[[10] * 3, [200] * 3]]


def test_colour_under_full_transparency_stays():
    data = encode(np.array([[[1, 2, 3, 0], [4, 5, 6, 128]]], dtype=np.uint8), "PNG")

    assert pixels(data).tolist() == [[[1, 2, 3], [4, 5, 6]]]


def test_a_palette_with_transparency_in_bytes_gives_its_colours():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)

    data = encode(image, "PNG", transparency=bytes([0, 128]))

    assert pixels(data).tolist() == [[[10, 20, 30], [40, 50, 60]]]


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_one_bit_is_black_or_white(format):
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)

    assert pixels(encode(image, format)).tolist() == [[[0] * 3, [255] * 3]]


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_keeps_its_upper_eight_bits(format):
    data = encode(np.array([[0x0000, 0x12FF, 0x8000, 0xFFFF]], dtype=np.uint16), format)

    assert pixels(data)[0, :, 0].tolist() == [0x00, 0x12, 0x80, 0xFF]


def test_thirty_two_bit_samples_are_refused_in_words():
    with pytest.raises(UnreadableImage, match="no agreed white"):
        decode(encode(np.zeros((4, 4), dtype=np.float32), "TIFF"))


@pytest.mark.parametrize(("format", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})])
def test_an_animation_gives_its_first_frame(format, options):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]

    data = encode(frames[0], format, save_all=True, append_images=frames[1:], **options)

    assert (pixels(data) == (255, 0, 0)).all()


# What a camera stores when the picture has to be turned by the orientation to stand upright (EXIF 2.3, tag 0x0112)
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: upright.transpose(1, 0, 2)[::-1],
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: upright.transpose(1, 0, 2)[:, ::-1],
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_stands_upright(format, orientation):
    blocks = np.array([[[250, 0, 0], [0, 250, 0], [0, 0, 250]], [[250, 250, 0], [0, 0, 0], [250, 250, 250]]])
    upright = blocks.repeat(16, axis=0).repeat(16, axis=1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(format, {})

    data = encode(np.ascontiguousarray(STORED[orientation](upright)), format, exif=exif.tobytes(), **options)

    assert gap(data, upright) <= 4


@pytest.mark.parametrize("shape", ["Landscape", "Portrait"])
def test_real_photos_of_every_orientation_are_one_picture(shared, shape):
    folder = shared / "odd-images" / "exif-orientation"
    upright, *others = [decode((folder / f"{shape}_{number}.jpg").read_bytes()).float() for number in range(9)]

    assert {tuple(other.shape) for other in others} == {tuple(upright.shape)}
    assert max((other - upright).abs().mean().item() for other in others) < 6  # each was compressed anew


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_a_file_cut_off_anywhere_is_refused(format):
    data = encode(noise(40, 40), format)

    for percent in range(0, 100, 5):
        with pytest.raises(UnreadableImage):
            decode(data[: len(data) * percent // 100])


@pytest.mark.parametrize("share", range(5, 100, 5))
def test_a_real_photo_cut_off_anywhere_is_refused(shared, share):
    data = next((shared / "hymenoptera" / "val" / "ants").glob("*.jpg")).read_bytes()

    with pytest.raises(UnreadableImage, match=r"damaged or cut off|not a picture"):
        decode(data[: len(data) * share // 100])


NOT_PICTURES = {
    "nothing": b"",
    "text": b"just some words\n" * 50,
    "html": b"<!DOCTYPE html><html><body>404 not found</body></html>",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><rect width="4" height="4"/></svg>',
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
    "psd": b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 4, 4, 8, 3) + bytes(200),
    "fits": b"SIMPLE  =                    T".ljust(80) + b"BITPIX  =                    8".ljust(80) + bytes(2720),
    "zip": b"PK\x03\x04" + bytes(60),
    "jpeg marks only": b"\xff\xd8\xff\xd9",
}


@pytest.mark.parametrize("kind", NOT_PICTURES)
def test_what_is_not_a_picture_is_refused(kind):
    with pytest.raises(UnreadableImage):
        decode(NOT_PICTURES[kind])


def bomb(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(65_535, 65_535), (9_000, 9_000), (12_000, 12_000), (70_000, 8)])
def test_a_bomb_is_refused_quickly_and_in_little_memory(width, height):
    before, start = psutil.Process().memory_info().rss, perf_counter()

    with pytest.raises(UnreadableImage, match="pixels"):
        decode(bomb(width, height))

    assert perf_counter() - start < 1  # nothing was unpacked: two orders of magnitude of room
    assert psutil.Process().memory_info().rss - before < 50e6


def test_a_file_beyond_the_byte_limit_is_refused_unread(monkeypatch):
    monkeypatch.setattr("convscope.data.decode.MAX_BYTES", 100)

    with pytest.raises(UnreadableImage, match="too large"):
        decode(encode(noise(), "BMP"))


def test_a_planted_error_of_a_decoder_is_this_files_fault(monkeypatch):
    def fail(_):
        raise KeyError("planted")

    monkeypatch.setattr("convscope.data.decode._decode_other", fail)

    with pytest.raises(UnreadableImage, match="planted"):
        decode(encode(noise(), "PNG"))


@pytest.mark.parametrize(("mode", "grey"), [("L", True), ("1", True), ("LA", True), ("RGB", False), ("P", False)])
def test_grey_is_read_from_the_header(mode, grey):
    assert is_grey(encode(Image.new(mode, (3, 3)), "PNG")) is grey
    assert is_grey(encode(Image.new(mode, (3, 3)), "PNG")[:20]) is False


@pytest.mark.parametrize(("size", "expected"), [((400, 100), (160, 40)), ((8, 8), (160, 160)), ((100, 50), (100, 50))])
def test_a_thumbnail_has_the_longer_side_asked_for(size, expected):
    picture = torch.zeros(1, size[1], size[0], dtype=torch.uint8)

    assert Image.open(io.BytesIO(thumbnail(picture, 160))).size == expected
