"""Claims about the networks and their papers, from LeNet-5 to ResNet."""

from math import prod

import torch

from convscope.layers.cost import macs, parameters
from convscope.lessons.claims.claim import Claim, Values
from convscope.lessons.claims.convolution import KERNEL, SQUARE, correlate
from convscope.lessons.claims.counting import (
    ALEXNETS,
    RESNETS,
    TITLES,
    VGGS,
    convolutions,
    count,
    dense,
    figures,
    poolings,
    sides,
    striding,
)  # fmt: skip
from convscope.models import zoo

LENETS = ("lenet5", "lenet5_modern")
ZEILER = "Zeiler & Fergus, arXiv 1311.2901, ECCV 2014"

# Top-5 test errors of the classification task, in per cent.
ERRORS = {"clarifai": 11.7, "zfnet": 14.8, "googlenet": 6.7, "vgg": 7.3}


def _two_halves() -> Values:
    stages = {name: figures("vgg16").stage(name).parameters for name in ("features", "classifier")}
    return {**stages, "parameters": figures("vgg16").parameters}


def _deeper_sees_more() -> Values:
    return {"fields": [layer.receptive_field for layer in convolutions("zfnet")]}


def _seven_by_seven() -> Values:
    names = ("zfnet", "googlenet", "resnet18", "resnet50", "resnet152")
    return {
        "alexnet": sides(convolutions("alexnet")),
        "later": [TITLES[name] for name in names if convolutions(name)[0].kernel == (7, 7)],
    }


def _lenet_then_and_now() -> Values:
    then = [layer for layer in figures("lenet5").layers if "Conv" in layer.kind]
    return {
        "convolutions": len(convolutions("lenet5_modern")), "dense": len(dense("lenet5_modern")),
        "then_convolutions": len(then), "then_subsamplings": count("lenet5", "Subsample"),
        "then_dense": len(dense("lenet5")), "then_codes": count("lenet5", "RBF"),
    }  # fmt: skip


def _lenet_parameters() -> Values:
    layers = [layer.parameters for layer in figures("lenet5").layers if layer.parameters]
    return {"then": sum(layers), "layers": layers, "now": figures("lenet5_modern").parameters}


def _moved_and_turned() -> Values:
    plain = correlate(SQUARE, KERNEL)
    moved = correlate(SQUARE.roll(1, 1), KERNEL)[:, 1:]
    turned = correlate(SQUARE.rot90(), KERNEL)
    return {
        "moved": (moved - plain[:, :-1]).abs().max().item(), "turned": (turned - plain.rot90()).abs().max().item(),
        "plain_error": 0.95, "distorted_error": 0.8,
    }  # fmt: skip


def _three_ideas() -> Values:
    first, pooled = convolutions("lenet5")[0], next(x for x in figures("lenet5").layers if x.kind == "Subsample")
    units, each = prod(first.shape), first.parameters // first.shape[0]
    return {
        "taps": each - 1, "pixels": 32 * 32, "parameters": first.parameters, "connections": units * each,
        "before": first.shape[1], "after": pooled.shape[1],
    }  # fmt: skip


def _alexnet() -> Values:
    kernels, full = convolutions("alexnet"), dense("alexnet")
    return {
        "convolutions": len(kernels), "dense": len(full), "layers": len(kernels) + len(full),
        "parameters": figures("alexnet").parameters, "in_convolutions": sum(layer.parameters for layer in kernels),
        "in_dense": sum(layer.parameters for layer in full), "pools": count("alexnet", "MaxPool2d"),
    }  # fmt: skip


def _cheap_branches() -> Values:
    straight = macs(torch.nn.Conv2d(192, 32, 5, padding=2), torch.Size((32, 28, 28)))
    reduced = macs(torch.nn.Conv2d(192, 16, 1), torch.Size((16, 28, 28)))
    reduced += macs(torch.nn.Conv2d(16, 32, 5, padding=2), torch.Size((32, 28, 28)))
    # three convolutions come before the blocks; a block has six, of which a path takes two
    blocks = (len(convolutions("googlenet")) - 3) // 6
    layers = 3 + 2 * blocks + len(dense("googlenet"))
    on_the_path = len(striding(poolings("googlenet"))) + 1  # the blocks' own pools lie beside it; the last is global
    return {
        "blocks": blocks, "layers": layers, "with_pools": layers + on_the_path, "straight": straight,
        "reduced": reduced, "times": straight / reduced, "weight": 0.3,
    }  # fmt: skip


