"""Which pictures are judged, and how: the path from a model and a data set to a `Report`."""

import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from convscope.data import splits
from convscope.data.batches import Broken
from convscope.data.decode import thumbnail
from convscope.data.listing import Listing
from convscope.data.sources import read
from convscope.data.stores import printable
from convscope.errors import DataError, UnreadableImage
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.report import Report
from convscope.inference.embeddings import Remembered
from convscope.inference.engine import PRECISIONS, Answering, Engine, Precision
from convscope.models.bundle import Bundle
from convscope.words import SILENT, Listener

SPLITS = ("test", "val", "all")
VIEWS = ("centre",)


def evaluate(
    model: Bundle | str | Path,
    images: Listing | str | Path,
    *,
    split: str | None = None,
    views: str = "centre",
    precision: Precision = "f32",
    backend: str = "auto",
    engine: Answering | None = None,
    listener: Listener = SILENT,
) -> Report:
    """Judge a model on pictures.

    On the data that the model was trained with, the run's own split counts, by content, wherever the files lie now.
    Any other data counts by its own split, or whole when it has none. Pictures that the model was trained on are
    named; a test leaves them out.

    Args:
        model: a model file, a run folder, or a bundle in memory.
        images: a listing, or what `read` takes.
        split: "test", "val" or "all"; None takes the test if there is one, else val, else all.
        views: "centre": one view of each picture.
        precision: arithmetic of the network, "f32" or "bf16".
        backend: "torch" is the reference; "openvino" and "onnx" are faster; "auto" takes what is, for so many pictures.
        engine: what answers, when it is at hand already.
        listener: hears how far it is.

    Raises:
        DataError: no such pictures, or classes that the model does not know.
        ModelFileError: no such model.
    """
    if split not in (None, *SPLITS):
        raise DataError(f"split {split}: not a split to judge; allowed: {', '.join(SPLITS)}")
    if views not in VIEWS:
        raise DataError(f"views {views}: not known; allowed: {', '.join(VIEWS)}")
    if precision not in PRECISIONS:
        raise DataError(f"precision {precision}: not known; allowed: {', '.join(PRECISIONS)}")
    bundle = model if isinstance(model, Bundle) else Bundle.load(model)
    listing = images if isinstance(images, Listing) else read(images)
    record = recorded_split(bundle)
    if not record:
        listener.message("result.no_record")
    hashes = listing.hash(listener)
    own = _own_parts(listing, hashes, record)
    parts = own or list(listing.parts)
    if split is None:
        split = next((part for part in ("test", "val") if part in parts), "all")
    rows = [row for row, part in enumerate(parts) if split in ("all", part)]
    if not rows:
        have = sorted(set(parts) - {""})
        raise DataError(
            f"{listing.title}: no {split} pictures; it has {', '.join(have) if have else 'no split'}; "
            "--split all takes every picture"
        )
    trained = {row.sha256 for row in record if row.split == "train" and row.sha256}
    known = [row for row in rows if hashes[row] in trained]
    if split == "test":
        refused = set(known)
        rows = [row for row in rows if row not in refused]
        if not rows:
            raise DataError(
                f"{listing.title}: all {len(known):,} test pictures were trained on, so they test nothing; "
                "give other pictures"
            )
    judged = listing.take(rows)
    report = judge(bundle, judged, split=split, precision=precision, backend=backend, engine=engine, listener=listener)
    return replace(
        report,
        own_split=bool(own),
        trained_on=tuple(listing.files[row] for row in known),
        refused=len(known) if split == "test" else 0,
    )


