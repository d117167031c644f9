"""Where weights lie on this machine: the cache and the kit's folder; and what is written down about each file."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from convscope.data.builtin import cache_folder
from convscope.errors import ModelFileError
from convscope.models.pretrained import catalogue

FOLDER_VARIABLE = "CONVSCOPE_WEIGHTS"
SUFFIX = ".safetensors"
MEGABYTE = 1_000_000


class Record(BaseModel):
    """What is known of one file of weights.

    Attributes:
        file: its name in the folder.
        network: which of the zoo it fits.
        sha256: of its bytes, hex.
        bytes: its length.
        licence: SPDX identifier, or what the one who made it says.
        source: where it came from.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str
    network: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: int = Field(ge=0)
    licence: str
    source: str

    @field_validator("file")
    @classmethod
    def _plain(cls, file: str) -> str:
        if file != Path(file.replace("\\", "/")).name or file.startswith(".") or not file.endswith(SUFFIX):
            raise ValueError(f"{file!r} is not a plain file name that ends in {SUFFIX}")
        return file


def cache() -> Path:
    """Where fetched weights are kept."""
    return cache_folder() / "weights"


def folders(given: Path | None = None) -> list[Path]:
    """Where weights are looked for, in this order: the folder given, that of CONVSCOPE_WEIGHTS, the cache.

    Raises:
        ModelFileError: a folder that was named is not there.
    """
    named = [folder for folder in (given, os.environ.get(FOLDER_VARIABLE)) if folder]
    for folder in named:
        if not Path(folder).is_dir():
            whose = "--weights-dir" if folder is given else FOLDER_VARIABLE
            raise ModelFileError(f"{whose} {folder}: no such folder; make one with convscope weights pack")
    return [*map(Path, named), cache()]


def find_weights(network: str, places: Sequence[Path]) -> Path | None:
    """The first file of weights for a network: one that the catalogue knows, or a model file of that name.

    Args:
        network: of the zoo.
        places: folders, best first; see `folders`.
    """
    names = [row.file for row in catalogue.KNOWN if row.network == network]
    return find_file([*names, network + SUFFIX], places)


def find_file(names: Iterable[str], places: Sequence[Path]) -> Path | None:
    """The first of the names that lies in one of the folders, the first folder first."""
    wanted = list(names)
    return next((place / name for place in places for name in wanted if (place / name).is_file()), None)


def record_file(file: Path) -> Path:
    """The note that lies beside a fetched file."""
    return file.with_suffix(".json")


def record_of(file: Path) -> Record | None:
    """What was written down when the file was fetched; None when nothing was, or when it cannot be read."""
    try:
        return Record.model_validate_json(record_file(file).read_bytes())
    except (OSError, ValidationError):
        return None


def refuse_full(folder: Path, needed: int) -> None:
    """Complain before a folder is filled to the brim.

    Args:
        folder: where the files go; it exists.
        needed: bytes.

    Raises:
        ModelFileError: there is less room than that.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelFileError(f"{folder}: {needed:,} bytes are needed and {free:,} are free; make room")


def sha256_of(file: Path) -> str:
    """The file's SHA-256, hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
