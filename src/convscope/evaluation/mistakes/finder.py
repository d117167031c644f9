"""`mistakes`: the pictures of a data set by how likely their label is wrong."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.data import manifest as manifests
from convscope.data.folds import deal
from convscope.data.listing import UNLABELLED, Listing
from convscope.data.sources import read
from convscope.data.stores import plain, printable
from convscope.errors import DataError
from convscope.evaluation.mistakes import confident
from convscope.evaluation.mistakes.decisions import CHECKED
from convscope.evaluation.mistakes.looks import Looks, look
from convscope.evaluation.mistakes.ranked import Mistakes, Ranked
from convscope.words import SILENT, Listener

FOLDS = 5
# inverse of the penalty on weights: strong, for a model that can learn wrong labels by heart believes them
STRENGTH = 1.0
ROUGH, MOST_STEPS = 1e-3, 300
SHOWN = 0.05  # of the pictures: listed at least
MOST_FOLDS = 100
MOST_TOLD = 5  # classes of a picture


def mistakes(
    images: Listing | str | Path,
    *,
    model: str | None = None,
    weights: str = "default",
    weights_dir: str | Path | None = None,
    manifest: str | Path | None = None,
    folds: int = FOLDS,
    top: int | None = None,
    seed: int = 0,
    listener: Listener = SILENT,
) -> Mistakes:
    """Find labels that are probably wrong: those that models which did not see the picture would not give it.

    The pictures are dealt into folds, copies together. For each fold a logistic regression on frozen features learns
    from the others and judges it. Confident learning estimates from these probabilities how many labels are wrong; the
    list is in the order of the given label's probability.

    Args:
        images: a listing, or what `read` takes; parts do not count.
        model: network whose features are taken; None takes the first whose weights are at hand.
        weights: "default", "none" (pixels alone), or a file of weights.
        weights_dir: folder to look for weights in, before the others.
        manifest: of these pictures: its labels count, and what was accepted there is not listed again.
        folds: parts, from 2 to `MOST_FOLDS`.
        top: pictures in the list; None takes as many as are suspect, and a twentieth at least.
        seed: of the dealing.
        listener: hears how far it is.

    Raises:
        DataError: pictures or classes that cannot be used.
        ModelFileError: weights that were named and are not there.

    Example:
        >>> found = mistakes(read("digits").take(range(200)), weights="none", top=3)
        >>> [each.rank for each in found.pictures]
        [1, 2, 3]
    """
    if not 2 <= folds <= MOST_FOLDS:
        raise DataError(f"--folds {folds}: allowed: 2 to {MOST_FOLDS}")
    if top is not None and top < 1:
        raise DataError(f"--top {top}: needs at least 1")
    listing = images if isinstance(images, Listing) else read(images)
    checked: set[str] = set()
    if manifest is not None and Path(manifest).is_file():
        lines = manifests.read(Path(manifest))
        listing = manifests.apply(listing, lines, listener)
        checked = {plain(line.file) for line in lines if line.note.startswith(CHECKED)}
    listing.hash(listener)
    listing = listing.take(np.flatnonzero(listing.labels != UNLABELLED))
    if not len(listing):
        raise DataError(f"{listing.title}: no picture has a label, so none can be wrong")
    seen = look(
        listing, network=model, weights=weights, weights_dir=Path(weights_dir) if weights_dir else None,
        listener=listener,
    )  # fmt: skip
    return _listed(seen, checked, folds, top, seed, listener)


def _listed(seen: Looks, checked: set[str], folds: int, top: int | None, seed: int, listener: Listener) -> Mistakes:
    rows, alone = _in_company(seen.listing)
    judged = seen.listing.take(rows)
    names = [name for label, name in enumerate(judged.classes) if (judged.labels == label).any()]
    if len(names) < 2:
        raise DataError(f"{judged.title}: {len(names)} class with two different pictures; two classes are needed")
    labels = np.searchsorted(np.unique(judged.labels), judged.labels)
    chances = out_of_fold(seen.vectors[rows], labels, deal(labels, judged.hashes, folds, seed), listener)
    estimated = confident.wrong_labels(chances, labels)
    order = confident.ranked(chances, labels)
    told = chances.argmax(axis=1)
    suspect = set(order[:estimated][told[order[:estimated]] != labels[order[:estimated]]].tolist())
    files = [printable(file) for file in judged.files]
    listed = [int(row) for row in order if plain(files[row]) not in checked]
    wanted = top or max(len(suspect), int(np.ceil(SHOWN * len(judged))))
    pictures = tuple(
        _ranked(rank, row, chances[row], int(labels[row]), names, judged, suspect=row in suspect)
        for rank, row in enumerate(listed[:wanted], start=1)
    )
    pairs = Counter((each.given, each.suggested) for each in pictures if each.suspect)
    return Mistakes(
        data=judged.title,
        n=len(judged),
        classes=tuple(names),
        accuracy=float((told == labels).mean()),
        estimated=estimated,
        pictures=pictures,
        pairs=tuple((*pair, count) for pair, count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))),
        network=seen.network,
        folds=folds,
        checked=len(files) - len(listed),
        broken=tuple({"file": printable(fault.file), "reason": fault.reason} for fault in seen.broken),
        alone=tuple(printable(seen.listing.files[row]) for row in alone),
        listing=judged,
    )


def out_of_fold(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], folds: NDArray[np.int64], listener: Listener = SILENT
) -> NDArray[np.float64]:
    """Probabilities of every class, each row by a logistic regression that learned from the other folds.

    Args:
        vectors: (N, D) features.
        labels: (N,) from 0 to K - 1.
        folds: (N,), the fold of each row.
        listener: hears how far it is.

    Returns:
        (N, K), rows adding up to 1.

    Example:
        >>> vectors = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)
        >>> out_of_fold(vectors, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).argmax(axis=1).tolist()
        [0, 0, 1, 1]
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    chances = np.zeros((len(labels), int(labels.max()) + 1))
    asked = np.unique(folds)
    with threadpool_limits(1):
        for number, fold in enumerate(asked, start=1):
            inside = folds == fold
            known = np.unique(labels[~inside])
            if len(known) == 1:  # of two classes, copies may have taken one into this fold
                chances[inside, known[0]] = 1
                continue
            model = LogisticRegression(C=STRENGTH, class_weight="balanced", tol=ROUGH, max_iter=MOST_STEPS)
            model.fit(vectors[~inside], labels[~inside])
            chances[np.ix_(np.flatnonzero(inside), model.classes_)] = model.predict_proba(vectors[inside])
            listener.progress("folds", number, len(asked))
    return chances


def _in_company(listing: Listing) -> tuple[NDArray[np.int64], list[int]]:
    """Rows whose class has another picture, of another content, and the other rows: nobody else can judge those."""
    contents: dict[int, set[str]] = {}
    for label, content in zip(listing.labels.tolist(), listing.hashes, strict=True):
        contents.setdefault(label, set()).add(content)
    kept = np.array([len(contents[label]) > 1 for label in listing.labels.tolist()])
    return np.flatnonzero(kept), np.flatnonzero(~kept).tolist()


def _ranked(
    rank: int, row: int, chances: NDArray[np.float64], label: int, names: Sequence[str], listing: Listing, *,
    suspect: bool,
) -> Ranked:  # fmt: skip
    best = np.argsort(-chances, kind="stable")
    other = int(best[0] if best[0] != label else best[1])
    return Ranked(
        rank=rank,
        file=printable(listing.files[row]),
        given=names[label],
        suggested=names[other],
        probability_given=float(chances[label]),
        probability_suggested=float(chances[other]),
        top=tuple({"label": names[each], "probability": float(chances[each])} for each in best[:MOST_TOLD]),
        suspect=suspect,
        sha256=listing.hashes[row],
    )
