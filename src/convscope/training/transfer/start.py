"""Borrowed weights become the network that a run starts from: with a head, a size and channels of the run's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convscope.data.preprocess import Preprocess, Resize
from convscope.errors import ModelError, ModelFileError
from convscope.models import own
from convscope.models.bundle import Bundle
from convscope.models.heads import with_linear_head
from convscope.models.network import SMALL
from convscope.models.pretrained import catalogue, importing, shelf


@dataclass(frozen=True)
class Start:
    """What transfer learning starts from.

    Attributes:
        network: the borrowed weights under a fresh linear head, in evaluation mode, all of it trainable.
        preprocess: what its pictures go through.
        licence: of the weights, or "unknown".
        source: name of the file of weights.
        sha256: of that file, hex.
    """

    network: nn.Module
    preprocess: Preprocess
    licence: str
    source: str
    sha256: str


def start(
    name: str,
    definition: dict[str, Any] | None,
    file: Path,
    classes: int,
    channels: int,
    size: int | None = None,
    resize: Resize | None = None,
) -> Start:
    """A network with borrowed weights and a fresh linear head.

    Grey pictures before weights of colour ones: the first layer's kernels are summed over red, green and blue, which
    costs a third. Where the three channels have one mean and spread (TensorFlow's) it answers as to the picture
    repeated three times; with ImageNet's three means the answers are close, not equal.

    Args:
        name: of the network.
        definition: of a network of one's own, whole; None for one of the zoo or of timm's.
        file: of weights: a model file of convscope's, or safetensors under names that `importing.borrow` knows.
        classes: outputs.
        channels: of the pictures, 1 or 3; colour pictures before grey weights are made grey.
        size: side of the input in pixels; None takes the weights' own.
        resize: how a picture becomes square; None takes the weights' own.

    Raises:
        ModelFileError: the file cannot be used, or is of another network.
        ModelError: the weights do not fit that size.
    """
    bundle = _borrowed(name, definition, file)
    usual = bundle.card.preprocess
    changes: dict[str, Any] = {"resize": resize} if resize else {}
    if size is not None and size != usual.size:
        changes |= {"size": size, "share": usual.share if size >= SMALL else 1.0}
    preprocess = usual.model_copy(update=changes)
    if channels == 1 and preprocess.channels == 3:
        bundle, preprocess = _grey(bundle, preprocess)
    chosen = Bundle(bundle.card.model_copy(update={"preprocess": preprocess}), bundle.weights, file)
    try:
        network = chosen.network(auxiliary=True)
    except ModelFileError as error:
        if preprocess.size == usual.size:
            raise
        reason = str(error).removeprefix(f"{file}: its weights do not fit {name} ").strip("()")
        raise ModelError(
            f"--size {size}: the weights of {name} fit {usual.size} pixels ({reason}); leave --size out, or train from "
            "scratch with --weights none"
        ) from None
    with_linear_head(network, classes)
    licence = bundle.card.licence or importing.UNKNOWN
    return Start(network.requires_grad_().eval(), preprocess, licence, file.name, shelf.sha256_of(file))


def _borrowed(name: str, definition: dict[str, Any] | None, file: Path) -> Bundle:
    """The model in a file, which must be of this network; its tensors are copies."""
    state, card = importing.read(file)
    if card is None:
        if definition is not None:
            raise ModelFileError(
                f"{file}: no convscope model, which is what a network of one's own starts from; "
                "convscope weights import FILE --model NAME.yaml makes one"
            )
        bundle = importing.borrow(file, name).bundle
        # copied, for the file's own bytes are mapped, and training writes where its weights lie
        return Bundle(bundle.card, {key: tensor.clone() for key, tensor in bundle.weights.items()}, file)
    same = card.network == name if definition is None else _layers(card.definition) == _layers(definition)
    if not same or (definition is None and card.definition is not None):
        raise ModelFileError(f"{file}: a convscope model of {card.network}, not of {name}")
    return Bundle(card, state, file)


def _layers(definition: dict[str, Any] | None) -> object:
    """A definition's layers, whatever it calls itself and its input."""
    return own.parse(definition, "the network").to_dict()["layers"] if definition else None


def _grey(bundle: Bundle, preprocess: Preprocess) -> tuple[Bundle, Preprocess]:
    """The same weights for pictures of one channel, whose mean and spread are the averages of the three.

    A kernel for (x - mean) / spread is its kernel for (x - mean) / spread[c] times spread / spread[c].
    """
    spread = sum(preprocess.spread) / 3
    scales = torch.tensor([spread / each for each in preprocess.spread]).view(1, 3, 1, 1)
    grey = preprocess.model_copy(update={"channels": 1, "mean": (sum(preprocess.mean) / 3,), "spread": (spread,)})
    card = bundle.card.model_copy(update={"preprocess": grey})
    with torch.device("meta"):
        expected = card.build().state_dict()

    def summed(key: str, tensor: Tensor) -> Tensor:
        wanted = expected[key].shape if key in expected else tensor.shape
        if tensor.ndim == 4 and tensor.shape[1] == 3 and tuple(wanted) == (tensor.shape[0], 1, *tensor.shape[2:]):
            return (tensor * scales).sum(dim=1, keepdim=True)
        return tensor

    return Bundle(card, {key: summed(key, tensor) for key, tensor in bundle.weights.items()}, bundle.path), grey


def missing(name: str, mode: str) -> str:
    """What to say where a mode needs weights that are not to be had.

    Args:
        name: of the network.
        mode: "frozen" or "finetune".

    Example:
        >>> missing("resnet18", "frozen").partition("; ")[0]
        '--mode frozen needs weights for resnet18: resnet18.tv_in1k.safetensors is not here'
    """
    asked = f"--mode {mode} needs weights for {name}"
    otherwise = "give --weights FILE, or train from scratch with --mode scratch --weights none"
    row = next((row for row in catalogue.KNOWN if row.network == name), None)
    if row:
        fetch = f"convscope weights fetch {name} brings it from {row.repository}"
        return f"{asked}: {row.file} is not here; {fetch}; or {otherwise}"
    pickle = next((other.file for other in catalogue.ELSEWHERE if other.network == name), None)
    known = f"{pickle} is a pickle, which is never opened (docs/weights.md)" if pickle else "none are known"
    return f"{asked}: {known}; mobilenet_v2 and resnet18 have some (convscope weights fetch NAME); or {otherwise}"
