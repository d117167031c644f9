"""The model file: weights, class names, preprocessing, recipe and scores in one safetensors file.

Nothing is executed on reading: tensors are raw numbers, everything else is JSON in the file's header.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from torch import Tensor, nn

from convscope.data.files import write_bytes
from convscope.data.preprocess import Preprocess
from convscope.errors import ModelError, ModelFileError
from convscope.layers.summary import AUXILIARY, Summary, summarise
from convscope.models import own, zoo
from convscope.models.heads import with_linear_head
from convscope.models.network import Network, answering

SCHEMA = 1
KEY = "convscope"
FILE = "model.safetensors"
# beyond this many, the run folder's split.csv keeps the hashes: a safetensors header may not pass 100 MB
MAX_HASHES = 20_000
# beyond these, scores that a file asks to be divided would overflow, or say nothing any more
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.01, 100.0


class Card(BaseModel):
    """What a model file says of itself.

    Attributes:
        schema_version: of this layout; a newer one is refused.
        convscope: version that wrote the file.
        network: name in the zoo, or of a network of somebody's own.
        definition: of a network of somebody's own, whole; None for those that convscope or timm knows.
        head: whose scoring layer it has: the network's own, or the linear one of transfer learning.
        classes: names, in the order of the outputs.
        codes: another name of each class, in the same order, such as WordNet ids; or none.
        preprocess: how a picture becomes its input.
        recipe: every number of the run that made it.
        scores: figures such as val_top1, fractions of 1.
        hashes: content hashes (SHA-256, hex) of the pictures of each part, or None when they are in the run folder.
        licence: of borrowed weights, or "".
        temperature: that scores are divided by before the softmax; 1 where none was fitted.
        threshold: of the top probability, below which a picture is none of these; None where none was chosen.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = Field(default=SCHEMA, ge=1, le=SCHEMA)
    convscope: str
    network: str
    definition: dict[str, Any] | None = None
    head: Literal["own", "linear"] = "own"
    classes: tuple[str, ...] = Field(min_length=2)
    codes: tuple[str, ...] = ()
    preprocess: Preprocess
    recipe: dict[str, Any] = {}
    scores: dict[str, float | None] = {}
    hashes: dict[str, tuple[str, ...]] | None = None
    licence: str = ""
    temperature: float = Field(default=1.0, ge=LEAST_TEMPERATURE, le=MOST_TEMPERATURE)
    threshold: float | None = Field(default=None, ge=0, le=1)

    @field_validator("classes")
    @classmethod
    def _each_class_once(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) < len(classes):
            raise ValueError("two classes have the same name")
        return classes

    @field_validator("definition")
    @classmethod
    def _can_be_built(cls, definition: dict[str, Any] | None) -> dict[str, Any] | None:
        try:
            return own.parse(definition, "the network").to_dict() if definition is not None else None
        except ModelError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _a_code_each(self) -> Self:
        if self.codes and not len(set(self.codes)) == len(self.codes) == len(self.classes):
            raise ValueError(f"codes need {len(self.classes)} different names, one per class, or none")
        return self

    def row(self) -> Network:
        """What the zoo knows of the network, without opening another file.

        Raises:
            UnknownModel: this convscope has no such network.
            ModelError: a file's name in its place.
        """
        return zoo.stored(self.network, self.definition)

    def build(self) -> nn.Module:
        """A fresh network for its classes and input.

        Raises:
            ModelError: it cannot be built.
        """
        network = self.row().build(len(self.classes), self.preprocess.channels, self.preprocess.size)
        return with_linear_head(network, len(self.classes)) if self.head == "linear" else network

    def describe(self) -> Summary:
        """The network's layers, for its classes and input.

        Raises:
            ModelFileError: it cannot be built.
        """
        channels, size = self.preprocess.channels, self.preprocess.size
        try:
            with torch.device("meta"):
                network = self.build()
            return summarise(network, (channels, size, size), self.network)
        except ModelError as error:
            raise ModelFileError(f"the model's network cannot be built: {_line(error)}") from None


