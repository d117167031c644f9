"""`Case`: what the rules look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log

from convscope.training.doctor import signs

Row = dict[str, float]

# above chance by no more than this is chance: the noise of a few hundred validation pictures
BY_CHANCE = 0.05


@dataclass
class Case:
    """What the rules look at.

    Attributes:
        classes: names.
        counts: training pictures of each class.
        guess: the loss of guessing, ln K; None where the criterion is none of cross-entropy.
        rows: of metrics.csv, this epoch's last.
        first_loss: of the very first step.
        worst_loss: of any step.
        parts: mean training loss in each eighth of this epoch.
        flows: (first layer, last layers) gradient over weights, at the latest sampled steps.
        first_layer: whose gradient the first of them is.
        answers: how often each class was the network's answer in training, this epoch.
        fastest: the largest step of any layer in the run, as a share of its weights.
        typical: the largest median step of the layers, likewise.
        steps: an epoch has.
        epochs: planned.
    """

    classes: tuple[str, ...]
    counts: Sequence[int]
    guess: float | None
    rows: list[Row]
    first_loss: float | None = None
    worst_loss: float = 0.0
    parts: list[float] = field(default_factory=list)
    flows: list[tuple[float, float]] = field(default_factory=list)
    first_layer: str | None = None
    answers: Sequence[int] = ()
    fastest: float | None = None
    typical: float = 0.0
    steps: int = 1
    epochs: int = 1

    @property
    def chance(self) -> float:
        """The accuracy of naming the commonest class always."""
        return signs.commonest(self.counts)[1]

    @property
    def now(self) -> Row:
        """The latest row."""
        return self.rows[-1]

    @property
    def epoch(self) -> int:
        """Of the latest row."""
        return int(self.now["epoch"])

    @property
    def reference(self) -> float | None:
        """The loss that a sound run starts below: a guess, or what the first step had, if that was more."""
        return None if self.guess is None else max(self.guess, self.first_loss or 0.0)

    def learns(self) -> bool:
        """Whether pictures it never saw are told apart better than by chance."""
        return self.now["val_top1"] > self.chance + BY_CHANCE


def guessing(classes: int) -> float:
    """The loss of giving every class the same probability.

    >>> round(guessing(10), 4)
    2.3026
    """
    return log(classes)
