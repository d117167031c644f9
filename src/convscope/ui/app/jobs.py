"""One training at a time, beside the page: what it says, how far it is, how it ended, and how to stop it."""

import shutil
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convscope.data import splits
from convscope.data.sources import read
from convscope.data.stores import printable
from convscope.errors import ConvscopeError
from convscope.evaluation.pictures import Thumbnails
from convscope.evaluation.report import Report
from convscope.training.recipe import parse
from convscope.training.trainer import train
from convscope.ui.app.choices import Call
from convscope.ui.app.ground import Refused
from convscope.words import Language, Listener

MISTAKES = 12
LINES = 400
CLOSING_S = 10.0


@dataclass(frozen=True)
class Order:
    """What is to be trained on what.

    Attributes:
        data: folder or zip.
        call: the same as one would write it by hand; its `data` is the title.
        out: folder of runs.
        language: what the report opens in.
        upload: a folder that is removed after use, or None.
    """

    data: Path
    call: Call
    out: Path
    language: Language = "en"
    upload: Path | None = None


@dataclass(frozen=True)
class Mistake:
    """A picture the model got wrong.

    Attributes:
        file: its name.
        true: its class.
        predicted: what the model says.
        probability: of the predicted class.
        jpeg: a small version of it, or None.
    """

    file: str
    true: str
    predicted: str
    probability: float
    jpeg: bytes | None


@dataclass(frozen=True)
class Finished:
    """How a training ended well.

    Attributes:
        folder: of the run.
        report: of its test, else of its validation pictures.
        parts: pictures by part.
        seconds: all in all.
        mistakes: the worst ones.
    """

    folder: Path
    report: Report
    parts: dict[str, int]
    seconds: float
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class State:
    """How a training stands.

    Attributes:
        number: rises with every change.
        order: what was asked for, or None before the first.
        running: whether it still is at work.
        stopping: whether it was asked to stop.
        stage: name of what is being done, or "".
        done: steps of the stage that are done.
        total: steps of the stage.
        seconds_left: of the stage, or None while nobody can tell.
        lines: what it has said, as keys of the texts and values.
        folder: of the run, once there is one.
        finished: the result, or None.
        failed: why there is none, or None.
        stopped: whether it was stopped by hand.
    """

    number: int = 0
    order: Order | None = None
    running: bool = False
    stopping: bool = False
    stage: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    lines: tuple[tuple[str, dict[str, object]], ...] = ()
    folder: Path | None = None
    finished: Finished | None = None
    failed: ConvscopeError | None = None
    stopped: bool = False


class Stopped(BaseException):
    """Raised inside a training that is to stop; no `except Exception` on the way holds it up."""


class Desk:
    """Takes one training at a time; everybody who looks sees the same one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = State()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> State:
        """How the latest training stands."""
        with self._lock:
            return self._state

    def start(self, order: Callable[[], Order]) -> None:
        """Begin, and come back at once.

        Args:
            order: what to do; asked for only when there is nothing to do yet.

        Raises:
            Refused: another training is under way.
        """
        with self._lock:
            if self._state.running:
                raise Refused("app.busy")
            wanted = order()
            self._stop.clear()
            self._state = State(self._state.number + 1, wanted, running=True)
            self._thread = threading.Thread(target=self._work, args=(wanted,), name="training", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask the training to stop at its next step; nothing where none runs."""
        with self._lock:
            if self._state.running:
                self._stop.set()
                self._state = replace(self._state, number=self._state.number + 1, stopping=True)

    def close(self) -> None:
        """Stop, and wait for a while."""
        self.stop()
        if self._thread is not None:
            self._thread.join(CLOSING_S)

    def wait(self, seconds: float) -> State:
        """The state once the training has ended, or after so many seconds."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self.state

    def _change(self, **values: Any) -> None:  # noqa: ANN401 (fields of the state)
        with self._lock:
            self._state = replace(self._state, number=self._state.number + 1, **values)

    def _work(self, order: Order) -> None:
        end: dict[str, Any] = {}
        try:
            end = {"finished": _trained(order, _Ear(self._change, self._told, self._stop))}
        except Stopped:
            end = {"stopped": True}
        except ConvscopeError as error:
            end = {"failed": error if order.upload is None else _by_its_name(error, order)}
        except Exception:  # our bug: the visitor gets a sentence, whoever started the app the rest
            traceback.print_exc(file=sys.stderr)
            end = {"failed": Refused("app.bug")}
        finally:
            if order.upload is not None:
                shutil.rmtree(order.upload, ignore_errors=True)
            self._change(running=False, stopping=False, stage="", **end)

    def _told(self, key: str, values: dict[str, object]) -> None:
        folder = Path(str(values["run"])) if key == "train.folder" else self._state.folder
        self._change(lines=(*self._state.lines, (key, values))[-LINES:], folder=folder)


class _Ear(Listener):
    """Hears the training on its own thread, and ends it there when that is wanted."""

    def __init__(
        self, change: Callable[..., None], told: Callable[[str, dict[str, object]], None], stop: threading.Event
    ) -> None:
        self._change, self._told, self._stop = change, told, stop
        self._stage = ""
        self._begun = 0.0
        self._first = 0

    def progress(self, stage: str, done: int, total: int) -> None:
        self._leave_when_asked()
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._begun, self._first = stage, now, done
        steps = done - self._first
        left = (now - self._begun) * (total - done) / steps if steps > 0 else None
        self._change(stage=stage, done=done, total=total, seconds_left=left)

    def message(self, key: str, **values: object) -> None:
        self._leave_when_asked()
        self._told(key, values)

    def _leave_when_asked(self) -> None:
        if self._stop.is_set():
            raise Stopped


def _by_its_name(error: ConvscopeError, order: Order) -> ConvscopeError:
    """The complaint about an upload under the name that its owner knows."""
    if isinstance(error, Refused):
        return error
    return ConvscopeError(str(error).replace(str(order.data), order.call.data))


def _trained(order: Order, ear: Listener) -> Finished:
    listing = replace(read(order.data), title=printable(order.call.data))
    if any(Path(file).is_absolute() or ".." in Path(file).parts for file in listing.files):
        raise Refused("app.path.listed", path=order.call.data)  # a table may name any file of this machine
    run = train(listing, parse(dict(order.call.settings)), out=order.out, listener=ear, language=order.language)
    parts = Counter(row.split for row in splits.read(run.path / "split.csv"))
    report = run.report
    mistakes = []
    if report.predictions is not None:
        picture, told = Thumbnails(listing, report), report.predictions
        for row in told.mistakes()[:MISTAKES].tolist():
            predicted = int(told.predicted[row])
            chance = float(told.probabilities[row, predicted])
            true = told.classes[int(told.truth[row])]
            mistakes.append(Mistake(told.files[row], true, told.classes[predicted], chance, picture(row)))
    counted = {part: parts[part] for part in splits.PARTS if parts[part]}
    return Finished(run.path, replace(report, predictions=None), counted, run.seconds, tuple(mistakes))
