"""A box of the picture erased, so that a network cannot live by one detail."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

AREAS, ASPECTS, TRIES = (0.02, 0.33), (0.3, 3.3), 10

Box = tuple[int, int, int, int]


def erased(picture: Tensor, share: float, filling: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """The picture, or one with a box erased.

    Args:
        picture: as it was cut; not changed.
        share: of pictures that lose a box.
        filling: one byte for each channel; the preprocessing's mean, which is 0 to the network.
        rng: draws.

    Shape:
        uint8 (C, H, W), (C,) -> uint8 (C, H, W)

    Source:
        Zhong et al. 2020, Random Erasing Data Augmentation, algorithm 1 (with the mean, its RE-M).

    Example:
        >>> picture = torch.zeros(1, 32, 32, dtype=torch.uint8)
        >>> int(erased(picture, 1.0, np.array([1], np.uint8), np.random.default_rng(0)).sum())
        108
    """
    if not share or rng.random() >= share:
        return picture
    box = draw_hole(rng, *picture.shape[-2:])
    if box is None:
        return picture
    top, left, tall, wide = box
    picture = picture.clone()
    picture[:, top : top + tall, left : left + wide] = torch.from_numpy(filling)[:, None, None]
    return picture


def draw_hole(rng: np.random.Generator, height: int, width: int) -> Box | None:
    """What is erased, in whole pixels: (top, left, height, width); None where ten draws do not fit.

    Its area is drawn evenly between 2 and 33 %, its aspect between 0.3 and 3.3 evenly on a logarithmic scale.

    Args:
        rng: draws.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Example:
        >>> draw_hole(np.random.default_rng(0), 32, 32)
        (6, 0, 11, 20)
    """
    for _ in range(TRIES):
        area = rng.uniform(*AREAS) * height * width
        aspect = np.exp(rng.uniform(*np.log(ASPECTS)))
        tall, wide = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
        if tall < height and wide < width:
            return int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1)), tall, wide
    return None
