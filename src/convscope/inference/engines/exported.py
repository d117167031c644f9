"""Exported files, `.onnx` and OpenVINO's `.xml` with its `.bin`, that answer in their own runtime, in float32.

The contract of such a file: one input `pixels`, uint8 (N, channels, size, size), what `Preprocess.fit` gives, for any
N; one output `probabilities`, float32 (N, K). The model's card, as JSON, is under the key `convscope` in the metadata
of the ONNX file, in `rt_info` of OpenVINO's. Nothing but these files is read: no external data, no custom operators.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from convscope.errors import MissingExtra, ModelFileError, RecipeError
from convscope.inference import cpu
from convscope.inference.engines import Compiled, Precision, onnx, openvino
from convscope.models.bundle import KEY, Card

SUFFIXES = (".onnx", ".xml")
PIXELS, PROBABILITIES = "pixels", "probabilities"
# pictures at a time, of a side that needs them, as `Engine` takes them
BATCH, SIDE = 32, 224
# a graph of any network here is far below the second; the first is what an ONNX file can hold at all
MOST_BYTES, MOST_GRAPH_BYTES = 2**31 - 1, 2**26
# the key of an entry that names another file, as it lies in an ONNX file: eight letters
EXTERNAL = b"\x08location"


class Port(NamedTuple):
    """An input or output of a graph.

    Attributes:
        name: of it.
        kind: of its numbers, such as "uint8".
        shape: sides; None for one that is free.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]


class Graph(Protocol):
    """An opened file.

    Attributes:
        described: the card in it, or "".
        inputs: of the graph.
        outputs: likewise.
    """

    described: str
    inputs: list[Port]
    outputs: list[Port]

    def ready(self, threads: int) -> Compiled:
        """The graph, compiled."""
        ...


class Exported:
    """An exported model: what an `Engine` is to a model file.

    Args:
        path: of the file.
        card: what it says of itself.
        graph: opened.
        threads: to compute with; None takes what the machine allows.

    Attributes:
        batch: pictures at a time.
        readers: threads that decode.
    """

    precision: Precision = "f32"

    def __init__(self, path: Path, card: Card, graph: Graph, threads: int | None = None) -> None:
        self.path = path
        self.card = card
        self.batch = max(1, min(BATCH, round(BATCH * (SIDE / card.preprocess.size) ** 2)))
        self.readers = cpu.threads(threads)
        self._graph = graph

    @classmethod
    def open(cls, file: str | Path, threads: int | None = None) -> Self:
        """Read an exported file.

        Args:
            file: `.onnx`, or `.xml` beside its `.bin`.
            threads: to compute with; None takes what the machine allows.

        Raises:
            ModelFileError: not there, damaged, or made by something else.
            MissingExtra: its runtime is not installed.
        """
        path = Path(file)
        graph: Graph = _Onnx(path) if path.suffix == ".onnx" else _OpenVino(path)
        if not graph.described:
            raise ModelFileError(f"{path}: not exported by convscope: its metadata has no {KEY!r} entry")
        try:
            card = Card.model_validate_json(graph.described)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(["its description", *map(str, first["loc"])])
            raise ModelFileError(f"{path}: {_line(where)} cannot be used: {_line(first['msg'])}") from None
        side = card.preprocess.size
        wanted = [
            Port(PIXELS, "uint8", (None, card.preprocess.channels, side, side)),
            Port(PROBABILITIES, "float32", (None, len(card.classes))),
        ]
        if [*graph.inputs, *graph.outputs] != wanted:
            found = ", ".join(_port(port) for port in (*graph.inputs[:3], *graph.outputs[:3]))
            raise ModelFileError(f"{path}: takes and gives {found}; its card needs {', '.join(map(_port, wanted))}")
        return cls(path, card, graph, threads)

    @cached_property
    def compiled(self) -> Compiled:
        """The graph, ready to run.

        Raises:
            ModelFileError: the runtime cannot run it.
        """
        try:
            return _Checked(self._graph.ready(self.readers), self.path)
        except Exception as error:  # the runtimes' failures have no base class but Exception
            raise _damaged(self.path, error) from None

    def score(self, entering: NDArray[np.float32]) -> NDArray[np.float32]:
        """What has run are probabilities already.

        Raises:
            ModelFileError: they are none.
        """
        if not np.allclose(entering.sum(axis=1, dtype=np.float64), 1, atol=1e-3) or (entering < 0).any():
            raise ModelFileError(f"{self.path}: its answers are no probabilities; export the model anew")
        return entering


