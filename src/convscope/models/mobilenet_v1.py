"""MobileNet v1: a convolution taken apart into one window a channel (depthwise) and 1×1 across channels (pointwise).

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", arXiv 1704.04861,
2017. Differs from the paper: ReLU is cut off at 6, as in the authors' code; the last depthwise layer has stride 1 (the
paper's Table 1 prints 2, beside a map that stays 7×7); first values are He's. Rows `_same` pad as TensorFlow does and
take its epsilon of 0.001: borrowed Keras weights need both. Below 64 pixels the first two halvings are left out.
"""

from collections import OrderedDict
from functools import partial

from torch import nn

from convscope.layers.conv import ConvNorm
from convscope.layers.initialise import he
from convscope.models.network import IMAGENET, SMALL, TENSORFLOW, Network, Published

# Table 1: (channels out, stride) of the thirteen depthwise-pointwise pairs.
TABLE_1 = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip


class MobileNetV1(nn.Sequential):
    """28 layers, 13 of them depthwise; 4,231,976 parameters.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels.
        alpha: width multiplier: every layer's channels times this, rounded down.
        same: TensorFlow's padding and epsilon.
    Source:
        Howard et al., 2017, section 3 and table 1.

    Example:
        >>> import torch
        >>> MobileNetV1(10, size=64, alpha=0.25).eval()(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 10])
    """

    def __init__(
        self, classes: int, channels: int = 3, size: int = 224, alpha: float = 1.0, *, same: bool = False
    ) -> None:
        super().__init__()
        unit = partial(ConvNorm, same=same, activation=nn.ReLU6, eps=1e-3 if same else 1e-5)
        small, into = size < SMALL, int(32 * alpha)
        layers: OrderedDict[str, nn.Module] = OrderedDict(stem=unit(channels, into, 3, 1 if small else 2))
        for number, (width, stride) in enumerate(TABLE_1, start=1):
            out = int(width * alpha)
            layers[f"pair{number}"] = nn.Sequential(
                OrderedDict(
                    depthwise=unit(into, into, 3, 1 if small and number == 2 else stride, groups=into),
                    pointwise=unit(into, out, 1),
                )
            )
            into = out
        self.features = nn.Sequential(layers)
        self.classifier = nn.Sequential(
            OrderedDict(average=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), scores=nn.Linear(into, classes))
        )
        he(self, self.classifier[-1])


def _rows(suffix: str, alpha: float, parameters: int, macs: int, accuracy: float) -> dict[str, Network]:
    """PyTorch's padding, and TensorFlow's."""
    return {
        f"mobilenet_v1{suffix}{'_same' if same else ''}": Network(
            build=partial(MobileNetV1, alpha=alpha, same=same), paper="Howard et al., MobileNets: Efficient "
            "Convolutional Neural Networks for Mobile Vision Applications", venue="arXiv 1704.04861", year=2017,
            parameters=parameters, macs=macs, receptive_field=315, classes=1000, channels=3, sizes=(224, 32),
            scale=(0.5, 0.5) if same else None, borrowed=TENSORFLOW if same else IMAGENET, share=0.875,
            errors=(Published("ImageNet val, centre crop", round(100 - accuracy, 1)),),
        )
        for same in (False, True)
    }  # fmt: skip


NETWORKS = {
    **_rows("", 1.0, 4_231_976, 568_740_352, 70.6),
    **_rows("_075", 0.75, 2_585_560, 325_400_448, 68.4),
    **_rows("_050", 0.5, 1_331_592, 149_497_088, 63.7),
    **_rows("_025", 0.25, 470_072, 41_030_272, 50.6),
}
