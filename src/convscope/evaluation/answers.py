"""`predict`: what single pictures are, one by one, a broken one never stopping the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.data.listing import Listing
from convscope.data.sources import gather
from convscope.errors import DataError
from convscope.evaluation.threshold import Wish as Threshold
from convscope.evaluation.threshold import asked, known
from convscope.inference.choice import Wish
from convscope.inference.engine import Engine
from convscope.models.bundle import Bundle
from convscope.words import SILENT, Listener


@dataclass(frozen=True, eq=False)
class Answer:
    """What one picture is, or why that cannot be said.

    Attributes:
        file: its name.
        classes: names, in the order of the probabilities.
        probabilities: (K,), adding up to 1; None of a picture that cannot be read.
        error: why it cannot be read; else None.
    """

    file: str
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32] | None
    error: str | None = None

    def to_dict(self, top: int, threshold: float | None = None) -> dict[str, Any]:
        """One row of what `convscope predict --json` prints.

        Args:
            top: how many classes to name, at most.
            threshold: of the top probability; adds "known", whether it is reached.
        """
        nothing: dict[str, Any] = {"label": None, "probability": None}
        named: list[dict[str, Any]] = []
        if self.probabilities is not None:
            best = np.argsort(-self.probabilities, kind="stable")[:top]
            named = [{"label": self.classes[row], "probability": float(self.probabilities[row])} for row in best]
        told = {"file": self.file, **(named[0] if named else nothing), "top": named, "error": self.error}
        return told if threshold is None else told | {"known": self.known(threshold)}

    def known(self, threshold: float) -> bool | None:
        """Whether the top probability reaches a threshold; None of a picture that cannot be read."""
        return bool(known(self.probabilities[None], threshold)[0]) if self.probabilities is not None else None


def predict(
    model: Bundle | str | Path,
    images: Listing | str | Path | Sequence[str | Path],
    *,
    top: int = 5,
    precision: Wish = "auto",
    backend: str = "auto",
    threads: int | None = None,
    threshold: Threshold = "none",
    listener: Listener = SILENT,
) -> list[dict[str, Any]]:
    """The most probable classes of every picture, in the order given.

    Args:
        model: a model file, a run folder, or a bundle in memory.
        images: files, folders, zips or patterns, or a listing.
        top: how many classes to name, at most.
        precision: arithmetic of the network; "auto" takes bf16 for many pictures where that pays.
        backend: "torch" is the reference; "openvino" and "onnx" are faster; "auto" takes what is, for so many pictures.
        threads: to compute with; None takes what the machine allows.
        threshold: of the top probability, below which a picture is none of the classes; "auto" takes the model's own.
        listener: hears how far it is.

    Returns:
        For each picture {"file", "label", "probability", "top": [{"label", "probability"}], "error"}, and "known" where
        a threshold was given; of one that cannot be read, `error` says why and the others are None or empty.

    Raises:
        DataError: `top` below 1, a threshold that is none, or no such picture.
        ModelFileError: no such model.
    """
    if top < 1:
        raise DataError(f"top {top}: needs at least 1")
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    limit = asked(threshold, bundle.card.threshold)
    answers = stream(bundle, images, precision=precision, backend=backend, threads=threads, listener=listener)
    return [answer.to_dict(top, limit) for answer in answers]


def stream(
    model: Bundle | str | Path,
    images: Listing | str | Path | Sequence[str | Path],
    *,
    precision: Wish = "auto",
    backend: str = "auto",
    threads: int | None = None,
    listener: Listener = SILENT,
) -> Iterator[Answer]:
    """The same with the probabilities of all classes, one answer after the other; none is kept.

    Args:
        model: a model file, a run folder, or a bundle in memory.
        images: files, folders, zips or patterns, or a listing.
        precision: arithmetic of the network; "auto" takes bf16 for many pictures where that pays.
        backend: "torch" is the reference; "openvino" and "onnx" are faster; "auto" takes what is, for so many pictures.
        threads: to compute with; None takes what the machine allows.
        listener: hears how far it is.

    Raises:
        DataError: no such picture.
        ModelFileError: no such model.
    """
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    if not isinstance(images, Listing):
        images = gather([str(images)] if isinstance(images, (str, Path)) else [str(image) for image in images])
    engine = Engine(bundle, precision=precision, backend=backend, threads=threads, pictures=len(images))
    if engine.precision == "bf16":
        listener.message("predict.bf16")
    done = 0
    for readable, rows, broken in engine.answer(images, listener):
        chances = dict(zip(readable.files, rows, strict=True))
        reasons = {fault.file: fault.reason for fault in broken}
        stretch = images.files[done : done + len(readable) + len(broken)]
        done += len(stretch)
        for file in stretch:
            yield Answer(file, bundle.card.classes, chances.get(file), reasons.get(file))
