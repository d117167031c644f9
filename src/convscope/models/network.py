"""What the zoo knows of a network, beside how to build it."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from convscope.data.preprocess import Preprocess, Resize

# Stands in for a network's mean and spread until training has measured them.
UNMEASURED = (0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class Network:
    """One row of the zoo.

    Attributes:
        build: (classes, channels, size) to a fresh network with `features` and `classifier`.
        paper: authors, title, where.
        year: of the paper.
        parameters: trainable numbers, as published, at `classes`, `channels` and the first of `sizes`.
        classes: outputs of the paper's own head.
        channels: of the paper's own input.
        sizes: sides in pixels of the inputs it was made for, its own first.
        any_size: whether it also builds at other sizes.
        scale: (mean, spread) of its input on the scale 0 to 1; None measures both on the training pictures.
    """

    build: Callable[[int, int, int], nn.Module]
    paper: str
    year: int
    parameters: int
    classes: int
    channels: int
    sizes: tuple[int, ...]
    any_size: bool = True
    scale: tuple[float, float] | None = None

    def preprocess(self, size: int, channels: int, resize: Resize = "crop") -> Preprocess:
        """Its preprocessing at a size and number of channels."""
        mean, spread = self.scale or UNMEASURED
        return Preprocess(
            size=size,
            channels=channels,
            resize=resize,
            fill=round(255 * mean),
            mean=(mean,) * channels,
            spread=(spread,) * channels,
        )
