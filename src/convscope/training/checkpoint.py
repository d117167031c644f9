"""Where training stands, on disk: the last two checkpoints, each sealed by a checksum."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load as tensors_of
from safetensors.torch import save as bytes_of
from torch import Tensor, nn, optim

from convscope.data.files import write_bytes, write_json
from convscope.errors import RunError
from convscope.words import SILENT, Listener

FOLDER = "checkpoint"
SCHEMA = 2
KEPT = 2
OF_OLD = "last.safetensors"  # of schema 1, between epochs only
BLOCKS = ("weights", "best", "optimiser", "average")

History = list[dict[str, float]]


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next step depends on.

    Random numbers are not among it: each step draws its own from (seed, epoch, step), each picture from (seed, epoch,
    row). Nor is the rate, which follows from the step and the history.

    Attributes:
        history: one row of metrics.csv per epoch trained.
        weights: of the network now.
        best: of the epoch with the lowest validation loss.
        optimiser: the optimiser's tensors, named "parameter.field".
        average: of the weights, where the recipe takes one.
        step: steps done of the epoch under way.
        total: sum of the loss over its pictures so far.
        hits: how many of them were answered rightly.
        doctor: what the doctor has seen.
    """

    history: History
    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    average: dict[str, Tensor] = field(default_factory=dict)
    step: int = 0
    total: float = 0.0
    hits: int = 0
    doctor: dict[str, Any] = field(default_factory=dict)

    def save(self, run: Path) -> None:
        """Write it beside the one before, and take older ones away.

        The tensors come first; the JSON that names them and their checksum makes the checkpoint.
        """
        name = f"epoch-{len(self.history) + 1:05d}-step-{self.step:07d}"
        tensors = {
            f"{block}/{key}": tensor.contiguous() for block in BLOCKS for key, tensor in getattr(self, block).items()
        }
        content = bytes_of(tensors)
        write_bytes(run / FOLDER / f"{name}.safetensors", content)
        state = {"history": self.history, "step": self.step, "total": self.total, "hits": self.hits}
        seal = {"schema": SCHEMA, "sha256": hashlib.sha256(content).hexdigest(), **state, "doctor": self.doctor}
        write_json(run / FOLDER / f"{name}.json", seal)
        seals = _seals(run)
        later = [seal for seal in seals if seal.stem > name]  # damaged ones, which were passed over
        for old in (*later, *seals[len(later) + KEPT :]):
            old.unlink(missing_ok=True)
        sealed = {seal.stem for seal in _seals(run)}
        for file in (run / FOLDER).glob("*.safetensors"):
            if file.stem not in sealed:
                file.unlink(missing_ok=True)

    @classmethod
    def load(cls, run: Path, listener: Listener = SILENT) -> "Checkpoint | None":
        """The run's last checkpoint that is whole; None when none was written.

        Args:
            run: the run's folder.
            listener: hears of those that are damaged.

        Raises:
            RunError: there are some, and not one can be read.
        """
        if (run / FOLDER / OF_OLD).is_file():
            raise RunError(f"{run / FOLDER / OF_OLD}: a checkpoint of an older convscope; train anew without --resume")
        faults = []
        for seal in _seals(run):
            try:
                return _read(seal)
            except (safetensors.SafetensorError, OSError, KeyError, ValueError, TypeError, AttributeError) as error:
                faults.append(f"{seal.with_suffix('.safetensors')}: the checkpoint cannot be read ({error})")
                listener.message("checkpoint.damaged", file=seal.with_suffix(".safetensors"), reason=error)
        if faults:
            raise RunError(f"{faults[0]}; train anew without --resume")
        return None


def _seals(run: Path) -> list[Path]:
    """The checkpoints' JSON files, the latest first."""
    return sorted((run / FOLDER).glob("epoch-*-step-*.json"), reverse=True)


def _read(seal: Path) -> Checkpoint:
    state = json.loads(seal.read_text(encoding="utf-8"))
    if state["schema"] > SCHEMA:
        raise ValueError(f"schema {state['schema']} of a newer convscope")
    content = seal.with_suffix(".safetensors").read_bytes()
    if hashlib.sha256(content).hexdigest() != state["sha256"]:
        raise ValueError("its checksum is another")
    blocks: dict[str, dict[str, Tensor]] = {block: {} for block in BLOCKS}
    for name, tensor in tensors_of(content).items():
        block, _, key = name.partition("/")
        blocks[block][key] = tensor
    return Checkpoint(
        list(state["history"]),
        blocks["weights"],
        blocks["best"],
        blocks["optimiser"],
        blocks["average"],
        int(state["step"]),
        float(state["total"]),
        int(state["hits"]),
        dict(state["doctor"]),
    )


def optimiser_tensors(optimiser: optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's memory as named tensors.

    >>> parameter = nn.Parameter(Tensor([1.0]))
    >>> optimiser_tensors(optim.Adam([parameter]))
    {}
    """
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{index}.{key}": value.to("cpu", copy=True)
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


def finite(checkpoint: Checkpoint) -> bool:
    """Whether every weight is a number: what broke between two steps must not replace what was whole."""
    return all(bool(torch.isfinite(values).all()) for values in checkpoint.weights.values())
