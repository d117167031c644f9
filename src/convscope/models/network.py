"""What the zoo knows of a network, beside how to build it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import nn

from convscope.data.preprocess import Preprocess, Resize
from convscope.layers.summary import AUXILIARY, Summary, summarise

# Stands in for a network's mean and spread until training has measured them.
UNMEASURED = (0.5, 0.5)
# below this side a picture is a thumbnail: every pixel is used, and a stem made for photos would leave nothing of it
SMALL = 64

Scale = tuple[tuple[float, ...], tuple[float, ...]]

# Mean and spread of the channels (R, G, B) that torchvision's and most of timm's ImageNet weights expect, 0 to 1.
IMAGENET: Scale = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# Caffe's, from the bytes themselves: minus the mean, divided by nothing.
CAFFE: Scale = ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3)
# TensorFlow's: x / 127.5 - 1.
TENSORFLOW: Scale = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class Published(NamedTuple):
    """An error that was published, by the paper or by those who trained the weights.

    Attributes:
        protocol: data, and how they were looked at.
        top1: errors of the first answer, per cent; None when none is given.
        top5: errors of the first five answers, per cent.
    """

    protocol: str
    top1: float | None
    top5: float | None = None


@dataclass(frozen=True, kw_only=True)
class Network:
    """One row of the zoo.

    Attributes:
        build: (classes, channels, size) to a fresh network with `features` and `classifier`.
        paper: authors, title.
        venue: where it appeared.
        year: of the paper; None where nobody has told.
        parameters: trainable numbers, as published, at `classes`, `channels` and the first of `sizes`; heads that only
            training needs are not among them.
        macs: multiply-accumulates of weights for one picture, likewise.
        receptive_field: pixels that one cell of the last map sees along one axis, likewise; None where it sees all.
        classes: outputs of the paper's own head.
        channels: of the paper's own input.
        sizes: sides in pixels of the inputs it was made for, its own first; then smaller ones that suit it.
        any_size: whether it also builds at other sizes.
        errors: what was published.
        scale: (mean, spread) of its input on the scale 0 to 1; None measures both on the training pictures.
        borrowed: mean and spread that weights made elsewhere expect; None where there are none.
        share: of a photo's shorter side that the central square takes.
        interpolation: how pictures were resized for the borrowed weights.
        initialise: the first values that the paper prescribes, where they are not what `build` gives.
    """

    build: Callable[[int, int, int], nn.Module]
    paper: str
    venue: str
    year: int | None
    parameters: int
    macs: int
    receptive_field: int | None
    classes: int
    channels: int
    sizes: tuple[int, ...]
    any_size: bool = True
    errors: tuple[Published, ...] = ()
    scale: tuple[float, float] | None = None
    borrowed: Scale | None = None
    share: float = 1.0
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    initialise: Callable[[nn.Module], None] | None = None

    def describe(
        self, name: str, classes: int | None = None, channels: int | None = None, size: int | None = None
    ) -> Summary:
        """The layers, worked out without computing; what is None is the paper's own.

        Args:
            name: what to call it.
            classes: outputs.
            channels: of the input, 1 or 3.
            size: side of the input in pixels.

        Raises:
            ModelError: it cannot be built at that size.
        """
        channels, size = channels or self.channels, size or self.sizes[0]
        with torch.device("meta"):
            network = self.build(classes or self.classes, channels, size)
        return summarise(network, (channels, size, size), name)

    def preprocess(self, size: int, channels: int, resize: Resize = "crop") -> Preprocess:
        """Its preprocessing at a size and number of channels, for training from nothing."""
        mean, spread = self.scale or UNMEASURED
        return self._preprocess(size, resize, (mean,) * channels, (spread,) * channels)

    def borrowed_preprocess(self) -> Preprocess:
        """What pictures go through before borrowed weights, at the network's own size and channels."""
        if self.borrowed:
            return self._preprocess(self.sizes[0], "crop", *self.borrowed)
        return self.preprocess(self.sizes[0], self.channels)

    def _preprocess(self, size: int, resize: Resize, mean: tuple[float, ...], spread: tuple[float, ...]) -> Preprocess:
        return Preprocess(
            size=size,
            channels=3 if len(mean) == 3 else 1,
            resize=resize,
            share=self.share if size >= SMALL else 1.0,
            fill=round(255 * sum(mean) / len(mean)),
            interpolation=self.interpolation,
            mean=mean,
            spread=spread,
        )


def answering(network: nn.Module) -> nn.Module:
    """The same network without the heads that serve training only, whose names begin with `aux_`.

    Args:
        network: changed in place.

    Example:
        >>> network = nn.Sequential()
        >>> network.add_module("aux_4a", nn.Linear(1, 1))
        >>> answering(network)
        Sequential(
          (aux_4a): None
        )
    """
    for name, _ in list(network.named_children()):
        if name.startswith(AUXILIARY):
            setattr(network, name, None)
    return network
