"""Where pictures lie: a folder, a zip, arrays in memory, or several of these. All answer the same two questions."""

import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from os import walk
from pathlib import Path, PurePosixPath
from typing import Protocol

import torch
from torch import Tensor

from convscope.data.decode import MAX_BYTES, Shrink, decode
from convscope.errors import DataError, UnreadableImage, UnsafeArchive

EXTENSIONS = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pnm"]
)
ENCRYPTED, UTF8 = 0x1, 0x800  # flag bits of a zip's members
OUTSIDE = re.compile(r"[/\\]|[A-Za-z]:")  # from the root, or from a Windows drive
JUNK_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})


class Store(Protocol):
    """A place of pictures, each known by a name."""

    root: Path

    def content(self, name: str) -> bytes:
        """The bytes that identify the picture.

        Raises:
            UnreadableImage: they cannot be read.
        """
        ...

    def picture(self, name: str, shrink: Shrink | None = None) -> Tensor:
        """The picture, uint8 (1 or 3, H, W); a JPEG smaller by what `shrink` allows (see `decode`).

        Raises:
            UnreadableImage: it cannot be decoded.
        """
        ...


class Folder:
    """Files below a folder; names are paths with "/", as they are on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """Every file, sorted, and every folder that may not be opened.

        A linked folder is followed once, and only when it leads outside: inside, its pictures are found anyway.
        """
        return sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        top = self.root.resolve()
        seen: set[Path] = set()
        closed: list[str] = []
        for folder, below, files in walk(self.root, followlinks=True, onerror=lambda e: closed.append(e.filename)):
            here = Path(folder)
            real = here.resolve()
            if real in seen or (here != self.root and here.is_symlink() and real.is_relative_to(top)):
                below.clear()
                continue
            seen.add(real)
            below.sort()
            inside = here.relative_to(self.root)
            yield from ((inside / file).as_posix() for file in files)
        yield from (Path(folder).relative_to(self.root).as_posix() for folder in closed)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.root / name).is_file()

    def content(self, name: str, most: int | None = None) -> bytes:
        """The file's bytes; at most `most` of them, without it what one picture may have."""
        limit = most or MAX_BYTES
        file = self.root / name
        try:
            status = file.stat()
            if not stat.S_ISREG(status.st_mode):  # a pipe or device would be read for ever
                raise UnreadableImage("not a regular file")
            if status.st_size > limit:
                raise UnreadableImage(f"larger than {limit / 1e6:.0f} MB")
            return file.read_bytes()
        except OSError as error:
            raise UnreadableImage(error.strerror or "cannot be read") from None

    def picture(self, name: str, shrink: Shrink | None = None) -> Tensor:
        """The decoded file."""
        return decode(self.content(name), shrink)


class Archive:
    """Members of a zip, read in memory and never unpacked to disk.

    Raises:
        UnsafeArchive: a member's name leads outside the archive, or is a link.
        DataError: not a zip, or one with a password.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self._zip = zipfile.ZipFile(root)
        except Exception as error:  # damaged directories raise struct's, Unicode's and other errors, too
            raise DataError(f"{root}: not a zip that can be opened ({error})") from None
        if any(info.flag_bits & ENCRYPTED for info in self._zip.infolist()):
            raise DataError(f"{root}: the zip has a password; unpack it and give the folder instead")
        self._members = {_member_name(root, info): info for info in self._zip.infolist() if not info.is_dir()}

    def names(self) -> list[str]:
        """Every member, sorted."""
        return sorted(self._members)

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._members

    def content(self, name: str, most: int | None = None) -> bytes:
        """The member's bytes, at most `most`; what its header claims about their number is not believed."""
        limit = most or MAX_BYTES
        try:
            with self._zip.open(self._members[name]) as stream:
                data = stream.read(limit + 1)
        except Exception as error:  # zipfile, zlib, bz2 and lzma raise almost anything on damaged members
            raise UnreadableImage(f"cannot be unpacked ({error})") from None
        if len(data) > limit:
            raise UnreadableImage(f"unpacks to more than {limit / 1e6:.0f} MB")
        return data

    def picture(self, name: str, shrink: Shrink | None = None) -> Tensor:
        """The decoded member."""
        return decode(self.content(name), shrink)


