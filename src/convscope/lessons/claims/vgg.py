"""Claims about VGG: its columns, its stacks of small kernels, how it was trained and judged."""

from math import sqrt

from torch import nn

from convscope.layers.cost import parameters
from convscope.layers.geometry import Field, out_size
from convscope.lessons.claims.claim import Claim, Values
from convscope.lessons.claims.counting import VGGS, convolutions, count, dense, figures, sides

PAPER = "Simonyan & Zisserman, ICLR 2015"
COLUMNS = ("vgg11", "vgg13", "vgg16c", "vgg16", "vgg19")

# Top-1 errors in per cent at one scale, 256 pixels in training and test.
ERRORS = {"a": 29.6, "a_lrn": 29.7, "b": 28.7, "c": 28.1, "d": 27.0, "e": 27.3}


def _layers(name: str) -> int:
    return len(convolutions(name)) + len(dense(name))


def _ten_and_three() -> Values:
    return {
        "convolutions": len(convolutions("vgg13")), "dense": len(dense("vgg13")),
        "columns": [_layers(name) for name in COLUMNS],
    }  # fmt: skip


def _which_has_138() -> Values:
    thirteen, sixteen = figures("vgg13").parameters, figures("vgg16").parameters
    return {"vgg13": thirteen, "vgg16": sixteen, "difference": sixteen - thirteen}


def _variants() -> Values:
    return {
        "sides": sides(convolutions("vgg16")), "sides_c": sides(convolutions("vgg16c")),
        "layers": [_layers(name) for name in ("vgg13", "vgg16", "vgg19")],
        "norm": figures("vgg16_bn").parameters - figures("vgg16").parameters,
    }  # fmt: skip


def _stacks() -> Values:
    fields = {}
    for stride, key in ((1, "one"), (2, "two")):
        pair = Field().then(3, stride).then(3, stride)
        fields[f"pair_{key}"], fields[f"three_{key}"] = pair.size, pair.then(3, stride).size
    return fields


def _more_weights() -> Values:
    def biased(kernel: int, times: int = 1) -> int:
        return times * parameters(nn.Conv2d(64, 64, kernel))

    return {
        "seven": 49, "three_threes": 27, "more_seven": 100 * (49 / 27 - 1), "saved_seven": 100 * (1 - 27 / 49),
        "five": 25, "two_threes": 18, "more_five": 100 * (25 / 18 - 1), "saved_five": 100 * (1 - 18 / 25),
        "biased_seven": 100 * (biased(7) / biased(3, 3) - 1), "biased_five": 100 * (biased(5) / biased(3, 2) - 1),
    }  # fmt: skip


def _one_by_one() -> Values:
    ones = [layer for layer in convolutions("vgg16c") if layer.kernel == (1, 1)]
    return {
        "ones": len(ones), "parameters": sum(layer.parameters for layer in ones),
        "relus": count("vgg16c", "ReLU"), "relus_b": count("vgg13", "ReLU"),
    }  # fmt: skip


def _first_weights() -> Values:
    copied = [*convolutions("vgg11")[:4], *dense("vgg11")]
    return {
        "layers": len(copied), "of": _layers("vgg19"), "parameters": sum(layer.parameters for layer in copied),
        "variance": 0.01, "spread": sqrt(0.01),
    }  # fmt: skip


def _dense_maps() -> Values:
    pictures = [224, 256, 384, 512]
    # five halvings, then the first dense layer slides as a convolution of 7x7
    return {"pictures": pictures, "maps": [out_size(side // 32, 7) for side in pictures], "low": 256, "high": 512}


def _four_cards() -> Values:
    return {"cards": 4, "faster": 3.75, "efficiency": 100 * 3.75 / 4}


def _deeper_is_better() -> Values:
    def gain(worse: str, better: str) -> float:
        return round(ERRORS[worse] - ERRORS[better], 1)

    return {
        "lrn": gain("a_lrn", "a"), "ones": gain("b", "c"), "threes": gain("c", "d"), "nineteen": gain("e", "d"),
        "lrn_parameters": figures("vgg11_lrn").parameters - figures("vgg11").parameters,
    }  # fmt: skip


def _ensembles() -> Values:
    vgg, googlenet, one_vgg, one_googlenet = 6.8, 6.7, 7.0, 7.9
    return {
        "vgg": vgg, "googlenet": googlenet, "behind": round(vgg - googlenet, 1),
        "one_vgg": one_vgg, "one_googlenet": one_googlenet, "ahead": round(one_googlenet - one_vgg, 1),
    }  # fmt: skip


CLAIMS = (
    Claim("001-24", "imprecise", _ten_and_three, VGGS),
    Claim("001-25", "imprecise", _which_has_138, ("vgg13", "vgg16", "vgg13_bn", "vgg16_bn")),
    Claim("001-26", "ok", _variants, VGGS),
    Claim("003-s47", "wrong", _stacks, VGGS),
    Claim("003-s47b", "ok", _more_weights, VGGS),
    Claim("003-s48", "ok", _one_by_one, ("vgg13", "vgg16c")),
    Claim("003-s49", "imprecise", _first_weights, VGGS, f"{PAPER}, section 3.1"),
    Claim("003-s49b", "ok", _dense_maps, VGGS, f"{PAPER}, sections 3.1 and 3.2"),
    Claim("003-s49c", "wrong", _four_cards, VGGS, f"{PAPER}, section 3.3"),
    Claim("003-s50", "ok", _deeper_is_better, VGGS, f"{PAPER}, table 3"),
    Claim("003-s51", "imprecise", _ensembles, (*VGGS, "googlenet"), f"{PAPER}, table 7: top-5 test errors"),
)
