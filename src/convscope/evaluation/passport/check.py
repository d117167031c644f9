"""`check`: the data passport of a set of pictures."""

import time
from pathlib import Path

import numpy as np

from convscope.data.checks.look import THUMBNAIL, Looks, look_at
from convscope.data.listing import UNLABELLED, Listing
from convscope.data.sources import read
from convscope.errors import DataError
from convscope.evaluation.passport import copies, single
from convscope.evaluation.passport.finding import KINDS
from convscope.evaluation.passport.near import Pair, near_duplicates
from convscope.evaluation.passport.passport import Passport
from convscope.inference.cpu import threads as threads_at_hand
from convscope.inference.embeddings import Embedder
from convscope.words import SILENT, Listener


def check(
    data: Listing | str | Path,
    *,
    test_share: float = 0.1,
    embedder: Embedder | None = None,
    threads: int | None = None,
    listener: Listener = SILENT,
) -> Passport:
    """Look at every picture once and say what is wrong with the set: its data passport.

    Args:
        data: a listing, or anything that `read` takes.
        test_share: of the split that is going to be drawn, where the data brings none; 0 for none.
        embedder: of a borrowed network; it finds copies that were cut or mirrored, too, and takes longer.
        threads: pictures that are looked at side by side; None takes what the machine has.
        listener: hears how far it is.

    Returns:
        what was found, with a page that shows it.

    Raises:
        DataError: there is nothing there, or no layout that fits.

    Example:
        >>> from convscope.data.builtin import digits
        >>> check(digits().take(range(90))).files
        90
    """
    started = time.perf_counter()
    listing = data if isinstance(data, Listing) else read(data)
    if (listing.labels == UNLABELLED).any():
        raise DataError(f"{listing.title}: pictures without a class; check takes a data set: one folder for each class")
    looks = look_at(listing, threads_at_hand(threads), listener)
    pairs = _near(looks)
    if embedder is not None:
        from convscope.evaluation.passport.cut import cut_or_mirrored

        pairs = sorted({*pairs, *cut_or_mirrored(listing, looks, embedder, listener)})
    findings = [
        *copies.findings(listing, looks, pairs),
        *single.findings(listing, looks),
        *single.names(listing),
        *single.counts(listing, looks, test_share, pairs),
    ]
    return Passport(
        listing,
        looks,
        tuple(sorted(findings, key=lambda finding: KINDS.index(finding.kind))),
        tuple(pairs),
        time.perf_counter() - started,
    )


def _near(looks: Looks) -> list[Pair]:
    """Near-duplicates among the readable pictures of different content, by row of the first of each content."""
    rows = [same[0] for same in copies.contents(looks).values()]
    headers = [looks.each[row].header for row in rows]
    small = np.array([min(header.width, header.height) < THUMBNAIL for header in headers], dtype=bool)
    return [Pair(rows[one], rows[other]) for one, other in near_duplicates(looks.thumbnails[rows], small)]
