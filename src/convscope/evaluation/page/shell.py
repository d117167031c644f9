"""What every page of ours begins and ends with."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files

from convscope.words import Language
from convscope.words.markup import escape, switch_script


def document(
    titles: Mapping[Language, str],
    body: str,
    language: Language,
    extra_style: str = "",
    refresh_s: int = 0,
    extra_script: str = "",
) -> str:
    """A whole HTML file that loads nothing, around a body.

    Args:
        titles: of the window, in every language.
        body: markup.
        language: what the page opens in.
        extra_style: rules after those that all pages share.
        refresh_s: seconds after which the page loads itself anew; 0 for never.
        extra_script: what runs before the switch of languages; data for it stands in the body.
    """
    style, script = asset("page.css") + extra_style, extra_script + switch_script()
    # the browser itself refuses whatever this file did not bring along, and any script but this one
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    again = f'<meta http-equiv="refresh" content="{refresh_s}">\n' if refresh_s else ""
    spoken = {each: escape(title) for each, title in titles.items()}
    return (
        f'<!doctype html>\n<html lang="{language}" data-language="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f'{again}<title data-en="{spoken["en"]}" data-ko="{spoken["ko"]}">{spoken[language]}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n{body}\n<script>{script}</script>\n</body>\n</html>\n"
    )


def masthead(title: str, below: str = "") -> str:
    """Our name, the language switch, and the title.

    Args:
        title: markup.
        below: markup under it.
    """
    return (
        '<header><div class="topline"><p class="brand">convscope</p>'
        '<p class="switch" role="group" aria-label="Language / 언어" hidden>'
        '<button type="button" data-choose="en" lang="en">English</button>'
        '<button type="button" data-choose="ko" lang="ko">한국어</button></p></div>'
        f"<h1>{title}</h1>{below}</header>"
    )


def asset(file: str) -> str:
    """The text of a style sheet or a script that lies beside this file."""
    return files("convscope.evaluation.page").joinpath(file).read_text(encoding="utf-8")
