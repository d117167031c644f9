"""How a model is judged: the path from one or more models and a data set to a `Report`."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from convscope.data import manifest as manifests
from convscope.data.batches import Broken
from convscope.data.listing import Listing
from convscope.data.sources import gather, read
from convscope.errors import DataError
from convscope.evaluation.members import Model, answering, name_of, opened
from convscope.evaluation.parts import SPLITS, Record, chosen, recorded_split, with_classes
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.report import Report
from convscope.evaluation.threshold import Foreign, asked
from convscope.evaluation.views import VIEWS
from convscope.inference.embeddings import Remembered
from convscope.inference.engine import PRECISIONS, Answering, Precision
from convscope.inference.engines.exported import Exported
from convscope.models.bundle import Bundle, Card
from convscope.words import SILENT, Listener

Threshold = float | Literal["auto", "none"] | None


def evaluate(
    model: Model | Sequence[Model],
    images: Listing | str | Path,
    *,
    split: str | None = None,
    views: str = "centre",
    precision: Precision = "f32",
    backend: str = "auto",
    manifest: str | Path | None = None,
    threshold: Threshold = None,
    foreign: Listing | str | Path | None = None,
    engine: Answering | None = None,
    listener: Listener = SILENT,
) -> Report:
    """Judge a model, or several as one, on pictures.

    On the data that the model was trained with, the run's own split counts, by content, wherever the files lie now.
    Any other data counts by its own split, or whole when it has none. Pictures that the model was trained on are
    named; a test leaves them out. Of an ensemble, the members' split counts where all have the same, and a test leaves
    out what any of them was trained on.

    Args:
        model: a model file, a run folder, an exported file, a bundle in memory; or a sequence of these, whose
            probabilities are averaged.
        images: a listing, or what `read` takes.
        split: "test", "val" or "all"; None takes the test if there is one, else val, else all.
        views: how often and where each picture is looked at, one of `VIEWS`; probabilities are averaged.
        precision: arithmetic of the network, "f32" or "bf16".
        backend: "torch" is the reference; "openvino" and "onnx" are faster; "auto" takes what is, for so many pictures.
        manifest: a file that says which pictures count, with which class, in which part.
        threshold: of the top probability, below which a picture is none of the classes; None takes the model's own
            where it has one, "auto" insists on that, "none" takes none.
        foreign: pictures of none of the classes, to count how many are taken for one.
        engine: what answers, when it is at hand already.
        listener: hears how far it is.

    Raises:
        DataError: no such pictures, or classes that the model does not know.
        ModelError: models with other classes, or views that a model cannot give.
        ModelFileError: no such model.
    """
    for flag, value, allowed in (("split", split, (None, *SPLITS)), ("views", views, VIEWS)):
        if value not in allowed:
            raise DataError(f"--{flag} {value}: allowed: {', '.join(filter(None, allowed))}")
    if precision not in PRECISIONS:
        raise DataError(f"--precision {precision}: allowed: {', '.join(PRECISIONS)}")
    several = [model] if isinstance(model, (Bundle, Exported, str, Path)) else model
    models = [opened(each) for each in several]
    if not models:
        raise DataError("no model to judge; give one, or several for an ensemble")
    cards = [each.card for each in models]
    limit = _limit(threshold, cards)
    listing = images if isinstance(images, Listing) else read(images)
    lines = manifests.read(Path(manifest)) if manifest is not None else []
    listing = manifests.apply(listing, lines, listener) if lines else listing
    strangers = foreign if isinstance(foreign, Listing) or foreign is None else gather([str(foreign)])

    records = [recorded_split(each.card, each.path) for each in models]
    followed = [record for card, record in zip(cards, records, strict=True) if card.recipe.get("manifest")]
    if not lines and not all(map(_tells, followed)):
        listener.message("views.manifest_gone")
    picked = chosen(listing, records, split, listener, lines=lines)
    known = with_classes(picked.listing, cards[0].classes, cards[0].codes)
    pictures = len(known) + (len(strangers) if strangers else 0)
    engine = engine or answering(models, views=views, precision=precision, backend=backend, pictures=pictures)
    names = tuple(name_of(each) for each in models)
    if len(names) > 1:
        listener.message("views.ensemble", count=len(names), names=", ".join(names))
    report = judge(
        engine,
        known,
        foreign=strangers,
        listener=listener,
        threshold=limit,
        temperature=cards[0].temperature if len(cards) == 1 else 1.0,
        split=picked.split,
        views=views,
        model=" + ".join(card.network for card in cards),
        members=names if len(names) > 1 else (),
    )
    return replace(report, own_split=picked.own, trained_on=picked.trained_on, refused=picked.refused)


def judge(
    engine: Answering,
    listing: Listing,
    *,
    foreign: Listing | None = None,
    listener: Listener = SILENT,
    **facts: Any,  # noqa: ANN401 (forwarded to the report)
) -> Report:
    """The report on every picture of a listing, whatever part it is called, by whatever answers.

    Args:
        engine: what answers; its classes are the listing's.
        listing: the pictures, labelled.
        foreign: pictures of none of the classes.
        listener: hears how far it is.
        facts: the fields of the report that answers do not tell, `temperature` and `threshold`; see `Report.of`.

    Raises:
        DataError: none can be read.
    """
    start = time.perf_counter()
    answers, broken = _answers(engine, listing, listener)
    seconds = (time.perf_counter() - start) / len(listing)
    pace_s = engine.embedder.pace_s if isinstance(engine, Remembered) else None  # what is remembered takes no time
    strangers = _answers(engine, foreign, listener)[0] if foreign else None
    return Report.of(
        answers,
        foreign=Foreign(foreign.title, strangers.probabilities) if foreign and strangers else None,
        seconds_per_image=pace_s or seconds,
        precision=engine.precision,
        data=listing.title,
        broken=tuple({"file": fault.file, "reason": fault.reason} for fault in broken),
        **facts,
    )


def _answers(engine: Answering, listing: Listing, listener: Listener) -> tuple[Predictions, list[Broken]]:
    """Every answer, and the pictures that cannot be read; at least one can.

    Raises:
        DataError: none can.
    """
    judged, broken = [], list[Broken]()
    for readable, chances, faults in engine.answer(listing, listener):
        judged.append((readable, chances))
        broken += faults
    if not any(len(readable) for readable, _ in judged):
        raise DataError(f"{listing.title}: not one of {len(listing):,} pictures can be read: {broken[0].reason}")
    predictions = Predictions(
        files=tuple(file for readable, _ in judged for file in readable.files),
        truth=np.concatenate([readable.labels for readable, _ in judged]),
        probabilities=np.concatenate([chances for readable, chances in judged if len(readable)]),
        classes=listing.classes,
    )
    return predictions, broken


def _tells(record: Record) -> bool:
    """Whether a record holds the classes that pictures were trained with, as a run folder's does."""
    return any(row.label for row in record)


def _limit(wish: Threshold, cards: Sequence[Card]) -> float | None:
    """The threshold that is wished; of several models, none is anybody's own."""
    own = cards[0].threshold if len(cards) == 1 else None
    if wish == "auto" and len(cards) > 1:
        raise DataError("--threshold auto: several models have no threshold in common; give a number from 0 to 1")
    if wish == "none":
        return None
    return own if wish is None else asked(wish, own)
