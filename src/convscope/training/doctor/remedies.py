"""The one change to try against each illness, as flags of `convscope train`."""

from collections.abc import Callable
from math import ceil, log10

from convscope.training.doctor.finding import Finding
from convscope.training.recipe import Recipe

# a step that moves weights by a thousandth of themselves is usual
USUAL_STEP = 1e-3
MOST_TENFOLDS = 4
# decay above which weights may be pulled to nothing; papers take 0.0005
STRONG_DECAY = 0.01
SMALL_PICTURES = 64
# a class with so many times its even share crowds the others out
CROWDED = 1.5
# batch norm learns from fewer pictures badly
SMALLEST_BATCH = 8
TINIEST_STEP = 1e-12


def remedy(found: Finding, recipe: Recipe) -> str:
    """The flag to change, or "" where no flag would help.

    Args:
        found: the illness.
        recipe: the run's numbers.

    Example:
        >>> remedy(Finding("rate-too-high", 1), Recipe(rate=0.003))
        '--rate 0.0003'
    """
    make = REMEDIES.get(found.kind)
    return make(found, recipe) if make else ""


def _slower(recipe: Recipe) -> str:
    return f"--rate {recipe.rate / 10:g}"


def _faster(found: Finding, recipe: Recipe) -> str:
    """The rate at which the fastest layer would move as usual."""
    tenfolds = ceil(log10(USUAL_STEP / max(found.values["moved"], TINIEST_STEP)))
    return f"--rate {recipe.rate * 10 ** min(max(tenfolds, 1), MOST_TENFOLDS):g}"


def _even(found: Finding, recipe: Recipe) -> str:
    crowded = found.values["truly"] > CROWDED * found.values["even"] and not recipe.class_weights
    return "--class-weights" if crowded else _slower(recipe)


def _better_start(recipe: Recipe) -> str:
    """First values and numbers that deep networks learn from, where the recipe has others."""
    if recipe.initialise == "printed":
        return "--set initialise=own"
    plain = recipe.mode not in {"frozen", "finetune"} and recipe.recipe == "plain"
    return "--recipe practical" if plain else ""


def _unstick(recipe: Recipe) -> str:
    if recipe.decay > STRONG_DECAY:
        return "--decay 0.0005"
    return _better_start(recipe) or (
        "--optimiser adamw" if recipe.optimiser == "sgd" else f"--rate {recipe.rate / 10:g}"
    )


def _vary(recipe: Recipe) -> str:
    """The next means against knowing pictures by heart that the recipe does not use yet."""
    if not recipe.augment:
        return "--augment"
    if recipe.crop == "none":
        return "--crop shift" if (recipe.size or 0) < SMALL_PICTURES else "--crop area"
    if recipe.policy == "none":
        return "--policy trivial"
    if recipe.decay == 0:
        return "--decay 0.0005"
    return "--mixup 0.2" if recipe.mixup == 0 else "--patience 3"


REMEDIES: dict[str, Callable[[Finding, Recipe], str]] = {
    "not-finite": lambda _, recipe: _slower(recipe),
    "frozen-norm-moving": lambda *_: "--mode frozen",
    "exploding": lambda _, recipe: _better_start(recipe) or ("--clip 1" if recipe.clip is None else _slower(recipe)),
    "rate-too-high": lambda _, recipe: _slower(recipe),
    "dead-relu": lambda _, recipe: _better_start(recipe) or _slower(recipe),
    "vanishing": lambda _, recipe: _better_start(recipe) or "--model resnet20_cifar",
    "rate-too-low": _faster,
    "stuck": lambda _, recipe: _unstick(recipe),
    "one-class": _even,
    "overfitting": lambda _, recipe: _vary(recipe),
    "norm-lagging": lambda _, recipe: f"--batch {max(recipe.batch // 4, SMALLEST_BATCH)}",
    "too-few": lambda _, recipe: _vary(recipe) if recipe.mode == "finetune" else "--mode frozen",
}
