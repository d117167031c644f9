"""Teachable Machine's samples: a zip for every class, as "Download Samples" saves it, side by side in a folder."""

import re
from collections.abc import Sequence
from pathlib import Path

from convscope.data.folders import Entry
from convscope.data.stores import Archive, Many, Store, is_picture, plain

# what a browser adds to the second download of a name, and what Teachable Machine adds to the class
_AGAIN = re.compile(r" ?\(\d+\)$")
_SUFFIX = re.compile(r"[-_ ]?samples$", re.IGNORECASE)


def class_of(file: str) -> str:
    """The class that a zip's name stands for.

    Args:
        file: name of the zip.

    Example:
        >>> class_of("Class 1-samples.zip"), class_of("고양이-samples (1).zip"), class_of("dog.zip")
        ('Class 1', '고양이', 'dog')
    """
    stem = _AGAIN.sub("", file.rsplit(".", 1)[0])
    return plain(_SUFFIX.sub("", stem) or stem)


def find(folder: Path, names: Sequence[str]) -> tuple[Store, list[Entry], list[str]] | None:
    """Where the pictures of a folder of zips lie, their entries, and the files that were passed over.

    None where the folder is none: it has pictures of its own, zips of fewer than two classes, or a zip whose pictures
    lie in several folders.

    Args:
        folder: that holds the zips.
        names: of the files in it.

    Raises:
        UnsafeArchive: a zip's member leads outside.
        DataError: a zip that cannot be opened.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from zipfile import ZipFile
        >>> with TemporaryDirectory() as there:
        ...     for label in ("cat", "dog"):
        ...         with ZipFile(Path(there) / f"{label}-samples.zip", "w") as archive:
        ...             archive.writestr("0.jpg", b"")
        ...     find(Path(there), ["cat-samples.zip", "dog-samples.zip"])[1]
        [('cat-samples.zip/0.jpg', 'cat', ''), ('dog-samples.zip/0.jpg', 'dog', '')]
    """
    zips = [name for name in names if name.lower().endswith(".zip") and "/" not in name and not name.startswith(".")]
    if len({class_of(name) for name in zips}) < 2 or any(is_picture(name) for name in names):
        return None
    places: dict[str, tuple[Store, str]] = {}
    entries: list[Entry] = []
    ignored = [name for name in names if name not in zips]
    for name in zips:
        archive = Archive(folder / name)
        pictures = [member for member in archive.names() if is_picture(member)]
        if len({member.rpartition("/")[0] for member in pictures}) > 1:
            return None
        ignored += [f"{name}/{member}" for member in archive.names() if not is_picture(member)]
        for member in pictures:
            places[f"{name}/{member}"] = (archive, member)
            entries.append((f"{name}/{member}", class_of(name), ""))
    return (Many(places), entries, ignored) if entries else None
