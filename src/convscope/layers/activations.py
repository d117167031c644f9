"""Activations by name, and those that PyTorch does not have."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from convscope.errors import ModelError, nearest
from convscope.layers.maxout import Maxout


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x / 3), which is close to -1 and 1 at -1 and 1, and steepest in its middle.

    Shape:
        any -> the same
    Source:
        LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition",
        Proc. IEEE 86, 1998, appendix A.

    Example:
        >>> ScaledTanh()(torch.tensor([0.0, 1.0])).round(decimals=4).tolist()
        [0.0, 1.0]
    """

    AMPLITUDE = 1.7159
    SLOPE = 2 / 3

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to every element."""
        return self.AMPLITUDE * torch.tanh(self.SLOPE * x)


class Kind(NamedTuple):
    """One row of `ACTIVATIONS`.

    Attributes:
        make: builds the layer from the options, in their order.
        options: what may be set, each with its default.
    """

    make: Callable[..., nn.Module]
    options: Mapping[str, float] = {}


ACTIVATIONS = {
    "linear": Kind(nn.Identity),
    "sigmoid": Kind(nn.Sigmoid),
    "tanh": Kind(nn.Tanh),
    "scaled_tanh": Kind(ScaledTanh),
    "softplus": Kind(nn.Softplus),
    "relu": Kind(nn.ReLU),
    "relu6": Kind(nn.ReLU6),
    "leaky_relu": Kind(nn.LeakyReLU, {"slope": 0.01}),  # Maas 2013; course notes say 1/10, Keras 0.3, TensorFlow 0.2
    "prelu": Kind(nn.PReLU, {"channels": 1}),  # 1: one trained slope for all maps
    # slopes drawn from low to high, their mean in evaluation (.2292); the paper divides by what it draws from 3 to 8,
    # and by 5.5 in evaluation (.1818)
    "rrelu": Kind(nn.RReLU, {"low": 1 / 8, "high": 1 / 3}),
    "elu": Kind(nn.ELU, {"alpha": 1.0}),
    "selu": Kind(nn.SELU),
    "gelu": Kind(nn.GELU),
    "swish": Kind(nn.SiLU),
    "hard_sigmoid": Kind(nn.Hardsigmoid),
    "hard_swish": Kind(nn.Hardswish),
    "maxout": Kind(Maxout, {"pieces": 2}),  # the layer before makes `pieces` times as many maps
}


def activation(name: str, **options: float) -> nn.Module:
    """A new activation layer.

    Args:
        name: a key of `ACTIVATIONS`.
        options: those of its row, such as `slope` of "leaky_relu"; the others keep their defaults.

    Raises:
        ModelError: there is no such activation, it has no such option, or the option is no number of its kind.

    Example:
        >>> activation("leaky_relu", slope=0.1)
        LeakyReLU(negative_slope=0.1)
        >>> activation("swich")
        Traceback (most recent call last):
        convscope.errors.ModelError: no activation is called 'swich'; did you mean swish or hard_swish?
    """
    if name not in ACTIVATIONS:
        raise ModelError(f"no activation is called {name!r}; {nearest(name, sorted(ACTIVATIONS))}")
    kind = ACTIVATIONS[name]
    for option, value in options.items():
        if option not in kind.options:
            hint = nearest(option, list(kind.options)) if kind.options else "it has none"
            raise ModelError(f"activation {name!r} has no option {option!r}; {hint}")
        wanted = type(kind.options[option])
        if type(value) not in {int, wanted}:
            raise ModelError(f"{option} of activation {name!r} is {value!r}; it needs to be one {wanted.__name__}")
        if wanted is int and value < 1:
            raise ModelError(f"{option} of activation {name!r} is {value}; it needs to be at least 1")
    return kind.make(*{**kind.options, **options}.values())
