"""The weights that transfer.py lends to every side: ../shared/weights' MobileNet v2, under each one's own names.

Its batch normalisation came folded into the convolutions, which no network can train with, so that the peers get it
with the statistics of their training pictures measured anew. Answers stay what they were.
"""

from pathlib import Path

import numpy as np
import torch
from peers import ask
from safetensors.torch import save_file
from torch import Tensor, nn

import convscope as cs
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.data.stream import stream
from convscope.inference import cpu
from convscope.models.heads import embedding, split
from convscope.models.pretrained import timm_names
from convscope.models.pretrained.importing import borrow
from convscope.training.transfer.recalibrate import recalibrate

MODEL = "mobilenet_v2_same"
BATCH = 64
SUFFIX = {"fastai": ".safetensors", "keras": ".npz"}


def recalibrated(weights: Path, data: Path) -> tuple[nn.Module, Tensor]:
    """The network with statistics of the training pictures in `data`, and a few of these, scaled."""
    bundle = borrow(weights, MODEL).bundle
    network, preprocess = bundle.network(), bundle.card.preprocess
    listing = cs.read(data).part("train")
    with cpu.keeping_memory():
        recalibrate(network, scaled(listing, preprocess))
    return network, next(scaled(listing, preprocess))[:8]


def scaled(listing: Listing, preprocess: Preprocess):
    for some in stream(listing, preprocess, batch=BATCH, threads=cpu.threads()):
        yield preprocess.scale(some.pixels).contiguous(memory_format=torch.channels_last)


def for_timm(network: nn.Module, file: Path) -> None:
    """Write the body's weights under timm's names."""
    import timm

    theirs = timm.create_model("mobilenetv2_100", pretrained=False).state_dict()
    named = {place: next(name for name, t in theirs.items() if t is tensor) for place, tensor in
             timm_names.mobilenet(theirs, network).items()}  # fmt: skip
    save_file(
        {named[place]: tensor for place, tensor in network.state_dict().items() if "scores" not in place}, file
    )  # its head stays at home


def for_keras(network: nn.Module, file: Path) -> None:
    """Write the body's arrays by Keras's layers, which come in the same order as ours."""
    layers = [layer for layer in network.get_submodule("features").modules()
              if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]  # fmt: skip
    arrays = {}
    for name, layer in zip(keras_layers(), layers, strict=True):
        if isinstance(layer, nn.Conv2d):
            order = (2, 3, 0, 1) if layer.groups > 1 else (2, 3, 1, 0)
            places = [layer.weight.permute(order)]
        else:
            places = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
        arrays |= {f"{name}/{place}": array.detach().numpy() for place, array in enumerate(places)}
    np.savez(file, **arrays)


def keras_layers() -> list[str]:
    names = ["Conv1", "bn_Conv1"]
    for block in ["expanded_conv", *(f"block_{number}" for number in range(1, 17))]:
        parts = ("depthwise", "project") if block == "expanded_conv" else ("expand", "depthwise", "project")
        names += [f"{block}_{part}{norm}" for part in parts for norm in ("", "_BN")]
    return [*names, "Conv_1", "Conv_1_bn"]


def lend(peer: str, network: nn.Module, photos: Tensor, folder: Path) -> tuple[Path, float]:
    """Write the peer's file; where it lies, and how far the peer's features of the photos are from ours at most."""
    file = folder / f"{peer}{SUFFIX[peer]}"
    (for_timm if peer == "fastai" else for_keras)(network, file)
    inputs, out = folder / "photos.npy", folder / "features.npy"
    np.save(inputs, photos.numpy())
    ask(peer, "features", file, inputs, out)
    with torch.inference_mode():
        mine = embedding(split(network)[0](photos)).numpy()
    return file, float(np.abs(np.load(out) - mine).max())
