"""Models with random weights, for tests that ask how answers are put together, not how good they are."""

import torch

from convscope.data.preprocess import Preprocess
from convscope.models import zoo
from convscope.models.bundle import Bundle, Card
from convscope.models.network import answering

CLASSES = ("blue", "green", "red")


def untrained(
    network="lenet5_modern", size=32, *, classes=CLASSES, channels=3, seed=0, temperature=1.0, hashes=None, **preprocess
) -> Bundle:
    """A model in memory; scores that differ from picture to picture, though nothing was learned."""
    torch.manual_seed(seed)
    card = Card(
        convscope="0", network=network, classes=classes, temperature=temperature, hashes=hashes,
        preprocess=Preprocess(
            size=size, channels=channels, mean=(0.5,) * channels, spread=(0.25,) * channels, **preprocess
        ),
    )  # fmt: skip
    built = answering(zoo.build(network, len(classes), channels, size))
    return Bundle(card, dict(built.state_dict()))
