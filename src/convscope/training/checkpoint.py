"""Where training stands after an epoch, in one file that is replaced at once."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn, optim

from convscope.data.files import write_bytes
from convscope.errors import RunError

FILE = "checkpoint/last.safetensors"
KEY = "convscope_checkpoint"
SCHEMA = 1

History = list[dict[str, float]]


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next epoch depends on.

    Random numbers are not among it: each epoch draws its own from (seed, epoch).

    Attributes:
        history: one row of metrics.csv per epoch trained.
        weights: of the network now.
        best: of the epoch with the lowest validation loss.
        optimiser: the optimiser's tensors, named "parameter.field".
    """

    history: History
    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    optimiser: dict[str, Tensor]

    def save(self, run: Path) -> None:
        """Replace the run's checkpoint."""
        blocks = {"weights": self.weights, "best": self.best, "optimiser": self.optimiser}
        tensors = {
            f"{block}/{name}": tensor.contiguous()
            for block, content in blocks.items()
            for name, tensor in content.items()
        }
        state = json.dumps({"schema": SCHEMA, "history": self.history})
        write_bytes(run / FILE, safetensors.torch.save(tensors, metadata={KEY: state}))

    @classmethod
    def load(cls, run: Path) -> "Checkpoint | None":
        """The run's checkpoint; None when no epoch was finished.

        Raises:
            RunError: it is there and cannot be read.
        """
        if not (run / FILE).is_file():
            return None
        blocks: dict[str, dict[str, Tensor]] = {"weights": {}, "best": {}, "optimiser": {}}
        try:
            with safetensors.safe_open(run / FILE, framework="pt") as content:
                state = json.loads((content.metadata() or {})[KEY])
                if state["schema"] > SCHEMA:
                    raise ValueError(f"schema {state['schema']} of a newer convscope")
                history = list(state["history"])
                for name in content.keys():  # noqa: SIM118 (not a dict)
                    block, _, key = name.partition("/")
                    blocks[block][key] = content.get_tensor(name)
        except (safetensors.SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
            raise RunError(
                f"{run / FILE}: the checkpoint cannot be read ({error}); train anew without --resume"
            ) from None
        return cls(history=history, **blocks)


def optimiser_tensors(optimiser: optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's memory as named tensors.

    >>> parameter = nn.Parameter(Tensor([1.0]))
    >>> optimiser_tensors(optim.Adam([parameter]))
    {}
    """
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{index}.{key}": value.clone()
        for index, fields in state.items()
        for key, value in fields.items()
        if isinstance(value, Tensor)
    }


def restore_optimiser(optimiser: optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimiser the memory that `optimiser_tensors` took."""
    parameters = [values for group in optimiser.param_groups for values in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        like = parameters[int(index)]
        # laid out in memory as the parameter is: fused steps run through both side by side
        laid = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor
        state.setdefault(int(index), {})[key] = laid
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def clone(network: nn.Module) -> dict[str, Tensor]:
    """A network's weights as they are now, on the CPU."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in network.state_dict().items()}
