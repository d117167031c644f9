"""Keras's and Caffe's names to ours, one pure function per family; both write layer/tensor."""

import re
from collections.abc import Sequence

from torch import Tensor, nn

from convscope.errors import ModelFileError
from convscope.models.pretrained.rules import State

NORM = {
    "gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
}  # fmt: skip


def _keras(state: State, rules: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
    """Keras's kernels are (rows, columns, in, out), dense ones (in, out); ours (out, in, rows, columns), (out, in)."""
    ours: dict[str, Tensor] = {}
    for name, tensor in state.items():
        layer, _, kind = name.removesuffix(":0").rpartition("/")
        layer = layer.rpartition("/")[2]  # the file format of Keras 2 says it twice: conv1/conv1/kernel:0
        new = next((match.expand(to) for pattern, to in rules if (match := re.fullmatch(pattern, layer))), None)
        if new is None or kind not in {"kernel", "depthwise_kernel", "bias", *NORM}:
            raise ModelFileError(f"a tensor called {name!r} belongs to no layer of it")
        value = tensor
        if kind == "depthwise_kernel" or (kind == "kernel" and new.endswith("depthwise.conv")):  # Keras 2's and 3's
            value = tensor.permute(2, 3, 0, 1)
        elif kind == "kernel":
            value = tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor.transpose(0, 1)
        kinds = {"kernel": "weight", "depthwise_kernel": "weight", "bias": "bias", **NORM}
        ours[f"{new}.{kinds[kind]}"] = value.contiguous()
    return ours


def mobilenet_v1(state: State, _network: nn.Module) -> dict[str, Tensor]:
    """MobileNet v1: pairs counted from 1; the scores are a 1×1 convolution there."""
    ours = _keras(
        state,
        [
            ("conv1", "features.stem.conv"), ("conv1_bn", "features.stem.norm"), ("conv_preds", "classifier.scores"),
            (r"conv_dw_(\d+)", r"features.pair\1.depthwise.conv"),
            (r"conv_dw_(\d+)_bn", r"features.pair\1.depthwise.norm"),
            (r"conv_pw_(\d+)", r"features.pair\1.pointwise.conv"),
            (r"conv_pw_(\d+)_bn", r"features.pair\1.pointwise.norm"),
        ],
    )  # fmt: skip
    scores = "classifier.scores.weight"
    return {name: tensor.flatten(1) if name == scores else tensor for name, tensor in ours.items()}


def mobilenet_v2(state: State, _network: nn.Module) -> dict[str, Tensor]:
    """MobileNet v2: the first block has no number, the others count from 1, ours from 2."""
    steps, rules = ("expand", "depthwise", "project"), [
        ("Conv1", "features.stem.conv"), ("bn_Conv1", "features.stem.norm"), ("Conv_1", "features.last.conv"),
        ("Conv_1_bn", "features.last.norm"), ("predictions|Logits", "classifier.scores"),
    ]  # fmt: skip
    places = [("expanded_conv", "block1"), *((f"block_{number}", f"block{number + 1}") for number in range(1, 17))]
    for there, here in places:
        for step in steps:
            rules += [
                (f"{there}_{step}", f"features.{here}.body.{step}.conv"),
                (f"{there}_{step}_BN", f"features.{here}.body.{step}.norm"),
            ]
    return _keras(state, rules)


def vgg(state: State, _network: nn.Module) -> dict[str, Tensor]:
    """VGG: Keras flattens rows, columns, channels; we channels, rows, columns, so fc1's inputs change places."""
    ours = _keras(
        state,
        [
            (r"block(\d)_conv(\d)", r"features.conv\1_\2"), ("fc1", "classifier.fc6"), ("fc2", "classifier.fc7"),
            ("predictions", "classifier.fc8"),
        ],
    )  # fmt: skip
    first = ours.get("classifier.fc6.weight")
    if first is not None:
        side = round((first.shape[1] / 512) ** 0.5)
        if 512 * side**2 != first.shape[1]:
            raise ModelFileError(f"fc1 has {first.shape[1]:,} inputs, which are no square of 512 channels")
        ours["classifier.fc6.weight"] = first.reshape(-1, side, side, 512).permute(0, 3, 1, 2).flatten(1)
    return ours


def caffe(state: State, network: nn.Module) -> dict[str, Tensor]:
    """Caffe's LeNet: the layers have our names, the tensors our layout."""
    places = {name.rpartition(".")[2]: name for name, layer in network.named_modules() if list(layer.parameters())}
    ours: dict[str, Tensor] = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition("/")
        if layer not in places or kind not in {"weight", "bias"}:
            raise ModelFileError(f"a tensor called {name!r} belongs to no layer of it")
        ours[f"{places[layer]}.{kind}"] = tensor.flatten() if kind == "bias" else tensor
    return ours


def caffe_alexnet(state: State, network: nn.Module) -> dict[str, Tensor]:
    """Caffe's AlexNet, whose normalisation has k = 1 and a fifth of alpha; the paper's has k = 2.

    The paper's answer to s·a is s / 2^0.75 times Caffe's to a, with s = sqrt(2 / 5). What lies between two
    normalisations only multiplies, so that weights multiplied alike give the same scores. They read blue, green, red.
    """
    s, lift = 0.4**0.5, 2**0.75
    factors = {
        "features.conv1.weight": s, "features.conv1.bias": s, "features.conv2.weight": lift, "features.conv2.bias": s,
        "features.conv3.weight": lift / s,
    }  # fmt: skip
    return {name: tensor * factors.get(name, 1.0) for name, tensor in caffe(state, network).items()}
