"""First values of the weights, as papers prescribe them."""

from math import sqrt

from torch import nn

from convscope.layers.sparse import SparseConv2d
from convscope.layers.subsample import Subsample


def lecun_1998(network: nn.Module) -> None:
    """Weights uniform with mean 0 and spread 1 / sqrt(fan-in), biases zero: what `ScaledTanh` was scaled for.

    Fan-in is the number of inputs of one unit: 25 in LeNet-5's C1, 4 in its subsampling.

    Args:
        network: changed in place.
    Source:
        LeCun, Bottou, Orr & Müller, "Efficient BackProp", 1998, section 4.6, eq. 16.

    Example:
        >>> layer = nn.Linear(300, 1)
        >>> lecun_1998(layer)
        >>> bool(layer.weight.abs().max() <= 0.1)
        True
    """
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            bound = sqrt(3 / layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, (Subsample, SparseConv2d)):
            layer.reset()


def keras_default(network: nn.Module) -> None:
    """Weights Glorot-uniform, biases zero: what Keras gives convolutions and dense layers.

    Args:
        network: changed in place.
    Source:
        Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks",
        AISTATS 2010, eq. 16.

    Example:
        >>> layer = nn.Linear(3, 3)
        >>> keras_default(layer)
        >>> bool(layer.weight.abs().max() <= 1.0), layer.bias.abs().max().item()
        (True, 0.0)
    """
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
