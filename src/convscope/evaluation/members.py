"""What is judged: a model file, a run, an exported file, or several of them as one, looking once or several times."""

from collections.abc import Sequence
from pathlib import Path

from convscope.data.stores import printable
from convscope.errors import ModelError, RecipeError
from convscope.evaluation.dense import Dense
from convscope.evaluation.ensemble import Ensemble, columns
from convscope.evaluation.viewed import Viewed
from convscope.evaluation.views import COUNTS
from convscope.inference.engine import Answering, Engine, Precision
from convscope.inference.engines.exported import SUFFIXES, Exported, refuse_wishes
from convscope.models.bundle import FILE, Bundle

Opened = Bundle | Exported
Model = Opened | str | Path


def opened(model: Model) -> Opened:
    """A model, read.

    Args:
        model: a model file, a run folder, an exported `.onnx` or `.xml` file, or one of these that is opened already.

    Raises:
        ModelFileError: no such model.
    """
    if isinstance(model, (Bundle, Exported)):
        return model
    return Exported.open(model) if Path(model).suffix in SUFFIXES else Bundle.load(model)


def name_of(model: Opened) -> str:
    """What a model is called: its run folder or file, and where it has none, its network.

    Args:
        model: opened.
    """
    if model.path is None:
        return model.card.network
    return printable(str(model.path.parent if model.path.name == FILE else model.path))


def answering(
    models: Sequence[Opened], *, views: str, precision: Precision = "f32", backend: str = "auto", pictures: int = 1
) -> Answering:
    """What answers for one or more models, from the views that are wished.

    Args:
        models: at least one.
        views: one of `views.VIEWS`.
        precision: arithmetic of the network, "f32" or "bf16".
        backend: "auto", "torch", "openvino" or "onnx".
        pictures: about how many will be asked for.

    Raises:
        ModelError: models with other classes, or views that a model cannot give.
        RecipeError: an engine that cannot be had.
    """
    classes = [model.card.classes for model in models]
    for names in classes:
        columns(names, classes[0])
    members = [_one(model, views, precision, backend, pictures) for model in models]
    return Ensemble(members, classes) if len(members) > 1 else members[0]


def _one(model: Opened, views: str, precision: Precision, backend: str, pictures: int) -> Answering:
    if isinstance(model, Exported):
        refuse_wishes(model.path, backend, precision)
        if views == "dense":
            raise ModelError(f"--views dense: {model.path} takes one size only; give the model file it was made from")
        return Viewed(model, model.card.preprocess, views)
    if views == "dense":
        if backend not in ("auto", "torch"):
            raise RecipeError(f"--engine {backend}: --views dense computes in torch; leave the flag out")
        return Dense(Engine(model, precision=precision, backend="torch", pictures=pictures))
    engine = Engine(model, precision=precision, backend=backend, pictures=pictures * COUNTS[views])
    return engine if views == "centre" else Viewed(engine, model.card.preprocess, views)
