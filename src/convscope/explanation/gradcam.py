"""Grad-CAM: where on a picture a network found what speaks for a class.

Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra, "Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization", ICCV 2017. Differs from the paper: maps are scaled to 0..1, each by its own maximum, and
left at the size of the layer's map.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from convscope.errors import ModelError, nearest
from convscope.layers.probe import catching


def gradcam(network: nn.Module, x: Tensor, classes: Tensor, layer: str | None = None) -> Tensor:
    """How much each cell of a layer's map speaks for a class: ReLU of its maps, weighted by their mean gradients.

    The gradient is that of the class's raw score. The network is run in evaluation mode, and left as it was.

    Shape:
        (N, C, H, W), (N,) -> (N, h, w); with classes (N, M) -> (N, M, h, w)

    Args:
        network: of the zoo, of timm's, of one's own; any other with the name of a layer.
        x: pictures as the network takes them.
        classes: index of the class asked about, for each picture; or M classes each, answered from one look.
        layer: name of the layer whose map is looked at; without one, the output of `features`, or where that is a
            single cell (LeNet-5's C5), the last part of `features` whose output has more.

    Returns:
        Maps in 0..1, the largest value of each 1; all 0 where nothing speaks for the class.

    Raises:
        ModelError: no such layer, or one that gives no map.
    Source:
        Selvaraju et al., 2017, eq. 1 and 2.

    Example:
        >>> network = nn.Sequential()
        >>> network.features, network.classifier = nn.Identity(), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        >>> gradcam(network, torch.tensor([[[[0.0, 1.0], [2.0, -1.0]]]]), torch.tensor([0]))
        tensor([[[0.0000, 0.5000],
                 [1.0000, 0.0000]]])
    """
    asked = classes[:, None] if classes.ndim == 1 else classes
    with torch.inference_mode(False), torch.enable_grad(), _evaluating(network):
        x = x.detach().clone()  # what was made in inference mode cannot be differentiated
        maps, scores = _looked(network, x, layer)
        weighted = [_weighted(maps, scores.gather(1, asked[:, [place]]).sum()) for place in range(asked.shape[1])]
    heat = torch.stack(weighted, dim=1)
    largest = heat.amax(dim=(2, 3), keepdim=True)
    heat = heat / largest.where(largest > 0, 1.0)
    return heat[:, 0] if classes.ndim == 1 else heat


def _weighted(maps: Tensor, score: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(score, maps, retain_graph=True)
    return (gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1).relu().detach()


def _looked(network: nn.Module, x: Tensor, layer: str | None) -> tuple[Tensor, Tensor]:
    """The layer's maps, (N, C, h, w), and the scores computed from them."""
    if layer is None:
        features, classifier = _halves(network)
        with torch.no_grad():
            maps = features(x)
        if getattr(getattr(network, "body", None), "output_fmt", "NCHW") != "NCHW":
            raise ModelError("features: its maps have their channels last; Grad-CAM is for convolutional networks")
        if maps.ndim != 4 or maps.shape[2:] != (1, 1):
            maps = _map(maps, "features").detach().clone().requires_grad_()
            return maps, classifier(maps.clone())
        layer = _with_cells(network, x)
    with catching(_named(network, layer)) as caught:
        scores = network(x)
    if not caught:
        raise ModelError(f"layer {layer}: gives no map; Grad-CAM needs a layer with rows and columns")
    return _map(caught[-1], layer), scores


def _halves(network: nn.Module) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    halves = (getattr(network, "features", None), getattr(network, "classifier", None))
    if not all(callable(half) for half in halves):
        raise ModelError(f"{type(network).__name__} has no features and classifier; name the layer to look at")
    features, classifier = halves
    return features, classifier  # type: ignore[return-value]


def _with_cells(network: nn.Module, x: Tensor) -> str:
    """Name of the last part of `features` whose map has more than one cell; `features` itself where there is none."""
    last, features = "features", getattr(network, "features", None)
    if isinstance(features, nn.Sequential):
        with torch.no_grad():
            for name, part in features.named_children():
                x = part(x)
                last = f"features.{name}" if x.ndim == 4 and x.shape[2] * x.shape[3] > 1 else last
    return last


def _named(network: nn.Module, layer: str) -> nn.Module:
    layers: dict[str, nn.Module] = dict(network.named_modules())
    if layer not in layers:
        raise ModelError(f"layer {layer}: the network has none of that name; {nearest(layer, list(layers))}")
    return layers[layer]


def _map(values: Tensor, layer: str) -> Tensor:
    if values.ndim != 4:
        shape = "x".join(str(side) for side in values.shape[1:])
        raise ModelError(f"layer {layer}: gives {shape}, no map; Grad-CAM needs a layer with rows and columns")
    return values


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Every layer in evaluation mode, then each in its own again."""
    training = [layer for layer in network.modules() if layer.training]
    network.eval()
    try:
        yield
    finally:
        for layer in training:
            layer.training = True
