"""Texts inside markup: escaped, and where the page has a switch, both languages side by side."""

import html
from importlib.resources import files
from unicodedata import normalize

from convscope.words import LANGUAGES, Language, say

NO_BREAK = "\N{NO-BREAK SPACE}"


def escape(text: str) -> str:
    r"""`text` from outside, made inert in markup and attributes, with Hangul composed.

    >>> escape('<b> & "b"')
    '&lt;b&gt; &amp; &quot;b&quot;'
    >>> len(escape("\u1100\u1161"))      # a decomposed syllable
    1
    """
    return html.escape(normalize("NFC", text))


def name(text: str, most: int | None = None) -> str:
    """A name from outside; `bdi` keeps right-to-left letters in it from turning the words around it.

    Args:
        text: the name.
        most: a longer one loses its middle, and shows it all when pointed at.

    Example:
        >>> name("cat")
        '<bdi>cat</bdi>'
        >>> name("abcdefghij", most=5)
        '<bdi title="abcdefghij">ab…ij</bdi>'
    """
    text = normalize("NFC", text)
    if most is None or len(text) <= most:
        return f"<bdi>{escape(text)}</bdi>"
    half = most // 2
    return f'<bdi title="{escape(text)}">{escape(text[:half])}…{escape(text[-half:])}</bdi>'


def both(key: str, /, **values: object) -> str:
    """The text under `key` in both languages; the style sheet shows one of them."""
    return _pair("span", key, values)


def both_in_svg(key: str, /, **values: object) -> str:
    """The same for the inside of an SVG `text`."""
    return _pair("tspan", key, values)


def spoken(key: str, language: Language, /, **values: object) -> str:
    """Attributes that describe a picture aloud: in `language` at first, then in what the switch chooses."""
    others = " ".join(f'data-{each}="{escape(say(key, each, **values))}"' for each in LANGUAGES)
    return f'role="img" aria-label="{escape(say(key, language, **values))}" {others}'


def switch_script() -> str:
    """What makes the language switch of a page work, in JavaScript."""
    return files("convscope.words").joinpath("switch.js").read_text(encoding="utf-8")


def _pair(tag: str, key: str, values: dict[str, object]) -> str:
    return "".join(f'<{tag} lang="{each}">{escape(say(key, each, **values))}</{tag}>' for each in LANGUAGES)
