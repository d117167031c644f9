"""Claims about pooling: what it keeps, and what does the same work."""

import torch
from torch import nn
from torch.nn import functional

from convscope.layers.cost import macs
from convscope.layers.geometry import out_size
from convscope.lessons.claims.claim import Claim, Values
from convscope.lessons.claims.convolution import whole
from convscope.lessons.claims.counting import (
    ALEXNETS,
    CIFAR_RESNETS,
    MOBILENETS,
    RESNETS,
    TITLES,
    VGGS,
    convolutions,
    figures,
    poolings,
    striding,
)  # fmt: skip

CAFFENET = "D. Mishkin, caffenet-benchmark: CaffeNet on pictures of 128 pixels, ImageNet validation"
ALEXNET = "Krizhevsky, Sutskever & Hinton, NIPS 2012, section 3.4"

# The map on most pooling slides.
MAP = torch.tensor([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None, None]

# Top-1 accuracy in per cent, one network with nothing changed but its pooling.
ACCURACY = {"maximum": 47.1, "average": 43.5, "both": 48.3, "strided": 47.2, "stochastic": 43.8}


def _overlapping() -> Values:
    first = next(layer for layer in figures("alexnet").layers if "Pool" in layer.kind)
    assert first.kernel is not None
    assert first.stride is not None
    return {"kernel": first.kernel[0], "stride": first.stride[0], "top1": 0.4, "top5": 0.3}


def _average_is_alive() -> Values:
    names = ("nin", "googlenet", "resnet50", "mobilenet_v1", "mobilenet_v2")
    ends = [TITLES[name] for name in names if "Avg" in poolings(name)[-1].kind]
    maximum, average, both = ACCURACY["maximum"], ACCURACY["average"], ACCURACY["both"]
    return {
        "ends": ends, "maximum": maximum, "average": average, "both": both, "gap": round(maximum - average, 1),
        "gain": round(both - maximum, 1),
    }  # fmt: skip


def _kept() -> Values:
    kept = functional.max_pool2d(MAP, 2)
    return {"before": MAP.numel(), "after": kept.numel(), "share": 100 * kept.numel() / MAP.numel()}


def _pool_or_stride() -> Values:
    def halving(name: str) -> tuple[int, int]:
        return len(striding(poolings(name))), len(striding(convolutions(name)))

    answers = {}
    for key, name in (("vgg", "vgg16"), ("mobilenet", "mobilenet_v1"), ("allcnn", "allcnn")):
        answers[f"{key}_pools"], answers[f"{key}_strides"] = halving(name)
    return answers


def _maximum_and_mean() -> Values:
    return {
        "maximum": whole(functional.max_pool2d(MAP, 2)),
        "average": functional.avg_pool2d(MAP, 2).flatten().tolist(),
    }


def _trained_average() -> Values:
    layers = [layer.parameters for layer in figures("lenet5").layers if layer.kind == "Subsample"]
    maps = [layer.shape[0] for layer in figures("lenet5").layers if layer.kind == "Subsample"]
    return {"parameters": layers, "each": layers[0] // maps[0], "total": sum(layers)}


def _cheaper() -> Values:
    layer = nn.Conv2d(64, 128, 3, padding=1)
    full, pooled = (macs(layer, torch.Size((128, side, side))) for side in (224, out_size(224, 2, stride=2)))
    return {"before": full, "after": pooled, "times": full // pooled}


def _wherever_it_lies() -> Values:
    windows = [torch.zeros(1, 1, 2, 2).index_put((*map(torch.tensor, (0, 0, i, j)),), torch.tensor(9.0))
               for i in range(2) for j in range(2)]  # fmt: skip
    return {
        "maxima": [whole(functional.max_pool2d(window, 2))[0] for window in windows],
        "average": functional.avg_pool2d(windows[0], 2).item(),
    }


def _four_by_four() -> Values:
    pooled = functional.max_pool2d(MAP, 2)
    return {
        "pooled": pooled[0, 0].int().tolist(),
        "first": whole(pooled)[0],
        "thrown": 100 * (1 - pooled.numel() / MAP.numel()),
    }


def _which_is_better() -> Values:
    ranking = sorted(ACCURACY, key=lambda name: -ACCURACY[name])
    return {**ACCURACY, "best": ACCURACY[ranking[0]], "gap": round(ACCURACY["maximum"] - ACCURACY["average"], 1)}


def _other_ways() -> Values:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fractional = nn.FractionalMaxPool2d(2, output_ratio=0.7)(torch.zeros(1, 1, 10, 10))
    return {
        "out": fractional.shape[-1], "pools": len(striding(poolings("allcnn"))),
        "parameters": figures("allcnn").parameters,
    }  # fmt: skip


def _channels() -> Values:
    shape = functional.max_pool2d(torch.zeros(1, 6, 28, 28), 2).shape
    return {"channels": shape[1], "side": shape[2]}


def _default_stride() -> Values:
    layer = nn.MaxPool2d(2)
    return {"kernel": layer.kernel_size, "stride": layer.stride, "out": layer(torch.zeros(1, 1, 28, 28)).shape[-1]}


CLAIMS = (
    Claim("000-13", "imprecise", _overlapping, (*ALEXNETS, "zfnet", "googlenet", *RESNETS), ALEXNET),
    Claim(
        "000-14",
        "wrong",
        _average_is_alive,
        ("lenet5", "nin", "googlenet", *RESNETS, *CIFAR_RESNETS, *MOBILENETS),
        CAFFENET,
    ),
    Claim("000-15", "ok", _kept),
    Claim("000-16", "ok", _pool_or_stride, ("lenet5", *ALEXNETS, *VGGS, *CIFAR_RESNETS, *MOBILENETS, "allcnn")),
    Claim("001-14", "ok", _maximum_and_mean),
    Claim("001-21", "ok", _trained_average, ("lenet5",)),
    Claim("002-7", "ok", _cheaper),
    Claim("003-s34", "ok", _wherever_it_lies),
    Claim("003-s35", "ok", _four_by_four),
    Claim("003-s35b", "imprecise", _which_is_better, source=CAFFENET),
    Claim("003-s36", "ok", _other_ways, ("allcnn",), "Graham 2014; Springenberg et al. 2014"),
    Claim("004-3", "ok", _channels),
    Claim("004-8", "ok", _default_stride),
)
