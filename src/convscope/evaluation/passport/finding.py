"""`Finding`: one thing that is wrong with a set of pictures, in words of both languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from convscope.data.stores import printable
from convscope.words import Language, say

Said = tuple[str, Mapping[str, object]]

# the gravest first; `convscope mistakes` finds the suspect labels
KINDS = (
    "broken", "duplicate-across-classes", "leak", "exact-duplicate", "near-duplicate", "too-few", "imbalance",
    "name-collision", "unreadable-name", "low-information", "dark", "blurred", "tiny", "huge", "grey", "animated",
    "rotated",
)  # fmt: skip
# of these there is one finding for every group, of the others one at most
GROUPED = frozenset({"duplicate-across-classes", "leak", "exact-duplicate", "near-duplicate", "name-collision"})
NAMED = 3


@dataclass(frozen=True)
class Finding:
    """What was found.

    Attributes:
        kind: one of `KINDS`.
        files: the pictures it is about, by name.
        form: what the text's key ends in, where a kind has several; such as "exact".
        values: what its text is filled in with; see `said`.
        notes: file, or class, to what is to be said of it: a text's key and values.

    Example:
        >>> empty = {"a.jpg": ("check.reason.empty", {})}
        >>> Finding("broken", ("a.jpg",), values={"count": 1, "total": 9}, notes=empty).detail()
        '1 of 9: a.jpg (the file is empty)'
    """

    kind: str
    files: tuple[str, ...] = ()
    form: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    notes: Mapping[str, Said] = field(default_factory=dict)

    def detail(self, language: Language = "en") -> str:
        """What was found, in a sentence that names the first pictures."""
        values = {name: said(value, language) for name, value in self.values.items()}
        if self.kind == "too-few":
            named = [say(key, language, **self._said(told, language)) for key, told in self.notes.values()]
        else:
            named = [
                printable(file) + (f" ({self.note(file, language)})" if file in self.notes else "")
                for file in self.files
            ]
        values["named"] = "; ".join(named[:NAMED]) + ("; …" if len(named) > NAMED else "")
        key = ".".join(filter(None, ("check.detail", self.kind, self.form)))
        return say(key, language, **values)

    def note(self, name: str, language: Language = "en") -> str:
        """What is to be said of one picture or class; "" where nothing is."""
        if name not in self.notes:
            return ""
        key, values = self.notes[name]
        return say(key, language, **self._said(values, language))

    def to_dict(self) -> dict[str, Any]:
        """Kind, files, detail and, where there are any, notes by file; in English."""
        told: dict[str, Any] = {
            "kind": self.kind,
            "files": [printable(file) for file in self.files],
            "detail": self.detail(),
        }
        if self.notes:
            told["notes"] = {printable(name): self.note(name) for name in self.notes}
        return told

    @staticmethod
    def _said(values: Mapping[str, object], language: Language) -> dict[str, str]:
        return {name: said(value, language) for name, value in values.items()}


@dataclass(frozen=True)
class Words:
    """Several things in one place of a text: names as they are, or parts by their names in each language."""

    each: tuple[str, ...]
    parts: bool = False


def said(value: object, language: Language) -> str:
    """A value of a text in a language.

    Args:
        value: a number, a name, or `Words`.
        language: of the text.

    Example:
        >>> said(Words(("train", "test"), parts=True), "ko"), said(1234, "en")
        ('학습, 테스트', '1,234')
    """
    if isinstance(value, Words):
        return ", ".join(say(f"check.part.{word}", language) if value.parts else printable(word) for word in value.each)
    if isinstance(value, int):
        return f"{value:,}"
    return printable(str(value))
