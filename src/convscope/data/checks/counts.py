"""Numbers that do not fit: classes of very different size, parts that a class is missing from, odd picture sizes."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from convscope.data.splits import PARTS

# the largest class has so many times the pictures of the smallest
UNEQUAL = 3
# different pictures that a class needs at least to say anything about it
FEW = 10
# a side, as the square root of the pixels, that is so many times the usual one
ODD_TIMES = 4
# a side in pixels below which nothing can be seen, where the others are usual pictures
SPECK, USUAL = 16, 64


def unequal(classes: Mapping[str, int]) -> tuple[str, str] | None:
    """The smallest and the largest class, where one is three times the other or more.

    Args:
        classes: name to number of pictures.

    Example:
        >>> unequal({"ant": 10, "bee": 31}), unequal({"ant": 10, "bee": 29})
        (('ant', 'bee'), None)
    """
    filled = {name: count for name, count in classes.items() if count}
    if len(filled) < 2:
        return None
    smallest, largest = min(filled, key=filled.__getitem__), max(filled, key=filled.__getitem__)
    return (smallest, largest) if filled[largest] >= UNEQUAL * filled[smallest] else None


def too_few(
    labels: Sequence[str],
    contents: Sequence[str],
    parts: Sequence[str],
    test_share: float = 0.1,
    units: Sequence[str] | None = None,
) -> dict[str, str]:
    """Classes that the split cannot serve, each with why: "split", "part" or "few".

    Args:
        labels: class name of each picture.
        contents: hash of each; "" for one that cannot be read, which does not count.
        parts: "train", "val", "test" or "" of each, as the data says.
        test_share: 0 where no test is to be carved.
        units: name of what each picture belongs to, as `splits.assign` takes it; "" where it cannot be read; None takes
            the content.

    Example:
        >>> too_few(["a"] * 12 + ["b"] * 2, list("123456789abcde"), [""] * 14)
        {'b': 'split'}
    """
    carved = [part for part in PARTS[1:] if part not in parts and (part == "val" or test_share > 0)]
    given = [part for part in PARTS[1:] if part in parts]
    together = contents if units is None else units
    different = {(label, part or "train", unit) for label, unit, part in zip(labels, together, parts, strict=True)}
    by_part = Counter((label, part) for label, part, unit in different if unit)
    whole = Counter(label for label, content in set(zip(labels, contents, strict=True)) if content)
    reasons: dict[str, str] = {}
    for label in sorted(set(labels)):
        if by_part[label, "train"] < 1 + len(carved):
            reasons[label] = "split"
        elif any(not by_part[label, part] for part in given):
            reasons[label] = "part"
        elif whole[label] < FEW:
            reasons[label] = "few"
    return reasons


def odd_sizes(sizes: Sequence[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Places of the pictures that are tiny and of those that are huge among these.

    A picture is odd when its side (the square root of its pixels) is a quarter of the median or four times it; and tiny
    when a side has fewer than 16 pixels among pictures that usually have 64 or more.

    Args:
        sizes: width and height in pixels of each; (0, 0) where it is not known.

    Example:
        >>> odd_sizes([(100, 100)] * 5 + [(3024, 3024), (8, 100), (0, 0)])
        ([6], [5])
    """
    sides = np.sqrt(np.array(sizes, dtype=np.float64).reshape(-1, 2).prod(axis=1))
    known = sides > 0
    if not known.any():
        return [], []
    median = float(np.median(sides[known]))
    shorter = np.array(sizes).reshape(-1, 2).min(axis=1)
    tiny = known & ((sides <= median / ODD_TIMES) | ((shorter < SPECK) & (median >= USUAL)))
    huge = known & (sides >= median * ODD_TIMES)
    return np.flatnonzero(tiny).tolist(), np.flatnonzero(huge).tolist()
