"""What training leaves, and when it is over."""

import math
from dataclasses import dataclass

from torch import Tensor

from convscope.training.recipe import Recipe

History = list[dict[str, float]]


@dataclass(frozen=True)
class Outcome:
    """What the loop leaves.

    Attributes:
        history: one row per epoch, as in metrics.csv.
        best: weights of the epoch with the lowest validation loss.
        best_epoch: its number, from 1; 0 where fine-tuning never beat the head alone.
        reason: "epochs", "patience" or "time"; "frozen" of a head that was fitted at once.
        head: the row of the head alone, before fine-tuning.
    """

    history: History
    best: dict[str, Tensor]
    best_epoch: int
    reason: str
    head: dict[str, float] | None = None

    @property
    def best_row(self) -> dict[str, float]:
        """The figures of the weights that were kept."""
        if self.best_epoch == 0:
            assert self.head is not None
            return self.head
        return self.history[self.best_epoch - 1]


def best_epoch(history: History, min_delta: float) -> int:
    """Number of the last epoch whose validation loss beat all before it by more than `min_delta`.

    >>> best_epoch([{"val_loss": 0.5}, {"val_loss": 0.4}, {"val_loss": 0.39}], min_delta=0.05)
    2
    """
    best, chosen = math.inf, 0
    for number, row in enumerate(history, start=1):
        if row["val_loss"] < best - min_delta:
            best, chosen = row["val_loss"], number
    return chosen


def finished(recipe: Recipe, history: History) -> str:
    """Why training is over after these epochs; "" where it is not.

    >>> finished(Recipe(epochs=1), [{"val_loss": 0.5}])
    'epochs'
    """
    if len(history) >= recipe.epochs:
        return "epochs"
    waited = len(history) - best_epoch(history, recipe.min_delta)
    return "patience" if recipe.patience_checks and waited >= recipe.patience_checks else ""
