"""Class folders and split folders, on disk or inside a zip."""

from collections.abc import Sequence
from os.path import commonprefix

from convscope.data.splits import FOLDER_NAMES
from convscope.data.stores import is_picture, plain

Entry = tuple[str, str, str]


def lay_out(names: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """(file, class, part) of every picture in a class folder, and the files that were passed over.

    A single outer folder is stepped into; folders below a class folder belong to the class.

    Args:
        names: file names with "/" between folders.

    Example:
        >>> lay_out(["cat/1.jpg", "cat/old/2.jpg", "dog/1.jpg", "readme.txt"])[0][:2]
        [('cat/1.jpg', 'cat', ''), ('cat/old/2.jpg', 'cat', '')]
        >>> lay_out(["set/train/cat/1.jpg", "set/valid/cat/2.jpg"])[0]
        [('set/train/cat/1.jpg', 'cat', 'train'), ('set/valid/cat/2.jpg', 'cat', 'val')]
    """
    pictures = [name for name in names if is_picture(name)]
    depth = _outer_folders([name.split("/")[:-1] for name in pictures])
    tops = {name.split("/")[depth] for name in pictures if name.count("/") > depth}
    nested = {name.split("/")[depth] for name in pictures if name.count("/") > depth + 1}
    # "train" may be a class of vehicles; a part holds class folders
    by_split = bool(tops) and ("train" in map(_part, nested) or all(map(_part, tops)))

    entries: list[Entry] = []
    for name in pictures:
        folders = name.split("/")[depth:-1]
        part = _part(folders.pop(0)) if by_split and folders else ""
        if folders and (part or not by_split):
            entries.append((name, plain(folders[0]), part))
    taken = {file for file, _, _ in entries}
    return entries, [name for name in names if name not in taken]


def _part(folder: str) -> str:
    return FOLDER_NAMES.get(folder.lower(), "")


def _outer_folders(paths: list[list[str]]) -> int:
    """How many folders hold everything and are neither a class nor a part."""
    shared = commonprefix(paths)  # noqa: RUF071 (of lists: folder by folder)
    depth = next((level for level, folder in enumerate(shared) if _part(folder)), len(shared))
    below = {path[depth] for path in paths if len(path) > depth}
    loose = any(len(path) == depth for path in paths)
    return depth - 1 if loose and depth and len(below) < 2 else depth
