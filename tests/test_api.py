"""The public names: all there, lazy, and none of them also a room."""

import subprocess
import sys
import typing
from pathlib import Path

import convscope

ROOMS = {path.name for path in Path(convscope.__file__).parent.iterdir() if path.is_dir()}
PUBLIC = [
    "Bundle", "ConvscopeError", "Listing", "Passport", "Predictions", "Preprocess", "Recipe", "Report", "Run",
    "build", "check", "compare", "describe", "evaluate", "mistakes", "predict", "read", "train",
]  # fmt: skip


def test_the_public_names_are_these():
    assert convscope.__all__ == PUBLIC
    assert sorted(convscope._HOME) == PUBLIC


def test_every_public_name_is_found_where_it_says():
    for name in PUBLIC:
        found = getattr(convscope, name)
        assert found.__module__ == f"convscope.{convscope._HOME[name]}", name


def test_editors_see_the_same_names():
    text = Path(convscope.__file__).read_text(encoding="utf-8")
    typed = text[text.index("if TYPE_CHECKING") : text.index("_HOME")]
    for name, home in convscope._HOME.items():
        assert any(f"convscope.{home} import" in line and name in line for line in typed.splitlines()), name


def test_no_public_name_is_also_a_room():
    assert not ROOMS & set(PUBLIC)


def test_public_functions_have_types():
    for name in PUBLIC:
        found = getattr(convscope, name)
        if callable(found) and not isinstance(found, type):
            assert "return" in typing.get_type_hints(found), name


def test_importing_loads_nothing_heavy():
    code = (
        "import convscope, sys; print([m for m in ('torch', 'numpy', 'pydantic', 'rich', 'typer') if m in sys.modules])"
    )

    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_help_loads_neither_torch_nor_pydantic_nor_rich():
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "convscope", "--help"], capture_output=True, text=True, check=True
    )
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in result.stderr.splitlines() if "|" in line}

    assert "typer" in loaded
    assert not loaded & {"torch", "torchvision", "pydantic", "rich", "numpy", "sklearn", "accelerate"}