def judge(
    bundle: Bundle,
    listing: Listing,
    *,
    split: str,
    precision: Precision = "f32",
    backend: str = "auto",
    engine: Answering | None = None,
    listener: Listener = SILENT,
) -> Report:
    """The report of a model on every picture of a listing, whatever part it is called.

    Raises:
        DataError: none can be read, or the listing has classes that the model does not know.
    """
    listing = with_classes(listing, bundle.card.classes, bundle.card.codes)
    start = time.perf_counter()
    judged, broken = [], list[Broken]()
    pace_s = engine.embedder.pace_s if isinstance(engine, Remembered) else None  # what is remembered takes no time
    engine = engine or Engine(bundle, precision=precision, backend=backend, pictures=len(listing))
    for readable, chances, faults in engine.answer(listing, listener):
        judged.append((readable, chances))
        broken += faults
    predictions = Predictions(
        files=tuple(file for readable, _ in judged for file in readable.files),
        truth=np.concatenate([readable.labels for readable, _ in judged]),
        probabilities=np.concatenate([chances for _, chances in judged]),
        classes=bundle.card.classes,
    )
    if not len(predictions):
        raise DataError(f"{listing.title}: not one of {len(listing):,} pictures can be read: {broken[0].reason}")
    return Report.of(
        predictions,
        views="centre",
        seconds_per_image=pace_s or (time.perf_counter() - start) / len(listing),
        split=split,
        model=bundle.card.network,
        precision=engine.precision,
        data=listing.title,
        broken=tuple({"file": fault.file, "reason": fault.reason} for fault in broken),
    )


def recorded_split(bundle: Bundle) -> list[splits.Row]:
    """Who trained, validated and tested this model: from its run folder, else from the model file; else empty."""
    inside = [
        splits.Row("", "", part, content) for part, hashes in (bundle.card.hashes or {}).items() for content in hashes
    ]
    beside = bundle.path.parent / "split.csv" if bundle.path else None
    if beside and beside.is_file():
        rows = splits.read(beside)
        # a model file that was copied next to another run's split knows better itself
        if not inside or {(row.split, row.sha256) for row in rows} == {(row.split, row.sha256) for row in inside}:
            return rows
    return inside


def with_classes(listing: Listing, classes: tuple[str, ...], codes: tuple[str, ...] = ()) -> Listing:
    """The listing with its labels counted in another order of classes.

    Args:
        listing: labelled with class names, with codes only, or with numbers only, which stand for positions.
        classes: names, in the order wanted.
        codes: another name of each, such as WordNet ids; or none.

    Raises:
        DataError: a class that is not among them.
    """
    index = {name: position for position, name in enumerate(classes)}
    unknown = [name for name in listing.classes if name not in index]
    if unknown and set(listing.classes) <= set(codes):
        index, unknown = {code: position for position, code in enumerate(codes)}, []
    elif len(unknown) == len(listing.classes) and all(n.isdecimal() and int(n) < len(classes) for n in unknown):
        index, unknown = {name: int(name) for name in listing.classes}, []
    if unknown:
        raise DataError(
            f"{listing.title}: {len(unknown)} of its classes are unknown to the model (first: {unknown[0]!r}); "
            f"the model knows {', '.join(classes[:10])}{' …' if len(classes) > 10 else ''}"
        )
    translation = np.array([index[name] for name in listing.classes])
    return replace(listing, labels=translation[listing.labels], classes=classes)


class Thumbnails:
    """Row of a report's predictions to a small JPEG, or None when the picture can no longer be read."""

    def __init__(self, listing: Listing, report: Report) -> None:
        assert report.predictions is not None
        self._store = listing.store
        self._files = report.predictions.files

    def __call__(self, row: int) -> bytes | None:
        """The JPEG of one picture."""
        try:
            return thumbnail(self._store.picture(self._files[row]))
        except UnreadableImage:
            return None


def _own_parts(listing: Listing, hashes: tuple[str, ...], record: list[splits.Row]) -> list[str]:
    """The run's own part of every picture, when most of the pictures are the run's; else nothing."""
    exact = {(row.file, row.sha256): row.split for row in record}
    found: dict[str, set[str]] = defaultdict(set)
    for row in record:
        found[row.sha256].add(row.split)
    if 2 * sum(content in found for content in hashes) <= len(listing):
        return []
    # copies may lie in two parts: the file's own part if it still has its name, else training before the others
    return [
        exact.get((printable(file), content)) or next((part for part in splits.PARTS if part in found[content]), "")
        for file, content in zip(listing.files, hashes, strict=True)
    ]
