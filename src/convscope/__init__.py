"""convscope: train, judge and look into convolutional image classifiers.

    import convscope as cs
    run = cs.train("flowers/")
    print(run.report.top1)

Importing costs nothing: each public name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convscope.data.listing import Listing
    from convscope.data.preprocess import Preprocess
    from convscope.data.sources import read
    from convscope.errors import ConvscopeError
    from convscope.evaluation.answers import predict
    from convscope.evaluation.compare import compare
    from convscope.evaluation.mistakes.finder import mistakes
    from convscope.evaluation.passport.check import check
    from convscope.evaluation.passport.passport import Passport
    from convscope.evaluation.predictions import Predictions
    from convscope.evaluation.protocol import evaluate
    from convscope.evaluation.report import Report
    from convscope.models.bundle import Bundle
    from convscope.models.zoo import build, describe
    from convscope.training.recipe import Recipe
    from convscope.training.run import Run
    from convscope.training.trainer import train

_HOME = {
    "Bundle": "models.bundle",
    "ConvscopeError": "errors",
    "Listing": "data.listing",
    "Passport": "evaluation.passport.passport",
    "Predictions": "evaluation.predictions",
    "Preprocess": "data.preprocess",
    "Recipe": "training.recipe",
    "Report": "evaluation.report",
    "Run": "training.run",
    "build": "models.zoo",
    "check": "evaluation.passport.check",
    "compare": "evaluation.compare",
    "describe": "models.zoo",
    "evaluate": "evaluation.protocol",
    "mistakes": "evaluation.mistakes.finder",
    "predict": "evaluation.answers",
    "read": "data.sources",
    "train": "training.trainer",
}

__all__ = [
    "Bundle",
    "ConvscopeError",
    "Listing",
    "Passport",
    "Predictions",
    "Preprocess",
    "Recipe",
    "Report",
    "Run",
    "build",
    "check",
    "compare",
    "describe",
    "evaluate",
    "mistakes",
    "predict",
    "read",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'convscope' has no attribute {name!r}")
    return getattr(import_module(f"convscope.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
