"""Where each look cuts, by hand and by torchvision; that probabilities are averaged; that pictures are read once."""

from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as theirs

import convscope as cs
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.data.sources import read
from convscope.errors import ConvscopeError
from convscope.evaluation.viewed import Viewed, seen
from convscope.evaluation.views import COUNTS, looks, own, shrink, whole
from convscope.inference.engine import Engine
from convscope.words import Listener
from tests.conftest import make_photos
from tests.untrained import untrained

SEVERAL = ("flip", "ten-crop", "144-crop", "multi-scale")
SIZES = [(256, 256), (500, 375), (101, 257), (33, 32), (8, 300), (1, 1)]


def preprocess(size=224, **changes):
    return Preprocess(size=size, mean=(0.5,) * 3, spread=(0.5,) * 3, **{"share": 0.875} | changes)


def noise(width, height, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (3, height, width), np.uint8))


def alike(ours, others):
    """The same looks in any order: torchvision takes the corners of the mirrored picture."""
    return sorted(look.numpy().tobytes() for look in ours) == sorted(look.numpy().tobytes() for look in others)


@pytest.mark.parametrize(
    ("size", "share", "side", "offsets"),
    [
        (224, 0.875, 256, [(0, 0), (0, 32), (32, 0), (32, 32), (16, 16)]),
        (112, 0.875, 128, [(0, 0), (0, 16), (16, 0), (16, 16), (8, 8)]),
        (28, 1.0, 32, [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]),  # 7/8 of a square that is used to its edges
        (240, 0.8, 300, [(0, 0), (0, 60), (60, 0), (60, 60), (30, 30)]),  # the model's own share
    ],
)
def test_the_ten_crops_lie_where_alexnets_do(size, share, side, offsets):
    found = looks(preprocess(size, share=share), "ten-crop", side, side)

    assert [look.box for look in found] == [(top, left, size, size) for top, left in offsets] * 2
    assert [look.flip for look in found] == [False] * 5 + [True] * 5


def test_the_ten_crops_are_torchvisions_bit_for_bit():
    picture = noise(256, 256)

    pixels, counts = seen(preprocess(), "ten-crop", picture)

    assert alike(pixels, theirs.ten_crop(picture, [224, 224]))
    assert counts.tolist() == [1] * 10


def test_ten_crops_of_a_long_picture_are_those_of_its_central_square():
    picture = noise(400, 256)

    pixels, _ = seen(preprocess(), "ten-crop", picture)

    assert alike(pixels, theirs.ten_crop(theirs.center_crop(picture, [256, 256]), [224, 224]))


