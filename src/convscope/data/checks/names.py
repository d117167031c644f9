"""Names that other systems cannot tell apart, or cannot write."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from unicodedata import normalize

# of a file or folder on Windows, whatever comes after the first dot
RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))]
)
FORBIDDEN = frozenset('<>:"|?*\\')


class Collision(NamedTuple):
    """Names that are one name elsewhere.

    Attributes:
        how: "case", "unicode" (NFC and NFD) or "cp949" (Korean Windows, where what it cannot write is replaced).
        names: of files or of folders, as they are.
    """

    how: str
    names: tuple[str, ...]


def collisions(files: Sequence[str]) -> list[Collision]:
    """Files and folders whose names differ here and are the same on a Mac, on Windows or in a Korean zip.

    Only what lies in one folder can collide.

    Args:
        files: names with "/" between folders.

    Example:
        >>> collisions(["a/Cat.jpg", "a/cat.jpg", "b/cat.jpg"])
        [Collision(how='case', names=('a/Cat.jpg', 'a/cat.jpg'))]
    """
    found: list[Collision] = []
    seen: set[frozenset[str]] = set()
    for how, spell in (("unicode", _composed), ("case", _folded), ("cp949", _korean)):
        for names in _same(_paths(files), spell):
            if frozenset(names) not in seen:
                seen.add(frozenset(names))
                found.append(Collision(how, names))
    return found


def unreadable(files: Sequence[str]) -> list[str]:
    r"""Files whose names are no Unicode, cannot be written on Korean Windows (CP949), or on Windows at all.

    Args:
        files: names with "/" between folders.

    Example:
        >>> unreadable(["고양이/1.jpg", "a/caf\\udce9.jpg", "a/what?.jpg", "a/😀.jpg"])
        ['a/caf\\udce9.jpg', 'a/what?.jpg', 'a/😀.jpg']
    """
    return [file for file in files if any(not _writable(part) for part in file.split("/"))]


def _paths(files: Iterable[str]) -> list[str]:
    """Every file, and every folder that holds one."""
    paths: dict[str, None] = {}
    for file in files:
        folders = file.split("/")
        for depth in range(1, len(folders) + 1):
            paths["/".join(folders[:depth])] = None
    return list(paths)


def _same(paths: Iterable[str], spell: Callable[[str], str]) -> list[tuple[str, ...]]:
    spelt: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in paths:
        folder, _, name = path.rpartition("/")
        spelt[folder, spell(name)].append(path)
    return [tuple(sorted(names)) for names in spelt.values() if len(names) > 1]


def _composed(name: str) -> str:
    return normalize("NFC", name)


def _folded(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).casefold())


def _korean(name: str) -> str:
    return _composed(name).encode("cp949", errors="replace").decode("cp949").casefold()


def _writable(name: str) -> bool:
    try:
        _composed(name).encode("cp949")
    except UnicodeEncodeError:
        return False
    reserved = name.split(".", maxsplit=1)[0].lower() in RESERVED
    return not (reserved or FORBIDDEN & set(name) or min(name, default=" ") < " " or name != name.rstrip(". "))
