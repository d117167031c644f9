"""Mixed batches: hand calculation, and torchvision with the same λ, box and pairs."""

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, kstest
from torchvision.transforms import v2

from convscope.data.augment.mixing import draw_patch, mixed

LABELS = torch.tensor([0, 2, 2, 1])


def pictures(count=4, side=10, dtype=torch.float32):
    values = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, 3, side, side)))
    return values.to(dtype)


class Loaded:
    """Dice that fall as told: λ, the pairs that torchvision takes, and the middle of the box."""

    def __init__(self, share, row=0, column=0, coin=0.0):
        self.share, self.coin, self.middle = share, coin, [row, column]

    def beta(self, a, b):
        assert a == b
        self.alpha = a
        return self.share

    def permutation(self, count):
        return np.roll(np.arange(count), 1)

    def integers(self, side):
        return self.middle.pop(0)

    def random(self):
        return self.coin


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixup_is_torchvisions(share):
    x, theirs = pictures(), v2.MixUp(num_classes=3)
    params = {"lam": share, "labels": LABELS, "batch_size": 4}

    seen, targets = mixed(x, LABELS, 3, Loaded(share), 0.2, 0)

    assert torch.allclose(seen, theirs.transform(x, params), atol=1e-4)
    assert torch.allclose(targets, theirs.transform(LABELS, params))
    assert targets.dtype == torch.float32 and targets.shape == (4, 3)


def test_mixup_by_hand():
    x = torch.tensor([0.0, 10.0]).view(2, 1, 1, 1)

    seen, targets = mixed(x, torch.tensor([1, 0]), 2, Loaded(0.8), 1.0, 0)

    assert seen.flatten().tolist() == pytest.approx([2, 8])  # 0.8 of itself, 0.2 of the other
    assert targets.tolist() == [pytest.approx([0.2, 0.8]), pytest.approx([0.8, 0.2])]


@pytest.mark.parametrize(("row", "column"), [(5, 5), (0, 0), (9, 3), (2, 9)])
@pytest.mark.parametrize("share", [0.0, 0.36, 0.75, 0.999, 1.0])
def test_cutmix_is_torchvisions_for_the_same_box(share, row, column):
    x, theirs = pictures(), v2.CutMix(num_classes=3)
    half = int(0.5 * np.sqrt(1 - share) * 10)
    left, right, top, bottom = max(0, column - half), min(10, column + half), max(0, row - half), min(10, row + half)
    share_left = 1 - (right - left) * (bottom - top) / 100
    params = {"box": (left, top, right, bottom), "lam_adjusted": share_left, "labels": LABELS, "batch_size": 4}

    seen, targets = mixed(x, LABELS, 3, Loaded(share, row, column), 0, 1.0)

    assert torch.equal(seen, theirs.transform(x, params))
    assert torch.allclose(targets, theirs.transform(LABELS, params))
    for picture in range(4):  # what the labels say is what is seen
        assert (seen[picture] == x[picture]).all(dim=0).float().mean().item() >= share_left - 1e-6
        assert targets[picture].sum() == pytest.approx(1)


def test_the_box_is_the_share_of_the_area_where_it_lies_inside():
    for number in range(200):
        top, left, bottom, right = draw_patch(np.random.default_rng(number), 100, 60, 0.75)
        assert 0 <= top < bottom <= 100 and 0 <= left < right <= 60
        assert bottom - top <= 50 and right - left <= 30  # the root of 1 - 0.75, of each side
    sizes = [draw_patch(np.random.default_rng(number), 100, 60, 0.75) for number in range(200)]
    assert (50, 30) in {(bottom - top, right - left) for top, left, bottom, right in sizes}


def test_shares_are_drawn_from_beta_and_both_are_drawn_by_a_fair_coin():
    x = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 8, 8)
    shares, boxes = [], 0
    for number in range(600):
        seen, targets = mixed(x, torch.tensor([0, 1]), 2, np.random.default_rng(number), 0.4, 0)
        shares.append(float(targets[0, 0]))
        seen, _ = mixed(x, torch.tensor([0, 1]), 2, np.random.default_rng(number), 0.4, 1.0)
        boxes += set(seen.unique().tolist()) <= {0.0, 1.0}
    moved = [share for share in shares if share < 1]  # half of the pairs are a picture and itself

    assert binomtest(len(moved), 600).pvalue > 1e-3
    assert kstest(moved, "beta", (0.4, 0.4)).pvalue > 1e-3
    alone = [mixed(x, torch.tensor([0, 1]), 2, np.random.default_rng(n), 0.4, 0)[0] for n in range(600)]
    never_mixed = sum(set(seen.unique().tolist()) <= {0.0, 1.0} for seen in alone)
    assert binomtest(boxes - never_mixed // 2, 600).pvalue > 1e-3


def test_each_alpha_is_its_own():
    for coin, alpha in ((0.4, 1.0), (0.6, 0.2)):  # below one half: cutmix
        dice = Loaded(0.5, 5, 5, coin)
        mixed(pictures(), LABELS, 3, dice, 0.2, 1.0)
        assert dice.alpha == alpha


def test_the_same_dice_mix_the_same_and_nothing_that_was_given_changes():
    x = pictures().contiguous(memory_format=torch.channels_last)
    before = x.clone()
    for alphas in ((0.2, 0), (0, 1.0), (0.2, 1.0)):
        first, second = (mixed(x, LABELS, 3, np.random.default_rng(5), *alphas) for _ in range(2))
        assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
        assert first[0].is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(x, before)


def test_no_mixing_gives_the_pictures_and_whole_targets():
    x = pictures()

    seen, targets = mixed(x, LABELS, 3, np.random.default_rng(0), 0, 0)

    assert seen is x
    assert targets.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0]]


def test_bytes_are_mixed_and_rounded():
    x = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)

    seen, _ = mixed(x, torch.tensor([0, 1]), 2, Loaded(0.7), 0.2, 0)

    assert seen.dtype == torch.uint8 and seen.flatten().tolist() == [76, 178]  # 76.5 and 178.5 to even, or 76.4999
    pasted, _ = mixed(pictures(dtype=torch.uint8), LABELS, 3, Loaded(0.36, 5, 5), 0, 1.0)
    assert pasted.dtype == torch.uint8


def test_a_planted_share_that_forgets_the_border_is_noticed(monkeypatch):
    monkeypatch.setattr("convscope.data.augment.mixing.draw_patch", lambda *_: (0, 0, 4, 4))

    with pytest.raises(AssertionError):
        test_cutmix_is_torchvisions_for_the_same_box(0.36, 5, 5)
