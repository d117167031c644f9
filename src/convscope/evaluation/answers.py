"""`predict`: what single pictures are, one by one, a broken one never stopping the others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convscope.data.listing import Listing
from convscope.data.sources import gather
from convscope.errors import DataError
from convscope.inference.engine import Engine
from convscope.models.bundle import Bundle
from convscope.words import SILENT, Listener


def predict(
    model: Bundle | str | Path,
    images: Listing | str | Path | Sequence[str | Path],
    *,
    top: int = 5,
    listener: Listener = SILENT,
) -> list[dict[str, Any]]:
    """The most probable classes of every picture, in the order given.

    Args:
        model: a model file, a run folder, or a bundle in memory.
        images: files, folders, zips or patterns, or a listing.
        top: how many classes to name, at most.
        listener: hears how far it is.

    Returns:
        For each picture {"file", "label", "probability", "top": [{"label", "probability"}], "error"}; of one that
        cannot be read, `error` says why and the others are None or empty.

    Raises:
        DataError: `top` below 1, or no such picture.
        ModelFileError: no such model.
    """
    if top < 1:
        raise DataError(f"top {top}: needs at least 1")
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    if not isinstance(images, Listing):
        images = gather([str(images)] if isinstance(images, (str, Path)) else [str(image) for image in images])
    answers: dict[str, dict[str, Any]] = {}
    for readable, chances, broken in Engine(bundle).answer(images, listener):
        for file, row in zip(readable.files, chances, strict=True):
            best = np.argsort(-row, kind="stable")[:top]
            named = [{"label": bundle.card.classes[label], "probability": float(row[label])} for label in best]
            answers[file] = {"file": file, **named[0], "top": named, "error": None}
        for fault in broken:
            nothing: dict[str, Any] = {"label": None, "probability": None, "top": []}
            answers[fault.file] = {"file": fault.file, **nothing, "error": fault.reason}
    return [answers[file] for file in images.files]
