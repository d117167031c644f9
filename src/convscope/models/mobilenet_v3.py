"""MobileNet v3: v2's blocks, found by search, with squeeze-and-excite and the hard swish.

Howard et al., "Searching for MobileNetV3", ICCV 2019, as torchvision builds it, which equals the paper's Tables 1 and
2. Differs from the paper: first values are He's; other widths than 1.0 scale the last layers too (torchvision's rule).
Rows `_same` pad as TensorFlow does. Below 64 pixels the first two halvings are left out. Squeeze-and-excite looks at
the whole picture; receptive fields leave it out.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import nn

from convscope.layers.conv import ConvNorm
from convscope.layers.initialise import he
from convscope.layers.squeeze import SqueezeExcite
from convscope.models.mobilenet_v2 import Inverted, divisible
from convscope.models.network import IMAGENET, SMALL, TENSORFLOW, Network, Published


class Block(NamedTuple):
    """A row of Tables 1 and 2.

    Attributes:
        kernel: side of the depthwise window.
        wide: channels inside.
        out: channels out.
        squeeze: whether squeeze-and-excite follows the depthwise layer.
        activation: "RE" for ReLU, "HS" for hard swish.
        stride: of the depthwise layer.
    """

    kernel: int
    wide: int
    out: int
    squeeze: bool
    activation: str
    stride: int


LARGE = (
    Block(3, 16, 16, False, "RE", 1), Block(3, 64, 24, False, "RE", 2), Block(3, 72, 24, False, "RE", 1),
    Block(5, 72, 40, True, "RE", 2), Block(5, 120, 40, True, "RE", 1), Block(5, 120, 40, True, "RE", 1),
    Block(3, 240, 80, False, "HS", 2), Block(3, 200, 80, False, "HS", 1), Block(3, 184, 80, False, "HS", 1),
    Block(3, 184, 80, False, "HS", 1), Block(3, 480, 112, True, "HS", 1), Block(3, 672, 112, True, "HS", 1),
    Block(5, 672, 160, True, "HS", 2), Block(5, 960, 160, True, "HS", 1), Block(5, 960, 160, True, "HS", 1),
)  # fmt: skip
SMALL_ROWS = (
    Block(3, 16, 16, True, "RE", 2), Block(3, 72, 24, False, "RE", 2), Block(3, 88, 24, False, "RE", 1),
    Block(5, 96, 40, True, "HS", 2), Block(5, 240, 40, True, "HS", 1), Block(5, 240, 40, True, "HS", 1),
    Block(5, 120, 48, True, "HS", 1), Block(5, 144, 48, True, "HS", 1), Block(5, 288, 96, True, "HS", 2),
    Block(5, 576, 96, True, "HS", 1), Block(5, 576, 96, True, "HS", 1),
)  # fmt: skip


class MobileNetV3(nn.Sequential):
    """Inverted residuals of Table 1 (large, 5,483,032 parameters) or Table 2 (small, 2,542,856).

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels.
        rows: the table.
        hidden: units of the dense layer before the scores, 1,280 or 1,024.
        alpha: width multiplier.
        same: TensorFlow's padding.
    Source:
        Howard et al., 2019, tables 1 and 2.

    Example:
        >>> import torch
        >>> MobileNetV3(10, size=64).eval()(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 10])
    """

    def __init__(
        self,
        classes: int,
        channels: int = 3,
        size: int = 224,
        rows: tuple[Block, ...] = LARGE,
        hidden: int = 1280,
        *,
        alpha: float = 1.0,
        same: bool = False,
    ) -> None:
        super().__init__()
        unit = partial(ConvNorm, same=same, eps=1e-3, momentum=0.01)
        small, into = size < SMALL, divisible(16 * alpha)
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            stem=unit(channels, into, 3, 1 if small else 2, activation=nn.Hardswish)
        )
        spared = small  # of the first block that would halve the map
        for number, row in enumerate(rows, start=1):
            stride = 1 if spared and row.stride == 2 else row.stride
            spared = spared and row.stride == 1
            wide, out = divisible(row.wide * alpha), divisible(row.out * alpha)
            layers[f"block{number}"] = _inverted(into, row._replace(wide=wide, out=out, stride=stride), unit)
            into = out
        last, hidden = 6 * into, divisible(hidden * alpha)
        layers["last"] = unit(into, last, 1, activation=nn.Hardswish)
        self.features = nn.Sequential(layers)
        self.classifier = nn.Sequential(
            OrderedDict(
                average=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), hidden=nn.Linear(last, hidden),
                swish=nn.Hardswish(), dropout=nn.Dropout(0.2), scores=nn.Linear(hidden, classes),
            )
        )  # fmt: skip
        he(self, self.classifier[-1])


def _inverted(into: int, row: Block, unit: Callable[..., nn.Sequential]) -> Inverted:
    activation = nn.Hardswish if row.activation == "HS" else nn.ReLU
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if row.wide != into:
        layers["expand"] = unit(into, row.wide, 1, activation=activation)
    layers["depthwise"] = unit(row.wide, row.wide, row.kernel, row.stride, groups=row.wide, activation=activation)
    if row.squeeze:
        layers["squeeze"] = SqueezeExcite(row.wide, divisible(row.wide // 4))
    layers["project"] = unit(row.wide, row.out, 1, activation=None)
    return Inverted(nn.Sequential(layers), residual=row.stride == 1 and into == row.out)


def _rows(
    name: str, rows: tuple[Block, ...], hidden: int, parameters: int, macs: int, field: int, accuracy: float
) -> dict[str, Network]:
    """PyTorch's padding, and TensorFlow's."""
    return {
        f"mobilenet_v3_{name}{'_same' if same else ''}": Network(
            build=partial(MobileNetV3, rows=rows, hidden=hidden, same=same), paper="Howard et al., Searching for "
            "MobileNetV3", venue="ICCV", year=2019, parameters=parameters, macs=macs, receptive_field=field,
            classes=1000, channels=3, sizes=(224, 32), scale=(0.5, 0.5) if same else None,
            borrowed=TENSORFLOW if same else IMAGENET, share=0.875,
            errors=(Published("ImageNet val, centre crop", round(100 - accuracy, 1)),),
        )
        for same in (False, True)
    }  # fmt: skip


NETWORKS = {
    **_rows("large", LARGE, 1280, 5_483_032, 216_589_760, 595, 75.2),
    **_rows("small", SMALL_ROWS, 1024, 2_542_856, 56_510_400, 639, 67.4),
}