class Arrays:
    """Pictures of one size that are in memory already.

    Args:
        root: where they came from, for messages.
        pictures: name prefix ("train", "test") to uint8 (N, C, H, W).
    """

    def __init__(self, root: Path, pictures: Mapping[str, Tensor]) -> None:
        self.root = root
        self.pixels = torch.cat(list(pictures.values()))
        self.names = [f"{part}/{row:05d}" for part, block in pictures.items() for row in range(len(block))]
        self._row = {name: row for row, name in enumerate(self.names)}
        self._bytes = self.pixels.numpy()
        self._shape = str(tuple(self.pixels.shape[1:])).encode()

    def rows(self, names: list[str]) -> Tensor:
        """Several pictures at once, uint8 (N, C, H, W)."""
        return self.pixels[[self._row[name] for name in names]]

    def content(self, name: str) -> bytes:
        """The picture's pixels, behind its shape."""
        pixels: bytes = self._bytes[self._row[name]].tobytes()
        return self._shape + pixels

    def picture(self, name: str, shrink: Shrink | None = None) -> Tensor:  # noqa: ARG002 (nothing is decoded)
        """The picture, uint8 (C, H, W); nothing is decoded, so nothing to shrink."""
        return self.pixels[self._row[name]]


class Many:
    """Pictures of several places under names of the caller's choice."""

    def __init__(self, places: Mapping[str, tuple[Store, str]]) -> None:
        self.root = Path()
        self._places = places

    def content(self, name: str) -> bytes:
        """The bytes, from where they lie."""
        store, inner = self._places[name]
        return store.content(inner)

    def picture(self, name: str, shrink: Shrink | None = None) -> Tensor:
        """The picture, from where it lies."""
        store, inner = self._places[name]
        return store.picture(inner, shrink)


def is_picture(name: str) -> bool:
    """Whether the name is a picture's, in a folder that people look into.

    >>> is_picture("cats/1.JPG"), is_picture("cats/.DS_Store"), is_picture("__MACOSX/cats/1.jpg")
    (True, False, False)
    """
    parts = name.split("/")
    return has_picture_suffix(name) and not any(part.startswith(".") or part in JUNK_FOLDERS for part in parts)


def has_picture_suffix(name: str) -> bool:
    """Whether the name is a picture's, wherever it lies.

    >>> has_picture_suffix(".cache/1.JPG")
    True
    """
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def plain(name: str) -> str:
    """One spelling for a name: macOS stores Hangul in pieces (NFD), everything else composed (NFC).

    >>> len(plain("\u1100\u1161"))
    1
    """
    return unicodedata.normalize("NFC", printable(name)).strip()


def printable(name: str) -> str:
    r"""A name that can be written anywhere: bytes that are no Unicode, as old archives leave them, are spelt out.

    >>> printable("caf\udce9"), printable("고양이")
    ('caf\\xe9', '고양이')
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _member_name(archive: Path, info: zipfile.ZipInfo) -> str:
    """The member's name as it was meant, or a refusal."""
    name = info.orig_filename  # whole: `filename` ends before a NUL
    if not info.flag_bits & UTF8:  # no UTF-8 flag: old Windows and macOS zips wrote their own encoding
        raw = name.encode("cp437", errors="replace")
        for encoding in ("utf-8", "cp949"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or OUTSIDE.match(name) or "\0" in name:
        raise UnsafeArchive(f"{archive}: the member {name!r} leads outside the archive; make the zip anew without it")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnsafeArchive(f"{archive}: the member {name!r} is a link; make the zip anew with the file itself")
    return "/".join(parts)
