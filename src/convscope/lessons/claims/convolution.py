"""Claims about the convolution itself: what it multiplies, what it adds, what it shares."""

from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.layers.cost import parameters
from convscope.layers.geometry import out_size
from convscope.lessons.claims.claim import Claim, Values, by
from convscope.lessons.claims.counting import MOBILENETS, figures

SQUARE = torch.arange(1.0, 10).reshape(3, 3)
KERNEL = torch.tensor([[1.0, 2.0], [3.0, 4.0]])

# Deshpande's mouse: a filter in the shape of a bent line, the patch that follows it, and one that does not.
CURVE = {(0, 5): 30, (1, 4): 30, (2, 3): 30, (3, 3): 30, (4, 3): 30, (5, 3): 30}
ALONG = [
    [0, 0, 0, 0, 0, 0, 30],
    [0, 0, 0, 0, 50, 50, 50],
    [0, 0, 0, 20, 50, 0, 0],
    *([0, 0, 0, 50, 50, 0, 0] for _ in range(4)),
]
ACROSS = [
    [0, 0, 0, 0, 0, 0, 0],
    [0, 40, 0, 0, 0, 0, 0],
    [40, 0, 40, 0, 0, 0, 0],
    [40, 20, 0, 0, 0, 0, 0],
    [0, 50, 0, 0, 0, 0, 0],
    [0, 0, 50, 0, 0, 0, 0],
    [25, 25, 0, 50, 0, 0, 0],
]


def correlate(x: Tensor, kernel: Tensor) -> Tensor:
    """What every framework calls a convolution, of one map with one kernel, where the window fits.

    >>> correlate(SQUARE, KERNEL).tolist()
    [[37.0, 47.0], [67.0, 77.0]]
    """
    return functional.conv2d(x[None, None], kernel[None, None])[0, 0]


def whole(numbers: Tensor) -> list[int]:
    """A tensor of whole numbers as a list of integers, row after row.

    >>> whole(torch.tensor([[1.0, 2.0]]))
    [1, 2]
    """
    return [round(number) for number in numbers.flatten().tolist()]


def _units_of_the_first_layer() -> Values:
    layer = figures("alexnet").layers[0]
    units, own = prod(layer.shape), layer.parameters // layer.shape[0]
    return {"units": units, "parameters": layer.parameters, "unshared": units * own}


def _shape_of_weights() -> Values:
    shape = nn.Conv2d(3, 96, 11).weight.shape
    return {"shape": by(shape), "filters": shape[0], "kernels": shape[0] * shape[1]}


def _sum_over_channels() -> Values:
    maps = torch.tensor([[[1.0, 2], [3, 4]], [[0, 1], [1, 0]], [[2, 2], [2, 2]]])
    kernels = torch.tensor([[[1.0, 0], [0, 1]], [[1, 1], [1, 1]], [[0.5, 0.5], [0.5, 0.5]]])
    parts = whole((maps * kernels).sum((1, 2)))
    total = functional.conv2d(maps[None], kernels[None], bias=torch.ones(1))
    return {"parts": parts, "bias": 1, "total": round(total.item())}


def _shifted() -> Values:
    x = torch.arange(64, dtype=torch.float64).reshape(8, 8) ** 2 % 11
    kernel = KERNEL.double()
    moved = correlate(x.roll(1, dims=1), kernel)[:, 1:]  # the first column has wrapped round the border
    return {"shift": 1, "difference": (moved - correlate(x, kernel)[:, :-1]).abs().max().item()}


def _diagonals() -> Values:
    kernel = torch.tensor([[1.0, -1], [-1, 1]])
    falling, rising = torch.eye(2), torch.eye(2).flip(0)
    answers = [round((kernel * picture).sum().item()) for picture in (falling, rising, torch.zeros(2, 2))]
    return {"falling": answers[0], "rising": answers[1], "flat": answers[2]}


def _dot_product() -> Values:
    products = whole(SQUARE[:2, :2] * KERNEL)
    return {"products": products, "total": sum(products), "map": correlate(SQUARE, KERNEL).int().tolist()}


def _signs() -> Values:
    def taken(row: int, column: int) -> float:
        return float(SQUARE[row, column]) if 0 <= row < 3 and 0 <= column < 3 else 0.0

    def summed(i: int, j: int, sign: int) -> int:
        steps = [(m, n) for m in range(2) for n in range(2)]
        return round(sum(taken(m + sign * i, n + sign * j) * float(KERNEL[m, n]) for m, n in steps))

    places = [(0, 0), (1, 1), (-1, -1)]
    return {
        "slide": [summed(i, j, -1) for i, j in places],
        "correlation": [summed(i, j, 1) for i, j in places],
        "convolution": correlate(SQUARE, KERNEL.flip(0, 1)).int().tolist(),
    }


