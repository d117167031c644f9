"""PyTorch as it is: the reference in float32, at home everywhere."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.data.preprocess import Preprocess
from convscope.inference import cpu
from convscope.inference.engines import Precision


class Eager:
    """A trunk in PyTorch.

    Args:
        trunk: from a picture's numbers to what enters the scoring layer, in evaluation mode.
        preprocess: how bytes become numbers.
        precision: "f32", or "bf16" for convolutions and dense layers in bfloat16.
        threads: to compute with.
        device: where to compute.
    """

    def __init__(
        self, trunk: nn.Module, preprocess: Preprocess, *, precision: Precision, threads: int, device: torch.device
    ) -> None:
        self.trunk = trunk.to(memory_format=torch.channels_last).to(device)
        self.preprocess = preprocess
        self.precision = precision
        self.threads = threads
        self.device = device

    def run(self, batches: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
        """What enters the scoring layer, batch by batch."""
        for pixels in batches:
            yield self._one(pixels)

    @torch.inference_mode()
    def _one(self, pixels: Tensor) -> NDArray[np.float32]:
        x = self.preprocess.scale(pixels.to(self.device)).contiguous(memory_format=torch.channels_last)
        with cpu.using(self.threads), torch.autocast(self.device.type, torch.bfloat16, self.precision == "bf16"):
            entering: NDArray[np.float32] = self.trunk(x).float().cpu().numpy()
        return entering
