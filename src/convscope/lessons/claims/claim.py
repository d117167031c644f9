"""What a claim is: a sentence of lecture notes, a verdict, and the code that works out the truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from convscope.words import Language, say

Verdict = Literal["ok", "imprecise", "wrong"]
VERDICTS: tuple[Verdict, ...] = ("ok", "imprecise", "wrong")
Kind = Literal["computed", "published"]
Values = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """One claim of the notes.

    Attributes:
        id: the notes and the place in them, such as "003-s47".
        verdict: ok, imprecise (keep it, with a remark), or wrong.
        compute: works out what the truth says; the numbers of its sentence come from here.
        networks: names of the zoo that it is about; none when it is about an operation.
        source: where figures that cannot be computed were published; "" when there are none.
        kind: computed, or published where no arithmetic could settle it.
    """

    id: str
    verdict: Verdict
    compute: Callable[[], Values]
    networks: tuple[str, ...] = ()
    source: str = ""
    kind: Kind = "computed"

    def says(self, language: Language = "en") -> str:
        """What the notes say, in our words."""
        return say(f"claim.{self.id}.says", language)

    def truth(self, language: Language = "en", values: Values | None = None) -> str:
        """What is true, with the numbers filled in.

        Args:
            language: en or ko.
            values: what `compute` has answered; None computes now.
        """
        found = self.compute() if values is None else values
        return say(f"claim.{self.id}.truth", language, **{name: readable(value) for name, value in found.items()})


def readable(value: Any) -> Any:  # noqa: ANN401 (what a claim computes: numbers, text, lists of them)
    """Lists as text; numbers stay, so that a sentence can choose its digits.

    >>> readable([1, 2.5, 25088]), readable([[1, 2], [3, 4]]), readable(7)
    ('1, 2.5, 25,088', '[[1, 2], [3, 4]]', 7)
    """
    if not isinstance(value, list):
        return value
    if any(isinstance(item, list) for item in value):
        return f"[{', '.join(f'[{readable(item)}]' for item in value)}]"
    return ", ".join(item if isinstance(item, str) else _number(item) for item in value)


def by(shape: Sequence[int]) -> str:
    """A shape as people write it.

    >>> by((60_000, 1, 28, 28))
    '60,000×1×28×28'
    """
    return "×".join(f"{size:,}" for size in shape)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
