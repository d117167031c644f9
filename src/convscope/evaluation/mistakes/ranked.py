"""What the finder found: the ranked list, as a table, as JSON and as a page."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from convscope.data.decode import thumbnail
from convscope.data.files import write_csv
from convscope.data.listing import Listing
from convscope.data.stores import printable
from convscope.errors import UnreadableImage
from convscope.words import Language

HEADER = ("rank", "file", "given", "suggested", "probability_given", "probability_suggested", "suspect", "decision",
          "label", "sha256")  # fmt: skip


@dataclass(frozen=True)
class Ranked:
    """One picture of the list.

    Attributes:
        rank: from 1, the label that is most likely wrong.
        file: its name.
        given: its label.
        suggested: the most probable other class.
        probability_given: of its label, by models that did not see the picture.
        probability_suggested: of the other class.
        top: the most probable classes, each {"label", "probability"}.
        suspect: whether it is one of as many as are estimated to be wrong.
        sha256: of its content.
    """

    rank: int
    file: str
    given: str
    suggested: str
    probability_given: float
    probability_suggested: float
    top: tuple[dict[str, Any], ...]
    suspect: bool
    sha256: str


@dataclass(frozen=True, eq=False)
class Mistakes:
    """What the finder found.

    Attributes:
        data: what the pictures came from.
        n: pictures that were judged.
        classes: their names.
        accuracy: share of them whose label is the most probable class.
        estimated: how many labels are wrong, by confident learning.
        pictures: the list, the most doubtful first.
        pairs: classes that are mixed up, (given, suggested, suspects), the most frequent first.
        network: whose features were used; "" for pixels alone.
        folds: parts that the pictures were dealt into.
        checked: pictures left out of the list because somebody has looked at them.
        broken: files that could not be read, with the reason.
        alone: files left out because no other picture bears their label.
    """

    data: str
    n: int
    classes: tuple[str, ...]
    accuracy: float
    estimated: int
    pictures: tuple[Ranked, ...] = field(repr=False)
    pairs: tuple[tuple[str, str, int], ...] = field(repr=False)
    network: str
    folds: int
    checked: int = 0
    broken: tuple[dict[str, str], ...] = field(default=(), repr=False)
    alone: tuple[str, ...] = field(default=(), repr=False)
    listing: Listing | None = field(default=None, repr=False)

    @property
    def suspects(self) -> tuple[Ranked, ...]:
        """Those of the list whose label is probably wrong."""
        return tuple(each for each in self.pictures if each.suspect)

    def to_dict(self) -> dict[str, Any]:
        """What `convscope mistakes --json` prints; findings have the form of `convscope check`."""
        suspects = [each.file for each in self.suspects]
        detail = f"{len(suspects)} labels are probably wrong, the likeliest first"
        finding = {"kind": "label-suspect", "files": suspects, "detail": detail}
        return {
            "data": self.data,
            "files": self.n,
            "classes": list(self.classes),
            "accuracy": self.accuracy,
            "estimated": self.estimated,
            "network": self.network or None,
            "folds": self.folds,
            "findings": [finding] if suspects else [],
            "ranked": [asdict(each) for each in self.pictures],
            "pairs": [{"given": given, "suggested": other, "suspects": count} for given, other, count in self.pairs],
            "checked": self.checked,
            "broken": list(self.broken),
            "alone": list(self.alone),
        }

    def write(self, file: Path) -> None:
        """Write the list as CSV; filled in, its columns `decision` and `label` are what `--apply` reads."""
        rows = [
            [each.rank, each.file, each.given, each.suggested, f"{each.probability_given:.6f}",
             f"{each.probability_suggested:.6f}", "yes" if each.suspect else "no", "", "", each.sha256]
            for each in self.pictures
        ]  # fmt: skip
        write_csv(file, HEADER, rows)

    def page(self, language: Language = "en") -> str:
        """The list with pictures and buttons as one HTML file that needs nothing else, in both languages."""
        from convscope.evaluation.page.mistakes_list import page

        return page(self, self._picture(), language)

    def _picture(self) -> Callable[[str], bytes | None]:
        names = {printable(file): file for file in self.listing.files} if self.listing else {}

        def jpeg(file: str) -> bytes | None:
            if self.listing is None:
                return None
            try:
                return thumbnail(self.listing.store.picture(names[file]))
            except UnreadableImage:
                return None

        return jpeg

    def _repr_html_(self) -> str:
        from convscope.evaluation.page.mistakes_list import notebook

        return notebook(self)
