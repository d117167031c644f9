"""One process or several, on one machine or many: who does which part, and what all agree on.

`torchrun` starts processes anywhere, `accelerate launch` on GPUs; both say so in the environment, where accelerate
reads it.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

# the first process alone judges a finished run, while the others wait
PATIENCE = timedelta(hours=2)


class Team:
    """The processes of a run, seen from one of them.

    Args:
        device: "cpu" or "cuda".

    Attributes:
        rank: this one's number, from 0.
        size: how many there are.
        device: what this one computes on.
    """

    def __init__(self, device: str) -> None:
        self.rank, self.size, self.device = 0, 1, torch.device(device)
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import Accelerator, InitProcessGroupKwargs

            waiting = InitProcessGroupKwargs(timeout=PATIENCE)
            crew = Accelerator(cpu=device == "cpu", kwargs_handlers=[waiting])
            self.rank, self.size, self.device = crew.process_index, crew.num_processes, crew.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return bool(self.rank == 0)

    def part(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's pictures of a batch; all processes' together are the batch."""
        return rows[self.rank :: self.size]

    def wrapped(self, network: nn.Module) -> nn.Module:
        """The network, or one whose backward pass averages gradients over the processes.

        To be asked again when other parameters are trained.
        """
        if self.size == 1:
            return network
        return DistributedDataParallel(network, device_ids=[self.device] if self.device.type == "cuda" else None)

    def apart(self, network: nn.Module) -> AbstractContextManager[object]:
        """In this block, backward passes keep their gradients to this process, until one outside it."""
        return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()

    def level(self, network: nn.Module) -> None:
        """Give all processes the first one's values: what normalisation measured differs between them."""
        if self.size > 1:
            for values in network.state_dict().values():
                distributed.broadcast(values, src=0)

    def sum(self, *values: float) -> list[float]:
        """Each value, summed over the processes in float64."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return [float(value) for value in total]

    def told(self, text: str) -> str:
        """What the first process says, in all of them."""
        if self.size == 1:
            return text
        content = torch.tensor(list(text.encode()), dtype=torch.uint8, device=self.device)
        length = torch.tensor(len(content), device=self.device)
        distributed.broadcast(length, src=0)
        if not self.leads:
            content = torch.empty(int(length), dtype=torch.uint8, device=self.device)
        distributed.broadcast(content, src=0)
        return bytes(content.tolist()).decode()

    def wait(self) -> None:
        """Until all processes have come this far."""
        if self.size > 1:
            distributed.barrier()
