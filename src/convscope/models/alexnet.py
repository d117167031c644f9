"""AlexNet: the network of 2012, and the narrower one of 2014 that torchvision calls AlexNet.

`alexnet`: Krizhevsky, Sutskever & Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012.
Differs from the paper: pictures of 227 pixels, since (224 − 11)/4 + 1 is no whole number (with 227 it is 55); one
module with two groups in conv2, conv4 and conv5 where the paper had two GPUs; dropout scales in training, not in the
test.

`alexnet_owt`: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv 1404.5997, 2014, as
torchvision builds it: no groups, no normalisation, other widths, dropout before fc6 and fc7 instead of after.

Both: where a picture is so small that nothing would be left of it (below 67 and 64 pixels), the first layer is 3×3 with
stride 1; first values are He's unless the paper's are asked for.
"""

from collections import OrderedDict
from functools import partial

from torch import nn

from convscope.layers.initialise import gaussian, he
from convscope.layers.lrn import LocalResponseNorm
from convscope.layers.window import side_after
from convscope.models.network import CAFFE, IMAGENET, SMALL, Network, Published


class AlexNet(nn.Sequential):
    """Five convolutions, three dense layers, 60,965,224 parameters.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels; 227 gives the paper's maps of 55, 27, 13, 13, 13, 6.
        groups: halves that do not see each other in conv2, conv4 and conv5; 1 joins them.

    Raises:
        ModelError: a size that leaves no map.
    Source:
        Krizhevsky, Sutskever & Hinton, 2012, section 3.5 and figure 2.

    Example:
        >>> import torch
        >>> AlexNet(10, size=67)(torch.zeros(1, 3, 67, 67)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 3, size: int = 227, groups: int = 2) -> None:
        super().__init__()
        small = size < 67  # of less, the paper's windows leave nothing
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 96, 3, padding=1) if small else nn.Conv2d(channels, 96, 11, stride=4),
                relu1=nn.ReLU(), norm1=LocalResponseNorm(), pool1=nn.MaxPool2d(3, 2),
                conv2=nn.Conv2d(96, 256, 5, padding=2, groups=groups),
                relu2=nn.ReLU(), norm2=LocalResponseNorm(), pool2=nn.MaxPool2d(3, 2),
                conv3=nn.Conv2d(256, 384, 3, padding=1), relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, 3, padding=1, groups=groups), relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, 3, padding=1, groups=groups), relu5=nn.ReLU(), pool5=nn.MaxPool2d(3, 2),
            )
        )  # fmt: skip
        side = side_after(self.features, size, "alexnet")
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                fc6=nn.Linear(256 * side**2, 4096), relu6=nn.ReLU(), dropout6=nn.Dropout(0.5),
                fc7=nn.Linear(4096, 4096), relu7=nn.ReLU(), dropout7=nn.Dropout(0.5),
                fc8=nn.Linear(4096, classes),
            )
        )  # fmt: skip
        he(self, self.classifier[-1])


class AlexNetOneWeirdTrick(nn.Sequential):
    """The single column of 2014, 61,100,840 parameters; torchvision's `alexnet`.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels.

    Raises:
        ModelError: a size that leaves no map.
    Source:
        Krizhevsky, 2014; torchvision 0.29 for dropout, padding and the average to 6×6.

    Example:
        >>> import torch
        >>> AlexNetOneWeirdTrick(10, size=64)(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 3, size: int = 224) -> None:
        super().__init__()
        small = size < SMALL
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 64, 3, padding=1) if small else nn.Conv2d(channels, 64, 11, 4, padding=2),
                relu1=nn.ReLU(), pool1=nn.MaxPool2d(3, 2),
                conv2=nn.Conv2d(64, 192, 5, padding=2), relu2=nn.ReLU(), pool2=nn.MaxPool2d(3, 2),
                conv3=nn.Conv2d(192, 384, 3, padding=1), relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 256, 3, padding=1), relu4=nn.ReLU(),
                conv5=nn.Conv2d(256, 256, 3, padding=1), relu5=nn.ReLU(), pool5=nn.MaxPool2d(3, 2),
            )
        )  # fmt: skip
        side = side_after(self.features, size, "alexnet_owt")
        side = side if small else 6
        self.classifier = nn.Sequential(
            OrderedDict(
                average=nn.AdaptiveAvgPool2d(side), flatten=nn.Flatten(), dropout6=nn.Dropout(0.5),
                fc6=nn.Linear(256 * side**2, 4096), relu6=nn.ReLU(), dropout7=nn.Dropout(0.5),
                fc7=nn.Linear(4096, 4096), relu7=nn.ReLU(),
                fc8=nn.Linear(4096, classes),
            )
        )  # fmt: skip
        he(self, self.classifier[-1])


# conv2, conv4, conv5 and the hidden dense layers begin with biases of one, so that their ReLUs see positive inputs
OPEN = ("features.conv2", "features.conv4", "features.conv5", "classifier.fc6", "classifier.fc7")

NETWORKS = {
    "alexnet": Network(
        build=AlexNet, paper="Krizhevsky, Sutskever & Hinton, ImageNet Classification with Deep Convolutional Neural "
        "Networks", venue="NIPS", year=2012, parameters=60_965_224, macs=724_406_816, receptive_field=195,
        classes=1000, channels=3, sizes=(227, 32), borrowed=CAFFE, share=0.875,
        errors=(
            Published("ImageNet val, 10 crops", 40.7, 18.2), Published("ImageNet val, 10 crops, 5 nets", 38.1, 16.4),
        ),
        initialise=partial(gaussian, spread=0.01, ones=OPEN),
    ),
    "alexnet_owt": Network(
        build=AlexNetOneWeirdTrick, paper="Krizhevsky, One weird trick for parallelizing convolutional neural networks",
        venue="arXiv 1404.5997", year=2014, parameters=61_100_840, macs=714_188_480, receptive_field=195,
        classes=1000, channels=3, sizes=(224, 32), borrowed=IMAGENET, share=0.875,
        errors=(Published("ImageNet val, centre crop (torchvision's weights)", 43.478, 20.934),),
    ),
}  # fmt: skip
