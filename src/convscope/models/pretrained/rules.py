"""Foreign names to ours by rules: patterns, first match wins."""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from convscope.errors import ModelFileError

State = Mapping[str, Tensor]
Rules = Sequence[tuple[str, str]]

# what every convention of PyTorch calls the tensors of a layer
TENSORS = r"(weight|bias|running_mean|running_var|num_batches_tracked)"


def renamed(state: State, rules: Rules) -> dict[str, Tensor]:
    """The same tensors under other names.

    Args:
        state: tensors by foreign name.
        rules: (pattern of a layer's foreign name, our name of the layer, which may quote groups as \\1).

    Raises:
        ModelFileError: a name that no rule knows.

    Example:
        >>> import torch
        >>> list(renamed({"fc.weight": torch.zeros(1)}, [("fc", "classifier.scores")]))
        ['classifier.scores.weight']
    """
    ours: dict[str, Tensor] = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        new = next((match.expand(to) for pattern, to in rules if (match := re.fullmatch(pattern, layer))), None)
        if new is None or not re.fullmatch(TENSORS, kind):
            raise ModelFileError(f"a tensor called {name!r} belongs to no layer of it")
        ours[f"{new}.{kind}"] = tensor
    return ours


def with_epsilon(state: State, theirs: float, ours: float) -> dict[str, Tensor]:
    """Running variances corrected for another epsilon, so that variance + epsilon and every answer stay the same.

    Example:
        >>> import torch
        >>> with_epsilon({"n.running_var": torch.tensor([0.5])}, theirs=0.25, ours=0.125)["n.running_var"].item()
        0.625
    """
    return {
        name: (tensor.double() + (theirs - ours)).to(tensor.dtype) if name.endswith("running_var") else tensor
        for name, tensor in state.items()
    }
