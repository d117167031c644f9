"""The rooms, who may import whom, where the outside world comes in, and how long a file may be."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "convscope"

# from the ground up: a room imports only rooms of lower floors, never a neighbour
FLOORS = [
    {"errors", "words"},
    {"layers", "data"},
    {"models"},
    {"inference"},
    {"explanation"},
    {"evaluation", "lessons"},
    {"training", "deployment"},
    {"ui"},
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}

# one door per heavy or optional dependency
DOORS = {
    "accelerate": ("training",),
    "timm": ("models/pretrained",),
    "huggingface_hub": ("models/pretrained",),
    "openvino": ("inference/engine", "deployment"),
    "onnxruntime": ("inference/engine", "deployment"),
    "ray": ("deployment/bulk", "training/distributed"),
    "fastapi": ("deployment/server", "ui/app"),
    "matplotlib": ("explanation/draw",),
    "gradio": ("ui/app",),
    "typer": ("ui",),
    "rich": ("ui",),
}
FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "lightning", "pytorch_lightning"}
TOP_FILES = {"__init__", "__main__", "errors"}
LINES = 300


def imports(code: str) -> set[str]:
    """Every module that is imported anywhere, inside functions too; by importlib with a constant name as well."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "write imports in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if called in {"import_module", "__import__"}:
                names |= {_constant_start(first)}
    return names


def _constant_start(node: ast.expr) -> str:
    """The text of a constant, or the constant start of an f-string."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
        return str(node.values[0].value).rstrip(".")
    return ""


def violations(name: str, code: str) -> list[str]:
    """What a file of that name, such as `data/listing.py`, does against the house rules."""
    found: list[str] = []
    here = name.split("/", maxsplit=1)[0].removesuffix(".py")
    imported = imports(code)
    if "/" in name:
        rooms = {module.split(".")[1] for module in imported if module.startswith("convscope.")}
        # a public verb (`from convscope import train`) counts as the top floor: only `ui` may use it
        found += [
            f"{here} must not import {room}"
            for room in sorted(rooms - {here})
            if FLOOR.get(room, FLOOR["ui"] - 1) >= FLOOR.get(here, 0)
        ]
    packages = {module.split(".")[0] for module in imported}
    found += [
        f"{package} belongs in {DOORS[package]}"
        for package in sorted(packages & DOORS.keys())
        if not name.startswith(DOORS[package])
    ]
    found += [f"{package} is not used here at all" for package in sorted(packages & FORBIDDEN)]
    if len(code.splitlines()) > LINES:
        found.append(f"longer than {LINES} lines")
    if here not in FLOOR and here not in TOP_FILES:
        found.append(f"{here} is no room of the house")
    return found


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(SOURCE).as_posix())
def test_a_file_keeps_the_house_rules(file):
    assert violations(file.relative_to(SOURCE).as_posix(), file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", [f for s in ("*.html", "*.css", "*.js") for f in sorted(SOURCE.rglob(s))], ids=str)
def test_a_page_file_fits_in_a_head(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LINES


SEEDED = {
    "upwards": ("data/a.py", "from convscope.models.zoo import build", "data must not import models"),
    "sideways": ("layers/a.py", "import convscope.data.listing", "layers must not import data"),
    "in a function": (
        "models/a.py",
        "def f():\n    from convscope.training.loop import Loop",
        "models must not import training",
    ),
    "by importlib": ("data/a.py", "import_module('convscope.ui.console')", "data must not import ui"),
    "by a public verb": ("evaluation/a.py", "from convscope import train", "evaluation must not import train"),
    "wrong door": ("models/zoo.py", "import timm", "timm belongs in"),
    "wrong door, inside": ("data/a.py", "def f():\n    import rich.table", "rich belongs in"),
    "pickle": ("models/bundle.py", "import pickle", "pickle is not used here"),
    "too long": ("data/a.py", "x = 1\n" * 301, "longer than 300 lines"),
    "unknown room": ("utils/a.py", "x = 1", "utils is no room"),
    "unknown file": ("helpers.py", "x = 1", "helpers is no room"),
}


@pytest.mark.parametrize("case", SEEDED)
def test_a_seeded_violation_is_caught(case):
    name, code, sentence = SEEDED[case]

    assert any(sentence in found for found in violations(name, code))


def test_a_relative_import_is_refused():
    with pytest.raises(AssertionError, match="in full"):
        violations("data/a.py", "from .listing import Listing")


def test_nothing_is_loaded_that_may_hold_code():
    for file in FILES:
        found = re.findall(r"torch\.load\(|allow_pickle|joblib|\.read_pickle", file.read_text(encoding="utf-8"))
        assert found == [], file


def test_no_code_is_evaluated_from_text():
    for file in FILES:
        calls = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        assert not [c for c in calls if getattr(c.func, "id", "") in {"eval", "exec", "compile"}], file
