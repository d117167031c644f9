"""Copies: which pictures belong together, and what that does to classes and parts."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from convscope.data.checks.look import Looks
from convscope.data.listing import Listing
from convscope.data.splits import PARTS
from convscope.evaluation.passport.finding import Finding, Said, Words
from convscope.evaluation.passport.near import Pair, groups


def findings(listing: Listing, looks: Looks, pairs: Sequence[Pair]) -> list[Finding]:
    """Copies and near-duplicates, those under several classes, and those in several parts: a finding for each group.

    A group that is an exact copy and lies in two parts is found twice: as what it is, and for what it does.

    Args:
        listing: the pictures.
        looks: at them.
        pairs: near-duplicates, by row of the first picture of each content.

    Example:
        >>> from convscope.data.builtin import digits
        >>> from convscope.data.checks.look import look_at
        >>> twice = digits().take([3, 4, 3])
        >>> [finding.kind for finding in findings(twice, look_at(twice, 1), [])]
        ['exact-duplicate']
    """
    same = contents(looks)
    exact = [rows for rows in same.values() if len(rows) > 1]
    first = {rows[0]: rows for rows in same.values()}
    near = [sorted(row for place in group for row in first[place]) for group in groups(pairs)]
    covered = {row for rows in near for row in rows}
    together = [*near, *(rows for rows in exact if rows[0] not in covered)]
    return [
        *(_finding(listing, "exact-duplicate", rows, "", {"count": len(rows)}) for rows in exact),
        *(_finding(listing, "near-duplicate", rows, "", {"count": len(rows)}) for rows in near),
        *_divided(listing, looks, together, "duplicate-across-classes", "labels", lambda row: _label(listing, row)),
        *_divided(listing, looks, together, "leak", "parts", lambda row: listing.parts[row]),
    ]


def contents(looks: Looks) -> dict[str, list[int]]:
    """Rows of the readable pictures, by content.

    Args:
        looks: at the pictures.

    Example:
        >>> from convscope.data.builtin import digits
        >>> from convscope.data.checks.look import look_at
        >>> list(contents(look_at(digits().take([3, 4, 3]), 1)).values())
        [[0, 2], [1]]
    """
    same: dict[str, list[int]] = defaultdict(list)
    for row, look in enumerate(looks.each):
        if look.quality is not None:
            same[look.sha256].append(row)
    return dict(same)


def _divided(
    listing: Listing, looks: Looks, together: Sequence[list[int]], kind: str, what: str, of: Callable[[int], str]
) -> list[Finding]:
    """A finding for every group whose members differ in a label or a part; "exact" where a whole file does."""
    found = []
    for rows in together:
        values = {of(row) for row in rows} - {""}
        if len(values) < 2:
            continue
        by_content: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            by_content[looks.each[row].sha256].add(of(row))
        form = "exact" if any(len(each - {""}) > 1 for each in by_content.values()) else "near"
        order = [part for part in PARTS if part in values] if what == "parts" else sorted(values)
        found.append(_finding(listing, kind, rows, form, {what: Words(tuple(order), parts=what == "parts")}))
    return found


def _finding(listing: Listing, kind: str, rows: Sequence[int], form: str, values: dict[str, object]) -> Finding:
    files = tuple(listing.files[row] for row in rows)
    notes: dict[str, Said] = {}
    for row, file in zip(rows, files, strict=True):
        part = listing.parts[row]
        told: dict[str, object] = {"label": _label(listing, row)}
        if part:
            told["part"] = Words((part,), parts=True)
        notes[file] = ("check.note.part" if part else "check.note.label", told)
    return Finding(kind, files, form, values, notes)


def _label(listing: Listing, row: int) -> str:
    label = int(listing.labels[row])
    return listing.classes[label] if label >= 0 else ""
