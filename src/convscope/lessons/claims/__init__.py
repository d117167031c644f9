"""What lecture notes on convolutional networks say, and what is true: every claim with the code that counts."""

from convscope.errors import RecipeError, nearest
from convscope.lessons.claims import (
    activations,
    convolution,
    networks,
    pooling,
    practice,
    regularisation,
    sizes,
    vgg,
)  # fmt: skip
from convscope.lessons.claims.claim import VERDICTS, Claim, Kind, Values, Verdict
from convscope.models import zoo

__all__ = ["CLAIMS", "TOPICS", "VERDICTS", "Claim", "Kind", "Values", "Verdict", "about", "find"]

TOPICS: dict[str, tuple[Claim, ...]] = {
    "convolution": convolution.CLAIMS,
    "sizes": sizes.CLAIMS,
    "pooling": pooling.CLAIMS,
    "activations": activations.CLAIMS,
    "regularisation": regularisation.CLAIMS,
    "networks": (*networks.CLAIMS, *vgg.CLAIMS),
    "practice": practice.CLAIMS,
}
CLAIMS: dict[str, Claim] = {claim.id: claim for claims in TOPICS.values() for claim in claims}


def find(name: str) -> Claim:
    """The claim with that id.

    Args:
        name: such as "001-23".

    Raises:
        RecipeError: there is none; the message offers the nearest.

    Example:
        >>> find("000-20").verdict
        'wrong'
    """
    if name not in CLAIMS:
        raise RecipeError(f"no claim is called {name!r}; {nearest(name, list(CLAIMS))}")
    return CLAIMS[name]


def about(network: str) -> list[Claim]:
    """The claims about one network of the zoo.

    Args:
        network: a name from `convscope models`.

    Raises:
        UnknownModel: no network has that name.

    Example:
        >>> [found.id for found in about("course_cnn")][-3:]
        ['002-13', '004-17', '004-18']
    """
    zoo.find(network)
    return [found for found in CLAIMS.values() if network in found.networks]
