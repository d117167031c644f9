"""A run while it trains: curves in the terminal, the page that stands where the report will, and trackers."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from convscope.data.files import write_text
from convscope.errors import MissingExtra
from convscope.evaluation.page import live
from convscope.evaluation.page.doctor import doctor_section
from convscope.training.doctor.watch import Doctor
from convscope.training.outcome import History
from convscope.training.recipe import Recipe
from convscope.words import Language, Listener

PAGE = "report.html"
TRACKERS = {
    "tensorboard": ("TensorBoardTracker", "tensorboard", True),
    "mlflow": ("MLflowTracker", "mlflow", True),
    "wandb": ("WandBTracker", "wandb", False),
}
BARS = "▁▂▃▄▅▆▇█"
# epochs that a line of the terminal has room for
LATEST = 30


class Live:
    """Hears of every epoch, and lets it be seen.

    Args:
        folder: the run's; the page is its report.html until the report is.
        recipe: the run's.
        doctor: whose findings are shown.
        listener: hears the curves.
        language: what the page opens in.
    """

    def __init__(self, folder: Path, recipe: Recipe, doctor: Doctor, listener: Listener, language: Language) -> None:
        self.folder, self.recipe, self.doctor, self.listener = folder, recipe, doctor, listener
        self.language = language
        self.begun, self.before = time.monotonic(), -1
        self.shown: History = []
        self.trackers = {name: _tracker(name, folder, recipe) for name in recipe.track}

    def __call__(self, history: History) -> None:
        """Show the run after an epoch."""
        done = len(history)
        self.before = (
            self.before if self.before >= 0 else done - 1
        )  # epochs of an earlier sitting took none of this one's time
        pace = (time.monotonic() - self.begun) / (done - self.before)
        left_s = pace * (self.recipe.epochs - done)
        if done < self.recipe.epochs:
            self.shown = history
            self._page(left_s)
        if done > 1:
            curves = {name: sparkline([row[key] for row in history]) for name, key in SHOWN.items()}
            self.listener.message("live.curve", **curves)
        row = {key: value for key, value in history[-1].items() if key != "epoch"}
        for name, tracker in list(self.trackers.items()):
            try:
                tracker.log(row, step=done)
            except Exception as error:  # whatever a foreign service raises is no reason to end training
                self.listener.message("live.tracker", name=name, reason=error)
                del self.trackers[name]

    def close(self) -> None:
        """Let the trackers write what they still hold, and the page be loaded no more."""
        for tracker in self.trackers.values():
            with suppress(Exception):  # as above: the run is done, its files are written
                tracker.finish()
        if self.shown:
            with suppress(OSError):
                self._page(None)

    def _page(self, left_s: float | None) -> None:
        found = doctor_section([finding.to_dict() for finding in self.doctor.findings])
        page = live.render(self.recipe.network, self.shown, self.recipe.epochs, left_s, found, self.language)
        write_text(self.folder / PAGE, page)


SHOWN = {"losses": "val_loss", "accuracies": "val_top1"}


def sparkline(values: Sequence[float]) -> str:
    """The latest values as a line of bars, from their least to their most.

    Example:
        >>> sparkline([0.0, 0.5, 1.0])
        '▁▅█'
    """
    shown = values[-LATEST:]
    low, high = min(shown), max(shown)
    return "".join(BARS[round((value - low) / (high - low or 1) * (len(BARS) - 1))] for value in shown)


def refuse_missing(names: Iterable[str]) -> None:
    """Raise before any work is done where a tracker is not installed.

    Raises:
        MissingExtra: with the line that installs it.
    """
    for name in names:
        if find_spec(TRACKERS[name][1]) is None:
            raise MissingExtra(f"--track {name}", TRACKERS[name][1], "track")


def _tracker(name: str, folder: Path, recipe: Recipe) -> Any:  # noqa: ANN401 (a tracker of accelerate's)
    from accelerate import tracking

    kind, _, local = TRACKERS[name]
    where = {"logging_dir": str(folder)} if local else {}
    tracker = getattr(tracking, kind)(folder.name, **where)
    tracker.start()
    settings = recipe.model_dump(mode="json", exclude={"definition"})
    plain = {key: value for key, value in settings.items() if isinstance(value, (int, float, str))}
    tracker.store_init_configuration(plain)
    return tracker
