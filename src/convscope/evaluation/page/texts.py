"""Numbers for the page, written one way."""

from convscope.words.markup import NO_BREAK


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
