"""One look at a picture, names, and numbers: each rule by a case made by hand."""

import io
import unicodedata

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.data.checks.counts import odd_sizes, too_few, unequal
from convscope.data.checks.look import look_at, read_header
from convscope.data.checks.names import Collision, collisions, unreadable
from convscope.data.checks.quality import quality
from convscope.data.sources import read
from tests.faults import blurred, jpeg, put, scene


def judged(picture):
    return quality(torch.from_numpy(np.atleast_3d(np.array(picture))).permute(2, 0, 1))


def test_a_grey_picture_is_grey_in_one_channel_or_three():
    picture = scene(0)

    assert judged(picture.convert("L")).grey
    assert judged(picture.convert("L").convert("RGB")).grey
    assert not judged(picture).grey


def test_one_red_pixel_in_a_grey_picture_is_a_colour():
    picture = scene(0).convert("L").convert("RGB")
    picture.putpixel((5, 5), (255, 0, 0))

    assert not judged(picture).grey


def test_the_brightest_hundredth_counts_not_the_brightest_pixel():
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[0, :99] = 200  # 99 of 10,000
    assert judged(pixels).brightest == 0
    pixels[1, :3] = 200
    assert judged(pixels).brightest == 200


def test_plain_is_the_share_within_eight_levels_of_the_median():
    pixels = np.full((100, 100, 3), 100, np.uint8)
    pixels[:30] = 108
    pixels[30:50] = 109

    assert judged(pixels).plain == pytest.approx(0.8)


def test_blur_grows_with_the_radius():
    picture = scene(4, (320, 240))
    measured = [judged(blurred(picture, radius)).blur for radius in (0, 2, 4)]

    assert measured == sorted(measured)
    assert measured[0] < 0.5 < measured[2]


def test_a_sharp_object_before_a_soft_background_is_sharp():
    soft = blurred(scene(5, (320, 240)), 8)
    soft.paste(scene(6, (90, 90)), (120, 80))

    assert judged(soft).blur < 0.5


def test_photos_are_neither_blurred_nor_dark_nor_plain_and_blurred_ones_are_blurred(shared):
    listing = read(shared / "hymenoptera")
    photos = [listing.picture(row) for row in range(0, len(listing), 8)]
    out_of_focus = [blurred(Image.fromarray(p.permute(1, 2, 0).numpy()), max(p.shape[1:]) / 64) for p in photos]

    assert max(quality(photo).blur for photo in photos) < 0.5
    assert min(quality(photo).brightest for photo in photos) >= 64
    assert max(quality(photo).plain for photo in photos) < 0.98
    assert np.mean([judged(photo).blur >= 0.5 for photo in out_of_focus]) >= 0.95


def test_a_header_tells_size_upright_and_whether_it_was_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "JPEG", exif=exif)

    header = read_header(file.getvalue())

    assert (header.width, header.height, header.turned, header.moving) == (30, 40, True, False)
    assert not read_header(jpeg(scene(0))).turned


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_frames_are_noticed(form):
    file = io.BytesIO()
    scene(0).save(file, form, save_all=True, append_images=[scene(1)])
    one = io.BytesIO()
    scene(0).save(one, form)

    assert read_header(file.getvalue()).moving
    assert not read_header(one.getvalue()).moving


def test_looking_fills_in_the_hashes_and_names_what_is_broken(tmp_path):
    put(tmp_path / "a/1.jpg", scene(0))
    (tmp_path / "a/2.jpg").write_bytes(jpeg(scene(1))[:900])
    (tmp_path / "b").mkdir()
    (tmp_path / "b/3.png").write_bytes(b"")
    listing = read(tmp_path)

    looks = look_at(listing, threads=2)

    assert [bool(look.reason) for look in looks.each] == [False, True, True]
    assert looks.each[2].reason == "the file is empty"
    assert listing.hashes == tuple(look.sha256 for look in looks.each) == read(tmp_path).hashes
    assert not looks.thumbnails[1:].any()


def test_a_large_jpeg_has_nearly_the_thumbnail_of_its_smaller_self(tmp_path):
    big = scene(7, (2400, 1800))
    put(tmp_path / "a/big.jpg", big, quality=95)
    put(tmp_path / "b/small.png", big.resize((240, 180), Image.Resampling.BOX))

    one, other = look_at(read(tmp_path), threads=1).thumbnails.astype(int)

    assert abs(one - other).mean() < 2


def test_odd_pictures_are_never_fatal(shared, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "all").symlink_to(shared / "odd-images")
    listing = read(folder)

    looks = look_at(listing, threads=2)

    assert len(looks.each) == len(listing) > 200
    assert all(look.quality is not None or look.reason for look in looks.each)
    assert sum(look.quality is not None for look in looks.each) > 100


def test_names_that_differ_by_case_unicode_or_cp949_collide():
    nfd = unicodedata.normalize("NFD", "강아지.jpg")
    files = ["a/Cat.jpg", "a/cat.JPG", "a/강아지.jpg", f"a/{nfd}", "a/x😀.jpg", "a/x😁.jpg", "a/other.jpg"]

    assert collisions(files) == [
        Collision("unicode", tuple(sorted(["a/강아지.jpg", f"a/{nfd}"]))),
        Collision("case", ("a/Cat.jpg", "a/cat.JPG")),
        Collision("cp949", ("a/x😀.jpg", "a/x😁.jpg")),
    ]


def test_folders_collide_too_and_equal_names_in_two_folders_do_not():
    assert collisions(["Cat/1.jpg", "cat/2.jpg", "dog/1.jpg"]) == [Collision("case", ("Cat", "cat"))]


@pytest.mark.parametrize(
    "name",
    ["a/caf\udce9.jpg", "a/é.jpg", "a/😀.jpg", "a/what?.jpg", "a/con.jpg", "nul/1.jpg", "a./1.jpg", "a/b\x01.jpg"],
)
def test_a_name_that_korean_windows_cannot_write(name):
    assert unreadable([name, "고양이/사진 1.jpg", "cat/1-2_(3).jpg"]) == [name]


def test_hangul_in_pieces_can_be_written():
    assert unreadable([unicodedata.normalize("NFD", "고양이/사진.jpg")]) == []


def test_sizes_are_odd_by_the_median():
    sizes = [(100, 80)] * 9 + [(3024, 3024), (25, 20), (10, 300), (0, 0)]

    assert odd_sizes(sizes) == ([10, 11], [9])
    assert odd_sizes([(8, 8)] * 20) == ([], [])
    assert odd_sizes([(0, 0)]) == ([], [])


def test_classes_are_unequal_from_three_to_one():
    assert unequal({"a": 30, "b": 10}) == ("b", "a")
    assert unequal({"a": 29, "b": 10}) is None
    assert unequal({"a": 29, "b": 0}) is None


def test_too_few_for_the_split_counts_different_pictures():
    labels = ["a"] * 3 + ["b"] * 3
    assert too_few(labels, ["1", "1", "2", "4", "5", "6"], [""] * 6) == {"a": "split", "b": "few"}
    assert too_few(labels, ["1", "1", "2", "4", "5", "6"], [""] * 6, test_share=0) == {"a": "few", "b": "few"}


def test_a_class_that_a_given_part_lacks_is_named():
    labels = ["a", "b"] * 20 + ["a"]
    parts = ["train"] * 40 + ["val"]

    assert too_few(labels, [str(row) for row in range(41)], parts) == {"b": "part"}
