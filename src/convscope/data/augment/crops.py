"""Another part of a picture each time."""

import numpy as np
import torch
from torch import Tensor

from convscope.data.augment.plan import RIM, Plan
from convscope.data.resize import resized

Box = tuple[int, int, int, int]

ASPECTS = (3 / 4, 4 / 3)
TRIES = 10
# 4 of the 32 pixels of CIFAR (He et al. 2016, section 4.2)
SHIFT = 8


def cropped(picture: Tensor, plan: Plan, size: int, interpolation: str, rng: np.random.Generator) -> Tensor:
    """The part of a picture that is seen this time, at the network's size.

    Args:
        picture: on the CPU.
        plan: how it is cut.
        size: side of the network's input, in pixels.
        interpolation: "bilinear" or "bicubic".
        rng: draws.

    Shape:
        uint8 (C, H, W) -> uint8 (C, size, size)

    Example:
        >>> picture = torch.zeros(3, 64, 64, dtype=torch.uint8)
        >>> cropped(picture, Plan(crop="area"), 56, "bilinear", np.random.default_rng(0)).shape
        torch.Size([3, 56, 56])
    """
    height, width = picture.shape[-2:]
    if plan.crop == "area":
        top, left, tall, wide = draw_box(rng, height, width, (plan.area_from, 1.0))
    elif plan.crop == "jitter":
        top, left, tall, wide = draw_square(rng, height, width, size, plan.jitter_to)
    elif plan.crop == "shift":
        return shifted(resized(picture, size, size, interpolation), rng)
    else:
        return resized(picture, size, size, interpolation)
    return resized(picture[:, top : top + tall, left : left + wide], size, size, interpolation)


def draw_box(rng: np.random.Generator, height: int, width: int, areas: tuple[float, float]) -> Box:
    """A random box in whole pixels: (top, left, height, width).

    Its area is drawn evenly between `areas`, its aspect between 3:4 and 4:3 evenly on a logarithmic scale. Where ten
    draws do not fit into the picture, the largest central box of an allowed aspect is taken.

    Args:
        rng: draws.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        areas: least and most of the picture's area.

    Source:
        Szegedy et al. 2015, Going Deeper with Convolutions, section 6 (areas from 0.08 there; smaller pictures of one
        thing in the middle lose it in so small a box).

    Example:
        >>> draw_box(np.random.default_rng(0), 100, 100, (1.0, 1.0))
        (0, 0, 100, 100)
    """
    for _ in range(TRIES):
        area = rng.uniform(*areas) * height * width
        aspect = np.exp(rng.uniform(*np.log(ASPECTS)))
        wide, tall = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
        if 0 < wide <= width and 0 < tall <= height:
            return int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1)), tall, wide
    wide = min(width, round(height * ASPECTS[1]))
    tall = min(height, round(width / ASPECTS[0]))
    return (height - tall) // 2, (width - wide) // 2, tall, wide


def draw_square(rng: np.random.Generator, height: int, width: int, size: int, times: float) -> Box:
    """A random square that becomes the network's input where the picture's shorter side becomes S, drawn evenly.

    S lies between 8/7 of the input and `times` as much; with 2, at 224 pixels, in [256; 512]. To cut before resizing
    instead of after it gives the same picture for less work.

    Args:
        rng: draws.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        size: side of the network's input, in pixels.
        times: largest S, as a multiple of the smallest.

    Source:
        Simonyan & Zisserman 2015, Very Deep Convolutional Networks, section 3.1.

    Example:
        >>> draw_square(np.random.default_rng(0), 256, 256, 224, 1.0)[2:]
        (224, 224)
    """
    least = round(size * RIM)
    scale = int(rng.integers(least, round(least * times) + 1))
    side = max(1, round(min(height, width) * size / scale))
    return int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1)), side, side


def shifted(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """The picture moved by up to an eighth of its sides, black where nothing comes in: pad, and cut the same size.

    Args:
        picture: to be moved.
        rng: draws.

    Shape:
        uint8 (C, H, W) -> uint8 (C, H, W)

    Source:
        He et al. 2016, Deep Residual Learning, section 4.2 (4 of 32 pixels).

    Example:
        >>> shifted(torch.ones(1, 4, 4, dtype=torch.uint8), np.random.default_rng(0)).sum()  # too small to be moved
        tensor(16)
    """
    height, width = picture.shape[-2:]
    down, right = (int(rng.integers(-(side // SHIFT), side // SHIFT + 1)) for side in (height, width))
    moved = torch.zeros_like(picture)
    moved[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = picture[
        :, max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)
    ]
    return moved
