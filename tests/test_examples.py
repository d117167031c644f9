"""Examples run, and what the two READMEs show is what the product does."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from convscope.ui.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.ko.md")
KEY_LINE = {"quickstart.py": r"test top-1 0\.9\d\d, 95 % interval 0\.\d{3} to 0\.\d{3}"}


def run_python(*arguments, folder):
    """A Python of its own, to which every warning is an error."""
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("*.py")), ids=lambda file: file.name)
def test_an_example_runs_without_a_warning(file, tmp_path):
    result = run_python(file, folder=tmp_path)

    assert result.returncode == 0, result.stderr
    assert re.search(KEY_LINE[file.name], result.stdout), result.stdout
    assert list(tmp_path.iterdir()) == [], "an example leaves nothing behind"


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language=r"\w*"):
    """Contents of the fenced blocks in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text(name), re.M | re.S)


def shown_by(block, example):
    """Whether an example holds the block: its imports anywhere, the rest in one piece, however deep it is indented."""
    lines = [line.strip() for line in example.splitlines()]
    imports = [line for line in block.splitlines() if line.startswith(("import ", "from "))]
    rest = "\n".join(line.strip() for line in block.splitlines() if line not in imports).strip()
    return set(imports) <= set(lines) and rest in "\n".join(lines)


@pytest.mark.parametrize("name", READMES)
def test_the_python_of_a_readme_runs(name, tmp_path):
    examples = [file.read_text(encoding="utf-8") for file in (ROOT / "examples").glob("*.py")]
    python = blocks(name, "python")

    assert python
    for block in python:
        if any(shown_by(block, example) for example in examples):
            continue  # and the example was run
        result = run_python("-c", block, folder=tmp_path)
        assert result.returncode == 0, f"{block}\n{result.stderr}"


def test_a_block_is_shown_only_when_all_of_it_is():
    example = "import a\n\ndef f():\n    b = a.c()\n    print(b)\n"

    assert shown_by("import a\n\nb = a.c()\nprint(b)\n", example)
    assert not shown_by("import d\n\nb = a.c()\n", example)
    assert not shown_by("import a\n\nb = a.c(1)\n", example)


def command_lines(name):
    """Every `convscope ...` of the sh blocks, as words."""
    lines = "".join(blocks(name, "sh")).splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("convscope ")]


@pytest.fixture
def help_of(capsys):
    """A command's --help, asked once."""

    @cache
    def ask(*command):
        with pytest.raises(SystemExit) as leaving:
            main([*command, "--help"])
        assert not leaving.value.code
        return capsys.readouterr().out

    return ask


@pytest.mark.parametrize("name", READMES)
def test_the_commands_of_a_readme_exist_with_their_flags(name, help_of):
    lines = command_lines(name)

    assert len(lines) > 3
    for command, *rest in lines:
        assert command in COMMANDS, command
        inner = rest[:1] if command == "weights" else []  # a group: its commands have flags of their own
        listed = set(re.findall(r"--[\w-]+", help_of(command, *inner).partition("Options:")[2]))
        assert {word.partition("=")[0] for word in rest if word.startswith("-")} <= listed, rest


@pytest.mark.parametrize("name", READMES)
def test_the_table_of_commands_is_the_commands(name):
    rows = re.findall(r"^\| `convscope ([\w-]+)", text(name), re.M)

    assert rows == list(COMMANDS)


@pytest.mark.parametrize("name", READMES)
def test_the_make_targets_of_a_readme_exist(name):
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.M))
    named = set(re.findall(r"^make (\w+)", "".join(blocks(name, "sh")), re.M))

    assert named
    assert named <= targets


def headings(name):
    """Levels of the headings outside code, in order."""
    return [line.split()[0] for line in re.sub(r"^```.*?^```$", "", text(name), flags=re.M | re.S).splitlines()
            if line.startswith("#")]  # fmt: skip


def test_both_readmes_are_built_alike_and_show_the_same_code():
    assert headings("README.md") == headings("README.ko.md")
    assert blocks("README.md") == blocks("README.ko.md")
    assert "(README.ko.md)" in text("README.md").splitlines()[2]
    assert "(README.md)" in text("README.ko.md").splitlines()[2]


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md"])
def test_links_inside_the_project_lead_somewhere(name):
    targets = re.findall(r"\]\(([^)#]+)", text(name))

    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []
