"""Claims about sizes: padding, stride, and how far a cell sees."""

from math import prod

import torch
from torch import nn
from torch.nn import functional

from convscope.layers.cost import parameters
from convscope.layers.geometry import Field, legal_strides, lost_columns, out_size, same_pad
from convscope.lessons.claims.claim import Claim, Values
from convscope.lessons.claims.convolution import whole


def coverage(size: int, kernel: int, padding: int = 0) -> list[list[int]]:
    """How many windows look at each pixel of a square picture, at stride 1.

    >>> coverage(3, kernel=2)
    [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    """
    x = torch.ones(1, 1, size, size, requires_grad=True)
    answers = functional.conv2d(x, torch.ones(1, 1, kernel, kernel), padding=padding)
    (slope,) = torch.autograd.grad(answers.sum(), x)
    counts: list[list[int]] = slope[0, 0].int().tolist()
    return counts


def exact(size: int, kernel: int, stride: int, padding: int = 0) -> float:
    """The size as the formula gives it, before it is rounded down.

    >>> exact(224, kernel=11, stride=4)
    54.25
    """
    return (size - kernel + 2 * padding) / stride + 1


def _corner() -> Values:
    bare, padded = coverage(5, 3), coverage(5, 3, padding=1)
    return {"bare": bare[0][0], "padded": padded[0][0], "middle": bare[2][2], "middle_padded": padded[2][2]}


def _shrinking() -> Values:
    sizes = [32]
    for _ in range(4):
        sizes.append(out_size(sizes[-1], 5))
    return {"sizes": sizes, "kept": out_size(32, 5, padding=2)}


def _same_at_stride_two() -> Values:
    before, after = same_pad(6, 3, stride=2)
    return {
        "before": before, "after": after, "padded": 6 + before + after, "out": out_size(6, 3, 2, (before, after)),
        "pytorch": 6 + 1 + 1, "unread": lost_columns(6, 3, 2, padding=1),
    }  # fmt: skip


def _two_ways_to_pad() -> Values:
    x, ones = torch.arange(36.0).reshape(1, 1, 6, 6), torch.ones(1, 1, 3, 3)
    top_left = functional.conv2d(functional.pad(x, (1, 0, 1, 0)), ones, stride=2)
    bottom_right = functional.conv2d(functional.pad(x, (0, 1, 0, 1)), ones, stride=2)
    pytorch = functional.conv2d(x, ones, stride=2, padding=1)
    return {
        "top_left": whole(top_left), "bottom_right": whole(bottom_right),
        "difference": (top_left - pytorch).abs().max().item(),
    }  # fmt: skip


def _fifty_five() -> Values:
    return {"out": out_size(227, 11, stride=4), "exact": exact(224, 11, stride=4), "cut": out_size(224, 11, stride=4)}


def _may_grow() -> Values:
    layer = nn.Conv2d(3, 64, 3, padding=1, device="meta")
    shape = layer(torch.empty(1, 3, 224, 224, device="meta")).shape
    return {"side": shape[-1], "before": 3 * 224 * 224, "after": prod(shape)}


def _border() -> Values:
    counts = coverage(5, 3)
    return {"corner": counts[0][0], "next": counts[1][1], "middle": counts[2][2]}


def _width_and_depth() -> Values:
    shape = nn.Conv2d(1, 32, 3)(torch.zeros(1, 1, 28, 28)).shape
    return {"width": shape[-1], "depth": shape[1]}


def _fields() -> Values:
    first = Field().then(3)
    second = first.then(3)
    return {"first": first.size, "second": second.size, "third": second.then(3).size}


def _strides() -> Values:
    strides = legal_strides(7, 3)
    return {"strides": strides, "largest": strides[-1], "slide": (7 - 3) // 2}  # 2 is the only prime that divides 4


def _half_padding() -> Values:
    before, after = same_pad(5, 4)
    return {"padding": (5 - 1) // 2, "out": out_size(32, 5, padding=2), "before": before, "after": after}


def _value_or_amount() -> Values:
    x, ones = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3)
    corners = [functional.conv2d(functional.pad(x, (1, 1, 1, 1), value=value), ones)[0, 0, 0, 0] for value in (0, 1)]
    return {"zeros": round(corners[0].item()), "ones": round(corners[1].item())}


def _evenly() -> Values:
    return {"even": list(same_pad(28, 5)), "odd": list(same_pad(6, 3, stride=2))}


CLAIMS = (
    Claim("000-6", "ok", lambda: {"padded": 5 + 2, "out": out_size(5, 3, padding=1)}),
    Claim("000-11", "ok", _shrinking),
    Claim("000-12", "imprecise", _corner),
    Claim("000-18", "ok", lambda: {"out": out_size(6, 3, stride=2), "lost": lost_columns(6, 3, stride=2)}),
    Claim("000-19", "ok", lambda: {"out": out_size(6, 3, 2, same_pad(6, 3, stride=2)), "valid": out_size(6, 3, 2)}),
    Claim("000-20", "wrong", _same_at_stride_two),
    Claim("000-21", "ok", _two_ways_to_pad),
    Claim("001-11", "ok", lambda: {"out": out_size(7, 3), "shared": 3 - 1, "wider": out_size(7, 3, stride=3)}),
    Claim("001-12", "ok", lambda: {"outs": [out_size(32, 5, padding=padding) for padding in (0, 1, 2)]}),
    Claim("001-13", "ok", _fifty_five, ("alexnet",)),
    Claim("002-1", "imprecise", _may_grow),
    Claim("002-2", "imprecise", _border),
    Claim("002-4", "wrong", _width_and_depth),
    Claim("002-5", "ok", lambda: {"same": out_size(28, 5, padding=same_pad(28, 5)), "valid": out_size(28, 5)}),
    Claim("003-s11", "ok", lambda: {"out": out_size(32, 5), "parameters": parameters(nn.Conv2d(3, 1, 5))}),
    Claim("003-s12/13", "imprecise", _fields),
    Claim("003-s19", "ok", lambda: {"out": out_size(32, 5)}),
    Claim("003-s20", "ok", lambda: {"one": out_size(7, 3, stride=1), "two": out_size(7, 3, stride=2)}),
    Claim("003-s20b", "wrong", _strides),
    Claim("003-s21", "ok", _half_padding),
    Claim("003-s22", "ok", lambda: {"exact": exact(224, 7, 2, padding=3), "out": out_size(224, 7, 2, padding=3)}),
    Claim("004-2", "imprecise", _value_or_amount),
    Claim("004-5", "ok", lambda: {"exact": exact(6, 3, 2), "out": out_size(6, 3, stride=2)}),
    Claim("004-7", "imprecise", _evenly),
)
