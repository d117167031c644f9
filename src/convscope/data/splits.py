"""Who trains, who validates, who tests: drawn once, by content, and written down."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from convscope.data.files import write_csv
from convscope.errors import DataError

PARTS = ("train", "val", "test")

FOLDER_NAMES = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "t10k": "test",
}  # fmt: skip

# moves of shared pictures that are tried before a split counts as impossible
TRIES = 10_000


class Row(NamedTuple):
    """One picture of a split: its path inside the data, class name, part and content hash (SHA-256, hex)."""

    file: str
    label: str
    split: str
    sha256: str


def assign(
    labels: Sequence[str],
    hashes: Sequence[str],
    given: Sequence[str],
    *,
    seed: int = 0,
    val_share: float = 0.1,
    test_share: float = 0.1,
    groups: Sequence[str] | None = None,
) -> list[str]:
    """The part of every picture; parts that the data brings stay as they are, the missing ones come out of train.

    Stratified by class: each carved part gets its share of every class, rounded, at least one picture; train keeps
    one, too. Who is drawn depends on the seed and on the picture's content alone, so renaming files changes nothing,
    and copies of one picture stay together, even across classes. (scikit-learn's stratified splitters refuse parts
    smaller than the number of classes.)

    Args:
        labels: class name of each picture.
        hashes: content hash of each picture; "" for one that cannot be read, which stays in train.
        given: "train", "val", "test", or "" where the data does not say.
        seed: another seed draws other pictures.
        val_share: share of each class for validation, where the data has none; above 0.
        test_share: the same for the test; 0 carves none.
        groups: name of what each picture belongs to, such as its near-duplicates, all of which go into one part; None
            takes the content. A group that is larger than what a part still wants is passed over while others fit.

    Raises:
        DataError: a class has too few different pictures to be in every part, or shares too many with other classes.

    Example:
        >>> assign(["a"] * 10, [str(i) for i in range(10)], [""] * 10).count("train")
        8
    """
    shares = {"test": test_share, "val": val_share}
    carved = {part: share for part, share in shares.items() if part not in given and share > 0}
    parts = [part or "train" for part in given]

    units = hashes if groups is None else groups
    members: dict[str, dict[str, set[str]]] = {}
    for label, content, unit, part in zip(labels, hashes, units, parts, strict=True):
        if part == "train" and content:
            members.setdefault(label, {}).setdefault(unit, set()).add(content)
    _refuse_small({label: len(inside) for label, inside in members.items()}, 1 + len(carved), list(carved))

    drawn: dict[str, str] = {}
    for label in sorted(members):
        sizes = {unit: len(contents) for unit, contents in members[label].items()}
        order = sorted(sizes, key=lambda unit: _lot(unit, seed))
        already = Counter(drawn[unit] for unit in order if unit in drawn)  # by another class
        undrawn = [unit for unit in order if unit not in drawn]
        spare = len(order) - len(carved) - 1  # units beyond one for every part
        for part, share in carved.items():
            wanted, most = max(1, round(share * sum(sizes.values()))), 1 + spare
            spare -= min(wanted, most) - 1
            chosen = _choose(undrawn, sizes, wanted - already[part], most - already[part])
            drawn |= dict.fromkeys(chosen, part)
            undrawn = [unit for unit in undrawn if unit not in drawn]
        drawn |= dict.fromkeys(undrawn, "train")
    _complete(drawn, members, ["train", *carved], seed)
    return [
        drawn.get(unit, "train") if part == "train" and content else part
        for content, unit, part in zip(hashes, units, parts, strict=True)
    ]


def _choose(units: Sequence[str], sizes: Mapping[str, int], wanted: int, most: int) -> list[str]:
    """The first of the units that together hold at most `wanted` pictures; the smallest where not even one fits."""
    chosen: list[str] = []
    if wanted < 1 or most < 1:
        return chosen
    for unit in units:
        if len(chosen) < most and sizes[unit] <= wanted:
            chosen.append(unit)
            wanted -= sizes[unit]
    return chosen or sorted(units, key=sizes.__getitem__)[:1]


def _lot(unit: str, seed: int) -> bytes:
    return sha256(f"{seed}:{unit}".encode()).digest()


def _complete(
    drawn: dict[str, str], members: Mapping[str, Mapping[str, set[str]]], parts: Sequence[str], seed: int
) -> None:
    """Move units where another class's draw has left a class without a part; else the draw stays as it is.

    A depth-first search: each move settles one unit, and is taken back where it leads nowhere.
    """
    held = {label: Counter(drawn[unit] for unit in units) for label, units in members.items()}
    first = next(((label, part) for label in sorted(held) for part in parts if not held[label][part]), None)
    if first is None:
        return
    owners: dict[str, list[str]] = {}
    for label, units in members.items():
        for unit in units:
            owners.setdefault(unit, []).append(label)
    settled: dict[str, str] = {}  # unit: where it was before

    def move(unit: str, part: str) -> None:
        for label in owners[unit]:
            held[label][drawn[unit]] -= 1
            held[label][part] += 1
        drawn[unit] = part

    def cost(unit: str) -> tuple[int, int, int, bytes]:
        emptied = sum(held[label][drawn[unit]] == 1 for label in owners[unit])
        pictures = sum(len(members[label][unit]) for label in owners[unit])
        return emptied, len(owners[unit]), pictures, _lot(unit, seed)

    def moves(label: str, part: str) -> Iterator[tuple[str, str]]:
        return iter([(unit, part) for unit in sorted(members[label].keys() - settled.keys(), key=cost)])

    levels = [moves(*first)]
    for _ in range(TRIES):
        chosen = next(levels[-1], None)
        if chosen is None:
            levels.pop()
            if not levels:
                break
            move(*settled.popitem())
            continue
        unit, part = chosen
        settled[unit] = drawn[unit]
        move(unit, part)
        missing = [(label, part) for label in sorted(held) for part in parts if not held[label][part]]
        if not missing:
            return
        levels.append(moves(*min(missing, key=lambda lack: len(members[lack[0]].keys() - settled.keys()))))
    label, part = first
    others = sorted({other for unit in members[label] for other in owners[unit]} - {label})
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    raise DataError(
        f"class {label!r} would have no picture in {part}: it shares copies or near-duplicates, which go into one part "
        f"together, with class {others[0]!r}{more}. Add pictures of its own, or correct the labels of the shared ones"
    )


def _refuse_small(members: Mapping[str, int], needed: int, carved: list[str]) -> None:
    small = {label: count for label, count in members.items() if count < needed}
    if small:
        label, count = next(iter(small.items()))
        others = f" (and {len(small) - 1} more such classes)" if len(small) > 1 else ""
        parts = " and one more each for ".join(["train", " and ".join(carved)]) if carved else "train"
        hint = "; --test-share 0 carves no test" if "test" in carved else ""
        raise DataError(
            f"class {label!r} has {count} different picture{'s'[: count != 1]}{others}; "
            f"a class needs {needed}: one for {parts}. Add pictures or drop the class{hint}"
        )


def write(file: Path, rows: Sequence[Row]) -> None:
    """Write `split.csv`: file,label,split,sha256."""
    write_csv(file, Row._fields, rows)


def read(file: Path) -> list[Row]:
    """Read a `split.csv` that `write` wrote.

    Raises:
        DataError: the file is missing, or is not a split.
    """
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            table = csv.DictReader(lines)
            if table.fieldnames is None or not set(Row._fields) <= set(table.fieldnames):
                raise DataError(f"{file}: not a split: expected the columns {', '.join(Row._fields)}")
            return [Row(*(line[field] for field in Row._fields)) for line in table]
    except OSError as error:
        raise DataError(f"{file}: the run's split cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: not a split ({error})") from None
