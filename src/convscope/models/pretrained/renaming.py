"""Weights under foreign names become a network's own state: which convention, which family, and does all of it fit."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from convscope.errors import ModelFileError
from convscope.layers.summary import AUXILIARY
from convscope.models import zoo
from convscope.models.alexnet import AlexNet, AlexNetOneWeirdTrick
from convscope.models.googlenet import GoogLeNet
from convscope.models.lenet import LeNetCaffe
from convscope.models.mobilenet_v1 import MobileNetV1
from convscope.models.mobilenet_v2 import MobileNetV2
from convscope.models.mobilenet_v3 import MobileNetV3
from convscope.models.pretrained import keras_names, timm_names, torchvision_names
from convscope.models.pretrained.rules import State, with_epsilon
from convscope.models.pretrained.timm_networks import TimmNetwork
from convscope.models.resnet import ResNet
from convscope.models.vgg import VGG

Renaming = Callable[[State, nn.Module], dict[str, Tensor]]

# convention → family → how its names become ours
RENAMINGS: dict[str, dict[type[nn.Module], Renaming]] = {
    "torchvision": {
        AlexNetOneWeirdTrick: torchvision_names.chain,
        VGG: torchvision_names.chain,
        GoogLeNet: torchvision_names.googlenet,
        ResNet: torchvision_names.resnet,
        MobileNetV2: torchvision_names.mobilenet_v2,
        MobileNetV3: torchvision_names.mobilenet_v3,
    },
    "timm": {
        VGG: timm_names.vgg,
        ResNet: torchvision_names.resnet,
        MobileNetV1: timm_names.mobilenet,
        MobileNetV2: timm_names.mobilenet,
        MobileNetV3: timm_names.mobilenet,
    },
    "Keras": {
        MobileNetV1: keras_names.mobilenet_v1,
        MobileNetV2: keras_names.mobilenet_v2,
        VGG: keras_names.vgg,
    },
    "Caffe": {LeNetCaffe: keras_names.caffe, AlexNet: keras_names.caffe_alexnet},
}


def convention(state: State) -> str:
    """Whose names a state dict has: "Keras", "Caffe", "timm" or "torchvision".

    >>> convention({"conv1/kernel": torch.zeros(1)}), convention({"conv_stem.weight": torch.zeros(1)})
    ('Keras', 'timm')
    """
    if any("/" in name for name in state):
        foreign = any(name.removesuffix(":0").endswith(("kernel", "gamma")) for name in state)
        return "Keras" if foreign else "Caffe"
    timms = ("conv_stem.", "pre_logits.", "head.fc.")
    return "timm" if any(name.startswith(timms) for name in state) else "torchvision"


def epsilon(whose: str, name: str, network: nn.Module) -> float | None:
    """What was added to variances when these weights were trained; None where it is what the network adds."""
    if whose == "Keras":
        return 1e-3
    if whose == "timm" and isinstance(network, (MobileNetV1, MobileNetV2, MobileNetV3)):
        return 1e-3 if name.endswith("_same") else 1e-5  # its TensorFlow ports keep TensorFlow's
    if whose == "torchvision" and isinstance(network, MobileNetV2):
        return 1e-5
    return None


def fit(name: str, state: State) -> dict[str, Tensor]:
    """The weights of network `name` under our names, from ours, torchvision's, timm's, Keras's or Caffe's.

    Args:
        name: of the network, from `convscope models`.
        state: tensors by name, of any number of classes.

    Raises:
        ModelFileError: the names are another family's, or a tensor is missing or has another shape.

    Example:
        >>> from convscope.models import zoo
        >>> state = zoo.build("lenet_caffe", classes=10).state_dict()
        >>> fit("lenet_caffe", state).keys() == state.keys()
        True
    """
    row = zoo.find(name)
    with torch.device("meta"):
        network = row.build(row.classes, row.channels, row.sizes[0])
    for key, tensor in state.items():
        plain = tensor.is_floating_point() and tensor.element_size() > 1
        if not plain and not key.endswith("num_batches_tracked"):
            raise ModelFileError(f"not the weights of {name}: {key!r} holds {tensor.dtype}; 16 to 64 bits are allowed")
    ours = _with_counters(_translated(name, network, state), network)
    classes, channels = outputs(ours, network), inputs(ours, network)
    with torch.device("meta"):
        expected = row.build(classes, channels, row.sizes[0]).state_dict()
    if not any(key.startswith(AUXILIARY) for key in ours):  # most files leave out what serves training only
        expected = {key: tensor for key, tensor in expected.items() if not key.startswith(AUXILIARY)}
    missing, extra = expected.keys() - ours.keys(), ours.keys() - expected.keys()
    if missing or extra:
        first = min(missing) if missing else min(extra)
        raise ModelFileError(
            f"not the weights of {name}: {len(missing)} tensors are missing and {len(extra)} are not its own "
            f"(first: {first})"
        )
    for key, tensor in expected.items():
        if ours[key].shape != tensor.shape:
            raise ModelFileError(
                f"not the weights of {name}: {key} is {_shape(ours[key])}, and {_shape(tensor)} is needed"
            )
    # half precision becomes single; double stays, for comparisons at full accuracy
    return {key: ours[key].to(torch.promote_types(ours[key].dtype, tensor.dtype)) for key, tensor in expected.items()}


def _translated(name: str, network: nn.Module, state: State) -> dict[str, Tensor]:
    if state.keys() <= network.state_dict().keys():
        return dict(state)
    if isinstance(network, TimmNetwork):  # timm's own names, one level further in
        return {f"body.{key}": tensor for key, tensor in state.items()}
    whose = convention(state)
    renaming = RENAMINGS[whose].get(type(network))
    if renaming is None:
        known = ", ".join(whose for whose, families in RENAMINGS.items() if type(network) in families) or "none"
        raise ModelFileError(f"not the weights of {name}: {whose}'s names; names known for it beside our own: {known}")
    try:
        ours = renaming(state, network)
    except ModelFileError as error:
        raise ModelFileError(f"not the weights of {name}: {error}") from None
    except (RuntimeError, IndexError, ValueError):
        raise ModelFileError(f"not the weights of {name}: a tensor has too few or too many dimensions") from None
    theirs = epsilon(whose, name, network)
    here = next((layer.eps for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)), None)
    return with_epsilon(ours, theirs, here) if theirs and here and theirs != here else ours


def _with_counters(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Batch normalisation counts its batches; weights from elsewhere often leave the count out."""
    counters = {key for key in network.state_dict() if key.endswith("num_batches_tracked")}
    missing = {key for key in counters - state.keys() if key.replace("num_batches_tracked", "running_var") in state}
    return {**state, **{key: torch.tensor(0) for key in missing}}


