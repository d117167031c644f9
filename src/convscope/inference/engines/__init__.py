"""What computes: PyTorch, OpenVINO and ONNX Runtime, each behind the same two lines."""

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.data.preprocess import Preprocess

Precision = Literal["f32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("f32", "bf16")
Backend = Literal["torch", "openvino", "onnx"]
BACKENDS: tuple[Backend, ...] = ("torch", "openvino", "onnx")


class Compiled(Protocol):
    """A trunk made ready to run."""

    def run(self, batches: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
        """What enters the scoring layer, batch by batch, in order.

        Shape:
            uint8 (N, channels, size, size) -> float32 (N, D), or (N, D, H, W) for networks that score whole maps
        """
        ...


class Scaled(nn.Module):
    """Bytes to numbers, then the trunk: what an engine compiles, so that bytes are all that travels.

    Shape:
        uint8 (N, channels, size, size) -> float32, what the trunk gives
    """

    factor: Tensor
    shift: Tensor

    def __init__(self, trunk: nn.Module, preprocess: Preprocess) -> None:
        super().__init__()
        self.trunk = trunk
        # one multiplication and one addition: (x / 255 - mean) / spread
        spread = Tensor(preprocess.spread)[:, None, None]
        self.register_buffer("factor", 1 / (255 * spread))
        self.register_buffer("shift", -Tensor(preprocess.mean)[:, None, None] / spread)

    def forward(self, pixels: Tensor) -> Tensor:
        """Scale and run."""
        entering: Tensor = self.trunk(pixels.float() * self.factor + self.shift)
        return entering
