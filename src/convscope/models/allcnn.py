"""All-CNN-C: no pooling, no dense layer; strides shrink the map, and the last convolution draws one map a class.

Springenberg, Dosovitskiy, Brox & Riedmiller, "Striving for Simplicity: The All Convolutional Net", ICLR 2015 workshop.
Differs from the paper: first values are He's, the scoring biases 1, so that the ReLU behind them is open. As the
paper's "averaging over 6×6" needs, the seventh convolution has no padding.
"""

from collections import OrderedDict

from torch import nn

from convscope.layers.class_maps import ClassMaps
from convscope.layers.initialise import he
from convscope.layers.window import side_after
from convscope.models.network import Network, Published


class AllCNN(nn.Sequential):
    """Nine convolutions, two of them with stride 2; 1,369,738 parameters for ten classes.

    What enters the scoring layer is a map; its mean over the positions is the picture's embedding.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores, none below zero
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels, from 12.

    Raises:
        ModelError: a size that leaves no map.
    Source:
        Springenberg et al., 2015, table 1 (model C) and table 2.

    Example:
        >>> import torch
        >>> AllCNN(10)(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 3, size: int = 32) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                dropout0=nn.Dropout(0.2),
                conv1=nn.Conv2d(channels, 96, 3, padding=1), relu1=nn.ReLU(),
                conv2=nn.Conv2d(96, 96, 3, padding=1), relu2=nn.ReLU(),
                conv3=nn.Conv2d(96, 96, 3, stride=2, padding=1), relu3=nn.ReLU(), dropout3=nn.Dropout(0.5),
                conv4=nn.Conv2d(96, 192, 3, padding=1), relu4=nn.ReLU(),
                conv5=nn.Conv2d(192, 192, 3, padding=1), relu5=nn.ReLU(),
                conv6=nn.Conv2d(192, 192, 3, stride=2, padding=1), relu6=nn.ReLU(), dropout6=nn.Dropout(0.5),
                conv7=nn.Conv2d(192, 192, 3), relu7=nn.ReLU(),
                conv8=nn.Conv2d(192, 192, 1), relu8=nn.ReLU(),
            )
        )  # fmt: skip
        side_after(self.features, size, "allcnn")
        self.classifier = nn.Sequential(OrderedDict(scores=ClassMaps(192, classes)))
        he(self, self.classifier[-1])


NETWORKS = {
    "allcnn": Network(
        build=AllCNN, paper="Springenberg, Dosovitskiy, Brox & Riedmiller, Striving for Simplicity: The All "
        "Convolutional Net", venue="ICLR workshop", year=2015, parameters=1_369_738, macs=270_798_336,
        receptive_field=27, classes=10, channels=3, sizes=(32, 28),
        errors=(Published("CIFAR-10 test", 9.08), Published("CIFAR-10 test, augmented", 7.25)),
    ),
}  # fmt: skip
