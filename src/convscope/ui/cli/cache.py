"""`convscope cache`: a group of commands about what is kept on this machine."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convscope.errors import DataError
from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say

if TYPE_CHECKING:
    from convscope.data.cache import Kind

MEGABYTE = 1_000_000

cache = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="What convscope keeps on this machine: list, clear.\n\n"
    "The folder is the user's cache folder, or CONVSCOPE_CACHE. "
    "Every command takes --json --quiet --lang en|ko and --help.\n\n"
    "\b\nExamples:\n  convscope cache list\n  convscope cache clear --older-than 30\n"
    "  convscope cache clear weights",
)


@cache.callback(invoke_without_command=True)
def help_(context: typer.Context) -> None:
    """The list of commands, where none is named."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@cache.command("list")
def list_(json: Json = False, quiet: Quiet = False, lang: Lang = None) -> None:
    """What is kept, how much it is, and when it was last used.

    \b
    Examples:
      convscope cache list
      convscope cache list --json
    """
    from convscope.data import cache as store
    from convscope.data.builtin import cache_folder

    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    kinds, limit = store.kept(), store.cap()
    total = sum(kind.bytes for kind in kinds)
    if not json:
        terminal.table(
            [say(f"cache.{key}", terminal.language) for key in ("name", "what", "entries", "megabytes", "used")],
            [
                [
                    kind.name, say(f"cache.what.{kind.name}", terminal.language), str(len(kind.entries)),
                    f"{kind.bytes / MEGABYTE:,.1f}", _day(kind.used),
                ]
                for kind in kinds
            ],
        )  # fmt: skip
    terminal.say("cache.folder", folder=cache_folder(), megabytes=total / MEGABYTE, limit=limit / store.GIGABYTE)
    _say_links(terminal, kinds)
    terminal.result(
        {
            "folder": str(cache_folder()), "bytes": total, "cap_bytes": limit,
            "kinds": [_row(kind) for kind in kinds],
        }
    )  # fmt: skip


@cache.command()
def clear(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Kinds, as `list` names them; all but downloads, if none."),
    ] = None,
    older_than: Annotated[
        float, typer.Option(metavar="DAYS", help="Only what has not been used for so many days.")
    ] = 0,
    json: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Remove it, and say what was freed. Downloads, weights and data, go only when they are named. Nothing outside the
    cache folder is touched, and no link is followed.

    \b
    Examples:
      convscope cache clear
      convscope cache clear features --older-than 7
      convscope cache clear weights data --json
    """
    from convscope.data import cache as store
    from convscope.data.builtin import cache_folder

    if not older_than >= 0:
        raise DataError(f"--older-than {older_than:g}: needs at least 0")
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    freed = store.clear(names or (), older_than)
    for kind in freed:
        if kind.entries:
            terminal.say("cache.freed", name=kind.name, count=len(kind.entries), megabytes=kind.bytes / MEGABYTE)
    _say_links(terminal, freed)
    total = sum(kind.bytes for kind in freed)
    terminal.say("cache.total", folder=cache_folder(), megabytes=total / MEGABYTE)
    left = [kind for kind in store.kept() if kind.entries and kind.name not in store.COMPUTED]
    if left and not names:
        size = sum(kind.bytes for kind in left)
        terminal.message("cache.left", names=" ".join(kind.name for kind in left), megabytes=size / MEGABYTE)
    terminal.result({"folder": str(cache_folder()), "bytes": total, "kinds": [_row(kind) for kind in freed]})


def _row(kind: "Kind") -> dict[str, Any]:
    return {
        "name": kind.name, "path": str(kind.path), "entries": len(kind.entries), "bytes": kind.bytes,
        "used": None if kind.used is None else datetime.fromtimestamp(kind.used).astimezone().isoformat("T", "seconds"),
        "link": kind.link,
    }  # fmt: skip


def _day(used: float | None) -> str:
    return "" if used is None else datetime.fromtimestamp(used).astimezone().isoformat(" ", "minutes")[:16]


def _say_links(terminal: Terminal, kinds: "list[Kind]") -> None:
    for kind in kinds:
        if kind.link:
            terminal.message("cache.link", name=kind.name, path=kind.path)
