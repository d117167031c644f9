"""What a run writes down: who trained, validated and tested; what the model file and the report say of its making."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from convscope.data import splits
from convscope.data.listing import Listing, sort_classes
from convscope.data.stores import printable
from convscope.errors import RunError
from convscope.evaluation.page.shown import Facts
from convscope.models.bundle import MAX_HASHES, Card
from convscope.training.material import Material
from convscope.training.outcome import Outcome
from convscope.training.recipe import Recipe
from convscope.training.run import LIBRARIES


def split_rows(listing: Listing, material: Material) -> list[splits.Row]:
    """Who trains, validates and tests; pictures that could not be read are kept in mind as `broken`."""
    broken = {fault.file for fault in material.broken}
    parts = dict(zip(material.listing.files, material.listing.parts, strict=True))
    return [
        splits.Row(printable(file), listing.classes[label], "broken" if file in broken else parts[file], content)
        for file, label, content in zip(listing.files, listing.labels, listing.hashes, strict=True)
    ]


def as_recorded(listing: Listing, record: list[splits.Row], hashes: tuple[str, ...], folder: Path) -> Listing:
    """The pictures of a run's record, with its parts and classes, whatever else lies among them now."""
    known = {(row.file, row.sha256): row for row in record}
    keys = [(printable(file), content) for file, content in zip(listing.files, hashes, strict=True)]
    rows = [row for row, key in enumerate(keys) if key in known]
    if len(rows) < len(known):
        missing = len(known) - len(rows)
        raise RunError(
            f"--resume {folder}: {missing:,} of its {len(known):,} pictures are gone or changed in {listing.title}"
        )
    chosen = [known[keys[row]] for row in rows]
    classes = sort_classes({row.label for row in record})
    return replace(
        listing.take(rows),
        classes=classes,
        labels=np.array([classes.index(row.label) for row in chosen], dtype=np.int64),
        parts=tuple("" if row.split == "broken" else row.split for row in chosen),
    )


def card(material: Material, best: dict[str, float]) -> Card:
    """What the model file says of itself.

    Args:
        material: the run's.
        best: row of the epoch whose weights are kept.
    """
    listing = material.listing
    hashes = None
    if len(listing) <= MAX_HASHES:
        hashes = {
            part: tuple(h for h, p in zip(listing.hashes, listing.parts, strict=True) if p == part)
            for part in splits.PARTS
        }
    recipe = material.recipe.model_dump(exclude={"definition"})
    for path in ("data", "weights", "weights_dir", "manifest", *(["model"] if material.recipe.definition else [])):
        recipe[path] = Path(recipe[path]).name if recipe[path] else recipe[path]  # the model travels, folders do not
    return Card(
        convscope=version("convscope"),
        network=material.recipe.network,
        definition=material.recipe.definition,
        classes=listing.classes,
        preprocess=material.preprocess,
        recipe=recipe,
        scores={"val_top1": best["val_top1"]},
        hashes=hashes,
        head="linear" if material.start else "own",
        licence=material.start.licence if material.start else "",
    )


def facts(material: Material, outcome: Outcome, seconds: float) -> Facts:
    """What the report says of how the model was made."""
    recipe, preprocess, row = material.recipe, material.preprocess, material.row
    parts = {part: f"{material.listing.parts.count(part):,}" for part in splits.PARTS}
    paper = f"{row.paper}, {row.year}" if row.year else row.paper
    return [
        ("report.fact.model", recipe.network),
        ("report.fact.paper", ("report.value.own", {}) if recipe.definition else paper),
        (
            "report.fact.data",
            ("report.value.data", {"title": material.listing.title, "seed": recipe.split_seed, **parts}),
        ),
        (
            "report.fact.preprocess",
            (f"report.value.{preprocess.resize}", {"size": preprocess.size, "channels": preprocess.channels}),
        ),
        *_borrowed(material),
        ("report.fact.epochs", _epochs(recipe, outcome)),
        ("report.fact.seed", str(recipe.seed)),
        ("report.fact.precision", recipe.precision),
        ("report.fact.seconds", ("report.value.seconds", {"seconds": f"{seconds:.1f}"})),
        ("report.fact.versions", ", ".join(f"{name} {version(name)}" for name in ("convscope", *LIBRARIES))),
    ]


def asked(material: Material) -> tuple[str, str]:
    """The command that trains the same once more, in the run's folder, and the same in Python."""
    dumped = material.recipe.model_dump(exclude={"data", "definition"})
    settings = {key: value for key, value in dumped.items() if value != Recipe.model_fields[key].default}
    recipe = f", cs.Recipe({', '.join(f'{key}={value!r}' for key, value in settings.items())})" if settings else ""
    python = f"import convscope as cs\n\nrun = cs.train({material.listing.title!r}{recipe})\nprint(run.report.top1)"
    return "convscope train --config config.yaml", python


def _borrowed(material: Material) -> Facts:
    """Where the weights came from, where they were borrowed."""
    start = material.start
    if start is None:
        return []
    return [("report.fact.weights", f"{start.source}, {start.licence}, SHA-256 {start.sha256[:12]}…")]


def _epochs(recipe: Recipe, outcome: Outcome) -> tuple[str, dict[str, object]]:
    """How long was trained, and what was kept."""
    if outcome.reason == "frozen":
        return "report.value.frozen", {"strength": f"{outcome.best_row['strength']:g}"}
    told: dict[str, object] = {"done": len(outcome.history), "epochs": recipe.epochs, "best": outcome.best_epoch}
    return f"report.value.{'epochs' if outcome.best_epoch else 'kept_head'}", told
