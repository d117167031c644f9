"""OpenVINO: the fastest on processors by Intel and AMD, and on ARM; converted networks are kept on disk."""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.data import cache
from convscope.data.builtin import cache_folder
from convscope.data.files import write_text
from convscope.data.preprocess import Preprocess
from convscope.inference.engines import Precision, Scaled

GRAPH = "trunk.xml"
SEAL = "seal.json"
REFUSED = "refused.txt"
# what a frozen network is converted for may change with any of these
VERSION = 1


def available() -> bool:
    """Whether the package is installed; it is not imported for that."""
    return importlib.util.find_spec("openvino") is not None


def refused(key: str) -> str:
    """Why the network of that key cannot be converted; "" where nobody has found it so."""
    try:
        return (_folder(key) / REFUSED).read_text(encoding="utf-8")
    except OSError:
        return ""


def refuse(key: str, reason: str) -> None:
    """Remember that the network of that key cannot be converted."""
    with suppress(OSError):
        write_text(_folder(key) / REFUSED, reason)


def kept(key: str) -> bool:
    """Whether the network of that key was converted before."""
    return (_folder(key) / SEAL).is_file()


class Graph:
    """A graph of OpenVINO's that is compiled for the processor.

    Args:
        core: OpenVINO's.
        model: the graph, with one input and one output.
        precision: "f32", or "bf16" where the processor has instructions for it.
        threads: to compute with.
    """

    def __init__(self, core: Any, model: Any, *, precision: Precision, threads: int) -> None:  # noqa: ANN401 (openvino's)
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",  # one picture a core at a time: no core waits for another
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # decoders and other processes want the same cores
        }
        self._compiled = core.compile_model(model, "CPU", settings)

    def run(self, batches: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
        """What the graph makes of each batch, in order; the next batches come in meanwhile.

        Requests take turns. OpenVINO's own queue would call back into Python from its threads, and may wait for ever
        for one of them when it is taken down.
        """
        wanted = self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        requests = [self._compiled.create_infer_request() for _ in range(2 * wanted)]
        started = 0
        try:
            for pixels in batches:
                request = requests[started % len(requests)]
                if started >= len(requests):
                    yield _result(request)
                request.start_async({0: pixels.numpy()})
                started += 1
            for number in range(max(0, started - len(requests)), started):
                yield _result(requests[number % len(requests)])
        finally:
            for request in requests[:started]:
                request.wait()


class OpenVino(Graph):
    """A trunk in OpenVINO.

    Args:
        trunk: from a picture's numbers to what enters the scoring layer, in evaluation mode.
        preprocess: how bytes become numbers, and their size.
        key: names the trunk by its content; the converted network is kept under it.
        precision: "f32", or "bf16" where the processor has instructions for it.
        threads: to compute with.

    Raises:
        RuntimeError: a layer that OpenVINO does not know.
    """

    def __init__(
        self, trunk: nn.Module, preprocess: Preprocess, *, key: str, precision: Precision, threads: int
    ) -> None:
        core = library().Core()
        try:
            model = _read(core, _folder(key)) or _convert(trunk, preprocess, _folder(key))
        except Exception as error:  # its own failures have no base class but Exception
            raise RuntimeError(f"OpenVINO cannot convert it: {error}") from error
        super().__init__(core, model, precision=precision, threads=threads)


def _result(request: Any) -> NDArray[np.float32]:  # noqa: ANN401 (openvino.InferRequest)
    """What a request has computed, once it has."""
    request.wait()
    return np.array(request.get_output_tensor(0).data, np.float32)


def library() -> Any:  # noqa: ANN401 (a module)
    """The library, without its telemetry: to it, a missing consent file counts as consent."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return importlib.import_module("openvino")


def _folder(key: str) -> Path:
    return cache_folder() / "engines" / f"openvino-{version()}-{VERSION}-{key[:32]}"


def version() -> str:
    """Of the installed package."""
    return importlib.metadata.version("openvino")


def _convert(trunk: nn.Module, preprocess: Preprocess, folder: Path) -> Any:  # noqa: ANN401 (openvino.Model)
    """The trunk as OpenVINO's graph, for any number of pictures; kept in `folder` when that can be written."""
    openvino = library()
    example = torch.zeros(1, preprocess.channels, preprocess.size, preprocess.size, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # of constants in the trace: sizes are fixed, and meant to be
        trace: Any = torch.jit.trace
        traced = trace(Scaled(trunk, preprocess).eval(), example, check_trace=False)
        model = openvino.convert_model(traced, example_input=example)
    model.reshape([-1, *example.shape[1:]])
    try:
        _keep(openvino, model, folder)
        cache.keep_below(folder.parent, cache.cap())
    except OSError:
        pass  # a read-only home, or a full disk, converts anew each time
    return model


def _keep(openvino: Any, model: Any, folder: Path) -> None:  # noqa: ANN401 (as above)
    """Save the graph at once or not at all, with a seal over its two files."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as name:
        new = Path(name) / "graph"
        new.mkdir()
        openvino.save_model(model, new / GRAPH, compress_to_fp16=False)
        (new / SEAL).write_text(json.dumps(_sums(new)), encoding="utf-8")
        if not (folder / SEAL).is_file():
            shutil.rmtree(folder, ignore_errors=True)
        try:
            new.rename(folder)
        except OSError:
            if not kept_in(folder):
                raise


def kept_in(folder: Path) -> bool:
    """Whether another process has put the same network there meanwhile."""
    return (folder / SEAL).is_file()


def _read(core: Any, folder: Path) -> Any:  # noqa: ANN401 (openvino.Core, openvino.Model)
    """The network that was kept; None where there is none, or where its files are not what they were."""
    try:
        whole = json.loads((folder / SEAL).read_text(encoding="utf-8")) == _sums(folder)
    except (OSError, ValueError):
        return None
    if not whole:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    with suppress(OSError):
        os.utime(folder / SEAL)  # the cache lets go of what was not used for long
    return core.read_model(folder / GRAPH)


def _sums(folder: Path) -> dict[str, str]:
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir()) if file.name != SEAL}
