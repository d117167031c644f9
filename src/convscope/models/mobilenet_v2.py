"""MobileNet v2: inverted residuals: widen by 1×1, filter each channel, narrow again without an activation.

Sandler, Howard, Zhu, Zhmoginov & Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
Differs from the paper: first values are He's. The row `_same` pads as TensorFlow does and takes its epsilon of 0.001:
weights from there need both. Below 64 pixels the first two halvings are left out. The paper's 6.9 M parameters at 1.4
times the width do not follow from its own rule, which gives 6,108,776.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from convscope.layers.conv import ConvNorm
from convscope.layers.initialise import he
from convscope.models.network import IMAGENET, SMALL, TENSORFLOW, Network, Published

# Table 2: (times wider inside, channels out, repeats, stride of the first).
TABLE_2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def divisible(channels: float, by: int = 8) -> int:
    """The nearest multiple of `by`, at least `by`, and never below nine tenths of what was asked for.

    >>> divisible(30.8), divisible(11.2), divisible(3)
    (32, 16, 8)
    """
    rounded = max(by, int(channels + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * channels else rounded


class Inverted(nn.Module):
    """y = body(x), plus x where body keeps size and channels.

    Shape:
        as body says
    Args:
        body: widen, filter, narrow.
        residual: whether the input is added.
    Source:
        Sandler et al., 2018, section 3.3 and figure 3b.

    Example:
        >>> import torch
        >>> Inverted(nn.Identity(), residual=True)(torch.tensor([1.0])).item()
        2.0
    """

    def __init__(self, body: nn.Module, *, residual: bool) -> None:
        super().__init__()
        self.body = body
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """The body, with or without the shortcut."""
        inner: Tensor = self.body(x)
        return x + inner if self.residual else inner


def inverted(into: int, wide: int, out: int, stride: int, unit: Callable[..., nn.Sequential]) -> Inverted:
    """1×1 to `wide` channels (none where that is what comes in), 3×3 depthwise, 1×1 to `out` without activation."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if wide != into:
        layers["expand"] = unit(into, wide, 1)
    layers["depthwise"] = unit(wide, wide, 3, stride, groups=wide)
    layers["project"] = unit(wide, out, 1, activation=None)
    return Inverted(nn.Sequential(layers), residual=stride == 1 and into == out)


class MobileNetV2(nn.Sequential):
    """Seventeen inverted residuals; 3,504,872 parameters.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels.
        alpha: width multiplier; the last 1×1 never has fewer than 1,280 channels.
        same: TensorFlow's padding and epsilon.
    Source:
        Sandler et al., 2018, table 2.

    Example:
        >>> import torch
        >>> MobileNetV2(10, size=64).eval()(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 10])
    """

    def __init__(
        self, classes: int, channels: int = 3, size: int = 224, alpha: float = 1.0, *, same: bool = False
    ) -> None:
        super().__init__()
        unit = partial(ConvNorm, same=same, activation=nn.ReLU6, eps=1e-3 if same else 1e-5)
        small, into, last = size < SMALL, divisible(32 * alpha), max(1280, divisible(1280 * alpha))
        layers: OrderedDict[str, nn.Module] = OrderedDict(stem=unit(channels, into, 3, 1 if small else 2))
        number = 0
        for times, width, repeats, first in TABLE_2:
            for index in range(repeats):
                stride = first if index == 0 and not (small and width == 24) else 1
                out = divisible(width * alpha)
                number += 1
                layers[f"block{number}"] = inverted(into, times * into, out, stride, unit)
                into = out
        layers["last"] = unit(into, last, 1)
        self.features = nn.Sequential(layers)
        self.classifier = nn.Sequential(
            OrderedDict(
                average=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), dropout=nn.Dropout(0.2),
                scores=nn.Linear(last, classes),
            )
        )  # fmt: skip
        he(self, self.classifier[-1])


NETWORKS = {
    f"mobilenet_v2{'_same' if same else ''}": Network(
        build=partial(MobileNetV2, same=same), paper="Sandler, Howard, Zhu, Zhmoginov & Chen, MobileNetV2: Inverted "
        "Residuals and Linear Bottlenecks", venue="CVPR", year=2018, parameters=3_504_872, macs=300_774_272,
        receptive_field=491, classes=1000, channels=3, sizes=(224, 32), scale=(0.5, 0.5) if same else None,
        borrowed=TENSORFLOW if same else IMAGENET, share=0.875,
        errors=(Published("ImageNet val, centre crop", 28.0),),
    )
    for same in (False, True)
}  # fmt: skip
