"""Claims about batch normalisation and dropout."""

from itertools import pairwise

import torch
from torch import nn

from convscope.lessons.claims.claim import Claim, Values
from convscope.lessons.claims.counting import MOBILENETS, RESNETS, figures
from convscope.lessons.claims.pooling import CAFFENET

BATCH = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)

# Top-1 accuracy in per cent, one network with nothing changed but the place of its batch normalisation.
ACCURACY = {"after": 49.9, "before": 47.4, "before_scaled": 47.8}

AUTHORS_2012 = ("Hinton", "Srivastava", "Krizhevsky", "Sutskever", "Salakhutdinov")


def _normalised() -> list[float]:
    layer = nn.BatchNorm1d(1, dtype=torch.float64)
    answers: list[float] = layer(BATCH[:, None]).flatten().tolist()
    return answers


def _mean_and_variance() -> Values:
    answers = torch.tensor(_normalised(), dtype=torch.float64)
    return {"mean": round(answers.mean().item(), 9) + 0.0, "variance": answers.var(correction=0).item()}


def _shape_stays() -> Values:
    answers = _normalised()
    return {"batch": BATCH.tolist(), "answers": answers, "steps": [b - a for a, b in pairwise(answers)]}


def _part(name: str) -> str:
    return name.rpartition(".")[0]


def _before_or_after() -> Values:
    # neighbours of the same part: a shortcut's normalisation is followed by an addition, not by the ReLU after it
    pairs = [(one, two) for one, two in pairwise(figures("resnet18").layers) if _part(one.name) == _part(two.name)]
    before = sum(one.kind == "BatchNorm2d" and two.kind == "ReLU" for one, two in pairs)
    after = sum(one.kind == "ReLU" and two.kind == "BatchNorm2d" for one, two in pairs)
    gap = round(ACCURACY["after"] - ACCURACY["before"], 1)
    return {**ACCURACY, "gap": gap, "resnet_before": before, "resnet_after": after}


def _dropout(probability: float) -> torch.Tensor:
    """What becomes of a hundred thousand ones in training; the caller's random numbers stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        answers: torch.Tensor = nn.Dropout(probability)(torch.ones(100_000, dtype=torch.float64))
    return answers


def _dropped() -> Values:
    answers = _dropout(0.25)
    return {"share": 100 * (answers == 0).double().mean().item(), "kept": answers.max().item()}


def _units_not_edges() -> Values:
    weights = nn.Linear(512, 10, bias=False).weight
    return {"units": weights.shape[1], "edges": weights.numel(), "together": weights[:, 0].numel()}


def _test_time() -> Values:
    drop = 0.25
    keep, scale = 1 - drop, _dropout(drop).max().item()
    return {
        "drop": drop, "keep": keep, "scale": scale, "expected": round(keep * scale, 6), "authors": len(AUTHORS_2012),
        "year": 2014,
    }  # fmt: skip


def _random_dropout() -> Values:
    drops = [0.1, 0.3, 0.5]
    scales = [_dropout(drop).max().item() for drop in drops]
    return {
        "drops": drops, "scales": scales,
        "expected": [round((1 - drop) * scale, 9) for drop, scale in zip(drops, scales, strict=True)],
    }  # fmt: skip


CLAIMS = (
    Claim("002-8", "imprecise", _mean_and_variance, source="Ioffe & Szegedy 2015; Santurkar et al. 2018"),
    Claim("002-9", "imprecise", _shape_stays),
    Claim(
        "002-10", "imprecise", _before_or_after,
        ("course_cnn", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", *RESNETS, *MOBILENETS), CAFFENET,
    ),
    Claim("002-11", "ok", _dropped, ("course_cnn",)),
    Claim("002-12", "wrong", _units_not_edges, source="DropConnect: Wan et al., ICML 2013"),
    Claim("003-s40", "imprecise", _test_time, source="Hinton et al. 2012; Srivastava et al., JMLR 15, 2014"),
    Claim("003-s41", "ok", _random_dropout, source="Fukui et al. 2015"),
)  # fmt: skip
