"""What a person decides about doubtful labels, and how a manifest takes it in; pictures are never moved or deleted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from convscope.data.listing import UNLABELLED, Listing
from convscope.data.manifest import DROP, Entry, entries
from convscope.data.stores import plain, printable
from convscope.data.tables import named_rows
from convscope.errors import DataError, nearest
from convscope.words import SILENT, Listener

ACTIONS = ("accept", "relabel", "drop")
# a note that begins so says that somebody looked: the picture is not listed again
CHECKED = "label checked"
NOTES = {"accept": f"{CHECKED}: right", "relabel": f"{CHECKED}: was {{label}}", "drop": f"{CHECKED}: dropped"}


@dataclass(frozen=True)
class Decision:
    """What becomes of one picture.

    Attributes:
        file: its name.
        action: "accept": its label is right; "relabel"; "drop": it is not used.
        label: the right class, of "relabel"; else "".
        sha256: of the picture that was looked at; "" where that is not known.
    """

    file: str
    action: str
    label: str = ""
    sha256: str = ""


def read(path: Path) -> list[Decision]:
    """Read decisions: the file that the page saves, or the list of `--csv` with its empty columns filled in.

    Args:
        path: a CSV with the columns file, decision and label; a line without a decision decides nothing.

    Raises:
        DataError: no such file, or another kind of table.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "decisions.csv"
        ...     _ = file.write_text("file,decision,label\\ncat/1.jpg,relabel,dog\\ncat/2.jpg,,\\n")
        ...     read(file)
        [Decision(file='cat/1.jpg', action='relabel', label='dog', sha256='')]
    """
    columns, rows = named_rows(path, f"--apply {path}:")
    if not {"file", "decision"} <= set(columns):
        raise DataError(
            f"--apply {path}: no decisions: expected the columns file, decision and label, as the page of convscope "
            "mistakes saves them"
        )
    found = []
    for number, row in rows:
        action = row["decision"].strip().lower()
        if action and action not in ACTIONS:
            raise DataError(f"--apply {path} line {number}: decision {action!r}: allowed: {', '.join(ACTIONS)}")
        if action:
            label = plain(row.get("label", "")) if action == "relabel" else ""
            found.append(Decision(row["file"], action, label, row.get("sha256", "").strip().lower()))
    return found


def relabelling(text: str) -> Decision:
    """The decision in a `FILE=LABEL` of the command line.

    Args:
        text: name of a picture, "=", name of a class.

    Raises:
        DataError: one of them is missing.

    Example:
        >>> relabelling("cat/a=b.jpg=dog")
        Decision(file='cat/a=b.jpg', action='relabel', label='dog', sha256='')
    """
    file, equals, label = text.rpartition("=")
    if not (equals and file and label.strip()):
        raise DataError(f"--relabel {text}: expected FILE=LABEL, such as ants/12.jpg=bees")
    return Decision(file, "relabel", plain(label))


def decide(
    listing: Listing, lines: Sequence[Entry] | None, decisions: Sequence[Decision], listener: Listener = SILENT
) -> list[Entry]:
    """The manifest after decisions.

    Args:
        listing: the data as it was read, without a manifest.
        lines: its manifest so far; None where there is none.
        decisions: one for a picture at most.
        listener: hears how far the pictures are hashed.

    Raises:
        DataError: a picture that is not there or is not the one that was looked at, a class that nobody has, or two
            different decisions about one picture.

    Example:
        >>> from convscope.data.builtin import digits
        >>> some = digits().take([0, 1, 2])
        >>> [line.label for line in decide(some, None, [Decision(some.files[0], "relabel", "2")])]
        ['2', '1', '2']
    """
    before = list(lines) if lines is not None else entries(listing, listener)
    places = {plain(line.file): place for place, line in enumerate(before)}
    rows = {plain(printable(file)): row for row, file in enumerate(listing.files)}
    classes = sorted({line.label for line in before if line.label} | set(listing.classes))
    hashes = listing.hash(listener)
    taken: dict[str, Decision] = {}
    for decision in decisions:
        key = plain(decision.file)
        if key not in places:
            raise DataError(f"{decision.file}: no such picture in {'the manifest' if lines else listing.title}")
        other = taken.setdefault(key, decision)
        if (other.action, other.label) != (decision.action, decision.label):
            raise DataError(f"{decision.file}: two decisions, {other.action} and {decision.action}; keep one")
        if decision.action == "relabel" and decision.label not in classes:
            raise DataError(
                f"{decision.file}: no class is called {decision.label!r}; {nearest(decision.label, classes)}"
            )
        row = rows.get(key)
        if decision.sha256 and (row is None or hashes[row] != decision.sha256):
            raise DataError(f"{decision.file}: not the picture that was decided about; list the mistakes anew")
        line = before[places[key]]
        now = listing.labels[row] if row is not None else UNLABELLED
        label = line.label or (listing.classes[now] if now != UNLABELLED else "")
        back = listing.parts[row] if row is not None and line.split == DROP else line.split
        note = NOTES[decision.action].format(label=label)
        changed = {
            "accept": replace(line, split=back, note=note),
            "relabel": replace(line, label=decision.label, split=back, note=note),
            "drop": replace(line, split=DROP, note=note),
        }
        before[places[key]] = changed[decision.action]
    return before
