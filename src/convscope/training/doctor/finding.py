"""`Finding`: what the doctor found, once, and how findings stand to each other."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

# from what explains a run best to what it explains least; a report names the first one first
KINDS = (
    "not-finite",
    "scaling",
    "preprocess-mismatch",
    "frozen-norm-moving",
    "exploding",
    "rate-too-high",
    "dead-relu",
    "vanishing",
    "rate-too-low",
    "labels-shuffled",
    "stuck",
    "one-class",
    "overfitting",
    "norm-lagging",
    "too-few",
)

# consequences: what need not be said any more once the kind on the left has been
EXPLAINS: dict[str, frozenset[str]] = {
    "not-finite": frozenset({"exploding", "rate-too-high", "dead-relu", "vanishing", "stuck", "one-class"}),
    "scaling": frozenset(KINDS) - {"not-finite", "frozen-norm-moving", "too-few"},
    "exploding": frozenset({"rate-too-high", "dead-relu", "vanishing", "stuck", "one-class", "overfitting"}),
    "rate-too-high": frozenset({"exploding", "dead-relu", "vanishing", "stuck", "one-class"}),
    "dead-relu": frozenset({"vanishing", "rate-too-low", "stuck", "one-class"}),
    "vanishing": frozenset({"rate-too-low", "stuck", "one-class"}),
    "rate-too-low": frozenset({"stuck", "one-class"}),
    "labels-shuffled": frozenset({"overfitting", "one-class"}),
    "stuck": frozenset({"one-class"}),
}


@dataclass(frozen=True)
class Finding:
    """One illness, or one thing worth knowing.

    Attributes:
        kind: one of `KINDS`; the texts `doctor.<kind>` and `doctor.<kind>.try` say it and what to try.
        epoch: in which it was found, from 1; 0 for before the first.
        layer: full name inside the network, where it is one layer's.
        values: numbers and names that the texts are filled with.
        severity: "ill", or "note" for what does no harm yet.

    Example:
        >>> Finding("stuck", 3).to_dict()["severity"]
        'ill'
    """

    kind: str
    epoch: int
    layer: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    severity: Literal["ill", "note"] = "ill"

    def to_dict(self) -> dict[str, Any]:
        """What doctor.json holds of it."""
        return asdict(self)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Illnesses before notes, and what explains most first.

    >>> [finding.kind for finding in ordered([Finding("stuck", 1), Finding("dead-relu", 2)])]
    ['dead-relu', 'stuck']
    """
    return tuple(sorted(findings, key=lambda found: (found.severity != "ill", KINDS.index(found.kind))))


def explained(kind: str, findings: Iterable[Finding]) -> bool:
    """Whether an illness that was found already accounts for this kind.

    >>> explained("stuck", [Finding("vanishing", 1)]), explained("vanishing", [Finding("stuck", 1)])
    (True, False)
    """
    return any(found.severity == "ill" and kind in EXPLAINS.get(found.kind, ()) for found in findings)
