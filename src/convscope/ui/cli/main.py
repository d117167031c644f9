"""The entry point: finds the command, runs it, turns our errors into one line and an exit status.

Exit status: 0 done; 2 the user's input; 130 interrupted; 1, with a traceback, a bug.
"""

import inspect
import re
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from convscope.errors import ConvscopeError, nearest
from convscope.ui.console import close_bars

COMMANDS = {
    "demo": "Train LeNet-5 on built-in digits and judge it: offline, under a minute.",
    "check": "Say what is wrong with your pictures before you train on them: the data passport.",
    "train": "Train a network on your pictures.",
    "mistakes": "List pictures whose label is probably wrong, and decide about them.",
    "lr-find": "Find a learning rate that trains.",
    "evaluate": "Judge a model: accuracy with its interval, confusion, mistakes.",
    "predict": "Say what pictures show.",
    "compare": "Compare runs: accuracies with intervals, and a paired test.",
    "app": "Open the app in a browser: train, and try it.",
    "models": "List the networks.",
    "summary": "Show a network's layers and their arithmetic.",
    "augment": "Show what augmentation makes of a picture.",
    "weights": "Borrowed weights: list, fetch, pack, verify, import.",
    "cache": "What convscope keeps on this machine: list, clear.",
    "claims": "What course notes say, and what is true.",
    "doctor": "Say what this machine can do, and what convscope chose.",
}


class LazyGroup(TyperGroup):
    """Knows every command's name and one line; imports a command's file when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 (typer's context has no public type)
        """Names, in the order of a first visit."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 (as above)
        """The command, built from its file."""
        if cmd_name not in COMMANDS:
            return None
        file = cmd_name.replace("-", "_")
        function = getattr(import_module(f"convscope.ui.cli.{file}"), file)
        if isinstance(function, typer.Typer):  # a group with commands of its own
            return typer.main.get_command(function)
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        app.command(cmd_name, help=f"{COMMANDS[cmd_name]}\n\n{inspect.getdoc(function)}")(function)
        return typer.main.get_command(app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 (as above)
        """The list in `--help`, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def show_version(wanted: bool) -> None:
    """Print the version and leave, when asked."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"convscope {version('convscope')}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train an image classifier on your own pictures, and see how good it really is.\n\n"
    "\b\nExamples:\n  convscope demo\n  convscope train photos/\n"
    "  convscope predict runs/lenet5_modern-photos new.jpg\n\n"
    "Every command takes --json, --quiet, --lang en|ko and --help.",
)


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show the version."),
) -> None:
    """What the commands have in common: nothing yet but the version."""
    del version  # its callback has done the work


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file name need not be Unicode, a Windows console need not know Hangul
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        status = typer.main.get_command(app).main(arguments, prog_name="convscope", standalone_mode=False)
    except ConvscopeError as error:
        sys.exit(complain(str(error)))
    except typer.TyperException as error:
        sys.exit(complain(usage_sentence(error.format_message(), arguments, getattr(error, "ctx", None))))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    finally:
        close_bars()
    sys.exit(status if isinstance(status, int) else 0)


def complain(message: str) -> int:
    """Print one line on standard error; the exit status that goes with it."""
    close_bars()
    print(f"convscope: {' '.join(message.split())}", file=sys.stderr)
    return 2


def usage_sentence(message: str, arguments: list[str], context: Any = None) -> str:  # noqa: ANN401 (as above)
    """The parser's complaint in our form: what, what was found, what to do.

    >>> usage_sentence("Invalid value for '--epochs': Input should be a valid integer, unable", ["--epochs", "x"])
    '--epochs x: expected a valid integer'
    >>> usage_sentence("No such command 'evalute'.", ["evalute"])
    'evalute: no such command; did you mean evaluate?'
    """
    unknown = re.match(r"No such command '(.*?)'", message)
    if unknown:
        known = context.command.list_commands(context) if context else list(COMMANDS)
        return f"{unknown[1]}: no such command; {nearest(unknown[1], known)}"
    wrong = re.match(r"Invalid value for '?(--[\w-]+)'?: Input should be (.*?)(?:,|$)", message)
    if wrong:
        words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--") else [word])]
        found = words[words.index(wrong[1]) + 1] if wrong[1] in words[:-1] else ""
        return f"{wrong[1]} {found}: expected {wrong[2]}"
    sentence = re.sub(r"^Invalid value for '?(.*?)'?: ", r"\1: ", message).rstrip(".")
    command = next((word for word in arguments if word in COMMANDS), "")
    path = context.command_path if context else f"convscope {command}".strip()
    return f"{sentence}; see {path} --help"
