"""Where a network ends: the scoring layer and what enters it, and another scoring layer in its place."""

import copy
from collections import OrderedDict
from typing import Any

from torch import Tensor, nn

from convscope.errors import ModelError
from convscope.layers.class_maps import ClassMaps
from convscope.layers.initialise import he
from convscope.layers.rbf import RBF
from convscope.layers.summary import AUXILIARY
from convscope.models.pretrained.timm_networks import TimmNetwork


def split(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    """(trunk, head): what leads to the scoring layer, and that layer; in evaluation network(x) is head(trunk(x)).

    Both hold the network's own modules under their own names, and copy no weight. Heads that serve training only
    belong to neither.

    Args:
        network: of the zoo, of one's own, or of timm's.

    Raises:
        ModelError: one of timm's whose scores are not one last layer's.

    Example:
        >>> import torch
        >>> from convscope.models import zoo
        >>> trunk, head = split(zoo.build("lenet5_modern", classes=3))
        >>> trunk(torch.zeros(2, 1, 28, 28)).shape, head
        (torch.Size([2, 84]), Linear(in_features=84, out_features=3, bias=True))
    """
    if isinstance(network, TimmNetwork):
        return _TimmTrunk(network), _timm_head(network)
    classifier = _classifier(network)
    halves = OrderedDict[str, nn.Module](features=network.get_submodule("features"), classifier=classifier[:-1])
    return nn.Sequential(halves), classifier[-1]


def embedding(entering: Tensor) -> Tensor:
    """A picture's embedding: what enters the scoring layer, averaged over rows and columns where that is a map.

    Shape:
        (N, D) or (N, D, H, W) -> (N, D)

    Args:
        entering: what a trunk makes of pictures.

    Example:
        >>> import torch
        >>> embedding(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
        tensor([[3.]])
    """
    return entering.mean(dim=(2, 3)) if entering.ndim == 4 else entering


def with_linear_head(network: nn.Module, classes: int) -> nn.Module:
    """The same network with a fresh linear scoring layer on its embedding, which starts almost silent.

    Heads that serve training only get fresh last layers, too, and keep the others.

    Args:
        network: changed in place.
        classes: outputs.

    Raises:
        ModelError: one of timm's whose scores are not a linear layer's.

    Example:
        >>> from convscope.models import zoo
        >>> with_linear_head(zoo.build("nin", classes=10), classes=2).classifier.scores
        Sequential(
          (pool): AdaptiveAvgPool2d(output_size=1)
          (flatten): Flatten(start_dim=1, end_dim=-1)
          (linear): Linear(in_features=192, out_features=2, bias=True)
        )
    """
    if isinstance(network, TimmNetwork):
        _timm_head(network)
        network.body.reset_classifier(classes)
        he(_timm_head(network), _timm_head(network))
        return network
    classifier = _classifier(network)
    match classifier[-1]:
        case ClassMaps(conv=nn.Conv2d() as conv):
            pooled = OrderedDict[str, nn.Module](pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
            pooled["linear"] = _silent(conv.in_channels, classes)
            classifier[-1] = nn.Sequential(pooled)
        case nn.Sequential():
            classifier[-1][-1] = _silent(linear(network).in_features, classes)
        case RBF(codes=codes):
            classifier[-1] = _silent(codes.shape[1], classes)
        case last:
            classifier[-1] = _silent(_linear(last).in_features, classes)
    for head in auxiliary_heads(network):
        head[-1] = _silent(_linear(head[-1]).in_features, classes)
    return network


def linear(network: nn.Module) -> nn.Linear:
    """The linear scoring layer.

    Args:
        network: one that ends in a linear layer, such as `with_linear_head` gives.

    Raises:
        ModelError: its scores come from something else.

    Example:
        >>> from convscope.models import zoo
        >>> linear(zoo.build("vgg11", classes=2, size=32))
        Linear(in_features=4096, out_features=2, bias=True)
    """
    if isinstance(network, TimmNetwork):
        return _timm_head(network)
    last = _classifier(network)[-1]
    return _linear(last[-1] if type(last) is nn.Sequential else last)


def auxiliary_heads(network: nn.Module) -> list[nn.Sequential]:
    """The heads that serve training only; each ends in a linear layer.

    >>> from convscope.models import zoo
    >>> len(auxiliary_heads(zoo.build("googlenet", classes=2, size=32)))
    2
    """
    return [
        head
        for name, head in network.named_children()
        if name.startswith(AUXILIARY) and isinstance(head, nn.Sequential)
    ]


class _TimmTrunk(nn.Module):
    """One of timm's networks up to its scoring layer, without that layer's weights."""

    def __init__(self, network: TimmNetwork) -> None:
        super().__init__()
        head = _timm_head(network)
        path = next(name for name, module in network.body.named_modules() if module is head)
        self.body: Any = _without(network.body, path.split("."))

    def forward(self, x: Tensor) -> Tensor:
        """Picture to what enters the scoring layer."""
        entering: Tensor = self.body.forward_head(self.body.forward_features(x), pre_logits=True)
        return entering


def _without(module: nn.Module, path: list[str]) -> nn.Module:
    """The module with its inner one at `path` passed through; only those that hold it are new objects."""
    shallow = copy.copy(module)
    shallow._modules = dict(module._modules)
    first, *rest = path
    shallow._modules[first] = _without(module.get_submodule(first), rest) if rest else nn.Identity()
    return shallow


def _timm_head(network: TimmNetwork) -> nn.Linear:
    head = network.body.get_classifier()
    if not isinstance(head, nn.Linear):
        raise ModelError(
            f"timm's {type(network.body).__name__} ends in {type(head).__name__}, not in one linear layer, which is "
            "what transfer learning replaces; take another network, such as timm:resnet18"
        )
    return head


def _classifier(network: nn.Module) -> nn.Sequential:
    classifier = network.get_submodule("classifier")
    if not isinstance(classifier, nn.Sequential):
        raise ModelError(f"{type(network).__name__}: its classifier is no chain of layers")
    return classifier


def _linear(layer: nn.Module) -> nn.Linear:
    if not isinstance(layer, nn.Linear):
        raise ModelError(f"the scores come from {type(layer).__name__}, not from a linear layer")
    return layer


def _silent(inputs: int, classes: int) -> nn.Linear:
    fresh = nn.Linear(inputs, classes)
    he(fresh, fresh)
    return fresh
