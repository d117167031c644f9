"""Numbers that learn on few pictures within few epochs; the network itself is never changed.

Deep classics from scratch are infamous for a loss that stays at ln(classes): without batch normalisation, SGD's usual
rates close their ReLUs in the first steps, and too small ones never leave the start. Adam's steps have the same length
for every weight, whatever its gradient, and a small, slowly rising rate with bounded gradients keeps ReLUs open.
"""

from collections.abc import Mapping
from typing import Any

# pictures up to this side are thumbnails: all of them is needed to see the thing
TINY = 32
# Steps that an epoch should have at least, and the batches that are tried for it, the largest first. Photos need more
# steps than thumbnails: a batch above 32 only where an epoch is long anyway.
STEPS, STEPS_OF_PHOTOS = 60, 240
BATCHES = (128, 64, 32, 16)
SMALL = 32

# SGD's peak rate with batch normalisation, for a batch of 32; it grows with the batch up to the second
SGD_RATE, SGD_BATCH, SGD_MOST = 0.05, 32, 0.1

# Adam's peak rate without batch normalisation, by the start of the network's name: the deeper, the smaller
ADAM_RATES = {
    "lenet": 2e-3,  # five layers
    "nin": 1e-3,  # nine convolutions, no large dense layer
    "allcnn": 1e-3,  # the same
    "googlenet": 5e-4,  # 22 layers, whose auxiliary heads feed gradients in between
    "alexnet": 3e-4,  # dense layers of 4,096
    "zfnet": 3e-4,
    "vgg11": 3e-4,
    "vgg13": 3e-4,
    "vgg16": 2e-4,
    "vgg19": 1e-4,
}
ADAM_RATE = 3e-4
# of rates with batch normalisation, for those who choose Adam there
ADAM_NORMED = 2e-3

# an average over about the last twentieth of the steps; below the first of these there are too few to average
AVERAGES = ((20_000, 0.999), (5_000, 0.998), (1_000, 0.99), (0, 0.0))


def practical(
    name: str,
    pictures: int,
    size: int,
    channels: int,
    *,
    has_norm: bool,
    given: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Settings that train a network from scratch on so many pictures.

    Args:
        name: of the network.
        pictures: to learn from.
        size: side of the network's input in pixels.
        channels: of the input.
        has_norm: whether the network has batch normalisation.
        given: settings that are settled already, which others depend on: batch, epochs and optimiser.

    Example:
        >>> chosen = practical("resnet18", 2_000, 128, 3, has_norm=True)
        >>> chosen["optimiser"], chosen["batch"], chosen["rate"], chosen["crop"]
        ('sgd', 32, 0.05, 'area')
        >>> practical("vgg16", 2_000, 64, 3, has_norm=False)["rate"]
        0.0002
    """
    given = given or {}
    epochs = given.get("epochs", 30 if pictures <= 5_000 else 20)
    batch = given.get("batch", _batch(pictures, size))
    optimiser = given.get("optimiser", "sgd" if has_norm else "adamw")
    steps = epochs * max(1, pictures // batch)
    return {
        "epochs": epochs,
        "batch": batch,
        # one cycle learns most in few epochs, and must come to its end: its best epochs are the last
        "schedule": "one-cycle",
        "patience_checks": None,
        "initialise": "own",
        **_moves(name, optimiser, batch, has_norm=has_norm),
        "decay_all": False,
        # distances to fixed codes are no scores that could be made equal
        "label_smoothing": 0.0 if name == "lenet5" else 0.1,
        "ema": next(decay for least, decay in AVERAGES if steps >= least),
        **_pictures(size, channels),
    }


def _batch(pictures: int, size: int) -> int:
    """The largest batch with which an epoch still has enough steps."""
    for batch in BATCHES:
        steps = STEPS if size <= TINY or batch <= SMALL else STEPS_OF_PHOTOS
        if pictures >= steps * batch:
            return batch
    return BATCHES[-1]


def _moves(name: str, optimiser: str, batch: int, *, has_norm: bool) -> dict[str, Any]:
    """How weights are moved; batch normalisation forgives large steps."""
    if optimiser == "sgd":
        rate = min(SGD_MOST, SGD_RATE * batch / SGD_BATCH) if has_norm else SGD_RATE / 5
        moves: dict[str, Any] = {"rate": rate, "momentum": 0.9, "nesterov": True, "decay": 5e-4}
    else:
        alone = next((rate for start, rate in ADAM_RATES.items() if name.startswith(start)), ADAM_RATE)
        moves = {"rate": ADAM_NORMED if has_norm else alone, "decay": 0.05 if optimiser == "adamw" else 0.0}
    return {"optimiser": optimiser, "clip": None if has_norm else 1.0, **moves}


def _pictures(size: int, channels: int) -> dict[str, Any]:
    """What becomes of training pictures: what is grey may be writing, which mirrors badly."""
    if channels == 1 or size <= TINY:
        return {"crop": "shift", "flip": channels == 3}
    return {"crop": "area", "area_from": 0.35, "flip": True}
