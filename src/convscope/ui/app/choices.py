"""What can be chosen before training, and how the same is said on the command line and in Python."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from convscope.errors import UnknownModel
from convscope.models import zoo
from convscope.training.recipe import Recipe, parse
from convscope.ui.app.ground import Ground

OPTIONS = ("model", "mode", "weights")
WEIGHTS = ("default", "none")  # or a file


def modes() -> tuple[str, ...]:
    """The values that `mode` may have.

    >>> "scratch" in modes()
    True
    """
    return get_args(Recipe.model_fields["mode"].annotation)


def default_of(field: str) -> Any:  # noqa: ANN401 (any field)
    """What a setting is when nobody chooses."""
    return Recipe.model_fields[field].default


def settings_of(chosen: Sequence[object], ground: Ground) -> dict[str, str]:
    """The settings that somebody chose, without those that are so anyway.

    Args:
        chosen: a value for each of `OPTIONS`, as it came from the browser.
        ground: where a file of weights may lie.

    Raises:
        UnknownModel: no network of ours; the file of one's own is not taken from a browser.
        Refused: no such weights.
        RecipeError: settings that cannot be.
    """
    given = {field: str(value) for field, value in zip(OPTIONS, chosen, strict=True) if value}
    settings = {field: value for field, value in given.items() if value != default_of(field)}
    if "model" in settings and settings["model"] not in zoo.NETWORKS:
        raise UnknownModel(settings["model"][:100], sorted(zoo.NETWORKS))
    if "weights" in settings and settings["weights"] not in WEIGHTS:
        settings["weights"] = ground.shown(ground.find(settings["weights"]))
    parse(dict(settings))
    return settings


@dataclass(frozen=True)
class Call:
    """A training as one would write it by hand.

    Attributes:
        data: folder or zip, as typed.
        settings: those that are not the recipe's own defaults.
        runs: folder of runs, as typed.
    """

    data: str
    settings: dict[str, str]
    runs: str = "runs"

    def command(self) -> str:
        """The command line.

        >>> Call("my photos", {"model": "lenet5"}).command()
        "convscope train 'my photos' --model lenet5"
        """
        words = ["convscope", "train", _argument(self.data)]
        for field, value in self.settings.items():
            words += [f"--{field}", value]
        if self.runs != "runs":
            words += ["--out", self.runs]
        return shlex.join(words)

    def python(self) -> str:
        """The same in Python.

        >>> print(Call("photos", {"mode": "scratch"}).python())
        import convscope as cs
        <BLANKLINE>
        run = cs.train('photos', cs.Recipe(mode='scratch'))
        print(run.report.top1)
        """
        arguments = [repr(self.data)]
        if self.settings:
            arguments.append(f"cs.Recipe({', '.join(f'{field}={value!r}' for field, value in self.settings.items())})")
        if self.runs != "runs":
            arguments.append(f"out={self.runs!r}")
        return f"import convscope as cs\n\nrun = cs.train({', '.join(arguments)})\nprint(run.report.top1)"


def answer_command(model: str, picture: str) -> str:
    """How to ask a model about a picture on the command line.

    >>> answer_command("runs/a", "-my cat.jpg")
    "convscope predict runs/a './-my cat.jpg'"
    """
    return shlex.join(["convscope", "predict", _argument(model), _argument(picture)])


def answer_python(model: str, picture: str) -> str:
    """How to ask it in Python.

    >>> print(answer_python("runs/a", "cat.jpg"))
    import convscope as cs
    <BLANKLINE>
    print(cs.predict('runs/a', 'cat.jpg')[0]['top'])
    """
    return f"import convscope as cs\n\nprint(cs.predict({model!r}, {picture!r})[0]['top'])"


def _argument(path: str) -> str:
    return f"./{path}" if path.startswith("-") else path
