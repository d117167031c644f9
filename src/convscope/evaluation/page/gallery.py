"""The pictures: a card each, with what was answered and what spoke for it; the worst mistakes stand there at first."""

from convscope.evaluation.page.answers import UNITS, Answers
from convscope.evaluation.page.texts import percent
from convscope.words import say
from convscope.words.markup import both, escape, name

MOST = 24  # cards that stand in the page from the start
ORDERS = ("worst", "unsure", "class", "name")
LISTS = ("wrong", "right", "all")
BLANK = "data:,"


def gallery(answers: Answers | None, classes: tuple[str, ...]) -> str:
    """The worst mistakes, and what it takes to ask for others; nothing for a report read back without its answers."""
    if answers is None:
        return ""
    rows = answers.mistakes[:MOST]
    cards = "".join(_card_of(answers, row, classes) for row in rows)
    blank = _card(None, "", ("", "", ""), (("", "", 0, "other"),), names=("", ""))
    found = both("report.pictures.worst", shown=len(rows), total=f"{len(answers.mistakes):,}")
    if not rows:
        found = both("report.mistakes.none", n=f"{len(answers.files):,}")
    more = both("report.pictures.more", count=f"{len(answers.mistakes) - len(rows):,}")
    return (
        f'<section id="pictures"><h2 tabindex="-1">{both("report.pictures")}</h2><p>{_note(answers)}</p>{_controls()}'
        f'<p class="found" aria-live="polite">{found}</p>'
        f'<ol class="cards">{cards}</ol>'
        f'<div class="unseen" hidden><p>{both("report.pictures.unseen")}</p><ul class="names"></ul></div>'
        f'<p class="under"><button type="button" class="plain" data-more hidden>{more}</button>'
        f'<button type="button" class="plain" data-copy-names hidden>{both("report.pictures.copy")}</button></p>'
        f"<template>{blank}</template></section>"
    )


def _note(answers: Answers) -> str:
    key = "report.pictures.note.heat" if answers.heatmaps else "report.pictures.note"
    return both(key)


def _controls() -> str:
    lists = "".join(
        f'<button type="button" data-list="{each}" aria-pressed="{"true" if each == "wrong" else "false"}">'
        f"{both(f'report.pictures.{each}')}</button>"
        for each in LISTS
    )
    any_class = _option("", "report.pictures.any")
    selects = "".join(
        f"<label><span>{both(f'report.pictures.{which}')}</span>"
        f'<select data-class="{which}">{any_class}</select></label>'
        for which in ("true", "answer")
    )
    orders = "".join(_option(each, f"report.pictures.order.{each}") for each in ORDERS)
    return (
        f'<div class="controls" hidden><div class="switch" role="group">{lists}</div>{selects}'
        f"<label><span>{both('report.pictures.order')}</span><select data-order>{orders}</select></label></div>"
    )


def _option(value: str, key: str) -> str:
    """An option of a list, which can hold no markup: the switch of languages changes its words."""
    english, korean = escape(say(key, "en")), escape(say(key, "ko"))
    return f'<option value="{value}" data-en="{english}" data-ko="{korean}">{english}</option>'


def _card_of(answers: Answers, row: int, classes: tuple[str, ...]) -> str:
    true, predicted = int(answers.truth[row]), int(answers.best[row, 0])
    told = [(int(index), int(chance)) for index, chance in zip(answers.best[row], answers.chances[row], strict=True)]
    if true not in answers.best[row]:
        told.append((true, int(answers.own[row])))
    lines = tuple(
        (classes[index], percent(chance / UNITS), chance, _kind(index, true, predicted)) for index, chance in told
    )
    jpegs = (answers.pictures.get(row, ""), *answers.heatmaps.get(row, ("", "")))
    return _card(row, answers.files[row], jpegs, lines, (classes[predicted], classes[true]))


def _kind(index: int, true: int, predicted: int) -> str:
    return "hit" if index == true else "miss" if index == predicted else "other"


def _card(
    row: int | None,
    file: str,
    jpegs: tuple[str, str, str],
    lines: tuple[tuple[str, str, int, str], ...],
    names: tuple[str, str],
) -> str:
    """One card; of no row, the mould that the page's script fills."""
    mould = row is None
    picture, *heat = jpegs
    figures = [_figure("", _image(picture, file, mould), "")]
    for kind, jpeg, about in zip(("miss", "hit"), heat, names, strict=True):
        if jpeg or mould:
            told = f"<figcaption>{both(f'report.pictures.for.{kind}')} <bdi>{escape(about)}</bdi></figcaption>"
            figures.append(_figure(f"heat {kind}", _image(jpeg, "", mould), told))
    answers = "".join(_line(*line) for line in lines)
    heated = " heated" if any(heat) or mould else ""
    marked = "" if mould else f' data-row="{row}"'
    return (
        f'<li class="card{heated}"{marked}><div class="looks">{"".join(figures)}</div>'
        f'<p class="file">{name(file)}</p><ol class="answers">{answers}</ol></li>'
    )


def _figure(kind: str, image: str, told: str) -> str:
    return f'<figure class="look {kind}">{image}{told}</figure>'


def _image(jpeg: str, file: str, mould: bool) -> str:
    if jpeg or mould:
        source = f"data:image/jpeg;base64,{jpeg}" if jpeg else BLANK
        return f'<div class="picture"><img src="{source}" alt="{escape(file)}"></div>'
    return f'<div class="picture missing">{both("report.mistakes.missing")}</div>'


def _line(each: str, chance: str, units: int, kind: str) -> str:
    """One of the most probable classes; of the true one it is said, and not by its colour alone."""
    told = f'<span class="told">{both("report.pictures.is")}</span>'
    return (
        f'<li class="{kind}"><span class="class"><bdi>{escape(each)}</bdi>{told}</span>'
        f'<span class="chance">{escape(chance)}</span>'
        f'<span class="bar {kind}"><i style="width:{units / UNITS:.1%}"></i></span></li>'
    )
