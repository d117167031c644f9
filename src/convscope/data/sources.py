"""Any layout to a `Listing`: what the user has is taken as it comes."""

import glob
import os
from pathlib import Path, PurePosixPath

from convscope.data import builtin, folders, idx, samples, tables
from convscope.data.listing import UNLABELLED, Listing, build
from convscope.data.stores import Archive, Arrays, Folder, Many, Store, is_picture, printable
from convscope.errors import DataError, UnreadableImage, nearest

TABLES = (".csv", ".tsv")
LISTS = (".txt", ".lst")


def read(data: str | Path) -> Listing:
    """List the pictures of a data set; none is decoded yet.

    Taken as they come: class folders, split folders (train, val|valid|validation, test), a CSV or TSV with path and
    label (and split), `file label` lists, IDX files, a zip of any of these, a folder of Teachable Machine's samples
    (a zip for each class), and the names digits, mnist, fashion-mnist, cifar10, cifar100. Of a manifest, what it drops
    is left out.

    Args:
        data: a folder, a file, or a name.

    Raises:
        DataError: nothing there, or no layout that fits.
        UnsafeArchive: a zip whose members lead outside.

    Example:
        >>> read("digits").part("test")
        Listing('digits', 360 pictures, 10 classes)
    """
    path = Path(data)
    if not _there(data):
        if str(data) in builtin.SETS:
            return builtin.SETS[str(data)]()
        raise DataError(
            f"{data}: no such file or folder, and no built-in set; {nearest(str(data), list(builtin.SETS))}"
        )
    title = printable(str(data))
    suffix = path.suffix.lower()
    if path.is_dir():
        folder = Folder(path)
        names = folder.names()
        found = samples.find(path, names)
        return build(*found, title) if found else _detect(folder, names, title)
    if suffix == ".zip":
        archive = Archive(path)
        return _detect(archive, archive.names(), title)
    if suffix in TABLES + LISTS:
        return _table(Folder(path.parent), path.name, [path.name], title)
    pairs = idx.find([file.name for file in path.parent.iterdir()])
    pair = next((pair for pair in pairs.items() if path.name in pair[1]), None)
    if pair:
        return _idx(Folder(path.parent), dict([pair]), title)
    what = "one picture" if is_picture(path.name) else f"a file of type {suffix or 'unknown'}"
    raise DataError(f"{data} is {what}; expected a folder, a .zip, .csv, .tsv, .txt list or IDX files")


def gather(inputs: list[str]) -> Listing:
    """The pictures that files, folders, zips and patterns name, without labels, in the order given.

    Raises:
        DataError: an input that is not there, or no picture at all.
    """
    places: dict[str, tuple[Store, str]] = {}
    for item in inputs:
        found = [Path(item)] if _there(item) else _matches(item)
        if not found:
            raise DataError(f"{item}: no such file, folder or pattern")
        for path in found:
            if path.is_dir():
                folder = Folder(path)
                places |= {str(path / name): (folder, name) for name in folder.names() if is_picture(name)}
            elif path.suffix.lower() == ".zip":
                archive = Archive(path)
                places |= {f"{path}/{name}": (archive, name) for name in archive.names() if is_picture(name)}
            else:
                places[str(path)] = (Folder(path.parent), path.name)
    if not places:
        raise DataError(f"{', '.join(inputs)}: no pictures there")
    listing = build(Many(places), [(name, "", "") for name in places], title=printable(", ".join(inputs)))
    listing.labels[:] = UNLABELLED
    return listing


def _there(path: str | Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises on names that are too long or may not be seen)


def _matches(pattern: str) -> list[Path]:
    return [Path(file) for file in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 (patterns may be absolute)


def _detect(store: Folder | Archive, names: list[str], title: str) -> Listing:
    pairs = idx.find(names)
    if pairs:
        return _idx(store, pairs, title)
    entries, ignored = folders.lay_out(names)
    if len({label for _, label, _ in entries}) < 2:
        table = _find_table(names)
        if table:
            return _table(store, table, names, title)
    return build(store, entries, ignored, title)


def _find_table(names: list[str]) -> str | None:
    """The table of a folder or zip: the outermost, `metadata` and `labels` before others, `split` last."""
    suffixes = {name: PurePosixPath(name).suffix.lower() for name in names}
    found = [name for name, suffix in suffixes.items() if suffix in TABLES or tables.part_of_list(name.split("/")[-1])]
    return min(
        found,
        key=lambda name: (name.count("/"), *_standing(PurePosixPath(name).stem.lower())),
        default=None,
    )


def _standing(stem: str) -> tuple[bool, bool]:
    """Sorts tables: a manifest of another table's pictures comes after that."""
    return stem == "split", not stem.startswith(("metadata", "labels", "train"))


def _table(store: Folder | Archive, name: str, names: list[str], title: str) -> Listing:
    """A listing from the table `name`; a list file's parts are joined by the others of `names` in its folder."""
    folder = PurePosixPath(name).parent
    if PurePosixPath(name).suffix.lower() in TABLES:
        entries = tables.read_table(_content(store, name), name)
    elif names == [name]:
        entries = tables.read_list(_content(store, name), name)
    else:
        entries = []
        for file in names:
            part = tables.part_of_list(PurePosixPath(file).name)
            if part and PurePosixPath(file).parent == folder:
                entries += tables.read_list(_content(store, file), file, part)
    beside = [(folder / file).as_posix() for file in tables.CLASS_LISTS]
    names_file = next((file for file in beside if store.has(file) and file != name), None)
    if names_file:
        lines = tables.decode_text(_content(store, names_file), names_file).splitlines()
        entries = tables.name_classes(entries, [line for line in lines if line.strip()])
    placed = tables.within(folder.as_posix(), entries)
    if any(not file.isascii() and not store.has(file) for file, _, _ in placed):
        placed = tables.respell(placed, store.names())
    tables.refuse_missing(placed, store.has, name)
    tables.refuse_contradictions(placed, name)
    return build(store, list(dict.fromkeys(placed)), title=title)


def _content(store: Folder | Archive, name: str) -> bytes:
    try:
        return store.content(name, most=idx.MAX_VALUES)
    except UnreadableImage as error:
        raise DataError(f"{name}: {error}") from None


def _idx(store: Folder | Archive, pairs: dict[str, tuple[str, str]], title: str) -> Listing:
    files = {
        part: (images, _content(store, images), labels, _content(store, labels))
        for part, (images, labels) in pairs.items()
    }
    pictures, labels = idx.load(files)
    arrays = Arrays(store.root, pictures)
    parts = [part for part, block in pictures.items() for _ in range(len(block))]
    words = [label for part in pictures for label in labels[part]]
    return build(arrays, list(zip(arrays.names, words, parts, strict=True)), title=title)
