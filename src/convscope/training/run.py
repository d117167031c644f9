"""A run: its folder, and `train`, which fills one."""

import html
import json
import os
import platform
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from convscope.data.files import write_bytes
from convscope.errors import RunError
from convscope.evaluation.report import Report
from convscope.inference import cpu
from convscope.models.bundle import FILE

SCHEMA = 1
MAX_NAME = 200  # bytes; file systems take 255, and a number may follow

ENGINES = ("openvino", "onnxruntime", "timm")
LIBRARIES = ("torch", "torchvision", "accelerate", "numpy", "scikit-learn", "pillow", "safetensors")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: its folder.
        epochs: epochs trained.
        seconds: from the first picture read to the last figure.
        val_top1: of the epoch whose weights were kept.
        test_top1: or None when the data has no test.
        report: of the test, else of the validation pictures.
    """

    path: Path
    epochs: int
    seconds: float
    val_top1: float
    test_top1: float | None
    report: Report = field(repr=False)

    @property
    def model(self) -> Path:
        """The model file."""
        return self.path / FILE

    def to_dict(self) -> dict[str, Any]:
        """What `convscope train --json` prints."""
        return {
            "run": str(self.path),
            "model": str(self.model),
            "network": self.report.model,
            "epochs": self.epochs,
            "seconds": round(self.seconds, 2),
            "val_top1": self.val_top1,
            "test_top1": self.test_top1,
            "broken": list(self.report.broken),
        }

    def _repr_html_(self) -> str:
        return f"<p>run <code>{html.escape(str(self.path))}</code>, {self.epochs} epochs</p>{self.report._repr_html_()}"


def refuse_unwritable(out: Path, name: str | None = None) -> None:
    """Raise before any work is done when a folder `name` could not be made in `out`.

    Raises:
        RunError: `out` or what it lies in is no folder, or may not be written to; or `name` is no folder's name.
    """
    if name is not None and (name != Path(name).name or name in {"", ".", ".."} or len(os.fsencode(name)) > MAX_NAME):
        raise RunError(f"--name {name[:MAX_NAME]}: expected a plain folder name")
    try:
        there = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    except OSError as error:
        raise RunError(f"--out {str(out)[:MAX_NAME]}: not a folder that can be used ({error.strerror})") from None
    if not there.is_dir():
        raise RunError(f"--out {out}: {there} is a file, not a folder; give another folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise RunError(f"--out {out}: {there} cannot be written to; give another folder, or change its rights")


def new_folder(out: Path, name: str) -> Path:
    """Make `out/name`, numbered when it is there already: never two runs in one folder.

    Raises:
        RunError: it cannot be made.
    """
    number = 1
    while True:
        folder = out / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise RunError(f"--out {out}: no run folder can be made there ({error.strerror})") from None
        else:
            return folder


def default_name(model: str, title: str) -> str:
    """A folder name that says what was trained on what.

    >>> default_name("lenet5", "../data/my flowers/")
    'lenet5-my_flowers'
    >>> default_name("timm:resnet18", "digits")
    'timm_resnet18-digits'
    """
    plain = re.sub(r"[^\w.+-]+", "_", model).strip("_.")
    subject = re.sub(r"[^\w.-]+", "_", Path(title).name.removesuffix(".zip")).strip("_.")
    return f"{plain[:60]}-{subject[:60] or 'data'}"


def environment(threads: int, device: str, choices: dict[str, Any]) -> dict[str, Any]:
    """What env.json holds: versions, processor, and choices that were timed on this machine."""
    return {
        "schema": SCHEMA,
        "convscope": version("convscope"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: version(name) for name in LIBRARIES} | {name: _version(name) for name in ENGINES},
        "cpu": cpu.model_name(),
        "bf16": cpu.bf16_hardware(),
        "device": device,
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "threads": threads,
        **choices,
    }


def _version(name: str) -> str | None:
    """Of a library that may be absent."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def logger(folder: Path) -> Callable[..., None]:
    """A function that appends one event, with the time, to the run's log.jsonl."""
    file = folder / "log.jsonl"
    if not file.exists():
        write_bytes(file, b"")

    def log(event: str, **values: object) -> None:
        line = json.dumps({"time": round(time.time(), 3), "event": event, **values}, ensure_ascii=False)
        with suppress(OSError), file.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(line + "\n")  # a log is no reason to end what it tells of

    return log
