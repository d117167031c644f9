"""Arithmetic of training steps, bf16 or f32: chosen by a short test of the very step, on this machine."""

import copy
from typing import Any

import torch
from torch import nn

from convscope.data.preprocess import Preprocess
from convscope.inference import cpu
from convscope.layers.summary import summarise
from convscope.training.losses import cross_entropy
from convscope.training.recipe import Recipe
from convscope.words import Listener


def settle(
    recipe: Recipe, network: nn.Module, preprocess: Preprocess, listener: Listener
) -> tuple[Recipe, dict[str, Any]]:
    """The recipe with its precision decided, and what env.json says of why.

    `auto` takes bf16 where the processor has instructions for it, a step is large enough to gain, and a test of two
    seconds, made once a machine and remembered, finds it at least 1.15 times faster. A GPU that knows bf16 takes it.
    """
    if recipe.precision != "auto":
        return recipe, {"precision": recipe.precision, "precision_why": "asked for"}
    if recipe.device == "cuda":
        chosen = "bf16" if torch.cuda.is_bf16_supported() else "f32"
        return recipe.settle(precision=chosen), {"precision": chosen, "precision_why": "what this GPU computes in"}
    shape = (preprocess.channels, preprocess.size, preprocess.size)
    if not cpu.bf16_hardware():
        return _decide(recipe, "f32", "this processor has no bfloat16 instructions")
    if summarise(network, shape).macs * recipe.batch < cpu.SMALL_MACS:
        return _decide(recipe, "f32", "the network is too small to gain from bfloat16")

    listener.message("train.selftest")
    trial = copy.deepcopy(network).to(memory_format=torch.channels_last).train()
    classes = [module for module in trial.modules() if isinstance(module, nn.Linear)][-1].out_features
    x = torch.randn(recipe.batch, *shape).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(recipe.batch) % classes

    def step(bf16: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            scores = trial(x)
        torch.autograd.backward(cross_entropy(scores, labels))
        trial.zero_grad()

    state = torch.get_rng_state()
    gain = cpu.bf16_gain(step, f"train {recipe.model} {shape} x {recipe.batch}")
    torch.set_rng_state(state)
    return _decide(recipe, "bf16" if gain >= cpu.WORTH_IT else "f32", f"bf16 ran {gain:.2f} times as fast as f32")


def _decide(recipe: Recipe, chosen: str, why: str) -> tuple[Recipe, dict[str, Any]]:
    return recipe.settle(precision=chosen), {"precision": chosen, "precision_why": why}
