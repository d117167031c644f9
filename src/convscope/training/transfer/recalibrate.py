"""Batch normalisation that came folded into its convolution gets the statistics of real pictures back.

Folding multiplies a convolution by what its normalisation did, and leaves a neutral one: scale 1, mean 0, variance 1.
Answers stay the same in evaluation. In training each batch is normalised by its own statistics, which the folded
convolution does not expect: every answer is wrong until they have been measured anew.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from convscope.words import SILENT, Listener

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d

# how far scale² / (variance + epsilon) of a neutral layer may be from 1: other tools leave their epsilon in or out
TOLERANCE = 1e-2


class _Moments:
    """Mean and variance of a layer's input per channel, batch by batch, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.zeros((), dtype=torch.float64)
        self.deviations = torch.zeros((), dtype=torch.float64)

    def __call__(self, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].float()
        variance, mean = torch.var_mean(x, dim=[0, *range(2, x.ndim)], correction=0)
        count = x.numel() // x.shape[1]
        total, off = self.count + count, mean.double() - self.mean
        # two lots of numbers become one: Chan, Golub & LeVeque, 1979
        self.deviations = self.deviations + variance.double() * count + off**2 * (self.count * count / total)
        self.mean = self.mean + off * (count / total)
        self.count = total


def folded(network: nn.Module) -> list[str]:
    """Full names of the batch normalisation layers that do nothing in evaluation but add their shift.

    Args:
        network: with borrowed weights; in a fresh one every such layer still is neutral.

    Example:
        >>> norm = nn.BatchNorm2d(2)
        >>> folded(nn.Sequential(norm))
        ['0']
        >>> norm.running_mean += 1
        >>> folded(nn.Sequential(norm))
        []
    """
    return [name for name, layer in network.named_modules() if isinstance(layer, BatchNorm) and _neutral(layer)]


def _neutral(layer: BatchNorm) -> bool:
    if layer.running_mean is None or layer.running_var is None or not layer.affine:
        return False
    gain = layer.weight.square() / (layer.running_var + layer.eps)
    return not bool(layer.running_mean.any()) and bool(((gain - 1).abs() <= TOLERANCE).all())


@torch.no_grad()
def recalibrate(network: nn.Module, batches: Iterable[Tensor], listener: Listener = SILENT, pictures: int = 0) -> int:
    """Measure what enters each folded normalisation, and let it normalise that: one pass, no answer changes.

    With mean μ and variance σ² of its input, a layer x·a + b becomes (x - μ) / sqrt(σ² + eps) · γ + β, where
    γ = a · sqrt(σ² + eps) and β = b + μ·a.

    Args:
        network: changed in place, and left in evaluation mode.
        batches: (N, C, H, W), scaled training pictures.
        listener: hears how far it is.
        pictures: how many there are in all, to tell how far; 0 does not tell.

    Returns:
        Number of layers that were measured.

    Source:
        Ioffe & Szegedy, "Batch Normalization", ICML 2015, algorithm 1, solved for its scale and shift.

    Example:
        >>> network = nn.Sequential(nn.BatchNorm1d(1, eps=0.0))
        >>> recalibrate(network, [torch.tensor([[1.0], [5.0]])])
        1
        >>> norm = network[0]
        >>> norm.running_mean.item(), norm.running_var.item(), norm.weight.item(), norm.bias.item()
        (3.0, 4.0, 2.0, 3.0)
    """
    layers = {name: network.get_submodule(name) for name in folded(network)}
    moments = {name: _Moments() for name in layers}
    handles = [layer.register_forward_pre_hook(moments[name]) for name, layer in layers.items()]
    network.eval()
    done = 0
    try:
        for batch in batches:
            network(batch)
            done += len(batch)
            if pictures:
                listener.progress("recalibrate", done, pictures)
    finally:
        for handle in handles:
            handle.remove()
    measured = {name: layer for name, layer in layers.items() if moments[name].count}
    for name, layer in measured.items():
        assert isinstance(layer, BatchNorm)
        _normalise(layer, moments[name])
    return len(measured)


def _normalise(layer: BatchNorm, found: _Moments) -> None:
    """Give a neutral layer the statistics of its input, and a scale and shift that undo them."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    variance = found.deviations / found.count
    gain = layer.weight.double() / (layer.running_var.double() + layer.eps).sqrt()
    layer.bias.add_(gain * (found.mean - layer.running_mean))
    layer.weight.copy_(gain * (variance + layer.eps).sqrt())
    layer.running_mean.copy_(found.mean)
    layer.running_var.copy_(variance)
