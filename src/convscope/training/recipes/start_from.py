"""First weights from a finished run: a deep VGG from a trained A, or any network from its own kind."""

from pathlib import Path

import torch
from torch import Tensor, nn

from convscope.data.listing import Listing
from convscope.errors import RunError
from convscope.evaluation.parts import recorded_split
from convscope.models.bundle import Bundle
from convscope.models.vgg import DENSE, FROM_A, VGG

A = ("vgg11", "vgg11_lrn", "vgg11_bn")


def start_from(network: nn.Module, run: Path) -> list[str]:
    """Copy a finished run's weights into a network, layer by layer, where names and shapes agree.

    A VGG deeper than A takes of a trained A what the paper says: the first four convolutions, with their normalisation
    where both have one, and the dense layers; the last of these only where the classes are as many.

    Args:
        network: changed in place.
        run: folder of the finished run, or its model file.

    Returns:
        Names of the layers that were taken.

    Raises:
        ModelFileError: no finished run there, or a damaged one.
        RunError: no layer agrees.
    Source:
        Simonyan & Zisserman, 2015, section 3.1.
    """
    trained = Bundle.load(run)
    wanted = FROM_A + DENSE + tuple(name.replace("conv", "norm") for name in FROM_A)
    deeper = isinstance(network, VGG) and trained.card.network in A and _layers(network) != _named(trained.weights)
    taken = []
    for name, layer in network.named_modules():
        own = dict(_own(layer))
        found = {kind: trained.weights[f"{name}.{kind}"] for kind in own if f"{name}.{kind}" in trained.weights}
        if not own or (deeper and name not in wanted):
            continue
        if all(kind in found and found[kind].shape == values.shape for kind, values in own.items()):
            with torch.no_grad():
                for kind, values in own.items():
                    values.copy_(found[kind])
            taken.append(name)
    if not taken:
        raise RunError(
            f"{run}: no layer of its {trained.card.network} has the name and shape of one here; start from a run of "
            "the same network, or a deeper VGG from one of vgg11"
        )
    return taken


def seen_before(run: Path, listing: Listing) -> int:
    """How many of the pictures that judge a run were learned from by the one that it starts from.

    Args:
        run: folder of the finished run, or its model file.
        listing: the pictures with their parts; those of val and test are counted.

    Raises:
        ModelFileError: no finished run there, or a damaged one.
    """
    trained = Bundle.load(run)
    learned = {row.sha256 for row in recorded_split(trained.card, trained.path) if row.split == "train"} - {""}
    judges = zip(listing.parts, listing.hashes, strict=True)
    return sum(part in ("val", "test") and content in learned for part, content in judges)


def _own(layer: nn.Module) -> list[tuple[str, Tensor]]:
    """A layer's own weights and statistics, without those of layers inside it."""
    return [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]


def _layers(network: nn.Module) -> set[str]:
    return {name for name, layer in network.named_modules() if _own(layer)}


def _named(weights: dict[str, Tensor]) -> set[str]:
    return {name.rpartition(".")[0] for name in weights}
