"""How results are printed: the machine, a table, and what to know about it."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from convscope.inference import cpu


def machine(*libraries: str) -> str:
    """The processor, what it can do, and versions, in two lines."""
    found = [f"{name} {version_of(name)}" for name in ("convscope", *libraries)]
    bf16 = ", ".join(cpu.bf16_hardware()) or "none"
    return (
        f"{cpu.model_name()}, {cpu.threads()} cores in use, bfloat16 instructions: {bf16}\n"
        f"Python {platform.python_version()}, {', '.join(found)}"
    )


def version_of(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def show(header: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """Print columns: the first to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        first, *others = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *others)).rstrip())
    for note in notes:
        print(f"- {note}")
