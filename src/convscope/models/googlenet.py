"""GoogLeNet: 22 layers of parallel branches, and the version of it that torchvision has weights for.

`googlenet`: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015. Differs from the paper: first values are He's
(the paper gives none); pools round their sizes up, which its maps of 56, 28, 14, 7 need; at sizes other than 224 the
first dense layer of the auxiliary heads fits the map.

`googlenet_tv`: torchvision's. Batch normalisation instead of biases and local response normalisation, 3×3 where the
paper has 5×5 (a known bug, kept for its weights), pool4 of 2×2, dropout 0.2, auxiliary heads on an average to 4×4.

Both write `forward` themselves: in training they return (scores, scores of the head after 4a, scores of the head after
4d); in evaluation scores alone. The auxiliary heads are for training only and not among the published parameters. Below
64 pixels the first layer is 3×3 with stride 1, and no pool follows it.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from convscope.layers.conv import ConvNorm
from convscope.layers.geometry import out_size
from convscope.layers.initialise import he
from convscope.layers.lrn import LocalResponseNorm
from convscope.models.network import SMALL, TENSORFLOW, Network, Published

Unit = Callable[..., nn.Sequential]


class Widths(NamedTuple):
    """One row of Table 1: channels of an Inception block's convolutions.

    Attributes:
        ones: of the 1×1 branch.
        reduce3: of the 1×1 before the 3×3.
        threes: of the 3×3.
        reduce5: of the 1×1 before the 5×5.
        fives: of the 5×5.
        pool: of the 1×1 after the pool.
    """

    ones: int
    reduce3: int
    threes: int
    reduce5: int
    fives: int
    pool: int

    @property
    def out(self) -> int:
        """Channels of the four branches together."""
        return self.ones + self.threes + self.fives + self.pool


TABLE_1 = {
    "3a": Widths(64, 96, 128, 16, 32, 32), "3b": Widths(128, 128, 192, 32, 96, 64),
    "4a": Widths(192, 96, 208, 16, 48, 64), "4b": Widths(160, 112, 224, 24, 64, 64),
    "4c": Widths(128, 128, 256, 24, 64, 64), "4d": Widths(112, 144, 288, 32, 64, 64),
    "4e": Widths(256, 160, 320, 32, 128, 128),
    "5a": Widths(256, 160, 320, 32, 128, 128), "5b": Widths(384, 192, 384, 48, 128, 128),
}  # fmt: skip


def conv_relu(into: int, out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution with bias → ReLU, padded so that stride 1 keeps the size: every convolution of the paper."""
    convolution = nn.Conv2d(into, out, kernel, stride, kernel // 2)
    return nn.Sequential(OrderedDict(conv=convolution, relu=nn.ReLU()))


class Inception(nn.Module):
    """Four branches side by side: 1×1, 3×3, 5×5 and a pool, each with a 1×1 that keeps it cheap.

    Shape:
        (N, into, H, W) -> (N, widths.out, H, W)

    Args:
        into: channels of the input.
        widths: row of Table 1.
        unit: makes a convolution with what follows it.
        five: side of the window of the third branch.
    Source:
        Szegedy et al., 2015, figure 2b and table 1.

    Example:
        >>> Inception(192, TABLE_1["3a"], conv_relu)(torch.zeros(1, 192, 28, 28)).shape
        torch.Size([1, 256, 28, 28])
    """

    def __init__(self, into: int, widths: Widths, unit: Unit, five: int = 5) -> None:
        super().__init__()
        self.branch1 = unit(into, widths.ones, 1)
        self.branch2 = nn.Sequential(
            OrderedDict(reduce=unit(into, widths.reduce3, 1), conv=unit(widths.reduce3, widths.threes, 3))
        )
        self.branch3 = nn.Sequential(
            OrderedDict(reduce=unit(into, widths.reduce5, 1), conv=unit(widths.reduce5, widths.fives, five))
        )
        self.branch4 = nn.Sequential(
            OrderedDict(pool=nn.MaxPool2d(3, 1, 1, ceil_mode=True), project=unit(into, widths.pool, 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        """All branches see the same map; their outputs are stacked."""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


def auxiliary(into: int, classes: int, pool: nn.Module, side: int, unit: Unit) -> nn.Sequential:
    """A small classifier on an inner map of `into` channels, pooled to `side`: it feeds the early layers gradient."""
    return nn.Sequential(
        OrderedDict(
            pool=pool, conv=unit(into, 128, 1), flatten=nn.Flatten(), fc1=nn.Linear(128 * side**2, 1024),
            relu=nn.ReLU(), dropout=nn.Dropout(0.7), fc2=nn.Linear(1024, classes),
        )
    )  # fmt: skip


class GoogLeNet(nn.Module):
    """Nine Inception blocks and a mean over the last map; 6,998,552 parameters, with both auxiliary heads 13,378,280.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores; in training three of them, the last two from the heads
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels, from 28.
        torchvisions: torchvision's variant.
    Source:
        Szegedy et al., 2015, table 1 and section 5.

    Example:
        >>> GoogLeNet(10, size=64).eval()(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 3, size: int = 224, *, torchvisions: bool = False) -> None:
        super().__init__()
        unit: Unit = partial(ConvNorm, eps=1e-3) if torchvisions else conv_relu
        small = size < SMALL
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["conv1"] = unit(channels, 64, 3) if small else unit(channels, 64, 7, 2)
        if not small:
            layers["pool1"] = _pool()
        if not torchvisions:
            layers["norm1"] = LocalResponseNorm()
        layers["reduce2"], layers["conv2"] = unit(64, 64, 1), unit(64, 192, 3)
        if not torchvisions:
            layers["norm2"] = LocalResponseNorm()
        layers["pool2"] = _pool()
        into = 192
        for name, widths in TABLE_1.items():
            if name in {"4a", "5a"}:
                layers[f"pool{int(name[0]) - 1}"] = _pool(2 if torchvisions and name == "5a" else 3)
            layers[f"inception_{name}"] = Inception(into, widths, unit, 3 if torchvisions else 5)
            into = widths.out
        self.features = nn.Sequential(layers)
        self.classifier = nn.Sequential(
            OrderedDict(
                average=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(),
                dropout=nn.Dropout(0.2 if torchvisions else 0.4), scores=nn.Linear(into, classes),
            )
        )  # fmt: skip
        heads = [_head(name, classes, size, unit, torchvisions=torchvisions) for name in ("4a", "4d")]
        self.aux_4a: nn.Module | None = heads[0]
        self.aux_4d: nn.Module | None = heads[1]
        he(self, self.classifier[-1], heads[0][-1], heads[1][-1])

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Scores; in training also those of the auxiliary heads."""
        if not self.training or self.aux_4a is None or self.aux_4d is None:
            scores: Tensor = self.classifier(self.features(x))
            return scores
        inner: list[Tensor] = []
        for name, layer in self.features.named_children():
            x = layer(x)
            if name == "inception_4a":
                inner.append(self.aux_4a(x))
            elif name == "inception_4d":
                inner.append(self.aux_4d(x))
        return self.classifier(x), *inner


def _pool(kernel: int = 3) -> nn.MaxPool2d:
    return nn.MaxPool2d(kernel, 2, ceil_mode=True)


def _head(name: str, classes: int, size: int, unit: Unit, *, torchvisions: bool) -> nn.Sequential:
    into = TABLE_1[name].out
    if torchvisions:
        return auxiliary(into, classes, nn.AdaptiveAvgPool2d(4), 4, unit)
    side = size if size < SMALL else out_size(out_size(size, 7, 2, 3), 3, 2, ceil_mode=True)
    for _ in range(2):  # pool2, pool3
        side = out_size(side, 3, 2, ceil_mode=True)
    window = min(5, side)
    return auxiliary(into, classes, nn.AvgPool2d(window, 3), out_size(side, window, 3), unit)


PAPER = "Szegedy et al., Going Deeper with Convolutions"

NETWORKS = {
    "googlenet": Network(
        build=GoogLeNet, paper=PAPER, venue="CVPR", year=2015, parameters=6_998_552, macs=1_582_671_872,
        receptive_field=715, classes=1000, channels=3, sizes=(224, 32), share=0.875,
        errors=(
            Published("ImageNet val, centre crop", None, 10.07), Published("ImageNet val, 10 crops", None, 9.15),
            Published("ImageNet val, 144 crops", None, 7.89), Published("ImageNet val, 144 crops, 7 nets", None, 6.67),
        ),
    ),
    "googlenet_tv": Network(
        build=partial(GoogLeNet, torchvisions=True), paper=f"after {PAPER}; torchvision", venue="CVPR", year=2015,
        parameters=6_624_904, macs=1_498_376_192, receptive_field=379, classes=1000, channels=3, sizes=(224, 32),
        borrowed=TENSORFLOW,  # its weights were TensorFlow's: torchvision turns its own scale back into x / 127.5 - 1
        share=0.875,
        errors=(Published("ImageNet val, centre crop (torchvision's weights)", 30.222, 10.47),),
    ),
}  # fmt: skip
