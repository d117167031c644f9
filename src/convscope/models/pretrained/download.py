"""Fetching weights from the Hugging Face hub: resumed where it broke off, checked, and kept.

huggingface_hub gives addresses, headers, retries and proxies. The file in progress is ours: the library starts anew
after a run that broke off (its issue 4196), and 500 MB of VGG is a long way on a school's line. Nothing else is asked
of the hub or told to it: no token, no telemetry, no list of tools.
"""

import logging
import os
import re
from pathlib import Path
from typing import NamedTuple, Self

from safetensors import SafetensorError, safe_open

from convscope.data.files import write_json
from convscope.errors import ModelFileError
from convscope.models.pretrained import catalogue, shelf
from convscope.words import SILENT, Listener

# the file's name in every repository
REMOTE = "model.safetensors"
AGENT = "convscope"
# bytes that a line which breaks may cost; also how often progress is told
CHUNK = 1_000_000
SHA256 = re.compile("[0-9a-f]{64}")
TRUE = {"1", "ON", "YES", "TRUE"}


class Fetched(NamedTuple):
    """One file of weights that is here now.

    Attributes:
        path: of the file.
        record: what is known of it.
        cached: whether it was here before.
    """

    path: Path
    record: shelf.Record
    cached: bool


def fetch(weights: catalogue.Weights, listener: Listener = SILENT) -> Fetched:
    """The file, from the cache or else from the hub (HF_ENDPOINT, if that is set).

    Args:
        weights: a row of the catalogue.
        listener: hears how it goes.

    Raises:
        ModelFileError: it cannot be had, or what came is not what was announced.
    """
    file = shelf.cache() / weights.file
    record = shelf.record_of(file)
    try:
        if record and file.is_file():
            if shelf.sha256_of(file) == record.sha256:
                return Fetched(file, record, cached=True)
            file.unlink()
        file.parent.mkdir(parents=True, exist_ok=True)
        part, record = _download(weights, file, listener)
        write_json(shelf.record_file(file), record.model_dump())
        part.replace(file)
    except OSError as error:
        raise ModelFileError(f"{weights.name}: cannot be kept in {file.parent} ({error.strerror or error})") from None
    return Fetched(file, record, cached=False)


def _download(weights: catalogue.Weights, file: Path, listener: Listener) -> tuple[Path, shelf.Record]:
    """The whole file under its provisional name, checked, and what is known of it."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of the client that it uses today
    from huggingface_hub.file_download import http_get

    constants.HF_HUB_DISABLE_TELEMETRY = True  # its variable was read on import, which may be long ago
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # what is worth saying stands in our error
    endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    url = hf_hub_url(weights.repository, REMOTE, endpoint=endpoint.rstrip("/"))
    if constants.is_offline_mode() or os.environ.get("HF_HUB_OFFLINE", "").upper() in TRUE:
        raise ModelFileError(_sentence(weights, file, url, "not fetched: HF_HUB_OFFLINE is set"))
    part = None
    try:
        remote = get_hf_file_metadata(url, token=False, library_name=AGENT, endpoint=endpoint)
        if not SHA256.fullmatch(remote.etag or "") or remote.size is None:
            raise ModelFileError(f"{weights.name}: {url} comes without SHA-256 and length, as no hub's file does")
        announced = str(remote.etag)
        part = file.with_name(f".{weights.name}.{announced[:16]}.part")
        have = part.stat().st_size if part.exists() else 0
        have = have if have <= remote.size else 0
        shelf.refuse_full(file.parent, remote.size - have)
        with part.open("ab" if have else "wb") as stream:
            http_get(
                url,
                stream,
                resume_size=have,
                headers={"user-agent": AGENT},
                expected_size=remote.size,
                tqdm_class=_bar(listener, have, remote.size),
            )
            stream.flush()
            os.fsync(stream.fileno())
    except (HTTPError, OSError) as error:
        kept = part.stat().st_size if part and part.exists() else 0
        reason = f"could not be fetched: {_reason(error)}"
        raise ModelFileError(_sentence(weights, file, url, reason, kept)) from None
    found = shelf.sha256_of(part)
    what = f"has SHA-256 {found}, not {announced}" if found != announced else _fault(part)
    if what:
        part.unlink()
        raise ModelFileError(f"{weights.name}: what came from {url} {what}; nothing was kept")
    return part, shelf.Record(
        file=weights.file,
        network=weights.network,
        sha256=found,
        bytes=remote.size,
        licence=weights.licence,
        source=url,
    )


def _sentence(weights: catalogue.Weights, file: Path, url: str, reason: str, kept: int = 0) -> str:
    """What is missing, where it would come from, and what to do."""
    again = f"fetch it again, which goes on after the {kept:,} bytes that are here; or " if kept else ""
    return (
        f"{weights.name}: {weights.file} is not in {file.parent} and would come from {url}, {reason}; {again}"
        "carry it here from a machine that has it (convscope weights pack DIR), or bring a file of your own (convscope "
        "weights import FILE)"
    )


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].partition(" (Request ID")[0].partition(" for url")[0].rstrip(".") if lines else type(error).__name__


def _fault(file: Path) -> str:
    """What is wrong with a file that should be safetensors, or nothing."""
    try:
        with safe_open(file, framework="pt"):
            return ""
    except SafetensorError:
        return "is not a safetensors file"


def _bar(listener: Listener, have: int, total: int) -> type:
    """A progress bar of the kind that the library fills, which tells the listener."""

    class Bar:
        done = have

        def __init__(self, **_: object) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, count: int) -> None:
            Bar.done += count
            listener.progress("fetch", round(Bar.done / shelf.MEGABYTE), max(1, round(total / shelf.MEGABYTE)))

    return Bar
