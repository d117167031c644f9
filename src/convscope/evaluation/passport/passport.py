"""`Passport`: what is known of a set of pictures, as figures and as a page."""

import html
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convscope.data.checks.look import Looks
from convscope.data.listing import Listing
from convscope.evaluation.passport.finding import Finding
from convscope.evaluation.passport.near import Pair
from convscope.evaluation.passport.single import median_size
from convscope.words import Language, say

SCHEMA = 1


@dataclass(frozen=True)
class Passport:
    """What a look at every picture has told.

    Attributes:
        listing: the pictures.
        looks: at each of them.
        findings: what is wrong, the gravest kinds first.
        pairs: near-duplicates, by row of the first picture of each content.
        seconds: that it took.
    """

    listing: Listing = field(repr=False)
    looks: Looks = field(repr=False)
    findings: tuple[Finding, ...]
    pairs: tuple[Pair, ...] = field(default=(), repr=False)
    seconds: float = 0.0

    @property
    def files(self) -> int:
        """How many pictures there are, readable or not."""
        return len(self.listing)

    @property
    def classes(self) -> dict[str, int]:
        """Pictures by class."""
        counted = np.bincount(self.listing.labels, minlength=len(self.listing.classes))
        return {name: int(count) for name, count in zip(self.listing.classes, counted, strict=True)}

    @property
    def splits(self) -> dict[str, int]:
        """Pictures by part, where the data says; "" for those of which it does not."""
        parts = self.listing.parts
        return {part: parts.count(part) for part in ("train", "val", "test", "") if part in parts and any(parts)}

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]

    def to_dict(self) -> dict[str, Any]:
        """What `convscope check --json` prints."""
        each = self.looks.each
        sizes = sorted((look.header.width * look.header.height, look.header) for look in each if look.header.width)
        ends = {"smallest": sizes[0][1], "largest": sizes[-1][1]} if sizes else {}
        width, height = median_size(self.looks)
        return {
            "schema": SCHEMA,
            "data": self.listing.title,
            "files": self.files,
            "classes": self.classes,
            "splits": self.splits,
            "counts": self.listing.counts(),
            "sizes": {
                "median": [width, height],
                **{name: [header.width, header.height] for name, header in ends.items()},
            },
            "bytes": sum(look.size for look in each),
            "ignored": len(self.listing.ignored),
            "seconds": round(self.seconds, 2),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def page(self, language: Language = "en") -> str:
        """One HTML file that needs nothing else, with pictures, in both languages.

        Args:
            language: what it opens in.
        """
        from convscope.evaluation.page.passport import render

        return render(self, language)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(say(f'check.kind.{finding.kind}'))}</td><td>{html.escape(finding.detail())}</td></tr>"
            for finding in self.findings
        )
        summary = say("check.summary", files=f"{self.files:,}", classes=len(self.listing.classes))
        return f"<b>{html.escape(self.listing.title)}</b>: {summary}<table>{rows}</table>"
