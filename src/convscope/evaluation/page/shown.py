"""What a report's page tells beside the figures: pictures, heatmaps, how training went, and what made it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from convscope.layers.summary import Summary
from convscope.words import SILENT, Listener

# (key of the texts, value): a value is shown as it is, or is itself a key of the texts with what to fill in
Facts = Sequence[tuple[str, str | tuple[str, dict[str, object]]]]

HEATMAPS = 24  # mistakes that get them, if nobody says otherwise: each takes about as long as an answer


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the page has to show; a section of what is not there is left out.

    Attributes:
        picture: row of the predictions to a small JPEG of it, or None.
        heatmap: row of the predictions to two small JPEGs, what spoke for the predicted class and for the true one, or
            None; asked of the worst mistakes only.
        heatmaps: how many of them.
        curves: rows of metrics.csv; keys that the page does not know are left out.
        facts: about the model, at the foot of the page.
        found: what the doctor found in the run; None where none watched.
        layers: of the network.
        command: that made the page.
        python: the same in Python.
        listener: hears how far the pictures are.
    """

    picture: Callable[[int], bytes | None]
    heatmap: Callable[[int], tuple[bytes, bytes] | None] | None = None
    heatmaps: int = HEATMAPS
    curves: Sequence[dict[str, float]] = ()
    facts: Facts = ()
    found: Sequence[dict[str, Any]] | None = None
    layers: Summary | None = None
    command: str = ""
    python: str = ""
    listener: Listener = SILENT