def _googlenet() -> Values:
    with torch.device("meta"):
        trained = zoo.build("googlenet", classes=1000)
    counted, alexnet = figures("googlenet").parameters, figures("alexnet").parameters
    return {
        "parameters": counted, "with_heads": parameters(trained), "torchvision": figures("googlenet_tv").parameters,
        "alexnet": alexnet, "twelfth": alexnet // 12, "ratio": alexnet / counted,
    }  # fmt: skip


def _who_won() -> Values:
    return {
        **ERRORS, "behind_2013": round(ERRORS["zfnet"] - ERRORS["clarifai"], 1),
        "behind_2014": round(ERRORS["vgg"] - ERRORS["googlenet"], 1),
    }  # fmt: skip


def _first_layers() -> Values:
    found: Values = {}
    for key, name in (("alexnet", "alexnet"), ("zfnet", "zfnet"), ("vgg", "vgg16")):
        first = convolutions(name)[0]
        assert first.kernel is not None
        assert first.stride is not None
        found[key], found[f"{key}_stride"] = first.kernel[0], first.stride[0]
    depths = [len(convolutions(name)) + len(dense(name)) for name in ("vgg16", "vgg19")]
    return {**found, "vgg_sides": sides(convolutions("vgg16")), "depths": depths}


def _lenet_shapes() -> Values:
    layers = figures("lenet5_modern").layers
    shown = [layer for layer in layers if layer.kernel]
    return {
        "shapes": ["×".join(map(str, (*layer.shape[1:], layer.shape[0]))) for layer in shown],
        "squashes": count("lenet5", "ScaledTanh"), "codes": count("lenet5", "RBF"),
    }  # fmt: skip


CLAIMS = (
    Claim("000-3", "ok", _two_halves, VGGS),
    Claim("000-5", "ok", _deeper_sees_more, ("zfnet",), ZEILER),
    Claim("000-9", "wrong", _seven_by_seven, ("alexnet", "zfnet", "googlenet", "googlenet_tv", *RESNETS)),
    Claim("001-10", "ok", lambda: {"preprint": 2013, "printed": 2014}, ("zfnet",), ZEILER, "published"),
    Claim("001-18", "imprecise", _lenet_then_and_now, LENETS),
    Claim("001-19", "ok", _lenet_parameters, LENETS),
    Claim("001-20", "imprecise", _moved_and_turned, LENETS, "LeCun et al. 1998: MNIST test errors"),
    Claim("001-22", "ok", _three_ideas, LENETS),
    Claim("001-23", "ok", _alexnet, ALEXNETS),
    Claim("001-27", "ok", _cheap_branches, ("googlenet",), "Szegedy et al. 2015: weight of the auxiliary losses"),
    Claim("001-28", "wrong", _googlenet, ("googlenet", "googlenet_tv")),
    Claim(
        "003-s16", "imprecise",
        lambda: {"cortex": 1962, "cognitron": 1975, "neocognitron": 1980, "backpropagation": 1989, "lenet5": 1998},
        LENETS, "Hubel & Wiesel; Fukushima; LeCun et al.", "published",
    ),
    Claim(
        "003-s45", "imprecise", _who_won, ("alexnet", "zfnet", "googlenet", *VGGS, *RESNETS),
        "results of ILSVRC-2013 and 2014; Zeiler & Fergus 2014; Simonyan & Zisserman 2015, table 7",
    ),
    Claim("003-s46", "ok", _first_layers, ("alexnet", "zfnet", *VGGS)),
    Claim("004-4", "imprecise", _lenet_shapes, LENETS),
)  # fmt: skip
