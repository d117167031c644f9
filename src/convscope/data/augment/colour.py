"""Other colours each time: AlexNet's lighting, or brightness, contrast and saturation."""

import numpy as np
import torch
from torch import Tensor

from convscope.data.augment.plan import Plan
from convscope.data.preprocess import LUMA

# of ImageNet's RGB values from 0 to 1, as fb.resnet.torch measured them; some copies of them are turned to BGR
SPREADS = (0.2175, 0.0188, 0.0045)
DIRECTIONS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))  # rows: R, G, B
LIGHTING = 0.1
# by how much factors may leave 1, as fb.resnet.torch has it
STRENGTH = 0.4


def coloured(picture: Tensor, plan: Plan, rng: np.random.Generator) -> Tensor:
    """The picture in this time's colours.

    Args:
        picture: as it was cut.
        plan: how colours change.
        rng: draws.

    Shape:
        uint8 (1 or 3, H, W) -> the same

    Example:
        >>> picture = torch.full((3, 2, 2), 100, dtype=torch.uint8)
        >>> torch.equal(coloured(picture, Plan(), np.random.default_rng(0)), picture)
        True
    """
    if plan.colour == "pca":
        return lit(picture, rng)
    return jittered(picture, rng) if plan.colour == "jitter" else picture


def lit(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """The picture in another light: one shift of its colours along the directions in which ImageNet's vary.

    A grey picture is shifted by the luma of that shift.

    Args:
        picture: to be shifted.
        rng: draws three numbers, once for all pixels.

    Shape:
        uint8 (1 or 3, H, W) -> the same

    Source:
        Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks, section 4.1.

    Example:
        >>> lit(torch.full((3, 1, 1), 100, dtype=torch.uint8), np.random.default_rng(1)).flatten().tolist()
        [99, 99, 99]
    """
    shift = 255 * np.array(DIRECTIONS) @ (rng.normal(0, LIGHTING, 3) * SPREADS)
    if picture.shape[0] == 1:
        shift = np.array([np.dot(LUMA, shift) / sum(LUMA)])
    whole = torch.from_numpy(shift.round().astype(np.int16))  # bytes are whole: to round the sum gives the same
    return picture.to(torch.int16).add_(whole[:, None, None]).clamp_(0, 255).to(torch.uint8)


def jittered(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """The picture with brightness, contrast and saturation changed by up to 40 %, in random order.

    Args:
        picture: to be changed; a grey one has no saturation.
        rng: draws.

    Shape:
        uint8 (1 or 3, H, W) -> the same

    Example:
        >>> jittered(torch.full((1, 1, 1), 100, dtype=torch.uint8), np.random.default_rng(0)).item()
        110
    """
    from torchvision.transforms.v2 import functional

    steps = (functional.adjust_brightness, contrasted, functional.adjust_saturation)
    factors = rng.uniform(1 - STRENGTH, 1 + STRENGTH, len(steps))
    for step in rng.permutation(len(steps)):
        picture = steps[step](picture, float(factors[step]))
    return picture


def contrasted(picture: Tensor, factor: float) -> Tensor:
    """The picture mixed with one grey, its mean luma: torchvision's `adjust_contrast`, whose mean is exact here.

    A sum of many float32 numbers depends on how threads share them; one of whole numbers does not.

    Args:
        picture: to be changed.
        factor: 0 leaves that grey alone, 1 the picture as it is.

    Shape:
        uint8 (1 or 3, H, W) -> the same

    Example:
        >>> contrasted(torch.tensor([[[0, 200]]], dtype=torch.uint8), 0.5)
        tensor([[[ 50, 150]]], dtype=torch.uint8)
    """
    grey = picture[0]
    if picture.shape[0] == 3:
        red, green, blue = picture
        grey = red.mul(0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114).to(torch.uint8)
    mean = grey.sum(dtype=torch.int64).item() / grey.numel()
    grounds = torch.tensor(mean, dtype=torch.float32)
    return picture.mul(factor).add_(grounds, alpha=1 - factor).clamp_(0, 255).to(torch.uint8)
