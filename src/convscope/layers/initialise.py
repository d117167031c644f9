"""First values of the weights, as papers prescribe them."""

from math import sqrt
from typing import Literal

import torch
from torch import nn

from convscope.layers.class_maps import ClassMaps
from convscope.layers.sparse import SparseConv2d
from convscope.layers.subsample import Subsample


def lecun_1998(network: nn.Module) -> None:
    """Weights uniform with mean 0 and spread 1 / sqrt(fan-in), biases zero: what `ScaledTanh` was scaled for.

    Fan-in is the number of inputs of one unit: 25 in LeNet-5's C1, 4 in its subsampling. Caffe's "xavier" filler, which
    counts inputs only, draws the same numbers.

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
            _zero_bias(layer)
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
            _zero_bias(layer)


def lecun_1998_uniform(network: nn.Module) -> None:
    """Weights uniform in ±2.4 / fan-in, biases zero: LeNet-5's first values as its paper prints them.

    Args:
        network: changed in place.
    Source:
        LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86, 1998, appendix A.

    Example:
        >>> layer = nn.Linear(24, 1)
        >>> lecun_1998_uniform(layer)
        >>> bool(layer.weight.abs().max() <= 0.1)
        True
    """
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            bound = 2.4 / layer.weight[0].numel()
            nn.init.uniform_(layer.weight, -bound, bound)
            _zero_bias(layer)
        elif isinstance(layer, Subsample):
            nn.init.uniform_(layer.weight, -2.4 / 4, 2.4 / 4)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, SparseConv2d):
            with torch.no_grad():
                for kernel, fan in zip(layer.weight, layer.fans, strict=True):
                    kernel.uniform_(-2.4 / fan, 2.4 / fan)
                layer.bias.zero_()


def he(network: nn.Module, *scores: nn.Module) -> None:
    """Weights normal with spread sqrt(2 / fan), which keeps a ReLU network's signal alive through any depth.

    Convolutions without a bias, which batch normalisation follows, count the fan of their outputs, as ResNet's authors'
    code does; the others count their inputs. Scoring layers start almost silent, so that the first loss is ln(classes).

    Args:
        network: changed in place.
        scores: layers that end in raw scores; their weights get a spread of 0.02 / sqrt(fan-in).
    Source:
        He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", ICCV 2015, section 2.2.

    Example:
        >>> layer = nn.Conv2d(64, 64, 3)
        >>> he(layer)
        >>> 0.055 < layer.weight.std().item() < 0.063         # sqrt(2 / 576) = 0.0589
        True
    """
    if any(parameter.is_meta for parameter in network.parameters()):
        return  # nothing to fill; PyTorch would load its compiler, which takes seconds, to fill it
    last = {layer for head in scores for layer in head.modules()}
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            if layer in last:
                nn.init.normal_(layer.weight, std=0.02 / sqrt(layer.weight[0].numel()))
            else:
                mode: Literal["fan_in", "fan_out"] = "fan_in" if layer.bias is not None else "fan_out"
                nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity="relu")
            _zero_bias(layer)
    for head in scores:
        if isinstance(head, ClassMaps):  # softmax sees no difference, but at 0 ReLU closes every score for good
            nn.init.ones_(head.get_parameter("conv.bias"))


def gaussian(network: nn.Module, spread: float, ones: tuple[str, ...] = ()) -> None:
    """Weights normal with one spread for all, biases zero but for some layers, whose biases are one.

    Args:
        network: changed in place.
        spread: standard deviation; 0.01 in AlexNet and ZFNet, 0.1 in VGG (its paper prints a variance of 0.01).
        ones: full names of the layers whose biases are one, so that their ReLUs are open at first.
    Source:
        Krizhevsky, Sutskever & Hinton, NIPS 2012, section 5; Zeiler & Fergus, ECCV 2014, section 3; Simonyan &
        Zisserman, ICLR 2015, section 3.1.

    Example:
        >>> layer = nn.Sequential(nn.Linear(1, 2))
        >>> gaussian(layer, 0.01, ones=("0",))
        >>> layer[0].bias.tolist()
        [1.0, 1.0]
    """
    for name, layer in network.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(layer.weight, std=spread)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, float(name in ones))


def _zero_bias(layer: nn.Conv2d | nn.Linear) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
