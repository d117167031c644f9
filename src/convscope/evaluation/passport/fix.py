"""A cleaned manifest: what is used, in which part; no file is moved or deleted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from convscope.data import manifest, splits
from convscope.data.manifest import DROP, Entry
from convscope.data.stores import plain
from convscope.errors import DataError
from convscope.evaluation.passport.copies import contents
from convscope.evaluation.passport.finding import Words, said
from convscope.evaluation.passport.passport import Passport
from convscope.evaluation.passport.single import reason, tied
from convscope.words import say

# which of two copies stays: a test must not become smaller, and training does well without one picture
KEPT_FIRST = ("test", "val", "train", "")


@dataclass(frozen=True)
class Cleaned:
    """A manifest and what was done for it.

    Attributes:
        lines: one for every picture, in the order of the data; then those that a manifest had dropped before.
        dropped: pictures that are not used, by why: "broken", "copy", "contradiction", "leak" or "before".
        grouped: groups of near-duplicates that are kept in one part.
        lost: classes of which no picture is left.
    """

    lines: tuple[Entry, ...]
    dropped: dict[str, int] = field(default_factory=dict)
    grouped: int = 0
    lost: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, int]:
        """Pictures that are used, by part."""
        counted = Counter(line.split for line in self.lines)
        return {part: counted[part] for part in splits.PARTS}


def cleaned(
    passport: Passport,
    *,
    before: Sequence[Entry] = (),
    seed: int = 0,
    val_share: float = 0.1,
    test_share: float = 0.1,
) -> Cleaned:
    """The manifest that `check --fix` writes.

    Pictures that cannot be read are dropped. Of exact copies one stays, in the test before validation before training;
    where copies are under several classes all are dropped, since nothing here knows which label is right. Of
    near-duplicates in several given parts, those in the first of these parts stay. All other near-duplicates stay, and
    the missing parts are drawn so that each group lies in one of them; those under several classes are noted.

    Args:
        passport: of the pictures.
        before: the manifest that was applied to them; its notes and its dropped lines are kept.
        seed: of the split.
        val_share: for validation, where the data has none.
        test_share: for the test, where the data has none; 0 carves none.

    Raises:
        DataError: no picture is left, or a class has too few for the split.

    Example:
        >>> from convscope.data.builtin import digits
        >>> from convscope.evaluation.passport.check import check
        >>> cleaned(check(digits().take([*range(200), 0]))).dropped
        {'copy': 1}
    """
    lines, gone = _joined(manifest.entries(passport.listing), before)
    reasons: Counter[str] = Counter()
    for why, row, told in _drops(passport, lines):
        if lines[row].split != DROP:
            reasons[why] += 1
            lines[row] = replace(lines[row], split=DROP, note=told)
    groups = _groups(passport, lines)
    for why, row, told in _leaks(lines, groups):
        reasons[why] += 1
        lines[row] = replace(lines[row], split=DROP, note=told)
    kept = [[row for row in rows if lines[row].split != DROP] for rows in groups]
    for row, told in _unclear(lines, kept):
        lines[row] = replace(lines[row], note=lines[row].note or told)

    used = [row for row, line in enumerate(lines) if line.split != DROP]
    if not used:
        why = ", ".join(f"{say(f'check.fixed.why.{why}')} {count:,}" for why, count in reasons.items())
        raise DataError(
            f"{passport.listing.title}: no picture would be left ({why}); put the labels right or add pictures"
        )
    names: dict[int, str] = {}
    for rows in kept:
        if len(rows) > 1:
            names |= dict.fromkeys(rows, min(lines[row].sha256 for row in rows))
    try:
        parts = splits.assign(
            [lines[row].label for row in used],
            [lines[row].sha256 for row in used],
            [lines[row].split for row in used],
            seed=seed,
            val_share=val_share,
            test_share=test_share,
            groups=[names.get(row, lines[row].sha256) for row in used],
        )
    except DataError as error:
        if not names:
            raise
        raise DataError(f"{error}; near-duplicates count as one picture") from None
    lost = {line.label for line in lines} - {lines[row].label for row in used}
    for row, part in zip(used, parts, strict=True):
        lines[row] = replace(lines[row], split=part)
    if gone:
        reasons["before"] = len(gone)
    return Cleaned((*lines, *gone), dict(reasons), sum(len(rows) > 1 for rows in kept), tuple(sorted(lost)))


def _joined(lines: Sequence[Entry], before: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """The lines with their notes from before, and the lines from before that are of no picture here: dropped ones."""
    by_name, spelt = {line.file: line for line in before}, {plain(line.file): line for line in before}
    noted, met = [], set()
    for line in lines:
        old = by_name.get(line.file) or spelt.get(plain(line.file))
        noted.append(replace(line, note=old.note) if old else line)
        met.add(old.file if old else line.file)
    return noted, [line for line in before if line.split == DROP and line.file not in met]


Change = tuple[str, int, str]  # why, which row, and the note


def _drops(passport: Passport, lines: Sequence[Entry]) -> Iterator[Change]:
    """Broken pictures and copies."""
    for row, look in enumerate(passport.looks.each):
        if look.quality is None:
            yield "broken", row, f"{say('check.fix.broken')}: {say(reason(look))}"
    for rows in contents(passport.looks).values():
        labels = sorted({lines[row].label for row in rows})
        if len(labels) > 1:
            told = say("check.fix.contradiction", labels=said(Words(tuple(labels)), "en"))
            yield from (("contradiction", row, told) for row in rows)
            continue
        first = min(rows, key=lambda row: KEPT_FIRST.index(lines[row].split))
        yield from (("copy", row, say("check.fix.copy", other=lines[first].file)) for row in rows if row != first)


def _groups(passport: Passport, lines: Sequence[Entry]) -> list[list[int]]:
    """Rows that are tied by near-duplicates, directly or through others; of the pictures that are still used."""
    same = {rows[0]: rows for rows in contents(passport.looks).values()}
    used = {first: [row for row in rows if lines[row].split != DROP] for first, rows in same.items()}
    groups = (sorted(row for place in places for row in used[place]) for places in tied(passport.pairs))
    return [rows for rows in groups if len(rows) > 1]


def _leaks(lines: Sequence[Entry], groups: Sequence[list[int]]) -> Iterator[Change]:
    """Near-duplicates in a part before the one that is kept."""
    for rows in groups:
        first = min(rows, key=lambda row: KEPT_FIRST.index(lines[row].split))
        part = lines[first].split
        if part in ("", "train"):
            continue
        told = say("check.fix.leak", other=lines[first].file, part=say(f"check.part.{part}"))
        yield from (("leak", row, told) for row in rows if lines[row].split != part)


def _unclear(lines: Sequence[Entry], groups: Sequence[list[int]]) -> Iterator[tuple[int, str]]:
    """Near-duplicates under several classes."""
    for rows in groups:
        others = [row for row in rows if lines[row].label != lines[rows[0]].label]
        if not others:
            continue
        for row in rows:
            other = lines[others[0] if lines[row].label == lines[rows[0]].label else rows[0]]
            yield row, say("check.fix.unclear", other=other.file, label=other.label)
