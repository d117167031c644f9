"""Names of torchvision's to ours, one pure function per family; timm's ResNets have the same."""

from torch import Tensor, nn

from convscope.models.pretrained.rules import Rules, State, renamed


def chain(state: State, network: nn.Module) -> dict[str, Tensor]:
    """AlexNet and VGG: layers numbered in the order they run; ours begin the second half with average and flatten."""
    features, classifier = network.get_submodule("features"), network.get_submodule("classifier")
    rules = [(rf"features\.{index}", f"features.{name}") for index, (name, _) in enumerate(features.named_children())]
    tail = list(classifier.named_children())[2:]
    rules += [(rf"classifier\.{index}", f"classifier.{name}") for index, (name, _) in enumerate(tail)]
    return renamed(state, rules)


def resnet(state: State, network: nn.Module) -> dict[str, Tensor]:
    """ResNet: `layer1.0` is stage 1, block 1."""
    rules: list[tuple[str, str]] = [("conv1", "features.conv1"), ("bn1", "features.norm1"), ("fc", "classifier.scores")]
    for stage in range(1, 5):
        for index, (block, _) in enumerate(network.get_submodule(f"features.stage{stage}").named_children()):
            there, here = rf"layer{stage}\.{index}\.", f"features.stage{stage}.{block}."
            rules += [
                (there + r"conv(\d)", here + r"body.conv\1"),
                (there + r"bn(\d)", here + r"body.norm\1"),
                (there + r"downsample\.0", here + "shortcut.conv"),
                (there + r"downsample\.1", here + "shortcut.norm"),
            ]
    return renamed(state, rules)


GOOGLENET_UNITS = (
    ("conv1", "features.conv1"),
    ("conv2", "features.reduce2"),
    ("conv3", "features.conv2"),
    (r"inception(\d[a-e])\.branch1", r"features.inception_\1.branch1"),
    (r"inception(\d[a-e])\.branch([23])\.0", r"features.inception_\1.branch\2.reduce"),
    (r"inception(\d[a-e])\.branch([23])\.1", r"features.inception_\1.branch\2.conv"),
    (r"inception(\d[a-e])\.branch4\.1", r"features.inception_\1.branch4.project"),
    (r"aux1\.conv", "aux_4a.conv"),
    (r"aux2\.conv", "aux_4d.conv"),
)
GOOGLENET: Rules = (
    *((there + r"\.conv", here + ".conv") for there, here in GOOGLENET_UNITS),
    *((there + r"\.bn", here + ".norm") for there, here in GOOGLENET_UNITS),
    ("fc", "classifier.scores"),
    (r"aux1\.(fc[12])", r"aux_4a.\1"),
    (r"aux2\.(fc[12])", r"aux_4d.\1"),
)


def googlenet(state: State, _network: nn.Module) -> dict[str, Tensor]:
    """GoogLeNet: branches numbered, the heads after 4a and 4d are aux1 and aux2."""
    return renamed(state, GOOGLENET)


def mobilenet_v2(state: State, network: nn.Module) -> dict[str, Tensor]:
    """MobileNet v2: the last convolution of a block and its normalisation are two entries, the others one."""
    rules: list[tuple[str, str]] = [(r"classifier\.1", "classifier.scores")]
    for number, (name, part) in enumerate(network.get_submodule("features").named_children()):
        there, here = rf"features\.{number}\.", f"features.{name}."
        if name in {"stem", "last"}:
            rules += _unit(there, here)
            continue
        *units, last = [unit for unit, _ in part.get_submodule("body").named_children()]
        for index, unit in enumerate(units):
            rules += _unit(there + rf"conv\.{index}\.", f"{here}body.{unit}.")
        rules += [
            (there + rf"conv\.{len(units)}", f"{here}body.{last}.conv"),
            (there + rf"conv\.{len(units) + 1}", f"{here}body.{last}.norm"),
        ]
    return renamed(state, rules)


def mobilenet_v3(state: State, network: nn.Module) -> dict[str, Tensor]:
    """MobileNet v3: the parts of a block numbered in the order they run."""
    rules: list[tuple[str, str]] = [(r"classifier\.0", "classifier.hidden"), (r"classifier\.3", "classifier.scores")]
    for number, (name, part) in enumerate(network.get_submodule("features").named_children()):
        there, here = rf"features\.{number}\.", f"features.{name}."
        if name in {"stem", "last"}:
            rules += _unit(there, here)
            continue
        for index, (unit, _) in enumerate(part.get_submodule("body").named_children()):
            theirs, ours = there + rf"block\.{index}\.", f"{here}body.{unit}."
            rules += (
                [(theirs + "fc1", ours + "reduce"), (theirs + "fc2", ours + "expand")]
                if unit == "squeeze"
                else _unit(theirs, ours)
            )
    return renamed(state, rules)


def _unit(theirs: str, ours: str) -> list[tuple[str, str]]:
    """Convolution and normalisation, 0 and 1 there."""
    return [(theirs + "0", ours + "conv"), (theirs + "1", ours + "norm")]