@dataclass(frozen=True)
class Bundle:
    """A model in memory: its card and its weights.

    Attributes:
        card: everything but the weights.
        weights: tensors by name.
        path: where it was read from, or None.
    """

    card: Card
    weights: dict[str, Tensor] = field(repr=False)
    path: Path | None = None

    def network(self, *, auxiliary: bool = False) -> nn.Module:
        """The network with its weights, in evaluation mode.

        Args:
            auxiliary: with the heads that serve training only, where the weights have them.

        Raises:
            ModelFileError: the weights are not this network's.
        """
        weights = self.weights if auxiliary else self._answering_weights()
        build = self.card.build if weights.keys() - self._answering_weights().keys() else self._answering
        try:
            with torch.device("meta"):
                network = build()
            for name, tensor in network.state_dict().items():
                found = weights.get(name, tensor).dtype
                if found != tensor.dtype:
                    raise ModelError(f"{name} holds {found}, not {tensor.dtype}")
            if any(buffer.is_meta and name not in weights for name, buffer in network.named_buffers()):
                network = build()  # it computes some values itself and keeps them in no file
            network.load_state_dict(weights, assign=True)
        except (RuntimeError, ModelError) as error:
            title, reason = self.path or "the model", str(error).partition(":\n")[2] or error
            raise ModelFileError(
                f"{title}: its weights do not fit {_line(self.card.network)} ({_line(reason)})"
            ) from None
        for name, tensor in network.state_dict().items():
            if not bool(torch.isfinite(tensor).all()):
                raise ModelFileError(f"{self.path or 'the model'}: {name} holds numbers that are none; train it anew")
        return network.requires_grad_(False).eval()

    def save(self, file: Path) -> None:
        """Write the model file, at once or not at all, without the heads that serve training only."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self._answering_weights().items()}
        write_bytes(file, safetensors.torch.save(tensors, metadata={KEY: self.card.model_dump_json()}))

    def _answering(self) -> nn.Module:
        return answering(self.card.build())

    def _answering_weights(self) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self.weights.items() if not name.startswith(AUXILIARY)}

    @classmethod
    def load(cls, model: str | Path) -> "Bundle":
        """Read a model file, or the model of a run folder.

        Raises:
            ModelFileError: not there, not a model file, damaged, or from a newer convscope.
        """
        file = Path(model)
        try:
            if file.is_dir():
                file = file / FILE
            if not file.is_file():
                raise ModelFileError(f"{model}: no model there; give a {FILE} or the folder of a finished run")
            with safetensors.safe_open(file, framework="pt") as content:
                described = (content.metadata() or {}).get(KEY)
                if described is None:
                    raise ModelFileError(
                        f"{file}: safetensors, but not a convscope model: its header has no {KEY!r} entry"
                    )
                # copied, for the file's own bytes lie at any address, and kernels round otherwise where it is odd
                weights = {name: content.get_tensor(name).clone() for name in content.keys()}  # noqa: SIM118 (not a dict)
        except safetensors.SafetensorError as error:
            raise ModelFileError(f"{file}: {_diagnosis(file)} ({_line(error)})") from None
        except OSError as error:
            raise ModelFileError(f"{_line(file)}: cannot be opened ({error.strerror or _line(error)})") from None
        try:
            card = Card.model_validate_json(described)
        except ValidationError as error:
            raise ModelFileError(f"{file}: {_complaint(error)}") from None
        return cls(card, weights, file)


def _line(text: object) -> str:
    """What a file says, or what is said of it, as one short line: a stranger may have written it."""
    words = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else "?" for letter in words)[:160]


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if first["loc"] == ("schema_version",) and first["type"] == "less_than_equal":
        return f"from a newer convscope (schema {first['input']}, known up to {SCHEMA}); update convscope"
    where = ".".join(["its description", *map(str, first["loc"])])
    return f"{_line(where)} cannot be used: {_line(first['msg'])}"


def _diagnosis(file: Path) -> str:
    """Whether a file that does not open ever was a safetensors file."""
    with file.open("rb") as stream:
        start = stream.read(9)
    looks_right = len(start) == 9 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000
    return "a damaged or cut off model file; copy it anew" if looks_right else f"not a model file; expected a {FILE}"
