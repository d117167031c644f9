"""What becomes of training pictures, and how large they are kept for it."""

from dataclasses import dataclass
from typing import Literal

from convscope.data.preprocess import Preprocess

# 256 pixels for a network of 224, as ImageNet's networks have been trained since AlexNet
RIM = 8 / 7
# of the epochs: from there on, pictures that grow have their whole side
WHOLE_FROM = 0.75


@dataclass(frozen=True)
class Plan:
    """What becomes of a training picture; as it stands, nothing.

    Attributes:
        crop: another part each time: `shift` moves the picture by up to an eighth, `area` cuts a box of random area
            and aspect, `jitter` scales the picture at random and cuts a square.
        area_from: with `area`, the least share of the picture that is cut.
        jitter_to: with `jitter`, the largest scale as a multiple of the smallest.
        flip: half of the pictures are mirrored.
        colour: `pca` shifts colours along their principal directions, `jitter` changes brightness, contrast and
            saturation.
        policy: RandAugment or TrivialAugment.
        erase: share of pictures from which a box is erased.
    """

    crop: Literal["none", "shift", "area", "jitter"] = "none"
    area_from: float = 0.35
    jitter_to: float = 2.0
    flip: bool = False
    colour: Literal["none", "pca", "jitter"] = "none"
    policy: Literal["none", "rand", "trivial"] = "none"
    erase: float = 0.0


def grown(first: float, epoch: int, epochs: int) -> float:
    """Side of one epoch's training pictures, as a share of the network's: it grows evenly; 1 in the last quarter.

    Args:
        first: share in the first epoch.
        epoch: from 1.
        epochs: of the whole run.

    Example:
        >>> [round(128 * grown(0.5, epoch, 5)) for epoch in (1, 2, 3, 4, 5)]
        [64, 85, 107, 128, 128]
        >>> grown(1.0, 1, 5), grown(0.5, 1, 1)
        (1.0, 1.0)
    """
    growing = WHOLE_FROM * (epochs - 1)
    return first + (1 - first) * min(1.0, (epoch - 1) / growing) if growing else 1.0


def roomy(preprocess: Preprocess, plan: Plan) -> Preprocess:
    """The preprocessing of pictures that parts are cut from: all that the resize policy can show, and larger.

    Args:
        preprocess: of the network.
        plan: how parts are cut; `none` and `shift` need no room.

    Example:
        >>> network = Preprocess(size=224, share=0.875, mean=(0,) * 3, spread=(1,) * 3)
        >>> area, jitter = roomy(network, Plan(crop="area")), roomy(network, Plan(crop="jitter"))
        >>> (area.size, area.share), (jitter.size, jitter.share)
        ((256, 1.0), (512, 1.0))
    """
    if plan.crop not in {"area", "jitter"}:
        return preprocess
    times = plan.jitter_to if plan.crop == "jitter" else 1
    return preprocess.model_copy(update={"size": round(round(preprocess.size * RIM) * times), "share": 1.0})
