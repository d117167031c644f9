"""Pictures of a batch mixed in pairs, and their labels with them."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def mixed(
    x: Tensor, labels: Tensor, classes: int, rng: np.random.Generator, mixup: float, cutmix: float
) -> tuple[Tensor, Tensor]:
    """A batch of which each picture holds something of another, and what shares of which classes it then shows.

    With λ drawn from Beta(α, α), mixup adds 1 - λ of the other picture to λ of the one; cutmix pastes a box of that
    share of the area, and what lies outside of the picture counts for nothing. Where both are wanted, each batch
    draws which.

    Args:
        x: the pictures; bytes are rounded.
        labels: of the pictures.
        classes: how many there are.
        rng: draws.
        mixup: α of mixup; 0 for none.
        cutmix: α of cutmix; 0 for none.

    Shape:
        (N, C, H, W), int64 (N,) -> (N, C, H, W), float32 (N, classes)

    Source:
        Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization; Yun et al. 2019, CutMix, section 3.

    Example:
        >>> _, targets = mixed(torch.zeros(2, 3, 8, 8), torch.tensor([0, 1]), 2, np.random.default_rng(0), 0.2, 0)
        >>> targets.sum(dim=1)
        tensor([1., 1.])
    """
    targets = functional.one_hot(labels, classes).to(torch.float32)
    if not mixup and not cutmix:
        return x, targets
    pasted = cutmix > 0 and (not mixup or rng.random() < 0.5)
    alpha = cutmix if pasted else mixup
    share = float(rng.beta(alpha, alpha))
    others = torch.from_numpy(rng.permutation(len(x)))
    other = x[others.to(x.device)]
    if pasted:
        top, left, bottom, right = draw_patch(rng, x.shape[2], x.shape[3], share)
        share = 1 - (bottom - top) * (right - left) / (x.shape[2] * x.shape[3])
        x = x.clone()
        x[:, :, top:bottom, left:right] = other[:, :, top:bottom, left:right]
    else:
        both = x * share + other * (1 - share)
        x = both if x.is_floating_point() else both.round().to(x.dtype)
    return x, targets * share + targets[others.to(labels.device)] * (1 - share)


def draw_patch(rng: np.random.Generator, height: int, width: int, share: float) -> tuple[int, int, int, int]:
    """The box that is pasted, in whole pixels: (top, left, bottom, right); its middle is drawn evenly.

    Args:
        rng: draws.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        share: of the area that stays, where the box lies wholly inside.

    Example:
        >>> draw_patch(np.random.default_rng(0), 10, 10, 1.0)
        (8, 6, 8, 6)
    """
    row, column = int(rng.integers(height)), int(rng.integers(width))
    tall, wide = (int(0.5 * math.sqrt(1 - share) * side) for side in (height, width))
    top, left = max(0, row - tall), max(0, column - wide)
    return top, left, min(height, row + tall), min(width, column + wide)
