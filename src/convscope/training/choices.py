"""Threads and arithmetic of training steps: chosen once for a network on this machine, then part of the recipe."""

import copy
import hashlib
import json
from typing import Any

import torch
from torch import nn

from convscope.data.preprocess import Preprocess
from convscope.inference import cpu
from convscope.layers.summary import summarise
from convscope.training.losses import cross_entropy, with_heads
from convscope.training.recipe import Recipe
from convscope.words import Listener

Shape = tuple[int, int, int]


def settle(
    recipe: Recipe, network: nn.Module, preprocess: Preprocess, listener: Listener
) -> tuple[Recipe, dict[str, Any]]:
    """The recipe with threads and precision decided, and what env.json says of why.

    Precision `auto` takes bf16 where the processor has instructions for it, a step is large enough to gain, and a test
    of two seconds, made once a machine and remembered, finds it at least 1.15 times faster. A GPU that knows bf16
    takes it.
    """
    shape = (preprocess.channels, preprocess.size, preprocess.size)
    work = summarise(network, shape).macs * recipe.batch
    recipe = recipe.settle(threads=cpu.threads_for(work, recipe.threads))
    torch.set_num_threads(recipe.threads or 1)
    if recipe.precision != "auto":
        chosen, why = recipe.precision, "asked for"
    elif recipe.device == "cuda":
        chosen, why = "bf16" if torch.cuda.is_bf16_supported() else "f32", "what this GPU computes in"
    elif not cpu.bf16_hardware():
        chosen, why = "f32", "this processor has no bfloat16 instructions"
    elif work < cpu.SMALL_MACS:
        chosen, why = "f32", "the network is too small to gain from bfloat16"
    else:
        listener.message("train.selftest")
        gain = _bf16_gain(recipe, network, shape)
        chosen, why = "bf16" if gain >= cpu.WORTH_IT else "f32", f"bf16 ran {gain:.2f} times as fast as f32"
    return recipe.settle(precision=chosen), {"precision": chosen, "precision_why": why}


def _bf16_gain(recipe: Recipe, network: nn.Module, shape: Shape) -> float:
    """How many times faster a training step is in bfloat16; the network and all random numbers stay as they are."""
    state = torch.get_rng_state()
    trial = copy.deepcopy(network).to(memory_format=torch.channels_last).train()
    x = torch.randn(recipe.batch, *shape).contiguous(memory_format=torch.channels_last)

    def step(bf16: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            output = trial(x)
        _, _, loss = with_heads(output, torch.zeros(recipe.batch, dtype=torch.int64), cross_entropy)
        torch.autograd.backward(loss)
        trial.zero_grad()

    layers = json.dumps(recipe.definition) if recipe.definition else ""  # a name of one's own may come to mean another
    mark = f" {hashlib.sha256(layers.encode()).hexdigest()[:12]}" if layers else ""
    gain = cpu.bf16_gain(step, f"train {recipe.network}{mark} {shape} x {recipe.batch}")
    torch.set_rng_state(state)
    return gain
