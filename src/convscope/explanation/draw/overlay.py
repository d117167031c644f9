"""A heatmap over the picture it is about, whole, as a small JPEG."""

import io
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from convscope.data.preprocess import Preprocess
from convscope.data.resize import resized

SIDE = 160  # of the longer side, in pixels
COLOURS = "inferno"  # perceptually uniform: as much lighter as the heat is larger
FAINTEST, STRONGEST = 0.15, 0.75  # share of colour where the heat is 0 and 1
UNSEEN = 0.35  # brightness left to what the network did not see
GREY = (0.299, 0.587, 0.114)  # of R, G and B: ITU-R BT.601


def placed(heat: Tensor, preprocess: Preprocess, width: int, height: int, side: int = SIDE) -> tuple[Tensor, Tensor]:
    """A heatmap of a network's input, laid back over the whole picture, and which of its pixels the network saw.

    Shape:
        (h, w) -> float32 (H, W), bool (H, W), the longer of H and W `side`, in the picture's proportions

    Args:
        heat: over the square input.
        preprocess: how the picture became that input.
        width: of the picture, in pixels.
        height: of the picture.
        side: of the result, in pixels.

    Example:
        >>> crop = Preprocess(size=8, channels=1, mean=(0,), spread=(1,))
        >>> placed(torch.ones(2, 2), crop, width=40, height=20, side=4)[1].int().tolist()
        [[0, 1, 1, 0], [0, 1, 1, 0]]
    """
    tall, wide = (max(1, round(length * side / max(width, height))) for length in (height, width))
    # each pixel of the result asks the input at the place of its centre
    top, left, box_tall, box_wide = preprocess.box(width, height)
    into_top, into_left, into_tall, into_wide = preprocess.placement(width, height)
    down = (torch.arange(tall) + 0.5) * height / tall - top
    across = (torch.arange(wide) + 0.5) * width / wide - left
    seen = ((down >= 0) & (down < box_tall))[:, None] & ((across >= 0) & (across < box_wide))[None]
    y = (into_top + down / box_tall * into_tall) / preprocess.size * 2 - 1
    x = (into_left + across / box_wide * into_wide) / preprocess.size * 2 - 1
    grid = torch.stack([x.expand(tall, wide), y[:, None].expand(tall, wide)], dim=-1)[None]
    laid = functional.grid_sample(
        heat[None, None].float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return laid[0, 0].where(seen, torch.zeros(())), seen


def overlay(picture: Tensor, heat: Tensor, preprocess: Preprocess, side: int = SIDE) -> bytes:
    """The picture in grey under the colours of its heatmap, as a JPEG; what the network did not see is darkened.

    Args:
        picture: uint8 (1 or 3, H, W), upright.
        heat: (h, w) in 0..1, over the network's input.
        preprocess: how the picture became that input.
        side: of the longer side of the JPEG, in pixels.
    """
    height, width = picture.shape[1:]
    laid, seen = placed(heat, preprocess, width, height, side)
    small = resized(picture, *laid.shape).expand(3, -1, -1).permute(1, 2, 0).numpy()
    grey = (small @ np.array(GREY, np.float32))[..., None]
    warmth = laid.clamp(0, 1).numpy()
    share = (FAINTEST + (STRONGEST - FAINTEST) * warmth)[..., None]
    mixed = (1 - share) * grey + share * _colours()[(warmth * 255).round().astype(np.int64)]
    pixels = np.where(seen.numpy()[..., None], mixed, UNSEEN * grey)
    file = io.BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8)).save(file, "JPEG", quality=80)
    return file.getvalue()


@lru_cache(maxsize=1)
def _colours() -> NDArray[np.float32]:
    """(256, 3), from cold to hot, 0 to 255."""
    from matplotlib import colormaps

    table: NDArray[np.float32] = colormaps[COLOURS](np.arange(256), bytes=True)[:, :3].astype(np.float32)
    return table
