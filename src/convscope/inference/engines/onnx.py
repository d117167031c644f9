"""ONNX Runtime: where OpenVINO has no wheel."""

import importlib.util
import logging
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.data.preprocess import Preprocess
from convscope.errors import MissingExtra
from convscope.inference.engines import Scaled

CONVERTERS = ("onnx", "onnxscript")


def available() -> bool:
    """Whether the runtime and what converts networks for it are installed; nothing is imported for that."""
    return all(importlib.util.find_spec(name) for name in ("onnxruntime", *CONVERTERS))


def session(graph: bytes, threads: int) -> Any:  # noqa: ANN401 (onnxruntime.InferenceSession)
    """A graph of ONNX Runtime's, ready to run on the processor.

    Args:
        graph: an ONNX file.
        threads: to compute with.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class Session:
    """A graph with an input `pixels` and one output.

    Args:
        running: see `session`.
    """

    def __init__(self, running: Any) -> None:  # noqa: ANN401 (onnxruntime.InferenceSession)
        self._session = running

    def run(self, batches: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
        """What the graph makes of each batch, in order."""
        for pixels in batches:
            (entering,) = self._session.run(None, {"pixels": pixels.numpy()})
            yield np.asarray(entering, np.float32)


class Onnx(Session):
    """A trunk in ONNX Runtime, in float32.

    Args:
        trunk: from a picture's numbers to what enters the scoring layer, in evaluation mode.
        preprocess: how bytes become numbers, and their size.
        threads: to compute with.

    Raises:
        MissingExtra: the converter is not installed.
    """

    def __init__(self, trunk: nn.Module, preprocess: Preprocess, *, threads: int) -> None:
        missing = next((name for name in CONVERTERS if not importlib.util.find_spec(name)), None)
        if missing:
            raise MissingExtra("the engine onnx", missing, "export")
        try:
            graph = _convert(trunk, preprocess)
            super().__init__(session(graph, threads))
        except Exception as error:  # its failures have no base class but Exception
            raise RuntimeError(f"ONNX Runtime cannot run it: {error}") from error


def _convert(trunk: nn.Module, preprocess: Preprocess) -> bytes:
    """The trunk as an ONNX file in memory, for any number of pictures."""
    example = torch.zeros(2, preprocess.channels, preprocess.size, preprocess.size, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Scaled(trunk, preprocess).eval(),
            (example,),
            input_names=["pixels"],
            dynamic_shapes=({0: torch.export.Dim("pictures")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content
