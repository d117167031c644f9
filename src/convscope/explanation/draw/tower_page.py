"""A network on one page: the tower, and a list whose rows open their arithmetic; nothing is loaded."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from convscope.explanation.draw import arithmetic
from convscope.explanation.draw.boxes import kind
from convscope.explanation.draw.parts import Row
from convscope.explanation.draw.plan import gated, units
from convscope.explanation.draw.tower import tower
from convscope.layers.summary import BYTES, Layer, Summary
from convscope.words import LANGUAGES, Language, say
from convscope.words.markup import NO_BREAK, both, escape, switch_script

HEADINGS = ("layer", "kind", "shape", "parameters", "macs", "field")


def page(summary: Summary, about: str = "", language: Language = "en") -> str:
    """One HTML file that needs nothing else, in both languages.

    Args:
        summary: of any network.
        about: a line under the title, such as its paper.
        language: what the page opens in.
    """
    style, script = _asset("tower_page.css"), switch_script() + _asset("tower_page.js")
    titles = {each: escape(say("tower.title", each, name=summary.name)) for each in LANGUAGES}
    # the browser itself refuses whatever this file did not bring along, and any script but this one
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    gates = f'<p class="note">{both("tower.gates")}</p>' if gated(summary) else ""
    return (
        f'<!doctype html>\n<html lang="{language}" data-language="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f'<title data-en="{titles["en"]}" data-ko="{titles["ko"]}">{titles[language]}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n{_head(summary, about)}\n<main>\n{_figures(summary)}\n"
        f"<section><h2>{both('tower.drawn')}</h2><p>{both('tower.drawn.note')}</p>\n"
        f'<div class="scroll">{tower(summary, about, language, in_page=True)}</div></section>\n'
        f"<section><h2>{both('tower.rows')}</h2><p>{both('tower.rows.note')}</p>{gates}{_list(summary)}</section>\n"
        f"</main>\n<footer><p>{both('tower.made')}</p></footer>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _head(summary: Summary, about: str) -> str:
    return (
        '<header><div class="topline"><p class="brand">convscope</p>'
        '<p class="switch" role="group" aria-label="Language / 언어" hidden>'
        '<button type="button" data-choose="en" lang="en">English</button>'
        '<button type="button" data-choose="ko" lang="ko">한국어</button></p></div>'
        f"<h1>{both('tower.title', name=summary.name)}</h1>"
        f'<p class="about"><bdi>{escape(about)}</bdi></p></header>'
    )


def _figures(summary: Summary) -> str:
    figures = {
        "parameters": f"{summary.parameters:,}",
        "weights": arithmetic.size(BYTES * summary.parameters),
        "macs": f"{summary.macs:,}",
        "memory": arithmetic.size(summary.activation_bytes),
        "input": arithmetic.shape(summary.input_shape),
        "layers": f"{sum(layer.macs > 0 for layer in summary.layers):,}",
    }
    pairs = (
        f"<div><dt>{both(f'tower.figure.{key}')}</dt><dd>{value.replace(' ', NO_BREAK)}</dd></div>"
        for key, value in figures.items()
    )
    return f'<dl class="figures">{"".join(pairs)}</dl>'


def _list(summary: Summary) -> str:
    place = {id(layer): at for at, layer in enumerate(summary.layers)}
    heads = "".join(f"<span>{both(f'tower.head.{key}')}</span>" for key in HEADINGS)
    parts = [
        f'<p class="buttons" hidden><button type="button" data-open="true">{both("tower.rows.open")}</button>'
        f'<button type="button" data-open="false">{both("tower.rows.close")}</button></p>',
        f'<div class="rows"><div class="line heads" aria-hidden="true">{heads}</div>',
    ]
    group = None
    for unit in units(summary):
        if unit.group != group:
            group = unit.group
            parts.append(f"<h3>{escape(group)}</h3>" if group else "")
        parts += [_row(row, place[id(row.first)]) for row in unit.rows]
    return "\n".join([*parts, "</div>"])


def _row(row: Row, place: int) -> str:
    layer = row.first
    size = f" {layer.kernel[0]}×{layer.kernel[1]}" if layer.kernel else ""
    kinds = escape(" + ".join((row.kinds[0] + size, *row.kinds[1:])))
    field = str(layer.receptive_field or "–")
    cells = (
        f'<span class="layer {kind(row)}">{escape(layer.name)}</span><span>{kinds}</span>'
        f"<span>{arithmetic.shape(layer.shape)}</span>"
        + "".join(
            f'<span class="n"><b>{both(f"tower.head.{key}")}</b> {value}</span>'
            for key, value in (("parameters", f"{row.parameters:,}"), ("macs", f"{row.macs:,}"), ("field", field))
        )
    )
    sums = "".join(_sums(each, alone=len(row.layers) == 1) for each in row.layers)
    return f'<details id="row-{place}"><summary class="line">{cells}</summary><div class="sums">{sums}</div></details>'


def _sums(layer: Layer, *, alone: bool) -> str:
    """How each number of one layer comes about."""
    entries: list[tuple[str, str]] = []
    if layer.formula:
        entries.append(("size", f"<code>{layer.formula}</code> <small>{both('tower.sum.size.note')}</small>"))
        if layer.formula.startswith("⌈"):
            entries[-1] = ("size", f"{entries[-1][1]}<br>{both('tower.sum.up')}")
        elif layer.lost and any(layer.lost):
            lost = both("tower.sum.down", rows=layer.lost[0], columns=layer.lost[1])
            entries[-1] = ("size", f"{entries[-1][1]}<br>{lost}")
    if layer.padding and any(layer.padding):
        sides = dict(zip(("top", "bottom", "left", "right"), layer.padding, strict=True))
        entries.append(("padding", both("tower.sum.padding.sides", **sides)))
    if layer.parameters:
        entries.append(("parameters", f"<code>{arithmetic.parameters_sum(layer)}</code>"))
    if layer.macs:
        entries.append(("macs", f"<code>{arithmetic.macs_sum(layer)}</code>"))
    entries.append(("memory", both("tower.sum.bytes", sum=arithmetic.memory_sum(layer))))
    if seen := arithmetic.field_sum(layer):
        cell = both("tower.sum.field.cell", field=layer.receptive_field)
        entries.append(("field", f"<code>{seen}</code> <small>{both('tower.sum.field.note')}</small><br>{cell}"))
    title = "" if alone else f"<h4>{escape(layer.name)} <small>{escape(layer.kind)}</small></h4>"
    pairs = "".join(f"<div><dt>{both(f'tower.sum.{key}')}</dt><dd>{value}</dd></div>" for key, value in entries)
    return f"{title}<dl>{pairs}</dl>"


def _asset(file: str) -> str:
    return files("convscope.explanation.draw").joinpath(file).read_text(encoding="utf-8")
