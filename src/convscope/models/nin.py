"""Network in Network: small networks of 1×1 convolutions after each convolution, and one map a class at the end.

Lin, Chen & Yan, "Network In Network", ICLR 2014; the layer sizes are those of the authors' CIFAR-10 definition.
Differs from the paper: first values are He's, the scoring biases 1, so that the ReLU behind them is open.
"""

from collections import OrderedDict

from torch import nn

from convscope.layers.class_maps import ClassMaps
from convscope.layers.initialise import he
from convscope.layers.window import side_after
from convscope.models.network import Network, Published


class NiN(nn.Sequential):
    """Three blocks of one window and two 1×1 convolutions; 966,986 parameters for ten classes.

    What enters the scoring layer is a map; its mean over the positions is the picture's embedding.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores, none below zero
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels, from 8.

    Raises:
        ModelError: a size that leaves no map.
    Source:
        Lin, Chen & Yan, 2014, sections 3 and 4.

    Example:
        >>> import torch
        >>> NiN(10)(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 3, size: int = 32) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 192, 5, padding=2), relu1=nn.ReLU(),
                mlp1a=nn.Conv2d(192, 160, 1), relu1a=nn.ReLU(), mlp1b=nn.Conv2d(160, 96, 1), relu1b=nn.ReLU(),
                pool1=nn.MaxPool2d(3, 2, ceil_mode=True), dropout1=nn.Dropout(0.5),
                conv2=nn.Conv2d(96, 192, 5, padding=2), relu2=nn.ReLU(),
                mlp2a=nn.Conv2d(192, 192, 1), relu2a=nn.ReLU(), mlp2b=nn.Conv2d(192, 192, 1), relu2b=nn.ReLU(),
                pool2=nn.AvgPool2d(3, 2, ceil_mode=True), dropout2=nn.Dropout(0.5),
                conv3=nn.Conv2d(192, 192, 3, padding=1), relu3=nn.ReLU(),
                mlp3a=nn.Conv2d(192, 192, 1), relu3a=nn.ReLU(),
            )
        )  # fmt: skip
        side_after(self.features, size, "nin")
        self.classifier = nn.Sequential(OrderedDict(scores=ClassMaps(192, classes)))
        he(self, self.classifier[-1])


NETWORKS = {
    "nin": Network(
        build=NiN, paper="Lin, Chen & Yan, Network In Network", venue="ICLR", year=2014, parameters=966_986,
        macs=222_486_528, receptive_field=27, classes=10, channels=3, sizes=(32, 28),
        errors=(Published("CIFAR-10 test", 10.41), Published("CIFAR-10 test, augmented", 8.81)),
    ),
}  # fmt: skip
