"""The small network of the Keras walk-through on Fashion-MNIST in CNN course notes.

Not a paper's: 32 convolutions of 3x3, batch normalisation after the ReLU, one maximum pooling, dropout of a quarter,
a hidden layer of 512. Initialisation and batch normalisation are Keras's defaults, as the notes have them.
Differs from the notes: raw scores leave the network, where the notes end in a softmax layer.
"""

from collections import OrderedDict

from torch import nn

from convscope.errors import ModelError
from convscope.layers.initialise import keras_default
from convscope.models.network import Network

# Keras's momentum of 0.99 weighs the old value, PyTorch's 0.01 the new one.
EPS, MOMENTUM = 1e-3, 0.01


class CourseCNN(nn.Sequential):
    """Conv 32 → ReLU → batch norm → max pool → dropout → 512 → ReLU → batch norm → classes.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels, even or odd, from 8.

    Raises:
        ModelError: a size below 8.
    Source:
        course notes; Keras 3 for the defaults.

    Example:
        >>> import torch
        >>> CourseCNN(10)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(self, classes: int, channels: int = 1, size: int = 28) -> None:
        if size < 8:
            raise ModelError(f"course_cnn needs at least 8 pixels, not {size}")
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(channels, 32, 3, padding=1), relu=nn.ReLU(),
                norm=nn.BatchNorm2d(32, EPS, MOMENTUM), pool=nn.MaxPool2d(2),
            )
        )  # fmt: skip
        self.classifier = nn.Sequential(
            OrderedDict(
                dropout=nn.Dropout(0.25), flatten=nn.Flatten(),
                hidden=nn.Linear(32 * (size // 2) ** 2, 512), hidden_relu=nn.ReLU(),
                hidden_norm=nn.BatchNorm1d(512, EPS, MOMENTUM),
                output=nn.Linear(512, classes),
            )
        )  # fmt: skip
        keras_default(self)


NETWORKS = {
    "course_cnn": Network(
        build=CourseCNN,
        paper="Keras walk-through on Fashion-MNIST (data: Xiao, Rasul & Vollgraf)", venue="course notes", year=2017,
        parameters=3_218_314, macs=3_442_176, receptive_field=4,
        classes=10, channels=1, sizes=(28,),
    ),
}  # fmt: skip