def _stacked() -> Values:
    kernels = torch.stack([KERNEL * factor for factor in (1, 2, 3, 4)])
    together = functional.conv2d(SQUARE[None, None], kernels[:, None])[0]
    apart = torch.stack([correlate(SQUARE, kernel) for kernel in kernels])
    return {"maps": len(together), "difference": (together - apart).abs().max().item()}


def _links_of_one_cell() -> Values:
    x = torch.ones(7, 7, requires_grad=True)
    (slope,) = torch.autograd.grad(correlate(x, torch.ones(3, 3))[2, 2], x)
    return {"links": int(slope.count_nonzero()), "pixels": x.numel()}


def _curve() -> Values:
    kernel = torch.zeros(7, 7)
    for place, weight in CURVE.items():
        kernel[place] = weight
    along, across = (round((kernel * torch.tensor(patch)).sum().item()) for patch in (ALONG, ACROSS))
    return {"along": along, "across": across}


def _three_products() -> Values:
    return {**_dot_product(), "entries": KERNEL.numel()}


def _commuting() -> Values:
    def full(x: list[float], kernel: list[float], *, flipped: bool) -> list[int]:
        taps = torch.tensor(kernel[::-1] if flipped else kernel)
        return whole(functional.conv1d(torch.tensor(x)[None, None], taps[None, None], padding=len(kernel) - 1))

    one, two = [1.0, 2.0], [3.0, 4.0]
    return {
        "product": full(one, two, flipped=True), "swapped": full(two, one, flipped=True),
        "correlation": full(one, two, flipped=False), "correlation_swapped": full(two, one, flipped=False),
    }  # fmt: skip


def _depth() -> Values:
    layer = nn.Conv2d(3, 96, 11, stride=4)
    columns = out_size(227, 11, stride=4) ** 2
    return {"depth": layer.out_channels, "weights": layer.weight[0].numel(), "positions": columns}


def _toeplitz() -> Values:
    matrix = torch.stack([correlate(pixel.reshape(3, 3), KERNEL).flatten() for pixel in torch.eye(9)], dim=1)
    return {
        "rows": matrix.shape[0], "columns": matrix.shape[1], "first": whole(matrix[0]),
        "product": whole(matrix @ SQUARE.flatten()), "slid": whole(correlate(SQUARE, KERNEL)),
    }  # fmt: skip


def _rectangles() -> Values:
    square = nn.Conv2d(1, 1, 7, bias=False)
    pair = nn.Sequential(nn.Conv2d(1, 1, (1, 7), bias=False), nn.Conv2d(1, 1, (7, 1), bias=False))
    picture = torch.zeros(1, 1, 9, 9)
    return {
        "square": parameters(square), "pair": parameters(pair),
        "out_square": square(picture).shape[-1], "out_pair": pair(picture).shape[-1],
    }  # fmt: skip


def _groups() -> Values:
    grouped = nn.Conv2d(96, 256, 5, padding=2, groups=2)
    depthwise = nn.Conv2d(32, 32, 3, groups=32)
    return {
        "grouped": grouped.weight.shape[1], "parameters": parameters(grouped), "depthwise": depthwise.weight.shape[1]
    }  # fmt: skip


CLAIMS = (
    Claim("000-2", "wrong", _units_of_the_first_layer, ("alexnet",)),
    Claim("000-7", "ok", _shape_of_weights),
    Claim("000-8", "ok", lambda: {"sides": [1, 3, 5, 7, 11], "weights": [k * k for k in (1, 3, 5, 7, 11)]}),
    Claim("000-10", "ok", lambda: {"filters": 4, "maps": nn.Conv2d(1, 4, 3)(torch.zeros(1, 1, 5, 5)).shape[1]}),
    Claim("000-17", "ok", _sum_over_channels),
    Claim("001-5", "ok", _shifted),
    Claim("001-6", "ok", _diagonals),
    Claim("001-7", "ok", _dot_product),
    Claim("001-8", "wrong", _signs),
    Claim("001-9", "ok", _stacked),
    Claim("003-s4", "ok", _links_of_one_cell),
    Claim("003-s10", "ok", lambda: {"positions": out_size(7, 3) ** 2}),
    Claim("003-s14", "ok", _curve, source="A. Deshpande, A Beginner's Guide To Understanding CNNs, 2016"),
    Claim("003-s15", "imprecise", _three_products),
    Claim("003-s18", "ok", _commuting),
    Claim("003-s23", "ok", _depth, ("alexnet",)),
    Claim("003-s24", "wrong", _toeplitz),
    Claim("004-1", "imprecise", _rectangles),
    Claim("004-9", "ok", _groups, ("alexnet", *MOBILENETS)),
)
