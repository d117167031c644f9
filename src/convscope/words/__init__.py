"""Every text a person reads, in English and Korean, and the way a long job tells how it goes."""

from importlib import import_module
from typing import Literal

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

_TABLES = {"en": "english", "ko": "korean"}


def say(key: str, language: Language = "en", **values: object) -> str:
    """The text under `key`, with `values` filled in.

    >>> say("train.split", "en", train=80, val=10, test=10)
    'split: 80 train, 10 val, 10 test'
    """
    text: str = import_module(f"convscope.words.{_TABLES[language]}").TEXTS[key]
    return text.format(**values)


class Listener:
    """Hears how a long job goes; this one stays silent, the terminal's and the app's speak."""

    def progress(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` steps of the stage whose name is the text `stage.<stage>`."""

    def message(self, key: str, **values: object) -> None:
        """One thing worth knowing, as a key of the texts and its values."""


SILENT = Listener()