def outputs(state: State, network: nn.Module) -> int:
    """Number of classes that weights under our names answer for.

    Raises:
        ModelFileError: the scoring layer is not among them.
    """
    *_, last = (
        name for name, tensor in network.state_dict().items() if tensor.ndim > 1 and not name.startswith(AUXILIARY)
    )
    if last not in state or state[last].ndim < 2 or not len(state[last]):
        raise ModelFileError("the layer that gives the scores is not among the weights; give those of a whole network")
    return state[last].shape[0]


def inputs(state: State, network: nn.Module) -> int:
    """Channels of the pictures that weights under our names take.

    Raises:
        ModelFileError: the first layer is not among them, or takes neither 1 nor 3.
    """
    if isinstance(network, TimmNetwork):  # its first layer has many names
        config = getattr(network.body, "default_cfg", {})
        key = f"body.{config.get('first_conv')}.weight"
        if key not in state or state[key].ndim != 4 or state[key].shape[1] not in {1, 3}:
            return int(config.get("input_size", (3,))[0])
    else:
        key = next(name for name, values in network.named_parameters() if values.ndim == 4)
    channels = state[key].shape[1] if key in state and state[key].ndim == 4 else 0
    if channels not in {1, 3}:
        raise ModelFileError(f"the first layer, {key}, takes {channels or 'no'} channels; 1 or 3 are allowed")
    return channels


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "one number"
