"""RandAugment and TrivialAugment: a few of fourteen operations, drawn anew for each picture.

Names, order and strengths are torchvision's, and so are the operations.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from convscope.data.augment.colour import contrasted

# of each operation, the greatest strength; 0: it has none. Of Posterize, bits of eight that are lost
STRENGTHS: dict[str, dict[str, float]] = {
    "rand": {
        "Identity": 0, "ShearX": 0.3, "ShearY": 0.3, "TranslateX": 150 / 331, "TranslateY": 150 / 331, "Rotate": 30,
        "Brightness": 0.9, "Color": 0.9, "Contrast": 0.9, "Sharpness": 0.9, "Posterize": 4, "Solarize": 1,
        "AutoContrast": 0, "Equalize": 0,
    },
    "trivial": {
        "Identity": 0, "ShearX": 0.99, "ShearY": 0.99, "TranslateX": 32, "TranslateY": 32, "Rotate": 135,
        "Brightness": 0.99, "Color": 0.99, "Contrast": 0.99, "Sharpness": 0.99, "Posterize": 6, "Solarize": 1,
        "AutoContrast": 0, "Equalize": 0,
    },
}  # fmt: skip
UNSIGNED = {"Identity", "Posterize", "Solarize", "AutoContrast", "Equalize"}
BINS = 31
RAND_OPERATIONS, RAND_BIN = 2, 9


def by_policy(picture: Tensor, policy: str, rng: np.random.Generator) -> Tensor:
    """The picture after what the policy draws for it.

    Args:
        picture: as it was cut.
        policy: `rand` takes two operations at 9 of 31 strengths, `trivial` one at any strength; `none` nothing.
        rng: draws.

    Shape:
        uint8 (1 or 3, H, W) -> the same

    Source:
        Cubuk et al. 2020, RandAugment, section 3; Müller & Hutter 2021, TrivialAugment, section 3 (its wide space).

    Example:
        >>> picture = torch.zeros(3, 8, 8, dtype=torch.uint8)
        >>> by_policy(picture, "trivial", np.random.default_rng(0)).shape
        torch.Size([3, 8, 8])
    """
    if policy == "none":
        return picture
    names = list(STRENGTHS[policy])
    for _ in range(RAND_OPERATIONS if policy == "rand" else 1):
        name = names[rng.integers(len(names))]
        place = RAND_BIN if policy == "rand" else int(rng.integers(BINS))
        values = strengths(policy, name, *picture.shape[-2:])
        strength = 0.0 if values is None else float(values[place])
        if values is not None and name not in UNSIGNED and rng.random() < 0.5:
            strength = -strength
        picture = operated(picture, name, strength)
    return picture


def strengths(policy: str, name: str, height: int, width: int) -> Tensor | None:
    """The 31 strengths of an operation, weakest first; None where it has none.

    Args:
        policy: "rand" or "trivial".
        name: of the operation.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Shape:
        -> (31,)

    Example:
        >>> strengths("rand", "Rotate", 32, 32)[9]
        tensor(9.)
    """
    most = STRENGTHS[policy][name]
    if not most:
        return None
    if name == "Posterize":
        return (8 - torch.arange(BINS) / ((BINS - 1) / most)).round()
    if name == "Solarize":
        return torch.linspace(most, 0, BINS)
    if policy == "rand" and name.startswith("Translate"):  # a share of the picture, not pixels
        most *= width if name.endswith("X") else height
    return torch.linspace(0, most, BINS)


def operated(picture: Tensor, name: str, strength: float) -> Tensor:
    """The picture after one operation; what comes in from outside of it is black.

    Args:
        picture: to be changed.
        name: of the operation.
        strength: in the operation's own unit, with its sign.

    Shape:
        uint8 (1 or 3, H, W) -> the same

    Example:
        >>> operated(torch.tensor([[[0, 100, 200]]], dtype=torch.uint8), "Solarize", 0.5)
        tensor([[[  0, 100,  55]]], dtype=torch.uint8)
    """
    from torchvision.transforms.v2 import InterpolationMode, functional

    bilinear = InterpolationMode.BILINEAR  # as torchvision's own recipes have it

    def sheared(x: float, y: float) -> Tensor:
        angles = [float(np.degrees(np.arctan(x))), float(np.degrees(np.arctan(y)))]
        return functional.affine(picture, 0.0, [0, 0], 1.0, angles, interpolation=bilinear, center=[0, 0])

    def translated(x: int, y: int) -> Tensor:
        return functional.affine(picture, 0.0, [x, y], 1.0, [0.0, 0.0], interpolation=bilinear)

    operations: dict[str, Callable[[], Tensor]] = {
        "Identity": lambda: picture,
        "ShearX": lambda: sheared(strength, 0),
        "ShearY": lambda: sheared(0, strength),
        "TranslateX": lambda: translated(int(strength), 0),
        "TranslateY": lambda: translated(0, int(strength)),
        "Rotate": lambda: functional.rotate(picture, strength, interpolation=bilinear),
        "Brightness": lambda: functional.adjust_brightness(picture, 1 + strength),
        "Color": lambda: functional.adjust_saturation(picture, 1 + strength),
        "Contrast": lambda: contrasted(picture, 1 + strength),
        "Sharpness": lambda: functional.adjust_sharpness(picture, 1 + strength),
        "Posterize": lambda: functional.posterize(picture, int(strength)),
        "Solarize": lambda: functional.solarize(picture, 255 * strength),
        "AutoContrast": lambda: functional.autocontrast(picture),
        "Equalize": lambda: functional.equalize(picture),
    }
    return operations[name]()