def test_the_144_crops_are_googlenets():
    """Section 7 of the paper, on a picture whose shorter side all four scales divide: 7/8, 7/9, 7/10, 7/11 of it."""
    side, longer, expected = 3960, 5000, []
    for crop, left, flip in product((3465, 3080, 2772, 2520), (0, 520, 1040), (False, True)):
        room = side - crop
        corners = [(0, 0), (0, room), (room, 0), (room, room), (room // 2, room // 2)]
        expected += [((top, left + right, crop, crop), flip) for top, right in corners]
        expected.append(((0, left, side, side), flip))

    for width, height, turn in ((longer, side, False), (side, longer, True)):
        found = looks(preprocess(), "144-crop", width, height)
        wanted = [((b[1], b[0], b[3], b[2]) if turn else b, flip) for b, flip in expected]
        assert sum(found.values()) == len(wanted) == 144
        # the whole square is the same at each of the four scales: looked at once, counted four times
        assert {tuple(look): count for look, count in found.items()} == {look: wanted.count(look) for look in wanted}


def test_the_three_sizes_are_vggs():
    found = looks(preprocess(), "multi-scale", 256, 256)

    # 224 pixels of a picture whose shorter side is 224, 256, 288: of 256 pixels, 256, 224 and 224 * 256/288 = 199.1
    assert [look.box for look in found] == [(0, 0, 256, 256), (16, 16, 224, 224), (28, 28, 199, 199)]


@pytest.mark.parametrize(("resize", "share"), [("crop", 0.875), ("crop", 1.0), ("squash", 1.0), ("pad", 1.0)])
@pytest.mark.parametrize("views", SEVERAL)
def test_every_policy_has_looks_of_every_picture(resize, share, views):
    mine = preprocess(16, resize=resize, share=share, fill=7)
    for number, (width, height) in enumerate(SIZES):
        picture = noise(width, height, number)

        pixels, counts = seen(mine, views, picture)

        assert (pixels.shape[1:], pixels.dtype, counts.sum()) == ((3, 16, 16), torch.uint8, COUNTS[views])
        if views == "flip":
            assert torch.equal(pixels, torch.stack([mine.fit(picture), mine.fit(picture).flip(-1)]))
        if share < 1:  # the model's own look is among them
            assert any(torch.equal(mine.fit(picture), look) for look in pixels), (width, height)


def test_looks_of_a_padded_picture_are_cut_from_the_padded_square():
    mine, picture = preprocess(28, resize="pad", share=1.0, fill=9), noise(32, 16)
    square = torch.full((3, 32, 32), 9, dtype=torch.uint8)
    square[:, 8:24] = picture

    pixels, _ = seen(mine, "ten-crop", picture)

    assert alike(pixels, theirs.ten_crop(square, [28, 28]))


def test_looks_of_a_squashed_picture_keep_its_shape():
    assert [look.box for look in looks(preprocess(28, resize="squash"), "ten-crop", 64, 32)][:5] == [
        (0, 0, 28, 56), (0, 8, 28, 56), (4, 0, 28, 56), (4, 8, 28, 56), (2, 4, 28, 56),
    ]  # fmt: skip


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
def test_a_jpeg_is_decoded_no_smaller_than_its_smallest_look_needs(resize):
    mine = preprocess(32, resize=resize, decode="scaled")
    for views, (width, height) in product((*SEVERAL, "dense"), [(900, 700), (520, 520), (100, 4000), (64, 64)]):
        times = shrink(mine, views, width, height)
        smaller = -(-width // times), -(-height // times)
        if views == "dense":
            box, tall, wide = whole(mine, *smaller)
            assert times == 1 or (box[2] >= 2 * tall and box[3] >= 2 * wide)
        else:
            assert times == 1 or all(min(look.box[2:]) >= 64 for look in looks(mine, views, *smaller))
    assert shrink(mine, "centre", 900, 700) == mine.shrink(900, 700) == 8
    assert shrink(mine.model_copy(update={"decode": "full"}), "flip", 900, 700) == 1


class Scripted:
    """Runs batches, and scores looks as it was told, whatever they show; remembers how many came at a time."""

    precision = "f32"
    readers = 2

    def __init__(self, scores, batch):
        self.scores, self.batch, self.batches = list(scores), batch, []

    @property
    def compiled(self):
        return self

    def run(self, batches):
        for pixels in batches:
            self.batches.append(len(pixels))
            taken, self.scores = self.scores[: len(pixels)], self.scores[len(pixels) :]
            yield np.array(taken, np.float32)

    def score(self, entering):
        return torch.softmax(torch.from_numpy(entering).double(), dim=1).float().numpy()


def test_probabilities_are_averaged_not_scores(photos):
    """One look is very sure of the first class, two are fairly sure of the second: the means of the two disagree."""
    scores = [(20.0, 0.0), (0.0, 3.0), (0.0, 3.0)]
    engine = Scripted(scores, batch=2)

    (values,) = Viewed(engine, preprocess(16), "multi-scale").answer(read(str(photos)).take([0]))

    sure = 1 / (1 + np.exp(3))
    assert values.values == pytest.approx(np.array([[(1 + 2 * sure) / 3, 2 * (1 - sure) / 3]]), abs=1e-6)
    assert (values.values.argmax(), np.mean(scores, axis=0).argmax()) == (1, 0)


def test_looks_that_coincide_count_as_often_as_the_protocol_says(photos):
    """A square picture's three squares are one: 5 crops at 4 scales 3 times each, the whole one 12 times, mirrored."""
    square = noise(32, 32)
    Image.fromarray(square.permute(1, 2, 0).numpy()).save(photos / "red" / "000.png")
    listing = read(str(photos))
    row = listing.files.index("red/000.png")
    _, counts = seen(preprocess(16), "144-crop", square)
    sure = [(9.0, 0.0) if count == 12 else (0.0, 9.0) for count in counts]

    (values,) = Viewed(Scripted(sure, batch=50), preprocess(16), "144-crop").answer(listing.take([row]))

    assert sorted(counts.tolist()) == [3] * 40 + [12] * 2
    p = 1 / (1 + np.exp(-9))
    assert values.values[0, 0] == pytest.approx((24 * p + 120 * (1 - p)) / 144, abs=1e-6)


@pytest.mark.parametrize(
    ("views", "batch"),
    [("flip", 1), ("flip", 7), ("ten-crop", 7), ("ten-crop", 32), ("144-crop", 32), ("multi-scale", 2)],
)
def test_answers_are_the_means_of_what_each_look_says_by_itself(photos, views, batch):
    (photos / "green" / "000.png").write_bytes(b"broken")
    listing = read(str(photos)).take([0, 1, 12, 13, 30])  # the third one is broken
    bundle = untrained("course_cnn", 32, share=0.9, temperature=1.5)
    engine = Engine(bundle)
    engine.batch = batch

    found = list(Viewed(engine, bundle.card.preprocess, views).answer(listing))

    assert [file for some in found for file in some.listing.files] == [*listing.files[:2], *listing.files[3:]]
    assert [fault.file for some in found for fault in some.broken] == ["green/000.png"]
    for file, answer in zip([0, 1, 3, 4], np.concatenate([some.values for some in found]), strict=True):
        pixels, counts = seen(bundle.card.preprocess, views, listing.picture(file))
        alone = np.repeat(Engine(bundle).probabilities(pixels), counts.astype(int), axis=0)
        assert answer == pytest.approx(alone.astype(np.float64).mean(axis=0), abs=1e-6)
        assert answer.sum() == pytest.approx(1, abs=1e-6)


def test_each_picture_is_decoded_once_and_few_are_held(photos, monkeypatch):
    decoded = []
    picture = Listing.picture
    monkeypatch.setattr(Listing, "picture", lambda self, row, *a: decoded.append(row) or picture(self, row, *a))
    bundle = untrained()
    listing = read(str(photos))
    engine = Engine(bundle)
    engine.batch = engine.readers = 2

    answers = Viewed(engine, bundle.card.preprocess, "ten-crop").answer(listing)
    next(answers)
    held = len(decoded)
    for _ in answers:
        pass

    assert sorted(decoded) == list(range(36))
    assert held <= 8  # that one, what waits to be asked for, and what the readers are at


def test_progress_counts_pictures(photos):
    heard = []

    class Ear(Listener):
        def progress(self, stage, done, total):
            heard.append((stage, done, total))

    for _ in Viewed(Engine(untrained()), untrained().card.preprocess, "ten-crop").answer(read(str(photos)), Ear()):
        pass

    assert heard[-1] == ("answer", 36, 36)
    assert [done for _, done, _ in heard] == sorted({done for _, done, _ in heard})


@pytest.mark.parametrize("views", COUNTS)
def test_a_report_says_how_pictures_were_looked_at(photos, views):
    report = cs.evaluate(untrained(), photos, views=views)

    assert (report.views, report.n) == (views, 36)
    assert report.seconds_per_image > 0


def test_arrays_of_grey_digits_have_views_too():
    bundle = untrained("lenet5_modern", 28, classes=tuple("0123456789"), channels=1)

    assert cs.evaluate(bundle, "digits", views="ten-crop").n == 360


def test_other_views_are_refused_with_what_there_is(photos):
    with pytest.raises(ConvscopeError, match="--views eleven: allowed: centre, flip, ten-crop, 144-crop, multi-scale"):
        cs.evaluate(untrained(), photos, views="eleven")


def test_only_broken_pictures_are_one_clear_error(tmp_path):
    make_photos(tmp_path, count=1)
    for file in tmp_path.rglob("*.png"):
        file.write_bytes(b"broken")

    with pytest.raises(ConvscopeError, match="not one of 3 pictures can be read"):
        cs.evaluate(untrained(), tmp_path, views="ten-crop")


def test_a_picture_that_is_padded_is_its_own_square():
    assert own(preprocess(resize="pad"), 5, 4) == (-1, 0, 5, 5)
    assert own(preprocess(resize="squash"), 5, 4) == (0, 0, 4, 5)
