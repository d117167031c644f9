"""A file of weights from elsewhere becomes a model file: renamed, with class names, preprocessing and licence.

Only safetensors is opened. Anything else is told by its first bytes and refused: a pickle may run code when it is
opened, whatever its name ends in.
"""

import codecs
import unicodedata
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from convscope.data.preprocess import Preprocess
from convscope.errors import ModelFileError
from convscope.models import own, zoo
from convscope.models.bundle import KEY, Bundle, Card
from convscope.models.network import CAFFE, IMAGENET, TENSORFLOW, Network
from convscope.models.own import reader
from convscope.models.pretrained import catalogue, labels, renaming, shelf

SCALES = {"imagenet": IMAGENET, "tf": TENSORFLOW, "caffe": CAFFE}
UNKNOWN = "unknown"
HEADER_BYTES = 8
MOST_HEADER = 100_000_000
PICKLE = "which may run code when it is opened and is not; convert it where you trust it (docs/weights.md)"
KINDS = (
    (b"PK\x03\x04", f"a zip, as PyTorch's .pth and .pt files are: inside is a pickle, {PICKLE}"),
    (b"\x80", f"a pickle, {PICKLE}"),
    (b"\x89HDF", "an HDF5 file, as Keras's .h5 are; save its tensors as safetensors (docs/weights.md)"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
)


class Imported(NamedTuple):
    """A model made from weights of elsewhere.

    Attributes:
        bundle: the model.
        turned: whether the first convolution was turned from blue, green, red to red, green, blue.
    """

    bundle: Bundle
    turned: bool


def borrow(
    file: Path, network: str, classes: str | None = None, preprocess: str | None = None, licence: str | None = None
) -> Imported:
    """The model that a file of weights makes.

    Args:
        file: safetensors; names of torchvision, timm, Keras, Caffe or convscope.
        network: of the zoo, or a YAML file of one's own.
        classes: "imagenet", a text file with a name a line in the order of the outputs, or None for what the file says
            (a convscope model), else "0", "1", …
        preprocess: "imagenet", "tf", "caffe" (whose weights read blue, green, red: the first convolution is turned), a
            JSON or YAML file of `Preprocess` fields, or None for what the file, the catalogue or the network says.
        licence: of the weights; None for what the file or the catalogue says, else "unknown".

    Raises:
        UnknownModel: no network has that name.
        ModelFileError: the file, the classes or the preprocessing cannot be used.
    """
    row = zoo.find(network)
    state, card = read(file)
    if card and card.network != network and not network.endswith(own.SUFFIXES):
        raise ModelFileError(f"{file}: a convscope model of {card.network}, not of {network}")
    if preprocess is None and row.channels == 3 and renaming.convention(state) == "Caffe":
        preprocess = "caffe"  # such weights read blue, green, red
    try:
        weights = {
            name: tensor.float() if tensor.is_floating_point() else tensor.clone()  # counters may be one and the same
            for name, tensor in renaming.fit(network, state).items()
        }
    except ModelFileError as error:
        raise ModelFileError(f"{file}: {error}") from None
    known = catalogue.of_file(file, network)
    outputs = renaming.outputs(weights, _shell(row))
    if outputs < 2:
        raise ModelFileError(f"{file}: {outputs} output; a classifier has at least 2")
    names, codes = _classes(classes, outputs, file, card)
    usual = card.preprocess if card else known.preprocess() if known else row.borrowed_preprocess()
    turned = preprocess == "caffe"
    definition = own.load(network) if network.endswith(own.SUFFIXES) else None
    made = Card(
        convscope=version("convscope"),
        network=definition.name if definition else network,
        definition=definition.to_dict() if definition else None,
        classes=names,
        codes=codes,
        preprocess=_preprocess(preprocess, usual, network),
        licence=licence or (card.licence if card else known.licence if known else "") or UNKNOWN,
    )
    return Imported(Bundle(made, _turned(weights) if turned else weights), turned)


def write(bundle: Bundle, out: Path, source: Path, *, force: bool = False) -> str:
    """Write the model file, read it back, and give its SHA-256.

    Args:
        bundle: the model; it must run.
        out: where to.
        source: the weights it was made from, never written over.
        force: write over another file.

    Raises:
        ModelFileError: the place is taken or cannot be written, or the weights do not fit their network.
    """
    try:
        if out.exists() and out.samefile(source):
            raise ModelFileError(f"--out {out}: that is the file of weights itself; give another name")
        if out.is_dir() or (out.exists() and not force):
            raise ModelFileError(f"--out {out}: is there already; give another name" + ", or --force" * out.is_file())
        bundle.network()  # before anything is written
        bundle.save(out)
    except OSError as error:
        raise ModelFileError(f"--out {out}: cannot be written ({error.strerror or error})") from None
    Bundle.load(out).network()
    return shelf.sha256_of(out)


def read(file: Path) -> tuple[dict[str, Tensor], Card | None]:
    """Tensors by name, and the card where the file is a convscope model.

    Args:
        file: safetensors.

    Raises:
        ModelFileError: not there, not safetensors, or damaged.
    """
    try:
        with safetensors.safe_open(file, framework="pt") as content:
            if KEY in (content.metadata() or {}):
                bundle = Bundle.load(file)
                return bundle.weights, bundle.card
            state = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 (not a dict)
    except safetensors.SafetensorError:
        raise ModelFileError(f"{file}: {_kind(file)}") from None
    except OSError as error:
        raise ModelFileError(f"{file}: cannot be opened ({error.strerror or error})") from None
    if not state:
        raise ModelFileError(f"{file}: safetensors without a tensor in it")
    return state, None


def _kind(file: Path) -> str:
    """What a file is that is not safetensors, by its first bytes."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(512)
    for first, kind in KINDS:
        if start.startswith(first):
            return kind
    length = int.from_bytes(start[:HEADER_BYTES], "little")
    if start[HEADER_BYTES : HEADER_BYTES + 1] == b"{" and length < MOST_HEADER:
        return f"a damaged or cut off safetensors file of {size:,} bytes; copy it anew"
    if not start:
        return "empty; copy it anew"
    return (
        "a text" if _is_text(start) else "not weights that convscope knows"
    ) + "; safetensors is what can be imported"


def _is_text(start: bytes) -> bool:
    """Whether a file that begins like this can be read by a person; a letter may be cut at the end."""
    try:
        letters = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in letters)


def _shell(row: Network) -> nn.Module:
    """The network without values."""
    with torch.device("meta"):
        return row.build(row.classes, row.channels, row.sizes[0])


def _classes(
    wanted: str | None, outputs: int, file: Path, card: Card | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the outputs, and another name of each (WordNet's ids) or none."""
    if wanted is None:
        return (card.classes, card.codes) if card else (tuple(map(str, range(outputs))), ())
    if wanted == "imagenet":
        names, codes = labels.imagenet()
        title = "imagenet"
    else:
        names, codes = _lines(Path(wanted)), ()
        title = wanted
    if len(names) != outputs:
        hint = "; TensorFlow's count a background class first" if outputs == len(names) + 1 else ""
        raise ModelFileError(f"--classes {title}: {len(names)} names, but {file} has {outputs} outputs{hint}")
    return names, codes


def _lines(file: Path) -> tuple[str, ...]:
    """The names in a text file, one a line."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ModelFileError(f"--classes {file}: not a text in UTF-8") from None
    except OSError as error:
        raise ModelFileError(
            f"--classes {file}: {error.strerror}; allowed: imagenet, or a text file with a name a line"
        ) from None
    names = tuple(unicodedata.normalize("NFC", line.strip()) for line in text.splitlines() if line.strip())
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ModelFileError(f"--classes {file}: {twice[0]!r} is there twice; a name stands for one class")
    return names


def _preprocess(wanted: str | None, usual: Preprocess, network: str) -> Preprocess:
    """The preprocessing that was asked for; what it leaves open is as usual."""
    if wanted is None:
        return usual
    if wanted not in SCALES:
        given = _fields(Path(wanted))
    elif usual.channels == 3:
        mean, spread = SCALES[wanted]
        given = {"mean": mean, "spread": spread, "fill": round(255 * sum(mean) / len(mean))}
    else:
        raise ModelFileError(f"--preprocess {wanted}: three channels, but {network} takes grey pictures; give a FILE")
    try:
        return Preprocess.model_validate({**usual.model_dump(), **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        allowed = f"; allowed: {', '.join(Preprocess.model_fields)}" * (first["type"] == "extra_forbidden")
        raise ModelFileError(f"--preprocess {wanted}: {where or 'mean'}: {first['msg']}{allowed}") from None


def _fields(file: Path) -> dict[str, Any]:
    title = f"--preprocess {file}"
    try:
        there = file.is_file()
    except OSError:  # a name that no file system takes
        there = False
    if not there:
        raise ModelFileError(f"{title}: no such file; allowed: {', '.join(SCALES)}, or a JSON or YAML file")
    content = reader.read(file, title)
    if not isinstance(content, dict):
        raise ModelFileError(f"{title}: expected fields such as mean: [0.5, 0.5, 0.5]")
    return {str(key): value for key, value in content.items()}


def _turned(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights for pictures whose channels come in the opposite order."""
    first = next(name for name, tensor in weights.items() if tensor.ndim == 4)
    return {**weights, first: weights[first].flip(1)}
