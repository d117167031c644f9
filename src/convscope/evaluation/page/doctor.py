"""What the doctor found in a run, as a section of its page; and the reader of its doctor.json."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convscope.words import doctor_english, say
from convscope.words.markup import both

FILE = "doctor.json"
SCHEMA = 1


def findings_of(folder: Path) -> list[dict[str, Any]]:
    """The findings in a run's doctor.json, the best explanation first; none where it is absent, damaged or newer.

    Args:
        folder: the run's.
    """
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        return []
    found = content.get("findings")
    return [each for each in found if _can_be_said(each)] if isinstance(found, list) else []


def keys(found: dict[str, Any]) -> tuple[str, str]:
    """The texts that say a finding, and what to try against it.

    Args:
        found: a finding, as in doctor.json.
    """
    kind, without = found["kind"], f"doctor.{found['kind']}.anywhere"
    named = found.get("layer") is not None or without not in doctor_english.TEXTS
    return f"doctor.{kind}" if named else without, f"doctor.{kind}.try"


def doctor_section(found: Sequence[dict[str, Any]]) -> str:
    """The findings with what to try against each, in both languages, or one line that there are none.

    Args:
        found: findings, as `findings_of` reads them.
    """
    head = f"<section><h2>{both('doctor.title')}</h2>"
    if not found:
        return f"{head}<p>{both('doctor.sound')}</p></section>"
    items = []
    for each in found:
        sentence, remedy = (both(key, **_values(each)) for key in keys(each))
        severity = both(f"doctor.severity.{each['severity']}")
        items.append(f"<li><strong>{severity}</strong> {sentence} {remedy}</li>")
    return f"{head}<ul>{''.join(items)}</ul></section>"


def _values(found: dict[str, Any]) -> dict[str, Any]:
    return {**found["values"], "epoch": found["epoch"], "layer": found["layer"]}


def _can_be_said(found: Any) -> bool:  # noqa: ANN401 (whatever lies in the file)
    """Whether a damaged file still holds a whole finding here."""
    try:
        for key in (*keys(found), f"doctor.severity.{found['severity']}"):
            say(key, **_values(found))
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return True
