"""`publish`: a report into a folder, with everything its page can show."""

import csv
import shlex
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from convscope.data.listing import Listing
from convscope.data.stores import printable
from convscope.errors import ConvscopeError
from convscope.evaluation.page import doctor
from convscope.evaluation.page.shown import HEATMAPS, Facts
from convscope.evaluation.pictures import Heatmaps, Thumbnails
from convscope.evaluation.report import Report
from convscope.layers.summary import Summary
from convscope.models.bundle import Bundle
from convscope.words import SILENT, Language, Listener

METRICS = "metrics.csv"


def publish(
    report: Report,
    folder: Path,
    listing: Listing,
    bundle: Bundle | None = None,
    *,
    heatmaps: int = HEATMAPS,
    command: str = "",
    python: str = "",
    listener: Listener = SILENT,
    language: Language = "en",
    **told: Any,  # noqa: ANN401 (forwarded to the page)
) -> None:
    """Write a report's files.

    Args:
        report: with its predictions.
        folder: made if it is not there.
        listing: where the pictures are.
        bundle: the model, where it is one and convscope's own: for its layers, heatmaps and what its run folder tells.
        heatmaps: of the worst mistakes, at most; 0 for none.
        command: that made the report.
        python: the same in Python.
        listener: hears how far the pictures are.
        language: what the page opens in.
        told: other fields of `page.shown.Shown`, where they are known better than from the run folder.
    """
    shown: dict[str, Any] = {
        "picture": Thumbnails(listing, report), "heatmaps": heatmaps, "command": command, "python": python,
        "listener": listener,
    }  # fmt: skip
    if bundle is not None:
        run = bundle.path.parent if bundle.path else None
        shown |= {"layers": _layers(bundle), "facts": _facts(bundle)}
        if heatmaps > 0:
            shown["heatmap"] = Heatmaps(bundle, listing, report)
        if run and (run / doctor.FILE).is_file():
            shown["found"] = doctor.findings_of(run)
        if run:
            shown["curves"] = curves_of(run / METRICS)
    report.write(folder, language=language, **(shown | told))


def asked_evaluate(
    models: Sequence[str | Path], data: str | Path, flags: dict[str, object], keywords: dict[str, object] | None = None
) -> tuple[str, str]:
    """The command that judges models on pictures, and the same in Python.

    Args:
        models: as they were given.
        data: likewise.
        flags: option, without dashes, to its value; those that are None are left out.
        keywords: of the function, where they are others than the flags.

    Example:
        >>> command, python = asked_evaluate(["runs/a"], "my photos", {"split": "all"})
        >>> command
        "convscope evaluate runs/a 'my photos' --split all"
        >>> print(python)
        import convscope as cs
        <BLANKLINE>
        report = cs.evaluate('runs/a', 'my photos', split='all')
        print(report.top1)
    """
    names = [printable(str(model)) for model in models]
    words = ["convscope", "evaluate", *names, printable(str(data))]
    for flag, value in flags.items():
        words += [f"--{flag}", printable(str(value))] if value is not None else []
    given = {key: value for key, value in (flags if keywords is None else keywords).items() if value is not None}
    arguments = [repr(names[0] if len(names) == 1 else names), repr(printable(str(data)))]
    arguments += [f"{key}={value!r}" for key, value in given.items()]
    python = f"import convscope as cs\n\nreport = cs.evaluate({', '.join(arguments)})\nprint(report.top1)"
    return shlex.join(words), python


def _layers(bundle: Bundle) -> Summary | None:
    """The network's layers; None of one that cannot be outlined."""
    try:
        return bundle.card.describe()
    except ConvscopeError:
        return None


def _facts(bundle: Bundle) -> Facts:
    """What the model file itself tells of how it was made."""
    card, row = bundle.card, bundle.card.row()
    preprocess = card.preprocess
    paper: str | tuple[str, dict[str, object]] = f"{row.paper}, {row.year}" if row.year else row.paper
    size: dict[str, object] = {"size": preprocess.size, "channels": preprocess.channels}
    facts: list[tuple[str, str | tuple[str, dict[str, object]]]] = [
        ("report.fact.model", card.network),
        ("report.fact.paper", ("report.value.own", {}) if card.definition else paper),
        ("report.fact.preprocess", (f"report.value.{preprocess.resize}", size)),
        ("report.fact.versions", f"convscope {version('convscope')}"),
    ]
    if bundle.path:
        facts.insert(1, ("report.fact.file", printable(str(bundle.path))))
    return facts


def curves_of(file: Path) -> list[dict[str, float]]:
    """The rows of a run's metrics.csv; none where it is absent or damaged.

    >>> curves_of(Path("no such file"))
    []
    """
    with suppress(OSError, ValueError, TypeError, csv.Error), file.open(newline="", encoding="utf-8") as lines:
        return [
            {key: float(value) for key, value in row.items() if value not in ("", None)}
            for row in csv.DictReader(lines)
        ]
    return []
