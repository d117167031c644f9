"""The list of doubtful labels with pictures and buttons, as one HTML file that loads nothing."""

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from convscope.evaluation.page.shell import asset, document, masthead
from convscope.evaluation.page.svg import bar
from convscope.evaluation.page.texts import percent
from convscope.words import LANGUAGES, Language, say
from convscope.words.markup import both, escape, name

if TYPE_CHECKING:
    from convscope.evaluation.mistakes.ranked import Mistakes, Ranked

MOST = 1_000  # cards: about 6 kB each
BUTTONS = (("accept", "A"), ("relabel", "R"), ("drop", "D"))


def page(found: "Mistakes", picture: Callable[[str], bytes | None], language: Language) -> str:
    """The page, in both languages.

    Args:
        found: what is shown.
        picture: name of a file to a small JPEG of it, or None.
        language: what the page opens in.
    """
    shown = found.pictures[:MOST]
    cut = ""
    if len(shown) < len(found.pictures):
        cut = f"<p>{both('mistakes.list.cut', shown=f'{MOST:,}', count=f'{len(found.pictures):,}')}</p>"
    cards = "".join(_card(each, picture(each.file)) for each in shown)
    classes = "".join(f"<option>{escape(each)}</option>" for each in found.classes)
    data = f'<p class="judged">{name(found.data)}</p>'
    body = (
        f"{masthead(both('mistakes.heading'), data)}\n<main>\n"
        f'<section class="headline"><p class="verdict">{_lead(found)}</p>{_pairs(found)}'
        f'<p class="how">{_how(found)}</p></section>\n{_bar(len(shown))}\n'
        f'<section id="mistakes"><h2>{both("mistakes.list")}</h2>{cut}<ol class="cards">{cards}</ol></section>\n'
        f'</main>\n<footer><p class="made">{both("mistakes.made")}</p></footer>\n'
        f'<template id="classes">{classes}</template>'
    )
    titles = {each: say("mistakes.title", each, data=found.data) for each in LANGUAGES}
    return document(
        titles, body, language, extra_style=asset("mistakes_list.css"), extra_script=asset("mistakes_list.js")
    )


def notebook(found: "Mistakes", most: int = 20) -> str:
    """The first of the list as a table, for a notebook.

    Args:
        found: what is shown.
        most: lines.
    """
    head = "".join(
        f"<th>{say(f'mistakes.{key}')}</th>" for key in ("rank", "file", "given", "suggested", "probability")
    )
    rows = "".join(
        f"<tr><td>{each.rank}</td><td>{name(each.file)}</td><td>{name(each.given)}</td><td>{name(each.suggested)}</td>"
        f"<td>{escape(percent(each.probability_suggested))}</td></tr>"
        for each in found.pictures[:most]
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _lead(found: "Mistakes") -> str:
    if not found.suspects:
        return both("mistakes.lead.none", n=f"{found.n:,}")
    return both("mistakes.lead", estimated=f"{found.estimated:,}", n=f"{found.n:,}")


def _how(found: "Mistakes") -> str:
    how = both("mistakes.how", folds=found.folds, accuracy=percent(found.accuracy))
    return f"{how} {both('mistakes.seen', network=found.network) if found.network else both('mistakes.seen.pixels')}"


def _pairs(found: "Mistakes") -> str:
    lines = "".join(
        f"<li>{both('mistakes.pair', count=f'{count:,}', given=given, other=other)}</li>"
        for given, other, count in found.pairs[:5]
    )
    return f'<ul class="pairs">{lines}</ul>' if lines else ""


def _bar(count: int) -> str:
    """Stays in sight: how far one is, and the file that comes of it."""
    return (
        f'<section class="decide" hidden><p><span>{both("mistakes.decided")} <output>0</output> '
        f"{both('mistakes.of', count=f'{count:,}')}</span>"
        f'<button type="button" data-save>{both("mistakes.save")}</button></p>'
        f'<p class="keys">{both("mistakes.keys")}</p>'
        f'<p class="next" hidden>{both("mistakes.next")} '
        "<code>convscope mistakes DATA --apply decisions.csv --manifest split.csv</code></p></section>"
    )


def _card(each: "Ranked", jpeg: bytes | None) -> str:
    if jpeg is None:
        image = f'<div class="picture missing">{both("mistakes.missing")}</div>'
    else:
        source = f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"
        image = f'<div class="picture"><img src="{source}" alt="{escape(each.file)}" loading="lazy"></div>'
    answers = "".join(
        f'<div class="{kind}"><dt>{both(key)}<span class="chance">{escape(percent(chance))}</span></dt>'
        f"<dd>{name(label)}{bar(chance, kind)}</dd></div>"
        for kind, key, label, chance in (
            ("miss", "mistakes.given", each.given, each.probability_given),
            ("hit", "mistakes.suggested", each.suggested, each.probability_suggested),
        )
    )
    likely = [each.suggested, *(top["label"] for top in each.top if top["label"] not in {each.given, each.suggested})]
    options = "".join(f"<option>{escape(label)}</option>" for label in likely)
    buttons = "".join(
        f'<button type="button" data-do="{action}" aria-pressed="false">'
        f"{both(f'mistakes.{action}')}<kbd>{key}</kbd></button>"
        for action, key in BUTTONS
    )
    doubted = f'<span class="doubted">{both("mistakes.suspect")}</span>' if each.suspect else ""
    return (
        f'<li class="card" tabindex="-1" data-file="{escape(each.file)}" data-sha256="{each.sha256}" '
        f'data-given="{escape(each.given)}">'
        f'<p class="rank">{each.rank}{doubted}</p>{image}<dl>{answers}</dl><p class="file">{name(each.file)}</p>'
        f'<div class="controls" hidden><select aria-label="{escape(each.suggested)}">{options}</select>{buttons}</div>'
        "</li>"
    )
