"""Fine-tuning by depth: what is frozen, what is trained how fast, and when the next block joins.

Howard & Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018: layers near the input know
what all pictures share, and change slowest and last. Differs from the paper: rates fall from block to block instead of
from layer to layer, and all borrowed layers are slower than the new head.
"""

from itertools import pairwise
from math import ceil
from typing import Any

from torch import Tensor, nn

from convscope.layers.probe import leaves
from convscope.layers.summary import AUXILIARY
from convscope.models.heads import auxiliary_heads, linear

BLOCKS = 3
# of the head's rate, for the borrowed block beside it
BORROWED = 0.1
# between one block and the next towards the input
FACTOR = 2.6


def freeze(network: nn.Module) -> None:
    """Let nothing be trained but the linear scoring layer.

    Args:
        network: changed in place.

    Example:
        >>> from convscope.models import zoo
        >>> network = zoo.build("resnet18", classes=2, size=32)
        >>> freeze(network)
        >>> sum(values.numel() for values in network.parameters() if values.requires_grad)
        1026
    """
    network.requires_grad_(False)
    linear(network).requires_grad_()


def unfreeze(network: nn.Module, blocks: int) -> None:
    """Let the head be trained, with those of heads that serve training only, and the borrowed blocks nearest to it.

    Args:
        network: changed in place.
        blocks: how many of at most three; 0 is the head alone.
    """
    network.requires_grad_(False)
    for part in (_head(network), *_blocks(network)[:blocks]):
        for values in part:
            values.requires_grad_()


def blocks_at(epoch: int, epochs: int, blocks: int = BLOCKS) -> int:
    """Borrowed blocks that are trained in an epoch: none in the first, then more, from the middle on all.

    Args:
        epoch: from 1.
        epochs: in all; a single one trains everything.
        blocks: there are.

    Source:
        Howard & Ruder, 2018, section 3.3.

    Example:
        >>> [blocks_at(epoch, 6) for epoch in range(1, 7)], blocks_at(1, 1)
        ([0, 1, 2, 3, 3, 3], 3)
    """
    if epochs == 1:
        return blocks
    return min(blocks, ceil(blocks * (epoch - 1) / (epochs // 2)))


def train_mode(network: nn.Module) -> None:
    """Training mode, but for normalisation whose parameters are frozen: it keeps its running mean and variance.

    Args:
        network: changed in place.

    Example:
        >>> norm = nn.BatchNorm1d(2).requires_grad_(False)
        >>> train_mode(nn.Sequential(norm, nn.Linear(2, 2)))
        >>> norm.training
        False
    """
    network.train()
    _hold(network, frozen=False)


def groups(network: nn.Module, rate: float, factor: float = FACTOR) -> list[dict[str, Any]]:
    """Every parameter in groups for an optimiser: the head first, then the borrowed blocks from it to the input.

    Weights lie apart from biases and what normalisation learns, which no decay pulls to zero.

    Args:
        network: one that ends in a linear layer; frozen parameters are in the groups, too.
        rate: of the head.
        factor: between the rates of one block and the next.

    Returns:
        Groups of "params", "lr", "share" (of the head's rate), "name" ("head", "block 1", …) and, where it is none,
        "weight_decay".

    Source:
        Howard & Ruder, 2018, section 3.2.

    Example:
        >>> from convscope.models import zoo
        >>> made = groups(zoo.build("lenet_caffe", classes=2), rate=1.0)
        >>> {group["name"]: round(group["share"], 3) for group in made}
        {'head': 1.0, 'block 1': 0.1, 'block 2': 0.038, 'block 3': 0.015}
    """
    parts = [("head", 1.0, _head(network))]
    parts += [
        (f"block {number}", BORROWED / factor ** (number - 1), block)
        for number, block in enumerate(_blocks(network), start=1)
    ]
    made: list[dict[str, Any]] = []
    for name, share, part in parts:
        kind = {"lr": rate * share, "share": share, "name": name}
        weights, others = [v for v in part if v.ndim > 1], [v for v in part if v.ndim <= 1]
        made += [{"params": weights, **kind}] if weights else []
        made += [{"params": others, **kind, "weight_decay": 0.0}] if others else []
    return made


def _head(network: nn.Module) -> list[nn.Parameter]:
    """The fresh layers: those that give scores."""
    layers = [linear(network), *(head[-1] for head in auxiliary_heads(network))]
    return [values for layer in layers for values in layer.parameters()]


def _blocks(network: nn.Module) -> list[list[nn.Parameter]]:
    """The borrowed parameters in at most three blocks of about as many layers, from the head to the input.

    A layer without a matrix, such as normalisation, stays with the one before it. Heads that serve training only lie
    near the answers, and belong to the first block.
    """
    fresh = {id(values) for values in _head(network)}
    layers: list[list[nn.Parameter]] = []
    beside: list[nn.Parameter] = []
    for name, leaf in leaves(network).items():
        own = [values for values in leaf.parameters(recurse=False) if id(values) not in fresh]
        if name.startswith(AUXILIARY):
            beside += own
        elif layers and all(values.ndim <= 1 for values in own):
            layers[-1] += own
        elif own:
            layers.append(own)
    count = min(BLOCKS, len(layers))
    edges = [round(len(layers) * number / count) for number in range(count + 1)] if count else []
    blocks = [
        [values for layer in layers[start:end] for values in layer] for start, end in reversed([*pairwise(edges)])
    ]
    if beside:
        blocks[0] += beside
    return blocks


def _hold(module: nn.Module, *, frozen: bool) -> None:
    """Keep frozen normalisation in evaluation; what has no parameters is as frozen as what holds it."""
    parameters = list(module.parameters())
    frozen = not any(values.requires_grad for values in parameters) if parameters else frozen
    if frozen and isinstance(getattr(module, "running_mean", None), Tensor):
        module.eval()
    for part in module.children():
        _hold(part, frozen=frozen)
