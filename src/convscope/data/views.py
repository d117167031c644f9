"""Several looks at one picture: mirrored, and closer."""

from dataclasses import dataclass
from typing import Literal

from convscope.data.preprocess import Preprocess

Views = Literal["centre", "flip", "crops"]

# of the side that the first look takes: what a closer one takes
CLOSER = 0.8


@dataclass(frozen=True)
class View:
    """One way to look at a picture.

    Attributes:
        name: what it is called.
        preprocess: cut and size.
        flip: whether left and right change places.
    """

    name: str
    preprocess: Preprocess
    flip: bool = False


def views(preprocess: Preprocess, wanted: Views) -> list[View]:
    """The looks that training takes at each picture; the first is the one that answers later.

    Args:
        preprocess: of the model.
        wanted: "centre": that one; "flip": and mirrored; "crops": both, and both of a closer square.

    Example:
        >>> [view.name for view in views(Preprocess(size=32, mean=(0,) * 3, spread=(1,) * 3), "flip")]
        ['centre', 'flip']
    """
    centre = View("centre", preprocess)
    if wanted == "centre":
        return [centre]
    flipped = View("flip", preprocess, flip=True)
    if wanted == "flip":
        return [centre, flipped]
    closer = preprocess.model_copy(update={"resize": "crop", "share": preprocess.share * CLOSER})
    return [centre, flipped, View("closer", closer), View("closer, flip", closer, flip=True)]
