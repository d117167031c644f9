"""The classroom's kit: a folder of weights with checksums, licences and a page that says how to use it."""

import os
import shutil
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from convscope.data.files import write_json, write_text
from convscope.errors import ModelFileError
from convscope.models import zoo
from convscope.models.bundle import Bundle
from convscope.models.pretrained import catalogue, shelf
from convscope.words import SILENT, Listener

SCHEMA = 1
MANIFEST = "manifest.json"
LICENCES = "LICENCES.txt"
README = "README.txt"
JUNK = {"thumbs.db", "desktop.ini"}
# whose installed package holds the text of a licence, with the names that it asks to be kept
TEXTS = {catalogue.BSD: "torchvision", catalogue.APACHE: "timm"}

HOW_TO = """Weights for convscope, to be used without a network.

  convscope weights verify FOLDER            is every file as it was packed?
  convscope weights list --weights-dir FOLDER
  convscope weights import FOLDER/FILE --model NAME --classes imagenet

Set the variable CONVSCOPE_WEIGHTS to this folder once, and convscope looks there first.
{manifest} holds each file's SHA-256, {licences} whose they are. This folder may be read-only, or shared by a class.
"""


class Manifest(BaseModel):
    """What a kit holds.

    Attributes:
        schema_version: of this layout; a newer one is refused.
        convscope: version that packed it.
        weights: one record a file.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = Field(default=SCHEMA, ge=1, le=SCHEMA)
    convscope: str
    weights: tuple[shelf.Record, ...]


class Fault(NamedTuple):
    """One thing in a kit that is not as it was packed.

    Attributes:
        file: its name.
        kind: "damaged", "missing" or "unknown".
        detail: what was found.
    """

    file: str
    kind: str
    detail: str


def wanted(names: list[str]) -> list[tuple[Path, shelf.Record]]:
    """The files to pack, with their records: those named, or everything that was fetched.

    Args:
        names: of networks, of weights, or model files that `convscope weights import` made.

    Raises:
        ModelFileError: one of them is not here, or there is none at all.
    """
    if names:
        return [_model_file(Path(name)) if name.endswith(shelf.SUFFIX) else _cached(name) for name in names]
    found = []
    for row in catalogue.KNOWN:
        file = shelf.cache() / row.file
        record = shelf.record_of(file)
        if record and file.is_file():
            found.append((file, record))
    if not found:
        raise ModelFileError(f"no weights are in {shelf.cache()}; convscope weights fetch NAME gets some")
    return found


def _cached(name: str) -> tuple[Path, shelf.Record]:
    row = catalogue.find(name)
    file = shelf.cache() / row.file
    record = shelf.record_of(file)
    if not record or not file.is_file():
        raise ModelFileError(f"{name}: not in {shelf.cache()}; convscope weights fetch {name} gets it")
    return file, record


def _model_file(file: Path) -> tuple[Path, shelf.Record]:
    card = Bundle.load(file).card
    record = shelf.Record(
        file=f"{card.network}{shelf.SUFFIX}"
        if card.network in zoo.NETWORKS
        else f"{file.stem.lstrip('.')}{shelf.SUFFIX}",
        network=card.network,
        sha256=shelf.sha256_of(file),
        bytes=file.stat().st_size,
        licence=card.licence or "unknown",
        source=f"a model file, {file.name}",
    )
    return file, record


def pack(folder: Path, files: list[tuple[Path, shelf.Record]], listener: Listener = SILENT) -> Manifest:
    """Make a kit, or add to one: copies, then the manifest, so that a kit that broke off is none yet.

    Args:
        folder: a new or empty one, or a kit.
        files: from `wanted`.
        listener: hears how it goes.

    Raises:
        ModelFileError: the folder is another thing's, cannot be written, or a file in the cache is damaged.
    """
    before = _read(folder).weights if (folder / MANIFEST).exists() else ()
    try:
        if not before and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ModelFileError(f"{folder}: neither empty nor a kit of weights; give another folder")
        folder.mkdir(parents=True, exist_ok=True)
        here = {record.file: record for record in before}
        new = [
            (file, record)
            for file, record in files
            if here.get(record.file) != record or _fault(folder / record.file, record)
        ]
        needed = sum(record.bytes for _, record in new)
        shelf.refuse_full(folder, needed)
        done = 0
        for file, record in new:
            _copy(file, folder / record.file, record)
            done += record.bytes
            listener.progress("pack", done // shelf.MEGABYTE, max(1, needed // shelf.MEGABYTE))
        everything = tuple(sorted({**here, **{record.file: record for _, record in files}}.values(), key=_by_file))
        manifest = Manifest(convscope=version("convscope"), weights=everything)
        write_text(folder / LICENCES, _licences(everything))
        write_text(folder / README, HOW_TO.format(manifest=MANIFEST, licences=LICENCES))
        write_json(folder / MANIFEST, manifest.model_dump())
    except OSError as error:
        raise ModelFileError(f"{folder}: cannot be written ({error.strerror or error})") from None
    return manifest


def verify(folder: Path, listener: Listener = SILENT) -> tuple[Manifest, list[Fault]]:
    """The manifest of a kit, and everything that is not as it says.

    Args:
        folder: the kit.
        listener: hears how it goes.

    Raises:
        ModelFileError: it is no kit.
    """
    manifest = _read(folder)
    total = max(1, sum(record.bytes for record in manifest.weights) // shelf.MEGABYTE)
    faults, done = [], 0
    for record in manifest.weights:
        fault = _fault(folder / record.file, record)
        faults += [Fault(record.file, *fault)] if fault else []
        done += record.bytes
        listener.progress("verify", done // shelf.MEGABYTE, total)
    known = {record.file for record in manifest.weights} | {MANIFEST, LICENCES, README}
    faults += [
        Fault(entry.name, "unknown", "not in the manifest")
        for entry in sorted(folder.iterdir())
        if entry.name not in known and not entry.name.startswith(".") and entry.name.lower() not in JUNK
    ]
    return manifest, faults


def _fault(file: Path, record: shelf.Record) -> tuple[str, str] | None:
    try:
        size = file.stat().st_size
        if size != record.bytes:
            return "damaged", f"{size:,} bytes, not {record.bytes:,}"
        if shelf.sha256_of(file) != record.sha256:
            return "damaged", "another SHA-256"
    except FileNotFoundError:
        return "missing", "not there"
    except OSError as error:
        return "damaged", f"cannot be read ({error.strerror})"
    return None


def _read(folder: Path) -> Manifest:
    file = folder / MANIFEST
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ModelFileError(
            f"{folder}: no kit of weights ({MANIFEST}: {error.strerror}); convscope weights pack DIR makes one"
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["loc"] == ("schema_version",) and first["type"] == "less_than_equal":
            raise ModelFileError(
                f"{file}: from a newer convscope (schema {first['input']}); update convscope"
            ) from None
        where = ".".join(map(str, first["loc"]))
        raise ModelFileError(f"{file}: cannot be used ({where}: {first['msg']}); pack it anew") from None


def _copy(file: Path, target: Path, record: shelf.Record) -> None:
    """Copy under a provisional name, and give the true one only to what has the right checksum."""
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(file, part)
        if shelf.sha256_of(part) != record.sha256:
            raise ModelFileError(
                f"{file}: damaged, another SHA-256 than when it was fetched; delete it and fetch it anew"
            )
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _by_file(record: shelf.Record) -> str:
    return record.file


def _licences(records: tuple[shelf.Record, ...]) -> str:
    lines = [f"{record.file}: {record.licence}\n    from {record.source}" for record in records]
    lines.append("The photos of ImageNet, on which most were trained, are under terms of their own (non-commercial).")
    for licence in sorted({record.licence for record in records} & TEXTS.keys()):
        lines.append(f"\n{'-' * 80}\n{licence}\n\n{_licence_text(TEXTS[licence])}")
    return "\n".join(lines) + "\n"


def _licence_text(package: str) -> str:
    """The licence that came with an installed package."""
    try:
        files = distribution(package).files or []
        return next(file.read_text() for file in files if file.name == "LICENSE")
    except (PackageNotFoundError, StopIteration, OSError):
        return f"(the text lies beside the package {package})"
