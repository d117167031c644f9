"""Text for the page: both languages side by side, escaped, with numbers written one way."""

import html
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


def percent(share: float) -> str:
    """A share of one in percent; only a true 0 or 1 (up to rounding in its arithmetic) is shown as such.

    >>> percent(0.934).replace(NO_BREAK, " ")
    '93.4 %'
    >>> percent(0.9999).replace(NO_BREAK, " "), percent(1.0).replace(NO_BREAK, " ")
    ('>99.9 %', '100.0 %')
    """
    if 1e-9 < share < 0.0005:
        return f"<0.1{NO_BREAK}%"
    if 0.9995 <= share < 1 - 1e-9:
        return f">99.9{NO_BREAK}%"
    return f"{share * 100:.1f}{NO_BREAK}%"


def duration(seconds: float) -> str:
    """A short time with the unit that suits it.

    >>> [duration(seconds).replace(NO_BREAK, " ") for seconds in (2.5, 0.0421, 0.00421, 0.0000421)]
    ['2.5 s', '42 ms', '4.2 ms', '0.042 ms']
    """
    if seconds >= 1:
        return f"{seconds:.1f}{NO_BREAK}s"
    thousandths = seconds * 1000
    return f"{thousandths:.2g}{NO_BREAK}ms" if thousandths < 10 else f"{thousandths:.0f}{NO_BREAK}ms"


def _pair(tag: str, key: str, values: dict[str, object]) -> str:
    return "".join(f'<{tag} lang="{each}">{escape(say(key, each, **values))}</{tag}>' for each in LANGUAGES)
