"""Augmentation: boxes read back from coordinate ramps, the same draws whatever the batch, the paper's distribution."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, ks_2samp
from torchvision.transforms import RandomResizedCrop

from convscope.data.augment import Augmented, Plan, draw_box, roomy
from convscope.data.batches import Pixels
from convscope.data.listing import build
from convscope.data.preprocess import Preprocess
from convscope.data.resize import resized
from convscope.data.sources import read
from convscope.data.stores import Arrays
from tests.conftest import make_photos

NETWORK = Preprocess(size=56, share=0.875, mean=(0.1, 0.2, 0.3), spread=(0.4, 0.5, 0.6))
AREA = Plan(crop="area", flip=True)
ROOM = roomy(NETWORK, AREA)
GREY = Preprocess(size=56, channels=1, mean=(0.5,), spread=(0.5,))


def ramps(count, side=ROOM.size, channels=3, preprocess=ROOM):
    """Pictures that are all one: red says the column, green the row, twice over, blue nothing."""
    line = 2 * torch.arange(side, dtype=torch.uint8)
    picture = torch.stack([line.expand(side, side), line[:, None].expand(side, side), torch.full((side, side), 7)])
    store = Arrays(Path("ramps"), {"train": picture[:channels].to(torch.uint8).expand(count, -1, -1, -1)})
    entries = [(name, str(row % 3), "train") for row, name in enumerate(store.names)]
    return Pixels(build(store, entries, title="ramps"), preprocess)


def read_back(line):
    """Where the line of a ramp that was cut and resized began, and how long it was, in pixels; length < 0: mirrored.

    A resize puts the middle of output pixel j over the input's coordinate start + (j + 1/2) · length / size - 1/2.
    """
    inner = line[8:-8].double().numpy() / 2  # the ends lack neighbours to be mixed with
    slope, first = np.polyfit(np.arange(8, len(line) - 8) + 0.5, inner, 1)
    length = slope * len(line)
    return first + 0.5 + min(length, 0), length


def test_every_cut_is_a_box_of_the_picture_and_half_of_them_are_mirrored():
    pixels = ramps(1000)
    pictures = Augmented(pixels, 56, 1, AREA).epoch(1)[np.arange(1000)]

    found = []
    for picture in pictures:
        left, width = read_back(picture[0].float().mean(dim=0))
        top, height = read_back(picture[1].float().mean(dim=1))
        found.append((top, left, height, abs(width), width < 0))
        assert height > 0  # nothing stands on its head
        assert (picture[2] == 7).all()
    top, left, height, width, mirrored = np.array(found).T

    side = ROOM.size
    assert min(top.min(), left.min()) > -0.6
    assert max((top + height).max(), (left + width).max()) < side + 0.6
    area, aspect = height * width / side**2, width / height
    assert 0.33 < area.min() < 0.4 and 0.9 < area.max() < 1.02
    assert 0.72 < aspect.min() < 0.8 and 1.25 < aspect.max() < 1.38
    assert left.max() > 10 and top.max() > 10
    assert binomtest(int(mirrored.sum()), 1000).pvalue > 1e-3


def test_the_box_that_was_drawn_is_the_one_that_was_cut():
    pixels = ramps(20)
    pictures = Augmented(pixels, 56, 5, AREA).epoch(3)[np.arange(20)]

    for row, picture in enumerate(pictures):
        top, left, tall, wide = draw_box(np.random.default_rng([5, 3, row]), 64, 64, (0.35, 1.0))
        seen_left, seen_width = read_back(picture[0].float().mean(dim=0))
        seen_top, seen_height = read_back(picture[1].float().mean(dim=1))
        assert (seen_top, seen_left) == pytest.approx((top, left), abs=0.7)
        assert (seen_height, abs(seen_width)) == pytest.approx((tall, wide), abs=0.7)


@pytest.mark.parametrize(("height", "width"), [(256, 256), (120, 200), (300, 60)])
def test_boxes_are_drawn_as_torchvision_draws_them(height, width):
    torch.manual_seed(0)
    areas, picture = (0.35, 1.0), torch.empty(3, height, width)
    theirs = np.array([RandomResizedCrop.get_params(picture, areas, (3 / 4, 4 / 3)) for _ in range(4000)])

    def ours(areas):
        return np.array([draw_box(np.random.default_rng([7, row]), height, width, areas) for row in range(4000)])

    boxes = ours(areas)

    for figure in range(4):  # top, left, height, width
        assert ks_2samp(boxes[:, figure], theirs[:, figure]).pvalue > 1e-3
    assert ks_2samp(boxes[:, 3] / boxes[:, 2], theirs[:, 3] / theirs[:, 2]).pvalue > 1e-3
    if height == width:  # the comparison would notice
        other = ours((0.3, 1.0))
        assert ks_2samp(other[:, 2] * other[:, 3], theirs[:, 2] * theirs[:, 3]).pvalue < 1e-3


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [(10, 1000, (0, 493, 10, 13)), (1000, 10, (493, 0, 13, 10)), (90, 100, (0, 0, 90, 100))],
)
def test_where_no_draw_fits_the_largest_central_box_is_taken(height, width, box):
    assert draw_box(np.random.default_rng(0), height, width, (1.0, 1.0)) == box


def same_whatever_the_batch(augmented, epoch=2):
    """Whether a picture of an epoch is one and the same in any company."""
    count = len(augmented)
    alone = torch.cat([augmented.epoch(epoch)[np.array([row])] for row in range(count)])
    for seed, size in ((0, 1), (1, 4), (2, 7), (3, 100)):
        order = np.random.default_rng(seed).permutation(count)
        for rows, pictures in augmented.epoch(epoch).batches(order, size):
            if not torch.equal(pictures, alone[rows]):
                return False
    return True


def test_a_picture_is_the_same_whatever_the_batch_and_order():
    assert same_whatever_the_batch(Augmented(ramps(15), 56, 3, AREA))


def test_a_planted_draw_that_depends_on_the_order_is_noticed(monkeypatch):
    running = np.random.default_rng(0)
    monkeypatch.setattr("convscope.data.augment.epochs.np.random.default_rng", lambda *_: running)

    assert not same_whatever_the_batch(Augmented(ramps(15), 56, 3, AREA))


def test_another_epoch_seed_or_row_is_another_picture():
    rows = np.arange(12)
    first = Augmented(ramps(12), 56, 3, AREA).epoch(1)[rows]

    assert torch.equal(Augmented(ramps(12), 56, 3, AREA).epoch(1)[rows], first)
    assert not any(map(torch.equal, Augmented(ramps(12), 56, 3, AREA).epoch(2)[rows], first))
    assert not any(map(torch.equal, Augmented(ramps(12), 56, 4, AREA).epoch(1)[rows], first))
    assert len({picture.numpy().tobytes() for picture in first}) == 12


def test_a_smaller_side_shows_the_same_part():
    """Cut by hand from the same draws: only the last resizing differs."""
    pixels, rows = ramps(6), np.arange(6)
    small = Augmented(pixels, 56, 3, AREA).epoch(1, 0.5)

    assert small[rows].shape[-1] == small.preprocess.size == 28
    for row in rows:
        rng = np.random.default_rng([3, 1, int(row)])
        picture = pixels[np.array([row])][0]
        top, left, tall, wide = draw_box(rng, *picture.shape[-2:], (AREA.area_from, 1.0))
        part = resized(picture[:, top : top + tall, left : left + wide], 28, 28, "bilinear")
        assert torch.equal(small[np.array([row])][0], part.flip(-1) if AREA.flip and rng.random() < 0.5 else part)


def test_a_whole_box_is_the_picture_or_its_mirror():
    pixels = ramps(40)
    augmented = Augmented(pixels, 56, 0, Plan(crop="area", area_from=1.0, flip=True))
    whole = NETWORK.model_copy(update={"share": 1.0}).fit(pixels[np.array([0])][0])

    kinds = [
        next(kind for kind, other in (("as it is", whole), ("mirrored", whole.flip(-1))) if torch.equal(picture, other))
        for picture in augmented.epoch(1)[np.arange(40)]
    ]

    assert {"as it is", "mirrored"} == set(kinds)


@pytest.mark.parametrize("keep", ["memory", "disk", "none"])
@pytest.mark.parametrize(
    "options", [{}, {"resize": "squash"}, {"resize": "pad", "fill": 9}, {"interpolation": "bicubic"}]
)
def test_files_are_cut_the_same_from_memory_and_from_disk(tmp_path, options, keep):
    listing = read(make_photos(tmp_path / "photos", count=3))
    network = NETWORK.model_copy(update=options)
    room = roomy(network, AREA)
    rows = np.array([8, 2, 5])

    pictures = Augmented(Pixels(listing, room, keep=keep), 56, 2, AREA).epoch(1)[rows]

    for row, picture in zip(rows, pictures, strict=True):  # the recipe in its own words
        rng = np.random.default_rng([2, 1, row])
        top, left, tall, wide = draw_box(rng, 64, 64, (0.35, 1.0))
        part = room.fit(listing.picture(int(row)))[:, top : top + tall, left : left + wide]
        squash = network.model_copy(update={"resize": "squash"})
        expected = squash.fit(part)
        assert torch.equal(picture, expected.flip(-1) if rng.random() < 0.5 else expected)


def test_an_epoch_is_what_the_loop_needs():
    pixels = ramps(9)
    augmented = Augmented(pixels, 56, 0, AREA)
    epoch = augmented.epoch(1)

    sizes = [len(pictures) for _, pictures in epoch.batches(np.arange(9), 4)]

    assert sizes == [4, 5]  # a last batch of one joins the one before it
    assert list(epoch.batches(np.arange(0), 4)) == []
    assert len(augmented) == len(epoch) == 9
    assert epoch.listing is pixels.listing
    assert epoch.preprocess.size == 56
    pictures = epoch[np.arange(3)]
    assert pictures.dtype == torch.uint8 and pictures.shape == (3, 3, 56, 56)
    assert torch.equal(epoch.preprocess.scale(pictures), NETWORK.scale(pictures))


def test_grey_pictures_stay_grey():
    pixels = ramps(30, channels=1, preprocess=roomy(GREY, AREA))

    pictures = Augmented(pixels, 56, 0, AREA).epoch(1)[np.arange(30)]

    assert pictures.shape == (30, 1, 56, 56)
    lengths = [abs(read_back(picture[0].float().mean(dim=0))[1]) for picture in pictures]
    assert 0.35 * 64 < min(lengths) < max(lengths) < 64.6


@pytest.mark.parametrize(
    ("options", "size"), [({}, 64), ({"size": 224}, 256), ({"size": 8}, 9), ({"resize": "pad", "share": 0.5}, 64)]
)
def test_room_is_the_whole_picture_a_seventh_larger(options, size):
    network = NETWORK.model_copy(update=options)

    assert roomy(network, AREA) == network.model_copy(update={"size": size, "share": 1.0})
