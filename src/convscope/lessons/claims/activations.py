"""Claims about activations and the softmax."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.layers.activations import ScaledTanh
from convscope.layers.geometry import out_size
from convscope.lessons.claims.claim import Claim, Values
from convscope.lessons.claims.convolution import correlate
from convscope.lessons.claims.pooling import CAFFENET

POINTS = (-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0)

# Top-1 accuracy in per cent, one network with nothing changed but its activation.
ACCURACY = {"relu": 47.1, "none": 38.9, "none_at_all": 3.5}


def answer_and_slope(
    function: Callable[[Tensor], Tensor], points: tuple[float, ...]
) -> tuple[list[float], list[float]]:
    """Values of a function, and of its derivative as PyTorch takes it.

    >>> answer_and_slope(torch.relu, (-1.0, 0.0, 2.0))
    ([0.0, 0.0, 2.0], [0.0, 0.0, 1.0])
    """
    x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.tolist(), slope.tolist()


def _shares() -> Values:
    shares = torch.tensor([1.0, 2, 3], dtype=torch.float64).softmax(0)
    far = torch.tensor([0.0, 200.0]).softmax(0)
    return {"shares": shares.tolist(), "sum": round(shares.sum().item(), 12), "smallest": far[0].item()}


def _outlier() -> Values:
    scores = torch.tensor([1.0, 2, 3, 10], dtype=torch.float64)
    shares = scores.softmax(0)
    return {
        "shares": shares.tolist(), "before": 100 * (scores[-1] / scores.sum()).item(),
        "after": 100 * shares[-1].item(),
    }  # fmt: skip


def _swish() -> Values:
    x = torch.linspace(-3, 1, 400_001, dtype=torch.float64)
    y = functional.silu(x)
    return {"one": functional.silu(torch.ones(1, dtype=torch.float64)).item(), "lowest": y.min().item(),
            "where": x[y.argmin()].item()}  # fmt: skip


def _collapsed() -> Values:
    x = (torch.arange(81.0) ** 2 % 13).reshape(9, 9)
    first, second = torch.arange(9.0).reshape(3, 3), torch.arange(9.0).flip(0).reshape(3, 3)
    both = functional.conv2d(first[None, None], second.flip(0, 1)[None, None], padding=2)[0, 0]
    difference = (correlate(correlate(x, first), second) - correlate(x, both)).abs().max().item()
    return {"kernel": len(both), "difference": difference, "out": out_size(9, len(both))}


def _without_any() -> Values:
    relu = ACCURACY["relu"]
    gaps = {"gap": round(relu - ACCURACY["none"], 1), "wide_gap": round(relu - ACCURACY["none_at_all"], 1)}
    return {**ACCURACY, **gaps}


def _leaks() -> Values:
    x = torch.tensor([-3.0, 2.0])
    below = functional.leaky_relu(torch.tensor(-1.0, dtype=torch.float64)).item()
    maxout = torch.stack([x, -x]).amax(0)
    return {"pytorch": -below, "keras": 0.3, "tensorflow": 0.2, "maxout": maxout.tolist()}


def _zero_mean() -> Values:
    values, slopes = answer_and_slope(ScaledTanh(), POINTS)
    sigmoid, _ = answer_and_slope(torch.sigmoid, POINTS)
    return {
        "one": values[5], "slope": slopes[3], "mean": round(sum(values) / len(values), 9),
        "sigmoid_mean": round(sum(sigmoid) / len(sigmoid), 9),
    }  # fmt: skip


def _relu() -> Values:
    values, slopes = answer_and_slope(torch.relu, POINTS)
    return {"points": list(POINTS), "values": values, "slopes": slopes}


def _vanishing() -> Values:
    _, sigmoid = answer_and_slope(torch.sigmoid, POINTS)
    _, tanh = answer_and_slope(torch.tanh, POINTS)
    return {"sigmoid": max(sigmoid), "tanh": max(tanh), "layers": 12, "left": max(sigmoid) ** 12}


def _at_zero() -> Values:
    values, slopes = answer_and_slope(torch.relu, (0.0,))
    return {"value": values[0], "slope": slopes[0]}


def _three_answers() -> Values:
    answers = [0.8, 0.15, 0.05]
    scores = nn.Softmax(0)(torch.tensor(answers, dtype=torch.float64).log())
    return {"answers": [round(answer, 6) for answer in scores.tolist()], "sum": round(scores.sum().item(), 12)}


CLAIMS = (
    Claim("001-16", "ok", _shares),
    Claim("001-17", "wrong", _outlier),
    Claim("002-6", "ok", _swish),
    Claim("003-s5", "ok", _three_answers),
    Claim("003-s26", "ok", _collapsed),
    Claim("003-s27", "ok", _without_any, source=CAFFENET),
    Claim("003-s28", "imprecise", _leaks, source="slopes of Keras and TensorFlow: their documentation"),
    Claim("003-s29", "ok", _zero_mean, ("lenet5",)),
    Claim("003-s30/31", "ok", _relu),
    Claim("003-s32", "ok", _vanishing),
    Claim("003-s32b", "imprecise", _at_zero),
)
