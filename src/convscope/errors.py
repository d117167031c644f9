"""Everything convscope raises on purpose.

ConvscopeError
├── DataError                the pictures, labels or splits cannot be used
│   ├── UnreadableImage      one file is not a picture, is damaged, or is too large
│   └── UnsafeArchive        a zip reaches outside its folder, or is out of proportion
├── ModelError               the network cannot be built or run
│   ├── UnknownModel         no network is registered under that name
│   └── ModelFileError       a file is not a convscope model, or is damaged
├── RecipeError              the numbers of a run contradict each other
├── RunError                 a run folder cannot be written, found or resumed
├── TrainingDiverged         the loss stopped being a number
└── MissingExtra             an optional dependency is not installed

Each message says what, what was found, what is allowed, and what to do, in one line.
"""

from difflib import get_close_matches


class ConvscopeError(Exception):
    """The user's input, not our bug: shown as one line, exit status 2."""


class DataError(ConvscopeError):
    """The pictures, labels or splits cannot be used."""


class UnreadableImage(DataError):
    """One file is not a picture, is damaged, or is too large to decode."""


class UnsafeArchive(DataError):
    """A zip reaches outside its folder, or unpacks out of all proportion."""


class ModelError(ConvscopeError):
    """The network cannot be built or run."""


class UnknownModel(ModelError):
    """No network is registered under that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"no network is called {name!r}; {nearest(name, known)}")


class ModelFileError(ModelError):
    """A file is not a convscope model, or is damaged."""


class RecipeError(ConvscopeError):
    """The numbers of a run contradict each other."""


class RunError(ConvscopeError):
    """A run folder cannot be written, found or resumed."""


class TrainingDiverged(ConvscopeError):
    """The loss stopped being a number."""


class MissingExtra(ConvscopeError):
    """An optional dependency is not installed."""

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'convscope[{extra}]'")


def nearest(word: str, known: list[str]) -> str:
    """A hint for a misspelt word: the likely ones, or all that are allowed.

    >>> nearest("lenet", ["lenet5", "vgg11"])
    'did you mean lenet5?'
    >>> nearest("x", ["lenet5", "vgg11"])
    'known: lenet5, vgg11'
    """
    near = get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
