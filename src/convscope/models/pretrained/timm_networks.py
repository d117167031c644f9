"""Networks of timm's by name, `timm:resnet18`: more than a thousand, each with its own preprocessing."""

import warnings
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from convscope.errors import ModelError, nearest
from convscope.layers.fields import field_of, following
from convscope.layers.probe import tensors
from convscope.layers.same import pads
from convscope.layers.summary import summarise
from convscope.layers.window import Window, pair, window
from convscope.models.network import Network

PREFIX = "timm:"


class TimmNetwork(nn.Module):
    """One of timm's networks behind the two names that every network here answers to.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        name: timm's own, without the prefix.
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels; networks with positions of their own need to know it.
    Source:
        Wightman, "PyTorch Image Models", 2019.

    Example:
        >>> TimmNetwork("resnet18", 10)(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 10])
    """

    def __init__(self, name: str, classes: int, channels: int = 3, size: int = 224) -> None:
        super().__init__()
        timm = _timm()
        settings = {"num_classes": classes, "in_chans": channels}
        config = timm.get_pretrained_cfg(name)
        if config and config.fixed_input_size:
            settings["img_size"] = size
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an old name is a name, too
                self.body = timm.create_model(name, pretrained=False, **settings)
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            raise ModelError(f"timm cannot build {name} at {size} pixels ({' '.join(str(error).split())})") from None

    def features(self, x: Tensor) -> Tensor:
        """Picture to last map."""
        last: Tensor = self.body.forward_features(x)
        return last

    def classifier(self, x: Tensor) -> Tensor:
        """Last map to raw scores."""
        scores: Tensor = self.body.forward_head(x)
        return scores

    def forward(self, x: Tensor) -> Tensor:
        """Raw scores."""
        return self.classifier(self.features(x))


@lru_cache(maxsize=8)
def row(name: str) -> Network:
    """The zoo's row of one of timm's networks, counted at its own head and size.

    Args:
        name: with the prefix, such as `timm:resnet18`, or with a set of weights, `timm:resnet18.tv_in1k`.

    Raises:
        ModelError: timm knows no such network; the message offers the nearest.

    Example:
        >>> row("timm:resnet18").parameters
        11689512
    """
    timm, plain = _timm(), name.removeprefix(PREFIX)
    try:
        known = timm.is_model(plain)
        config = timm.get_pretrained_cfg(plain) if known else None
    except (RuntimeError, ValueError) as error:  # a network that it knows, with weights that it does not
        raise ModelError(f"timm has no network called {plain!r} ({' '.join(str(error).split())})") from None
    if not known:
        raise ModelError(f"timm has no network called {plain!r}; {_near(plain)}")
    channels, size, _ = config.input_size if config else (3, 224, 224)
    classes = config.num_classes if config and config.num_classes else 1000
    build = partial(TimmNetwork, plain)
    picture = torch.zeros(1, channels, size, size, device="meta")
    with torch.device("meta"):
        network = build(classes, channels, size).eval()
    summary = summarise(network, (channels, size, size), name)
    with torch.no_grad(), following(network, picture):
        field = next((found for map_ in tensors(network.features(picture)) if (found := field_of(map_))), None)
    return Network(
        build=build,
        paper=f"{config.paper_name or 'see timm'}; timm {timm.__version__}" if config else f"timm {timm.__version__}",
        venue=str(config.paper_ids) if config and config.paper_ids else "timm",
        year=None,
        parameters=summary.parameters,
        macs=summary.macs,
        receptive_field=field.size if field else None,
        classes=classes,
        channels=channels,
        sizes=(size,),
        any_size=not (config and config.fixed_input_size),
        borrowed=(tuple(config.mean), tuple(config.std)) if config else None,
        share=config.crop_pct if config else 0.875,
        interpolation="bicubic" if config and config.interpolation == "bicubic" else "bilinear",
    )


def _near(name: str) -> str:
    close = nearest(name, _timm().list_models())
    return close if close.startswith("did you mean") else "`timm.list_models()` names them"


@lru_cache(maxsize=1)
def _timm() -> Any:  # noqa: ANN401 (a module)
    """The library, imported on first use, with its SAME layers made known to the summary."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations are not the user's concern
        import timm

    def slide(layer: nn.Module, size: tuple[int, int]) -> Window:
        kernel, stride, dilation = (pair(getattr(layer, key, 1)) for key in ("kernel_size", "stride", "dilation"))
        left, right, top, bottom = pads(size, layer)
        return Window(kernel, stride, (top, bottom, left, right), dilation)

    from timm.layers.conv2d_same import Conv2dSame
    from timm.layers.pool2d_same import AvgPool2dSame, MaxPool2dSame

    for kind in (Conv2dSame, MaxPool2dSame, AvgPool2dSame):
        window.register(kind)(slide)
    return timm
