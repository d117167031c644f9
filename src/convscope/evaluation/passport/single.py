"""What is wrong with single pictures, with names, and with counts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import numpy as np

from convscope.data.checks import counts as odd
from convscope.data.checks.look import Look, Looks
from convscope.data.checks.names import collisions, unreadable
from convscope.data.checks.quality import Quality
from convscope.data.listing import Listing
from convscope.data.stores import Arrays
from convscope.evaluation.passport.finding import Finding, Said, Words
from convscope.evaluation.passport.near import Pair

# Crete's measure; of 2,147 photos the highest was 0.45, of those blurred by two pixels in 256 the lowest twentieth 0.7
BLURRED = 0.5
# level that the brightest hundredth does not reach; the darkest of 2,147 photos had 97
DARK = 64
# share of pixels in one tone; the plainest of 2,147 photos had 0.94
PLAIN = 0.98

JUDGED: dict[str, Callable[[Quality], bool]] = {
    "low-information": lambda quality: quality.plain >= PLAIN,
    "dark": lambda quality: quality.brightest < DARK,
    "blurred": lambda quality: quality.blur >= BLURRED,
}


def findings(listing: Listing, looks: Looks) -> list[Finding]:
    """Broken, dark, blurred, plain, tiny, huge, grey, turned and moving pictures: one finding for each kind there is.

    Args:
        listing: the pictures.
        looks: at them.

    Example:
        >>> import torch
        >>> from pathlib import Path
        >>> from convscope.data.checks.look import look_at
        >>> from convscope.data.listing import build
        >>> store = Arrays(Path("black"), {"": torch.zeros(2, 3, 40, 40, dtype=torch.uint8)})
        >>> black = build(store, [(name, "ink", "") for name in store.names])
        >>> [finding.kind for finding in findings(black, look_at(black, 1))]
        ['low-information', 'dark']
    """
    each = looks.each
    found = [_broken(listing, each)]
    readable = [(row, look.quality) for row, look in enumerate(each) if look.quality is not None]
    for kind, wrong in JUDGED.items():
        found.append(_of(listing, kind, [row for row, quality in readable if wrong(quality)]))
    tiny, huge = odd.odd_sizes([(look.header.width, look.header.height) for look in each])
    if tiny or huge:
        width, height = median_size(looks)
        for kind, rows in (("tiny", tiny), ("huge", huge)):
            sizes: dict[str, Said] = {listing.files[row]: size_note(each[row]) for row in rows}
            found.append(_of(listing, kind, rows, {"width": width, "height": height}, sizes))
    grey = [row for row, quality in readable if quality.grey]
    found.append(_of(listing, "grey", grey if len(grey) < len(readable) else []))
    found.append(_of(listing, "animated", [row for row, look in enumerate(each) if look.header.moving]))
    found.append(_of(listing, "rotated", [row for row, look in enumerate(each) if look.header.turned]))
    return [finding for finding in found if finding.files]


def names(listing: Listing) -> list[Finding]:
    """Names that collide, a finding for each group, and those that other systems cannot write.

    Args:
        listing: the pictures; those in memory have no names of their own.

    Example:
        >>> from convscope.data.builtin import digits
        >>> names(digits())
        []
    """
    if isinstance(listing.store, Arrays):
        return []
    found, known = [], set(listing.files)
    for how, together in collisions(listing.files):
        files = [name if name in known else _first_inside(listing, name) for name in together]
        spelt = Words(tuple(PurePosixPath(name).name for name in together))
        found.append(Finding("name-collision", tuple(files), how, {"names": spelt}))
    rows = set(unreadable(listing.files))
    garbled = _of(listing, "unreadable-name", [row for row, file in enumerate(listing.files) if file in rows])
    return [*found, garbled] if garbled.files else found


def counts(listing: Listing, looks: Looks, test_share: float, pairs: Sequence[Pair] = ()) -> list[Finding]:
    """Classes of very different size, and those that are too small for the split.

    Args:
        listing: the pictures.
        looks: at them.
        test_share: of the split to be drawn; 0 carves no test.
        pairs: near-duplicates, by row of the first picture of each content; the split that `--fix` draws tears none.

    Example:
        >>> from convscope.data.builtin import digits
        >>> from convscope.data.checks.look import look_at
        >>> few = digits().take(range(20))
        >>> [finding.kind for finding in counts(few, look_at(few, 1), 0.1)]
        ['too-few']
    """
    labels = [listing.classes[label] for label in listing.labels]
    readable = ["" if look.quality is None else look.sha256 for look in looks.each]
    by_class = Counter(labels)
    found = []
    ends = odd.unequal(by_class)
    if ends:
        smallest, largest = ends
        times = f"{by_class[largest] / by_class[smallest]:.1f}"
        values = {"smallest": smallest, "largest": largest, "least": by_class[smallest], "most": by_class[largest]}
        found.append(Finding("imbalance", values={**values, "times": times}))
    together = {readable[row]: readable[rows[0]] for rows in tied(pairs) for row in rows}
    units = [together.get(content, content) for content in readable]
    small = odd.too_few(labels, readable, listing.parts, test_share, units)
    if small:
        files = tuple(file for file, label in zip(listing.files, labels, strict=True) if label in small)
        rows: dict[str, list[int]] = defaultdict(list)
        for row, label in enumerate(labels):
            if readable[row]:
                rows[label].append(row)
        notes = {label: _few(listing, units, readable, rows[label], label, why) for label, why in small.items()}
        found.append(Finding("too-few", files, notes=notes))
    return found


def median_size(looks: Looks) -> tuple[int, int]:
    """Width and height, in pixels, of the usual picture; 0 where no size is known.

    Args:
        looks: at the pictures.

    Example:
        >>> from convscope.data.builtin import digits
        >>> from convscope.data.checks.look import look_at
        >>> median_size(look_at(digits().take([0]), 1))
        (8, 8)
    """
    sizes = np.array([(look.header.width, look.header.height) for look in looks.each if look.header.width])
    if not len(sizes):
        return 0, 0
    width, height = np.median(sizes, axis=0).round().astype(int)
    return int(width), int(height)


def tied(pairs: Sequence[Pair]) -> list[list[int]]:
    """What near-duplicates connect, directly or through others.

    Args:
        pairs: of rows.

    Example:
        >>> tied([Pair(0, 1), Pair(1, 2), Pair(4, 5)])
        [[0, 1, 2], [4, 5]]
    """
    above: dict[int, int] = {}

    def top(place: int) -> int:
        while above.setdefault(place, place) != place:
            above[place] = above[above[place]]
            place = above[place]
        return place

    for one, other in pairs:
        low, high = sorted((top(one), top(other)))
        above[high] = low
    found: dict[int, list[int]] = {}
    for place in sorted(above):
        found.setdefault(top(place), []).append(place)
    return list(found.values())


def size_note(look: Look) -> Said:
    """What is said of a picture's size.

    Args:
        look: at the picture.

    Example:
        >>> from convscope.data.checks.look import Header
        >>> size_note(Look("", 0, Header("PNG", 4, 2), None))
        ('check.pixels', {'width': 4, 'height': 2})
    """
    return "check.pixels", {"width": look.header.width, "height": look.header.height}


def _of(
    listing: Listing,
    kind: str,
    rows: Sequence[int],
    values: dict[str, object] | None = None,
    notes: dict[str, Said] | None = None,
) -> Finding:
    told = {"count": len(rows), "total": len(listing), **(values or {})}
    return Finding(kind, tuple(listing.files[row] for row in rows), values=told, notes=notes or {})


def _broken(listing: Listing, each: Sequence[Look]) -> Finding:
    rows = [row for row, look in enumerate(each) if look.quality is None]
    return _of(listing, "broken", rows, notes={listing.files[row]: (reason(each[row]), {}) for row in rows})


def reason(look: Look) -> str:
    """Key of the text that says why a picture cannot be read.

    Args:
        look: at a broken picture.

    Example:
        >>> from convscope.data.checks.look import Header
        >>> reason(Look("", 0, Header(), None, "the file is empty"))
        'check.reason.empty'
    """
    told = look.reason
    for start, key in (
        ("the file is empty", "empty"),
        ("not a picture", "unknown"),
        ("damaged", "damaged"),
        ("cannot be unpacked", "damaged"),
    ):
        if told.startswith(start):
            return f"check.reason.{key}"
    large = any(words in told for words in ("MB", "more than", "is too large"))
    return "check.reason.large" if large else "check.reason.other"


def _few(
    listing: Listing, units: Sequence[str], contents: Sequence[str], rows: Sequence[int], label: str, why: str
) -> Said:
    """Why a class is too small; `rows` are those of its pictures that can be read."""
    if why == "part":
        there = {listing.parts[row] for row in rows}
        lacking = tuple(part for part in ("val", "test") if part not in there and part in listing.parts)
        return "check.few.part", {"label": label, "parts": Words(lacking, parts=True)}
    if why == "split":
        count = len({units[row] for row in rows if listing.parts[row] in ("train", "")})
        return "check.few.split", {"label": label, "count": count}
    return f"check.few.{why}", {"label": label, "count": len({contents[row] for row in rows})}


def _first_inside(listing: Listing, folder: str) -> str:
    return next(file for file in listing.files if file.startswith(f"{folder}/"))
