"""The terminal: says how a job goes on standard error, and its result on standard output."""

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from convscope.errors import RecipeError
from convscope.words import LANGUAGES, Language, Listener, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

QUICK_S = 1.0
PLAIN_EVERY_S = 10.0


def language_of(wanted: str | None) -> Language:
    """The language asked for, else the locale's, else English.

    Raises:
        RecipeError: a language that is not there.
    """
    if wanted is None:
        locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
        return "ko" if locale.lower().startswith("ko") else "en"
    if wanted not in LANGUAGES:
        raise RecipeError(f"--lang {wanted}: allowed: {', '.join(LANGUAGES)}")
    return "ko" if wanted == "ko" else "en"


_bars: list["Progress"] = []


def close_bars() -> None:
    """Take every bar away, so that what is printed next stands alone and the cursor is back."""
    while _bars:
        _bars.pop().stop()


def emit(text: str, stream: TextIO) -> None:
    """Print a line; a reader who has left, as `head` does, loses the rest of the output, not the job."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class Terminal(Listener):
    """Speaks to a person, or stays out of a program's way.

    Args:
        json_wanted: the result is one JSON object; everything else goes to standard error.
        quiet: only the result is printed.
        lang: "en", "ko", or None for the locale's.
    """

    def __init__(self, *, json_wanted: bool = False, quiet: bool = False, lang: str | None = None) -> None:
        self.language = language_of(lang)
        self.json_wanted = json_wanted
        self.quiet = quiet
        self._stage = self._run = ""
        self._begun = self._spoken = 0.0
        self._first = 0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def progress(self, stage: str, done: int, total: int) -> None:
        """A bar with an ETA, or a line every ten seconds where nobody watches; nothing for quick jobs."""
        if self.quiet:
            return
        now = time.monotonic()
        if stage != self._stage:
            self.close()
            self._stage, self._begun, self._spoken = stage, now, now
            self._first = done  # a resumed run does not begin at nothing
        if now - self._begun < QUICK_S:
            return
        if sys.stderr.isatty():
            self._draw(done, total)
        elif now - self._spoken >= PLAIN_EVERY_S and done > self._first:
            self._spoken = now
            left = (now - self._begun) * (total - done) / (done - self._first)
            emit(f"{say(f'stage.{stage}', self.language)} {done:,}/{total:,}, ETA {left:.0f} s", sys.stderr)
        if done >= total:
            self.close()

    def message(self, key: str, **values: object) -> None:
        """One line about the job."""
        if key == "train.folder":
            self._run = str(values["run"])
        if not self.quiet:
            self._print(say(key, self.language, **values), sys.stderr if self.json_wanted else sys.stdout)

    def say(self, key: str, **values: object) -> None:
        """One line of the result; not printed when the result is JSON."""
        if not self.json_wanted:
            self._print(say(key, self.language, **values), sys.stdout)

    def line(self, text: str = "") -> None:
        """The same for a line that is no text of ours: a path, a number, a file name."""
        if not self.json_wanted:
            self._print(text, sys.stdout)

    def result(self, content: object) -> None:
        """The JSON object, when that is what is wanted."""
        self.close()
        if self.json_wanted:
            emit(json.dumps(content, ensure_ascii=False, allow_nan=False), sys.stdout)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns; in a terminal, the widest wraps."""
        from rich.console import Console
        from rich.table import Table

        console = Console(width=None if sys.stdout.isatty() else 240, highlight=False, markup=False)
        table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
        for name in header:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*row)
        with console.capture() as drawn:
            console.print(table)
        emit("\n".join(line.rstrip() for line in drawn.get().rstrip().splitlines()), sys.stdout)

    def interrupted(self) -> None:
        """Say how to go on with a run that was stopped by hand."""
        self.close()
        if self._run:
            print(f"\nconvscope: {say('train.interrupted', self.language, run=self._run)}", file=sys.stderr)

    def close(self) -> None:
        """Take the bar away."""
        close_bars()
        self._bar = self._task = None

    def _draw(self, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            console = Console(stderr=True)
            self._bar = Progress(
                *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._task = self._bar.add_task(say(f"stage.{self._stage}", self.language), total=total, completed=done)
            self._bar.start()
            _bars.append(self._bar)
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=total)

    def _print(self, text: str, stream: TextIO) -> None:
        if self._bar and stream.isatty():
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            emit(text, stream)