def refuse_wishes(path: Path, backend: str, precision: Precision) -> None:
    """Complain where an exported file is asked for another engine than its own.

    Args:
        path: of the file.
        backend: "auto", or the engine that is asked for.
        precision: that is asked for.

    Raises:
        RecipeError: another engine, or another precision than float32.
    """
    own = "onnx" if path.suffix == ".onnx" else "openvino"
    if backend not in ("auto", own):
        raise RecipeError(f"--engine {backend}: {path} runs in its own engine; allowed: auto, {own}")
    if precision != "f32":
        raise RecipeError(f"--precision {precision}: {path} computes in f32; leave the flag out")


class _Checked:
    """A compiled graph whose failures are the file's."""

    def __init__(self, compiled: Compiled, path: Path) -> None:
        self._compiled, self._path = compiled, path

    def run(self, batches: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
        """Probabilities, batch by batch."""
        answers = self._compiled.run(batches)
        while True:
            try:
                answer = next(answers)
            except StopIteration:
                return
            except Exception as error:
                if isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime"):
                    raise _damaged(self._path, error) from None
                raise  # of those who give the pictures
            yield answer


class _Onnx:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = _read(path, MOST_BYTES)
        if EXTERNAL in self._content:
            raise ModelFileError(f"{path}: keeps its weights in another file, which is not read; export it as one file")
        session = self._session(1)
        self.described: str = session.get_modelmeta().custom_metadata_map.get(KEY, "")
        self.inputs = [self._port(each) for each in session.get_inputs()]
        self.outputs = [self._port(each) for each in session.get_outputs()]

    def ready(self, threads: int) -> Compiled:
        """The graph, compiled."""
        return onnx.Session(self._session(threads))

    def _session(self, threads: int) -> Any:  # noqa: ANN401 (onnxruntime.InferenceSession)
        try:
            return onnx.session(self._content, threads)
        except ImportError:
            raise MissingExtra(str(self.path), "onnxruntime", "export") from None
        except Exception as error:  # its failures have no base class but Exception
            raise _damaged(self.path, error) from None

    @staticmethod
    def _port(port: Any) -> Port:  # noqa: ANN401 (onnxruntime.NodeArg)
        kind = str(port.type).removeprefix("tensor(").removesuffix(")").replace("float", "float32")
        return Port(port.name, kind, tuple(side if isinstance(side, int) else None for side in port.shape))


class _OpenVino:
    def __init__(self, path: Path) -> None:
        self.path = path
        weights = path.with_suffix(".bin")
        for file, most in ((path, MOST_GRAPH_BYTES), (weights, MOST_BYTES)):
            _refuse_size(file, most)
        if not openvino.available():
            raise ModelFileError(f"{path}: needs OpenVINO, which is not installed here (pip install openvino)")
        try:
            self._core = openvino.library().Core()
            self._model = self._core.read_model(str(path), str(weights))
            has_card = self._model.has_rt_info([KEY])
            self.described = str(self._model.get_rt_info([KEY]).value) if has_card else ""
            self.inputs = [self._port(each) for each in self._model.inputs]
            self.outputs = [self._port(each) for each in self._model.outputs]
        except Exception as error:  # its failures have no base class but Exception
            raise _damaged(path, error) from None

    def ready(self, threads: int) -> Compiled:
        """The graph, compiled."""
        return openvino.Graph(self._core, self._model, precision="f32", threads=threads)

    @staticmethod
    def _port(port: Any) -> Port:  # noqa: ANN401 (openvino.Output)
        names, sides = sorted(port.get_names()), port.get_partial_shape()
        shape = tuple(side.get_length() if side.is_static else None for side in sides)
        kind = str(port.get_element_type().to_dtype())
        return Port(names[0] if names else "", kind, shape)


def _read(path: Path, most: int) -> bytes:
    _refuse_size(path, most)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be opened ({error.strerror or error})") from None


def _refuse_size(path: Path, most: int) -> None:
    if not path.is_file():
        more = " (OpenVINO's two files belong together)" if path.suffix == ".bin" else ""
        raise ModelFileError(f"{path}: no such file{more}")
    size = path.stat().st_size
    if not 0 < size <= most:
        raise ModelFileError(f"{path}: {size:,} bytes; allowed: 1 to {most:,}")


def _damaged(path: Path, error: Exception) -> ModelFileError:
    return ModelFileError(f"{path}: damaged, or no model that can be run ({_line(error)})")


def _port(port: Port) -> str:
    sides = " x ".join("N" if side is None else str(side) for side in port.shape)
    return f"{_line(port.name)!r} {port.kind} ({sides})"


def _line(text: object) -> str:
    """What a stranger's file says, or what is said of it, as one short line."""
    words = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else "?" for letter in words)[:160]
