"""Names of timm's to ours, one pure function per family; its ResNets are named as torchvision's."""

import re

from torch import Tensor, nn

from convscope.errors import ModelFileError
from convscope.models.pretrained.rules import State, renamed
from convscope.models.pretrained.torchvision_names import chain


def vgg(state: State, network: nn.Module) -> dict[str, Tensor]:
    """VGG: the hidden dense layers are kept as convolutions of 7×7 and 1×1."""
    names = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}
    plain = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        dense = layer in names and kind == "weight"
        plain[f"{names.get(layer, layer)}.{kind}"] = tensor.flatten(1) if dense else tensor
    return chain(plain, network)


# timm's name → ours, inside a block; what a name means depends on the kind of block
SEPARABLE = (("conv_dw", "depthwise.conv"), ("bn1", "depthwise.norm"), ("conv_pw", "{}.conv"), ("bn2", "{}.norm"))
INVERTED = (
    ("conv_pw", "expand.conv"), ("bn1", "expand.norm"), ("conv_dw", "depthwise.conv"), ("bn2", "depthwise.norm"),
    ("conv_pwl", "project.conv"), ("bn3", "project.norm"),
)  # fmt: skip
SQUEEZE = ((r"se\.conv_reduce", "squeeze.reduce"), (r"se\.conv_expand", "squeeze.expand"))


def mobilenet(state: State, network: nn.Module) -> dict[str, Tensor]:
    """MobileNet v1, v2 and v3: blocks in stages, counted through here; the last 1×1 has several places."""
    places = sorted(
        {(int(m[1]), int(m[2])) for key in state if (m := re.match(r"blocks\.(\d{1,3})\.(\d{1,3})\.", key))}
    )
    parts = [name for name, _ in network.get_submodule("features").named_children() if name not in {"stem", "last"}]
    rules: list[tuple[str, str]] = [
        ("conv_stem", "features.stem.conv"), ("bn1", "features.stem.norm"), ("classifier", "classifier.scores"),
    ]  # fmt: skip
    if any(key.startswith("bn2.") for key in state):
        rules += [("conv_head", "features.last.conv"), ("bn2", "features.last.norm")]
    else:  # v3: the last 1×1 is a block of its own, the head a dense layer kept as a convolution
        rules += [("conv_head", "classifier.hidden")]
    for (stage, index), part in zip(places, [*parts, "last"], strict=False):
        there = rf"blocks\.{stage}\.{index}\."
        if part == "last":
            rules += [(there + "conv", "features.last.conv"), (there + "bn1", "features.last.norm")]
            continue
        within = network.get_submodule(f"features.{part}")
        body = "" if hasattr(within, "pointwise") else "body."
        inverted = f"blocks.{stage}.{index}.conv_pwl.weight" in state
        last = "project" if body else "pointwise"
        pairs = INVERTED if inverted else tuple((theirs, ours.format(last)) for theirs, ours in SEPARABLE)
        rules += [(there + theirs, f"features.{part}.{body}{ours}") for theirs, ours in (*pairs, *SQUEEZE)]
    if not len(parts) <= len(places) <= len(parts) + 1:
        raise ModelFileError(f"it has {len(places)} blocks, and the network {len(parts)}")
    ours = renamed(state, rules)
    hidden = "classifier.hidden.weight"
    return {name: tensor.flatten(1) if name == hidden else tensor for name, tensor in ours.items()}
