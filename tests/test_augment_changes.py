"""What becomes of a picture, change by change: hand calculation, and torchvision with the same numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, chisquare, ks_2samp
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from convscope.data.augment import Augmented, Plan, colour, crops, erasing, policies, roomy
from convscope.data.batches import Pixels
from convscope.data.listing import build
from convscope.data.preprocess import Preprocess
from convscope.data.resize import resized
from convscope.data.sources import read
from convscope.data.stores import Arrays
from convscope.training.settings import PictureSettings
from tests.conftest import make_photos

EVERYTHING = Plan(crop="area", flip=True, colour="jitter", policy="rand", erase=0.5)
PLANS = {
    "shift": Plan(crop="shift"),
    "area": Plan(crop="area"),
    "jitter": Plan(crop="jitter"),
    "flip": Plan(flip=True),
    "pca": Plan(colour="pca"),
    "colours": Plan(colour="jitter"),
    "rand": Plan(policy="rand"),
    "trivial": Plan(policy="trivial"),
    "erase": Plan(erase=1.0),
    "everything": EVERYTHING,
}


def noise(channels=3, height=40, width=40, seed=0):
    """A picture with many levels, a few of them rare, and a bright corner."""
    picture = np.random.default_rng(seed).normal(110, 45, (channels, height, width)).clip(0, 240)
    picture[:, :9, :7] += 15
    return torch.from_numpy(picture.astype(np.uint8))


def pixels(count=12, channels=3, side=32, **options):
    store = Arrays(Path("noise"), {"train": torch.stack([noise(channels, side, side, seed) for seed in range(count)])})
    listing = build(store, [(name, str(row % 3), "train") for row, name in enumerate(store.names)], title="noise")
    preprocess = Preprocess(size=side, channels=channels, mean=(0.25, 0.5, 0.75)[:channels], spread=(0.5,) * channels)
    return Pixels(listing, preprocess, **options)


def dice(number=0):
    return np.random.default_rng(number)


def test_a_plan_has_the_fields_and_defaults_of_a_recipe():
    theirs = {name: field.default for name, field in PictureSettings.model_fields.items()}

    assert theirs == vars(Plan()) | {"augment": True, "grow_from": 1.0, "mixup": 0.0, "cutmix": 0.0}


@pytest.mark.parametrize("channels", [1, 3])
def test_a_plan_that_does_nothing_changes_no_byte(channels):
    some = pixels(channels=channels)

    assert torch.equal(Augmented(some, 32, 0, Plan()).epoch(3)[np.arange(12)], some[np.arange(12)])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", PLANS)
def test_the_same_bytes_whatever_the_workers_and_where_pictures_are_kept(tmp_path, name, channels):
    listing, plan = read(make_photos(tmp_path / "photos", count=4)), PLANS[name]
    network = Preprocess(size=32, channels=channels, mean=(0.5,) * channels, spread=(0.5,) * channels)
    room, order = roomy(network, plan), np.random.default_rng(1).permutation(12)

    def epoch(workers, keep, size=5):
        source = Augmented(Pixels(listing, room, keep=keep, workers=workers), 32, 7, plan).epoch(2)
        rows, pictures = zip(*source.batches(order, size), strict=True)
        assert np.array_equal(np.concatenate(rows), order)
        return torch.cat(pictures)

    first = epoch(0, "none")

    assert first.shape == (12, channels, 32, 32) and first.dtype == torch.uint8
    for workers, keep in ((0, "memory"), (1, "memory"), (2, "none"), (2, "disk"), (4, "memory")):
        assert torch.equal(epoch(workers, keep), first), (workers, keep)
    assert torch.equal(epoch(4, "memory", size=1), first)


def test_a_planted_draw_that_workers_share_is_noticed(monkeypatch):
    shared = dice()
    monkeypatch.setattr("convscope.data.augment.epochs.np.random.default_rng", lambda *_: shared)
    source = Augmented(pixels(workers=2), 32, 7, EVERYTHING)

    runs = [torch.cat([some for _, some in source.epoch(1).batches(np.arange(12), 4)]) for _ in range(2)]

    assert not torch.equal(*runs)


def test_one_and_two_threads_of_torch_give_the_same_bytes():
    photo = noise(3, 400, 300)

    def all_of_them():
        return [policies.operated(photo, name, 0.37) for name in policies.STRENGTHS["rand"]] + [
            crops.cropped(photo, plan, 224, "bilinear", dice(3)) for plan in PLANS.values()
        ]

    torch.set_num_threads(1)
    one = all_of_them()
    torch.set_num_threads(2)

    assert all(map(torch.equal, one, all_of_them()))


def test_every_shift_of_an_eighth_comes_as_often_and_is_torchvisions_padded_crop():
    picture = noise(3, 32, 32)
    padded = functional.pad(picture, [4, 4, 4, 4])
    possible = {
        padded[:, top : top + 32, left : left + 32].numpy().tobytes(): 0 for top in range(9) for left in range(9)
    }
    assert len(possible) == 81

    for number in range(4050):
        possible[crops.shifted(picture, dice(number)).numpy().tobytes()] += 1  # another one would be a KeyError

    assert chisquare(list(possible.values())).pvalue > 1e-3


def test_jitter_scales_the_shorter_side_from_256_to_512_and_cuts_a_square_anywhere():
    boxes = np.array([crops.draw_square(dice(number), 512, 512, 224, 2.0) for number in range(4000)])
    top, left, tall, wide = boxes.T

    assert (tall == wide).all()
    scales = np.arange(256, 513)  # a square of 224 out of S is one of 512 * 224 / S out of 512
    assert set(tall) == set(np.round(512 * 224 / scales).astype(int))
    assert (tall.min(), tall.max()) == (224, 448)
    assert ks_2samp(tall, 512 * 224 / dice().integers(256, 513, 4000)).pvalue > 1e-3
    assert ((top + tall <= 512) & (left + wide <= 512)).all()
    for start in (top, left):
        assert ks_2samp((start + dice().random(4000)) / (512 - tall + 1), dice(1).random(4000)).pvalue > 1e-3


def test_jitter_is_what_scaling_first_and_cutting_then_would_show():
    line = torch.arange(128, dtype=torch.uint8)
    picture = torch.stack([line.expand(128, 128), line[:, None].expand(128, 128)])
    plan = Plan(crop="jitter", jitter_to=2.0)
    for number in range(20):
        top, left, side, _ = crops.draw_square(dice(number), 128, 128, 56, 2.0)
        scale = 56 / side  # the whole becomes 128 * scale pixels: from 64 to 128
        assert 63.5 < 128 * scale < 128.5

        seen = crops.cropped(picture, plan, 56, "bilinear", dice(number))[:, 8:-8, 8:-8].double()

        middles = (np.arange(8, 48) + 0.5) / scale - 0.5
        assert np.allclose(seen[0].mean(dim=0), left + middles, atol=0.6)
        assert np.allclose(seen[1].mean(dim=1), top + middles, atol=0.6)


@pytest.mark.parametrize(
    ("plan", "size", "share"),
    [
        (Plan(), 224, 0.875), (Plan(crop="shift"), 224, 0.875), (Plan(crop="area"), 256, 1.0),
        (Plan(crop="jitter"), 512, 1.0), (Plan(crop="jitter", jitter_to=1.5), 384, 1.0),
    ],
)  # fmt: skip
def test_pictures_are_kept_with_the_room_that_their_crop_needs(plan, size, share):
    network = Preprocess(size=224, share=0.875, mean=(0.5,) * 3, spread=(0.5,) * 3)

    assert roomy(network, plan) == network.model_copy(update={"size": size, "share": share})


def test_half_of_the_pictures_are_mirrored():
    some = pixels(count=400)
    changed = Augmented(some, 32, 5, Plan(flip=True)).epoch(1)[np.arange(400)]
    mirrored = sum(map(torch.equal, changed, some[np.arange(400)].flip(-1)))

    assert mirrored + sum(map(torch.equal, changed, some[np.arange(400)])) == 400
    assert binomtest(mirrored, 400).pvalue > 1e-3


# The table of fb.resnet.torch's imagenet.lua, a column for each direction; first row red, last row blue
LIGHT = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])


def test_the_light_changes_as_in_the_paper_once_for_all_pixels():
    picture = noise()
    for number in range(20):
        alpha = dice(number).normal(0, 0.1, 3)
        shift = 255 * sum(LIGHT[:, i] * alpha[i] * (0.2175, 0.0188, 0.0045)[i] for i in range(3))
        expected = (picture.double().numpy() + shift[:, None, None]).round().clip(0, 255)

        assert np.array_equal(colour.lit(picture, dice(number)).numpy(), expected)
        grey = 0.299 * shift[0] + 0.587 * shift[1] + 0.114 * shift[2]
        expected = (picture[:1].double().numpy() + grey).round().clip(0, 255)
        assert np.array_equal(colour.lit(picture[:1], dice(number)).numpy(), expected)


def test_a_planted_turn_to_bgr_is_noticed(monkeypatch):
    monkeypatch.setattr(colour, "DIRECTIONS", colour.DIRECTIONS[::-1])

    with pytest.raises(AssertionError):
        test_the_light_changes_as_in_the_paper_once_for_all_pixels()


def test_directions_of_colour_are_at_right_angles_and_red_and_blue_are_told_apart():
    assert np.allclose(LIGHT.T @ LIGHT, np.eye(3), atol=1e-3)
    assert np.allclose(colour.DIRECTIONS, LIGHT)
    # Tiny ImageNet's published spreads, of other pictures from the same source: green the smallest, blue the largest
    spreads = np.sqrt(np.diag(LIGHT @ np.diag(colour.SPREADS) @ LIGHT.T))
    assert np.allclose(spreads, (0.276, 0.269, 0.282), atol=0.01)
    assert np.argsort(spreads).tolist() == [1, 0, 2]


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_are_jittered_as_torchvision_does_it_with_the_same_factors_and_order(channels):
    picture = noise(channels)
    orders = set()
    for number in range(30):
        rng = dice(number)
        factors, order = rng.uniform(0.6, 1.4, 3), rng.permutation(3)
        expected = picture
        for step in order:
            adjust = (functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation)[step]
            expected = adjust(expected, factors[step])
        orders.add(tuple(order))

        assert torch.equal(colour.jittered(picture, dice(number)), expected)
    assert len(orders) == 6


THEIRS = {"rand": v2.RandAugment, "trivial": v2.TrivialAugmentWide}


@pytest.mark.parametrize(("height", "width"), [(32, 32), (224, 200)])
@pytest.mark.parametrize("policy", THEIRS)
def test_operations_and_strengths_are_torchvisions(policy, height, width):
    space = THEIRS[policy]._AUGMENTATION_SPACE

    assert list(policies.STRENGTHS[policy]) == list(space)
    for name, (strengths, signed) in space.items():
        theirs, ours = strengths(31, height, width), policies.strengths(policy, name, height, width)
        assert (theirs is None) == (ours is None), name
        assert theirs is None or torch.equal(theirs.to(ours.dtype), ours), name
        assert signed == (name not in policies.UNSIGNED), name


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", THEIRS)
def test_every_operation_gives_torchvisions_bytes(policy, channels):
    picture, transform = noise(channels, 37, 41), THEIRS[policy](interpolation=v2.InterpolationMode.BILINEAR)
    for name in policies.STRENGTHS[policy]:
        values = policies.strengths(policy, name, 37, 41)
        places = (0, 9, 30) if values is not None else (None,)
        for place in places:
            for sign in (1, -1) if name not in policies.UNSIGNED else (1,):
                strength = 0.0 if place is None else sign * float(values[place])
                theirs = transform._apply_image_or_video_transform(
                    picture, name, strength, transform.interpolation, transform._fill
                )
                assert torch.equal(policies.operated(picture, name, strength), theirs), (name, strength)


@pytest.mark.parametrize(("policy", "count"), [("rand", 2), ("trivial", 1)])
def test_a_policy_draws_every_operation_strength_and_sign_as_often(policy, count, monkeypatch):
    drawn = []
    monkeypatch.setattr(policies, "operated", lambda picture, *what: drawn.append(what) or picture)
    for number in range(3000):
        policies.by_policy(torch.zeros(3, 331, 331, dtype=torch.uint8), policy, dice(number))

    names = [name for name, _ in drawn]
    assert len(drawn) == 3000 * count
    assert chisquare([names.count(name) for name in policies.STRENGTHS[policy]]).pvalue > 1e-3
    turns = [strength for name, strength in drawn if name == "Rotate"]
    assert binomtest(sum(turn < 0 for turn in turns), sum(turn != 0 for turn in turns)).pvalue > 1e-3
    if policy == "rand":  # the tenth of 31 strengths
        assert {round(abs(turn), 4) for turn in turns} == {9.0}
        assert {round(abs(s)) for name, s in drawn if name == "TranslateX"} == {45}
        assert {s for name, s in drawn if name == "Posterize"} == {7}
    else:
        bins = np.round(np.abs(turns) / 4.5).astype(int)
        assert set(bins) == set(range(31))
        assert chisquare(np.bincount(bins)).pvalue > 1e-3


@pytest.mark.parametrize(("height", "width"), [(64, 64), (30, 90)])
def test_boxes_are_erased_as_torchvision_draws_them(height, width):
    torch.manual_seed(0)
    transform, picture = v2.RandomErasing(p=1), torch.zeros(3, height, width)
    found = [transform.make_params([picture]) for _ in range(3000)]
    theirs = np.array([[each[key] for key in "ijhw"] for each in found if each["v"] is not None])
    ours = np.array([box for number in range(3000) if (box := erasing.draw_hole(dice(number), height, width))])

    assert len(ours) >= 2900 and len(theirs) >= 2900
    for figure in range(4):
        assert ks_2samp(ours[:, figure], theirs[:, figure]).pvalue > 1e-3


def test_what_is_erased_becomes_the_mean_and_the_rest_stays():
    some = pixels(count=200)
    changed = Augmented(some, 32, 3, Plan(erase=0.25)).epoch(1)[np.arange(200)]

    holes = 0
    for row, (before, after) in enumerate(zip(some[np.arange(200)], changed, strict=True)):
        rng = np.random.default_rng([3, 1, row])
        expected = before.clone()
        if rng.random() < 0.25:
            top, left, tall, wide = erasing.draw_hole(rng, 32, 32)
            holes += 1
            for channel, level in enumerate((64, 128, 191)):  # of the mean 0.25, 0.5, 0.75
                expected[channel, top : top + tall, left : left + wide] = level
        assert torch.equal(after, expected)
    assert binomtest(holes, 200, 0.25).pvalue > 1e-3
    scaled = some.preprocess.scale(torch.tensor([64, 128, 191], dtype=torch.uint8)[:, None, None].expand(3, 32, 32))
    assert scaled.abs().max() < 0.005  # nothing, to the network


def test_changes_come_in_their_order():
    some, plan = pixels(), EVERYTHING
    changed = Augmented(some, 28, 4, plan).epoch(6)[np.arange(12)]

    for row, picture in enumerate(some[np.arange(12)]):
        rng = np.random.default_rng([4, 6, row])
        top, left, tall, wide = crops.draw_box(rng, 32, 32, (0.35, 1.0))
        x = resized(picture[:, top : top + tall, left : left + wide], 28, 28)
        x = x.flip(-1) if rng.random() < 0.5 else x
        x = policies.by_policy(colour.jittered(x, rng), "rand", rng)
        x = erasing.erased(x, 0.5, np.array([64, 128, 191], np.uint8), rng)
        assert torch.equal(changed[row], x)
    assert len({picture.numpy().tobytes() for picture in changed}) == 12
