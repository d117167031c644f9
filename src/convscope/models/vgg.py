"""VGG: 3×3 convolutions, five times halved, 11 to 19 layers deep.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
Differs from the paper: the average to 7×7 after the last map, which does nothing at 224 pixels and lets the dense
layers take other sizes (as in torchvision; below 64 pixels the map is taken as it is); batch normalisation in the rows
`_bn`, which are torchvision's; first values are He's unless the paper's are asked for.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from torch import nn

from convscope.errors import ModelError
from convscope.layers.initialise import gaussian, he
from convscope.layers.lrn import LocalResponseNorm
from convscope.layers.window import side_after
from convscope.models.network import IMAGENET, SMALL, Network, Published

# Table 1: how many convolutions each of the five blocks has, before the map is halved.
WIDTHS = (64, 128, 256, 512, 512)
A, B, D, E = (1, 1, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)


class VGG(nn.Sequential):
    """One column of the paper's Table 1.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels, from 32.
        blocks: convolutions in each of the five blocks.
        ones: blocks, from 1, whose last convolution is 1×1 (column C).
        local_norm: local response normalisation after the first convolution (column A-LRN).
        batch_norm: batch normalisation after every convolution.

    Raises:
        ModelError: a size below 32.
    Source:
        Simonyan & Zisserman, 2015, table 1.

    Example:
        >>> import torch
        >>> VGG(10, size=32)(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 10])
    """

    def __init__(
        self,
        classes: int,
        channels: int = 3,
        size: int = 224,
        blocks: tuple[int, ...] = A,
        *,
        ones: tuple[int, ...] = (),
        local_norm: bool = False,
        batch_norm: bool = False,
    ) -> None:
        if size < 32:
            raise ModelError(f"a VGG needs at least 32 pixels, not {size}: it halves its map five times")
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for block, (count, width) in enumerate(zip(blocks, WIDTHS, strict=True), start=1):
            for index in range(1, count + 1):
                kernel = 1 if block in ones and index == count else 3
                place = f"{block}_{index}"
                layers[f"conv{place}"] = nn.Conv2d(channels, width, kernel, padding=kernel // 2)
                if batch_norm:
                    layers[f"norm{place}"] = nn.BatchNorm2d(width)
                layers[f"relu{place}"] = nn.ReLU()
                if local_norm and place == "1_1":
                    layers["lrn1_1"] = LocalResponseNorm()
                channels = width
            layers[f"pool{block}"] = nn.MaxPool2d(2)
        self.features = nn.Sequential(layers)
        side = side_after(self.features, size, "a VGG") if size < SMALL else 7
        self.classifier = nn.Sequential(
            OrderedDict(
                average=nn.AdaptiveAvgPool2d(side), flatten=nn.Flatten(),
                fc6=nn.Linear(512 * side**2, 4096), relu6=nn.ReLU(), dropout6=nn.Dropout(0.5),
                fc7=nn.Linear(4096, 4096), relu7=nn.ReLU(), dropout7=nn.Dropout(0.5),
                fc8=nn.Linear(4096, classes),
            )
        )  # fmt: skip
        he(self, self.classifier[-1])


# the layers of a trained A that a deeper network starts from: its first four convolutions, its dense layers
FROM_A = ("features.conv1_1", "features.conv2_1", "features.conv3_1", "features.conv3_2")
DENSE = ("classifier.fc6", "classifier.fc7", "classifier.fc8")


def _row(
    letter: str, build: Callable[..., nn.Module], parameters: int, macs: int, field: int, *errors: Published
) -> Network:
    return Network(
        build=build, paper=f"Simonyan & Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition "
        f"({letter})", venue="ICLR", year=2015, parameters=parameters, macs=macs, receptive_field=field, classes=1000,
        channels=3, sizes=(224, 32), borrowed=IMAGENET, share=0.875, errors=errors,
        initialise=None if letter.endswith("norm") else partial(gaussian, spread=0.1),
    )  # fmt: skip


def _one(top1: float, top5: float, scale: str = "S = Q = 256") -> Published:
    return Published(f"ImageNet val, dense, one scale ({scale})", top1, top5)


def _centre(top1: float, top5: float) -> Published:
    return Published("ImageNet val, centre crop (torchvision's weights)", top1, top5)


JITTER, SCALES = "S in [256; 512], Q = 384", "ImageNet val, dense, Q in {256, 384, 512} (S in [256; 512])"
NORMAL = partial(VGG, batch_norm=True)

NETWORKS = {
    "vgg11": _row("A", partial(VGG, blocks=A), 132_863_336, 7_609_090_048, 150, _one(29.6, 10.4)),
    "vgg11_lrn": _row(
        "A-LRN", partial(VGG, blocks=A, local_norm=True), 132_863_336, 7_609_090_048, 150, _one(29.7, 10.5)
    ),
    "vgg11_bn": _row(
        "A, batch norm", partial(NORMAL, blocks=A), 132_868_840, 7_609_090_048, 150, _centre(29.63, 10.19)
    ),
    "vgg13": _row("B", partial(VGG, blocks=B), 133_047_848, 11_308_466_176, 156, _one(28.7, 9.9)),
    "vgg13_bn": _row(
        "B, batch norm", partial(NORMAL, blocks=B), 133_053_736, 11_308_466_176, 156, _centre(28.414, 9.626)
    ),
    "vgg16c": _row(
        "C", partial(VGG, blocks=D, ones=(3, 4, 5)), 133_638_952, 11_770_888_192, 156, _one(27.3, 8.8, JITTER),
        Published(SCALES, 26.3, 8.2),
    ),
    "vgg16": _row(
        "D", partial(VGG, blocks=D), 138_357_544, 15_470_264_320, 212, _one(25.6, 8.1, JITTER),
        Published(SCALES, 24.8, 7.5),
    ),
    "vgg16_bn": _row(
        "D, batch norm", partial(NORMAL, blocks=D), 138_365_992, 15_470_264_320, 212, _centre(26.64, 8.484)
    ),
    "vgg19": _row(
        "E", partial(VGG, blocks=E), 143_667_240, 19_632_062_464, 268, _one(25.5, 8.0, JITTER),
        Published(SCALES, 24.8, 7.5),
    ),
    "vgg19_bn": _row(
        "E, batch norm", partial(NORMAL, blocks=E), 143_678_248, 19_632_062_464, 268, _centre(25.782, 8.158)
    ),
}  # fmt: skip
