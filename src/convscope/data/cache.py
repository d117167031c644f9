"""What convscope keeps in the user's cache folder: how much it is, when it was used, and how to be rid of it."""

import os
import shutil
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from convscope.data.builtin import cache_folder
from convscope.errors import DataError, nearest

# only what bears one of these names is ever touched: the folder may be one that others use, too
KINDS = {
    "weights": "weights", "data": "data", "features": "features", "decoded": "decoded", "engines": "engines",
    "timings": "bf16.json",
}  # fmt: skip
COMPUTED = ("features", "decoded", "engines", "timings")
CAP_VARIABLE = "CONVSCOPE_CACHE_GB"
CAP_GB = 5.0
GIGABYTE = 1_000_000_000
DAY_S = 86_400


@dataclass(frozen=True)
class Entry:
    """One thing that is kept or removed as a whole: a file, or a folder with all that is in it.

    Attributes:
        path: where it lies.
        bytes: of all its files.
        used: when the newest of its files was written or touched, in seconds since 1970.
    """

    path: Path
    bytes: int
    used: float


@dataclass(frozen=True)
class Kind:
    """Everything of one kind.

    Attributes:
        name: one of `KINDS`.
        path: the folder or file that holds it.
        entries: what is in it, the least recently used first.
        link: whether `path` leads elsewhere; then nothing is looked into, and nothing removed.
    """

    name: str
    path: Path
    entries: tuple[Entry, ...] = ()
    link: bool = False

    @property
    def bytes(self) -> int:
        """Of all its entries."""
        return sum(entry.bytes for entry in self.entries)

    @property
    def used(self) -> float | None:
        """When one of its entries was last used, in seconds since 1970."""
        return max((entry.used for entry in self.entries), default=None)


def kept(folder: Path | None = None) -> list[Kind]:
    """What is in the cache, kind by kind.

    Args:
        folder: the cache; None takes the user's.

    Example:
        >>> [kind.name for kind in kept(Path("nowhere"))]
        ['weights', 'data', 'features', 'decoded', 'engines', 'timings']
    """
    root = folder or cache_folder()
    found = []
    for name, place in KINDS.items():
        path = root / place
        link = path.is_symlink()
        found.append(Kind(name, path, () if link else tuple(_entries(path)), link))
    return found


def clear(names: Sequence[str] = (), older_days: float = 0, folder: Path | None = None) -> list[Kind]:
    """Remove what is kept, and say what it was; a link is removed as a link, and what it leads to stays.

    Args:
        names: kinds; none takes those that are computed anew when they are needed, and leaves the downloads.
        older_days: only what has not been used for so many days.
        folder: the cache; None takes the user's.

    Raises:
        DataError: a kind that is not there, or something that cannot be removed; the rest is removed all the same.

    Example:
        >>> [kind.name for kind in clear(folder=Path("nowhere"))]
        ['features', 'decoded', 'engines', 'timings']
    """
    for name in names:
        if name not in KINDS:
            raise DataError(f"{name}: no kind of cache; {nearest(name, list(KINDS))}")
    before = time.time() - older_days * DAY_S
    freed, stuck = [], []
    for kind in kept(folder):
        if kind.name not in (names or COMPUTED):
            continue
        gone = []
        for entry in kind.entries:
            if older_days <= 0 or entry.used < before:
                try:
                    _remove(entry.path)
                    gone.append(entry)
                except OSError as error:
                    stuck.append(f"{entry.path} ({error.strerror or error})")
        freed.append(replace(kind, entries=tuple(gone)))
    if stuck:
        size = sum(kind.bytes for kind in freed)
        raise DataError(f"{len(stuck):,} could not be removed (first: {stuck[0]}); {size:,} bytes of others were")
    return freed


def keep_below(folder: Path, limit_bytes: int, spare: Collection[Path] = ()) -> int:
    """Remove the least recently used entries of a folder until it is small enough; the last used one always stays.

    Args:
        folder: one of the cache's, such as its `features`; each thing in it is an entry.
        limit_bytes: what all entries may take together.
        spare: entries that stay, too.

    Returns:
        The bytes that were freed.

    Example:
        >>> keep_below(Path("nowhere"), 0)
        0
    """
    if folder.is_symlink():
        return 0
    entries = list(_entries(folder))
    total, freed = sum(entry.bytes for entry in entries), 0
    for entry in entries[:-1]:
        if total - freed <= limit_bytes:
            break
        if entry.path in spare:
            continue
        with suppress(OSError):  # in use or protected: the next one may go instead
            _remove(entry.path)
            freed += entry.bytes
    return freed


def cap() -> int:
    """Bytes that features, decoded pictures and compiled networks may take each: 5 GB, or what CONVSCOPE_CACHE_GB says.

    Raises:
        DataError: that is no number.

    Example:
        >>> cap()
        5000000000
    """
    wanted = os.environ.get(CAP_VARIABLE, "")
    try:
        gigabytes = float(wanted) if wanted else CAP_GB
        if not 0 <= gigabytes < float("inf"):
            raise ValueError
    except ValueError:
        raise DataError(f"{CAP_VARIABLE} {wanted}: expected gigabytes, such as 5; 0 keeps only the newest") from None
    return int(gigabytes * GIGABYTE)


def _entries(path: Path) -> Iterator[Entry]:
    """What is in a folder, or the file itself; the least recently used first."""
    inside: list[Path] = []
    with suppress(OSError):
        inside = list(path.iterdir()) if path.is_dir() else [path]
    found = [entry for each in inside if (entry := _measured(each))]
    yield from sorted(found, key=lambda entry: (entry.used, entry.path.name))


def _measured(path: Path) -> Entry | None:
    """Size and last use, links not followed; None when it is gone meanwhile."""
    files = [path]
    if path.is_dir() and not path.is_symlink():
        files = [Path(folder) / file for folder, _, names in os.walk(path) for file in names] or [path]
    stats = []
    for file in files:
        with suppress(OSError):
            stats.append(file.lstat())
    if not stats:
        return None
    return Entry(
        path,
        sum(each.st_size for each in stats if not stat.S_ISDIR(each.st_mode)),
        max(each.st_mtime for each in stats),
    )


def _remove(path: Path) -> None:
    """Remove an entry so that no reader ever meets half of one."""
    with suppress(FileNotFoundError):  # another process was faster
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            gone = path.with_name(f".{path.name}.{os.getpid()}.gone")
            path.rename(gone)
            shutil.rmtree(gone)
