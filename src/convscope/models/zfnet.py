"""ZFNet: AlexNet after its authors had looked inside it.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014 (arXiv 1311.2901, 2013).
Differs from the paper: it gives no padding; one pixel in conv1, pool1 and pool2 reproduces its maps of 110, 55, 26, 13.
Its contrast normalisation across maps takes AlexNet's numbers; its clipping of filters whose mean square passes 0.1² is
a matter of training and not here. Below 64 pixels the first layer is 3×3 with stride 1; first values are He's unless
the paper's are asked for.
"""

from collections import OrderedDict
from functools import partial

from torch import nn

from convscope.layers.initialise import gaussian, he
from convscope.layers.lrn import LocalResponseNorm
from convscope.layers.window import side_after
from convscope.models.network import SMALL, Network, Published


class ZFNet(nn.Sequential):
    """AlexNet with a finer first layer (7×7, stride 2) and dense middle layers: 62,357,608 parameters.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels; 224 gives the paper's maps of 110, 55, 26, 13, 13, 13, 13, 6.

    Raises:
        ModelError: a size that leaves no map.
    Source:
        Zeiler & Fergus, 2014, figure 3.

    Example:
        >>> import torch
        >>> ZFNet(10, size=96)(torch.zeros(1, 3, 96, 96)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 3, size: int = 224) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 96, 3, padding=1) if size < SMALL else nn.Conv2d(channels, 96, 7, 2, 1),
                relu1=nn.ReLU(), pool1=nn.MaxPool2d(3, 2, padding=1), norm1=LocalResponseNorm(),
                conv2=nn.Conv2d(96, 256, 5, stride=2),
                relu2=nn.ReLU(), pool2=nn.MaxPool2d(3, 2, padding=1), norm2=LocalResponseNorm(),
                conv3=nn.Conv2d(256, 384, 3, padding=1), relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, 3, padding=1), relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, 3, padding=1), relu5=nn.ReLU(), pool5=nn.MaxPool2d(3, 2),
            )
        )  # fmt: skip
        side = side_after(self.features, size, "zfnet")
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                fc6=nn.Linear(256 * side**2, 4096), relu6=nn.ReLU(), dropout6=nn.Dropout(0.5),
                fc7=nn.Linear(4096, 4096), relu7=nn.ReLU(), dropout7=nn.Dropout(0.5),
                fc8=nn.Linear(4096, classes),
            )
        )  # fmt: skip
        he(self, self.classifier[-1])


NETWORKS = {
    "zfnet": Network(
        build=ZFNet, paper="Zeiler & Fergus, Visualizing and Understanding Convolutional Networks", venue="ECCV",
        year=2014, parameters=62_357_608, macs=1_168_032_896, receptive_field=171,
        classes=1000, channels=3, sizes=(224, 32), share=0.875,
        errors=(
            Published("ImageNet val, 1 net", 38.4, 16.5), Published("ImageNet val, 6 nets", 36.0, 14.7),
        ),
        initialise=partial(gaussian, spread=0.01),
    ),
}  # fmt: skip
