"""The data passport as one HTML file that loads nothing: counts, and every finding with pictures and what to do."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from convscope.data.decode import thumbnail
from convscope.data.splits import PARTS
from convscope.data.stores import printable
from convscope.errors import UnreadableImage
from convscope.evaluation.page.shell import asset, document, masthead
from convscope.words import LANGUAGES, Language, say
from convscope.words.markup import both, escape, name

if TYPE_CHECKING:
    from convscope.evaluation.passport.finding import Finding
    from convscope.evaluation.passport.passport import Passport

MOST_GROUPS, MOST_IN_GROUP, MOST_PICTURES = 12, 8, 24
PAIR = 2  # pictures of groups that stand side by side
SIDE = 160  # of a picture's longer side, in pixels
WITHOUT_PICTURES = frozenset({"imbalance", "too-few"})

Picture = Callable[[str], bytes | None]


def render(passport: "Passport", language: Language) -> str:
    """The page, in both languages.

    Args:
        passport: what is shown.
        language: what the page opens in.
    """
    picture = partial(_jpeg, passport)
    kinds = [list(found) for _, found in groupby(passport.findings, key=lambda finding: finding.kind)]
    below = f'<p class="judged">{name(passport.listing.title)}</p>'
    verdict = both("check.found", count=f"{len(passport.findings):,}") if kinds else both("check.clean")
    body = (
        f"{masthead(both('check.heading'), below)}\n<main>\n"
        f'<section class="headline"><p class="verdict">{verdict}</p>{_contents(kinds)}{_figures(passport)}</section>\n'
        f"{_counts(passport)}\n{''.join(_kind(found, picture) for found in kinds)}</main>\n"
        f'<footer><p class="made">{both("check.made")}</p></footer>'
    )
    titles = {each: say("check.title", each, data=passport.listing.title) for each in LANGUAGES}
    return document(titles, body, language, extra_style=asset("passport.css"))


def _contents(kinds: Sequence[list["Finding"]]) -> str:
    """What was found, as a list of links with numbers."""
    links = "".join(
        f'<li><a href="#{found[0].kind}">{both(f"check.kind.{found[0].kind}")}</a><span>{_size(found)}</span></li>'
        for found in kinds
    )
    return f'<ul class="contents">{links}</ul>' if links else ""


def _size(found: Sequence["Finding"]) -> str:
    """How many groups or pictures a kind has."""
    files = len({file for finding in found for file in finding.files})
    if _grouped(found):
        return both("check.groups", count=f"{len(found):,}", files=f"{files:,}")
    return both("check.pictures", count=f"{files:,}") if files else ""


def _grouped(found: Sequence["Finding"]) -> bool:
    from convscope.evaluation.passport.finding import GROUPED

    return found[0].kind in GROUPED


def _figures(passport: "Passport") -> str:
    told = passport.to_dict()
    pairs = [
        ("check.figure.files", escape(f"{passport.files:,}")),
        ("check.figure.classes", escape(f"{len(passport.classes):,}")),
    ]
    if "smallest" in told["sizes"]:
        spans = {key: _pixels(*told["sizes"][key]) for key in ("median", "smallest", "largest")}
        pairs.append(("check.figure.size", spans["median"]))
        pairs.append(("check.figure.range", f"{spans['smallest']} – {spans['largest']}"))
    pairs.append(("check.figure.megabytes", both("check.megabytes", megabytes=f"{told['bytes'] / 1e6:,.1f}")))
    if told["ignored"]:
        pairs.append(("check.figure.ignored", escape(f"{told['ignored']:,}")))
    rows = "".join(f"<div><dt>{both(key)}</dt><dd>{value}</dd></div>" for key, value in pairs)
    return f'<dl class="figures">{rows}</dl>'


def _pixels(width: int, height: int) -> str:
    return both("check.pixels", width=f"{width:,}", height=f"{height:,}")


def _counts(passport: "Passport") -> str:
    """Pictures of every class, by part, as a table with bars."""
    counts = passport.listing.counts()
    parts = [part for part in (*PARTS, "") if passport.splits.get(part)]
    most = max((sum(each.values()) for each in counts.values()), default=0) or 1
    heads = "".join(
        f'<th scope="col" class="number"><i class="{part}"></i>{both(f"check.part.{part}")}</th>'
        for part in (part or "none" for part in parts)
    )
    rows = []
    for label, each in counts.items():
        total = sum(each.values())
        cells = "".join(f'<td class="number">{each.get(part, 0):,}</td>' for part in parts)
        lengths = [(part, each.get(part, 0)) for part in parts] or [("train", total)]
        bar = "".join(f'<i class="{part or "none"}" style="width:{100 * n / most:.2f}%"></i>' for part, n in lengths)
        rows.append(
            f'<tr><th scope="row">{name(label)}</th>{cells}<td class="number">{total:,}</td>'
            f'<td class="stack" aria-hidden="true">{bar}</td></tr>'
        )
    return (
        f'<section><h2>{both("check.counts")}</h2><div class="scroll"><table class="list per-class"><thead><tr>'
        f'<th scope="col">{both("check.columns.class")}</th>{heads}<th scope="col" class="number">'
        f"{both('check.columns.all')}</th><td></td></tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _kind(found: Sequence["Finding"], picture: Picture) -> str:
    """One kind of finding: what it means, what to do, and the pictures."""
    kind = found[0].kind
    if kind in WITHOUT_PICTURES:
        shown = "".join(f'<p class="told">{_detail(finding)}</p>' for finding in found)
    elif _grouped(found):
        shown = f'<div class="groups">{"".join(_group(finding, picture) for finding in found[:MOST_GROUPS])}</div>'
        shown += _more("check.more.groups", len(found) - MOST_GROUPS)
    else:
        shown = _cards(found[0], picture)
    size = _size(found) if kind not in WITHOUT_PICTURES else ""
    return (
        f'<section class="finding" id="{kind}"><h2>{both(f"check.kind.{kind}")}<small>{size}</small></h2>'
        f'<p>{both(f"check.what.{kind}")}</p><p class="do">{both(f"check.do.{kind}")}</p>{shown}</section>\n'
    )


def _group(finding: "Finding", picture: Picture) -> str:
    shown = "".join(_card(file, finding, picture) for file in finding.files[:MOST_IN_GROUP])
    more = _more("check.more.pictures", len(finding.files) - MOST_IN_GROUP)
    wide = " wide" if len(finding.files) > PAIR else ""
    return f'<div class="group{wide}"><p class="told">{_detail(finding)}</p><ol class="cards">{shown}</ol>{more}</div>'


def _cards(finding: "Finding", picture: Picture) -> str:
    shown = "".join(_card(file, finding, picture) for file in finding.files[:MOST_PICTURES])
    return f'<ol class="cards">{shown}</ol>{_more("check.more.pictures", len(finding.files) - MOST_PICTURES)}'


def _card(file: str, finding: "Finding", picture: Picture) -> str:
    jpeg = picture(file)
    spelt = printable(file)
    if jpeg is None:
        image = f'<div class="picture missing">{both("check.unseen")}</div>'
    else:
        source = f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"
        image = f'<div class="picture"><img src="{source}" alt="{escape(spelt)}"></div>'
    note = _in_both(lambda language: finding.note(file, language)) if file in finding.notes else ""
    told = f'<p class="note">{note}</p>' if note else ""
    return f'<li class="card">{image}{told}<p class="file">{name(spelt)}</p></li>'


def _detail(finding: "Finding") -> str:
    return _in_both(finding.detail)


def _in_both(text: Callable[[Language], str]) -> str:
    return "".join(f'<span lang="{each}">{escape(text(each))}</span>' for each in LANGUAGES)


def _more(key: str, count: int) -> str:
    return f'<p class="more">{both(key, count=f"{count:,}")}</p>' if count > 0 else ""


def _jpeg(passport: "Passport", file: str) -> bytes | None:
    try:
        return thumbnail(passport.listing.store.picture(file, _shrink), SIDE)
    except UnreadableImage:
        return None


def _shrink(width: int, height: int) -> int:
    return next((times for times in (8, 4, 2) if max(width, height) >= 2 * SIDE * times), 1)
