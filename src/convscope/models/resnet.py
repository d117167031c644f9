"""ResNet: layers that learn what to add to their input, 18 to 152 deep, and the thin ones for CIFAR.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
`resnet18` and `resnet34` are the paper's with projections where shapes change (option B). The plain names of 50, 101
and 152 are the version that everyone has weights for ("v1.5", as torchvision): a bottleneck that halves its map does
so in its 3×3, the paper's in its first 1×1; the rows `_v1` are the paper's. `resnetN_cifar` are section 4.2's, with
shortcuts without parameters (option A). Differs from the paper: the first max pool is padded by one pixel instead of
rounding up (both give 56). Below 64 pixels the first layer of the large ones is 3×3 with stride 1, and no pool
follows it.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from convscope.layers.initialise import he
from convscope.layers.shortcut import PadShortcut
from convscope.models.network import IMAGENET, SMALL, Network, Published


class Residual(nn.Module):
    """y = relu(body(x) + shortcut(x)).

    Shape:
        as body and shortcut say, which must agree
    Args:
        body: what is learned.
        shortcut: the input, brought to the body's shape.
    Source:
        He et al., 2016, section 3.2, eq. 1 and 2.

    Example:
        >>> import torch
        >>> Residual(nn.Identity(), nn.Identity())(torch.tensor([-1.0, 2.0])).tolist()
        [0.0, 4.0]
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Add, then rectify."""
        total: Tensor = self.relu(self.body(x) + self.shortcut(x))
        return total


def _conv(into: int, out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)


def basic(into: int, width: int, stride: int, *, option_a: bool = False) -> Residual:
    """Two 3×3 convolutions (figure 5, left); the first takes the stride."""
    body = OrderedDict(
        conv1=_conv(into, width, 3, stride), norm1=nn.BatchNorm2d(width), relu1=nn.ReLU(),
        conv2=_conv(width, width, 3), norm2=nn.BatchNorm2d(width),
    )  # fmt: skip
    return Residual(nn.Sequential(body), _shortcut(into, width, stride, option_a=option_a))


def bottleneck(into: int, width: int, stride: int, *, stride_first: bool = False) -> Residual:
    """1×1 down, 3×3, 1×1 up to four times the width (figure 5, right); the stride in the 3×3, or in the first 1×1."""
    first, second = (stride, 1) if stride_first else (1, stride)
    body = OrderedDict(
        conv1=_conv(into, width, 1, first), norm1=nn.BatchNorm2d(width), relu1=nn.ReLU(),
        conv2=_conv(width, width, 3, second), norm2=nn.BatchNorm2d(width), relu2=nn.ReLU(),
        conv3=_conv(width, 4 * width, 1), norm3=nn.BatchNorm2d(4 * width),
    )  # fmt: skip
    return Residual(nn.Sequential(body), _shortcut(into, 4 * width, stride))


def _shortcut(into: int, out: int, stride: int, *, option_a: bool = False) -> nn.Module:
    if into == out and stride == 1:
        return nn.Identity()
    if option_a:
        return PadShortcut(into, out, stride)
    return nn.Sequential(OrderedDict(conv=_conv(into, out, 1, stride), norm=nn.BatchNorm2d(out)))


class ResNet(nn.Sequential):
    """Four stages of residual blocks, each at half the map and twice the width of the one before.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels.
        blocks: residual blocks in each of the four stages.
        deep: bottlenecks instead of basic blocks.
        stride_first: bottlenecks halve the map in their first 1×1, as the paper's.
    Source:
        He et al., 2016, table 1.

    Example:
        >>> import torch
        >>> ResNet(10, size=64).eval()(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 10])
    """

    def __init__(
        self,
        classes: int,
        channels: int = 3,
        size: int = 224,
        blocks: tuple[int, ...] = (2, 2, 2, 2),
        *,
        deep: bool = False,
        stride_first: bool = False,
    ) -> None:
        super().__init__()
        small = size < SMALL
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=_conv(channels, 64, 3) if small else _conv(channels, 64, 7, 2), norm1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(),
        )  # fmt: skip
        if not small:
            layers["pool1"] = nn.MaxPool2d(3, 2, padding=1)
        into = 64
        for stage, count in enumerate(blocks, start=1):
            width, rows = 64 * 2 ** (stage - 1), OrderedDict[str, nn.Module]()
            for index in range(count):
                stride = 2 if stage > 1 and index == 0 else 1
                if deep:
                    block = bottleneck(into, width, stride, stride_first=stride_first)
                else:
                    block = basic(into, width, stride)
                rows[f"block{index + 1}"] = block
                into = 4 * width if deep else width
            layers[f"stage{stage}"] = nn.Sequential(rows)
        self.features = nn.Sequential(layers)
        self.classifier = _head(into, classes)
        he(self, self.classifier[-1])


class CifarResNet(nn.Sequential):
    """Three stages of n basic blocks at 16, 32 and 64 channels: 6n + 2 layers.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels; any.
        blocks: n, residual blocks in each stage.
        option_a: shortcuts without parameters, as the paper's on CIFAR; else projections (option B).
    Source:
        He et al., 2016, section 4.2.

    Example:
        >>> import torch
        >>> CifarResNet(10, blocks=3).eval()(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 10])
    """

    def __init__(
        self, classes: int, channels: int = 3, size: int = 32, blocks: int = 3, *, option_a: bool = True
    ) -> None:
        super().__init__()
        del size  # a mean over the last map ends it, whatever its side
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=_conv(channels, 16, 3), norm1=nn.BatchNorm2d(16), relu1=nn.ReLU()
        )
        into = 16
        for stage, width in enumerate((16, 32, 64), start=1):
            rows = OrderedDict[str, nn.Module]()
            for index in range(blocks):
                rows[f"block{index + 1}"] = basic(into, width, 2 if index == 0 < stage - 1 else 1, option_a=option_a)
                into = width
            layers[f"stage{stage}"] = nn.Sequential(rows)
        self.features = nn.Sequential(layers)
        self.classifier = _head(64, classes)
        he(self, self.classifier[-1])


def _head(into: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(average=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), scores=nn.Linear(into, classes))
    )


PAPER = "He, Zhang, Ren & Sun, Deep Residual Learning for Image Recognition"


def _row(build: Callable[..., nn.Module], parameters: int, macs: int, field: int, *errors: Published) -> Network:
    return Network(
        build=build, paper=PAPER, venue="CVPR", year=2016, parameters=parameters, macs=macs, receptive_field=field,
        classes=1000, channels=3, sizes=(224, 32), borrowed=IMAGENET, share=0.875, errors=errors,
    )  # fmt: skip


def _cifar(depth: int, parameters: int, macs: int, field: int, error: float) -> dict[str, Network]:
    row = Network(
        build=partial(CifarResNet, blocks=(depth - 2) // 6), paper=PAPER, venue="CVPR", year=2016,
        parameters=parameters, macs=macs, receptive_field=field, classes=10, channels=3, sizes=(32, 28),
        errors=(Published("CIFAR-10 test, augmented", error),),
    )  # fmt: skip
    return {f"resnet{depth}_cifar": row}


def _centre(top1: float, top5: float) -> Published:
    return Published("ImageNet val, centre crop (torchvision's weights)", top1, top5)


TEN, SCALES = "ImageNet val, 10 crops", "ImageNet val, dense, 5 scales"
ONE = "ImageNet val, centre crop (the authors' weights)"

BASIC_18, BASIC_34 = partial(ResNet, blocks=(2, 2, 2, 2)), partial(ResNet, blocks=(3, 4, 6, 3))
DEEP_50 = partial(ResNet, blocks=(3, 4, 6, 3), deep=True)
DEEP_101 = partial(ResNet, blocks=(3, 4, 23, 3), deep=True)
DEEP_152 = partial(ResNet, blocks=(3, 8, 36, 3), deep=True)

ERRORS_50 = Published(ONE, 24.7, 7.8), Published(TEN, 22.85, 6.71), Published(SCALES, 20.74, 5.25)
ERRORS_101 = Published(ONE, 23.6, 7.1), Published(TEN, 21.75, 6.05), Published(SCALES, 19.87, 4.60)
ERRORS_152 = Published(ONE, 23.0, 6.7), Published(TEN, 21.43, 5.71), Published(SCALES, 19.38, 4.49)

NETWORKS = {
    "resnet18": _row(
        BASIC_18, 11_689_512, 1_814_073_344, 435, Published(f"{TEN} (shortcuts of option A)", 27.88),
        _centre(30.242, 10.922),
    ),
    "resnet34": _row(
        BASIC_34, 21_797_672, 3_663_761_408, 899, Published(TEN, 24.52, 7.46), Published(SCALES, 21.84, 5.71)
    ),
    "resnet50": _row(DEEP_50, 25_557_032, 4_089_184_256, 427, _centre(23.87, 7.138)),
    "resnet50_v1": _row(partial(DEEP_50, stride_first=True), 25_557_032, 3_857_973_248, 483, *ERRORS_50),
    "resnet101": _row(DEEP_101, 44_549_160, 7_801_405_440, 971, _centre(22.626, 6.454)),
    "resnet101_v1": _row(partial(DEEP_101, stride_first=True), 44_549_160, 7_570_194_432, 1027, *ERRORS_101),
    "resnet152": _row(DEEP_152, 60_192_808, 11_513_626_624, 1451, _centre(21.688, 5.954)),
    "resnet152_v1": _row(partial(DEEP_152, stride_first=True), 60_192_808, 11_282_415_616, 1507, *ERRORS_152),
    **_cifar(20, 269_722, 40_551_040, 81, 8.75), **_cifar(32, 464_154, 68_862_592, 137, 7.51),
    **_cifar(44, 658_586, 97_174_144, 193, 7.17), **_cifar(56, 853_018, 125_485_696, 249, 6.97),
    **_cifar(110, 1_727_962, 252_887_680, 501, 6.43),
}  # fmt: skip
