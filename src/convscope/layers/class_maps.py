"""A scoring layer that draws one map for each class."""

from collections import OrderedDict

from torch import nn


class ClassMaps(nn.Sequential):
    """1×1 convolution to one map a class → ReLU → mean of each map: how strongly the class shows, anywhere.

    Shape:
        (N, channels, H, W) -> (N, classes), raw scores, none below zero

    Args:
        channels: of the map before.
        classes: outputs.
    Source:
        Lin, Chen & Yan, "Network In Network", ICLR 2014, section 3.2.

    Example:
        >>> import torch
        >>> ClassMaps(192, 10)(torch.zeros(2, 192, 8, 8)).shape
        torch.Size([2, 10])
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(channels, classes, 1), relu=nn.ReLU(), pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten()
            )
        )
