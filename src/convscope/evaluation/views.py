"""Several looks at one picture, and where each of them cuts: the protocols of the papers, as boxes in whole pixels.

A model that crops looks at squares of the picture's shorter side; one that squashes at parts of the whole picture, in
the picture's own shape; one that pads at parts of the padded square. A paper's 224 of 256 pixels is the model's own
`share` of that frame; of a model that takes all of it, 224/256 of it. So the middle one of ten crops is what the model
sees by itself.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from convscope.data.preprocess import Preprocess

# names, and how many views of a picture each protocol has; dense has as many as the last map has places
COUNTS = {"centre": 1, "flip": 2, "ten-crop": 10, "144-crop": 144, "multi-scale": 3, "dense": 1}
VIEWS = tuple(COUNTS)

# the papers' crop, the shorter side it is cut from, and what VGG adds to that and takes off it, in pixels
CROP, SIDE, STEP = 224, 256, 32
GOOGLENETS = (256, 288, 320, 352)  # shorter sides
# a dense look at a strip of a picture takes its middle: so many times as long as it is wide
LONGEST = 4

Box = tuple[int, int, int, int]  # top, left, height, width


class Look(NamedTuple):
    """One way to look at one picture.

    Attributes:
        box: (top, left, height, width) in pixels of the picture.
        flip: whether left and right change places.
    """

    box: Box
    flip: bool = False


class Frame(NamedTuple):
    """What looks are cut from; twice the offsets, for the middle of a picture may lie between two pixels.

    Attributes:
        top2: twice the pixels above it.
        left2: twice the pixels left of it.
        height: in pixels.
        width: in pixels.
    """

    top2: int
    left2: int
    height: int
    width: int


def looks(preprocess: Preprocess, views: str, width: int, height: int) -> dict[Look, int]:
    """Each look at a picture, and how many of the protocol's views it is: several where some would be the same.

    Args:
        preprocess: of the model.
        views: one of `VIEWS` but dense.
        width: of the picture, in pixels.
        height: likewise.

    Returns:
        {look: count}; the counts add up to 1, 2, 10, 144 or 3.

    Source:
        ten-crop: Krizhevsky, Sutskever & Hinton, 2012, section 4.1. 144-crop: Szegedy et al., 2015, section 7.
        multi-scale: the sizes of Simonyan & Zisserman, 2015, section 4.2, whose looks are dense; here each is the
        centre.

    Example:
        >>> preprocess = Preprocess(size=224, share=0.875, mean=(0.5,) * 3, spread=(0.5,) * 3)
        >>> [look.box[:2] for look in looks(preprocess, "ten-crop", 256, 256) if not look.flip]
        [(0, 0), (0, 32), (32, 0), (32, 32), (16, 16)]
        >>> sum(looks(preprocess, "144-crop", 500, 375).values())
        144
    """
    middle, share = _middle(preprocess, width, height), _share(preprocess)
    if views == "ten-crop":
        boxes = list(_five(middle, share))
    elif views == "144-crop":
        boxes = [
            box
            for side in GOOGLENETS
            for frame in _three(middle, preprocess, width, height)
            for box in (*_five(frame, share * SIDE / side), _centred(frame, 1.0))
        ]
    elif views == "multi-scale":
        return dict(Counter(Look(_centred(middle, size)) for size in _sizes(share)))
    else:
        boxes = [own(preprocess, width, height)]
    flips = (False,) if views == "centre" else (False, True)
    return dict(Counter(Look(box, flip) for flip in flips for box in boxes))


def own(preprocess: Preprocess, width: int, height: int) -> Box:
    """What a model sees of a picture by itself: `Preprocess.box`, or the square around a picture that is padded.

    Args:
        preprocess: of the model.
        width: of the picture, in pixels.
        height: likewise.

    Example:
        >>> own(Preprocess(size=32, channels=1, resize="pad", mean=(0,), spread=(1,)), 64, 16)
        (-24, 0, 64, 64)
    """
    if preprocess.resize == "pad":
        return _centred(_middle(preprocess, width, height), 1.0)
    return preprocess.box(width, height)


def shrink(preprocess: Preprocess, views: str, width: int, height: int) -> int:
    """How many times smaller a JPEG of this size may be decoded for all its looks: see `Preprocess.shrink`.

    Args:
        preprocess: of the model.
        views: one of `VIEWS`.
        width: of the picture, in pixels.
        height: likewise.

    Example:
        >>> preprocess = Preprocess(size=224, decode="scaled", mean=(0.5,) * 3, spread=(0.5,) * 3)
        >>> shrink(preprocess, "centre", 4000, 3000), shrink(preprocess, "144-crop", 4000, 3000)
        (4, 4)
    """
    if preprocess.decode == "full":
        return 1
    for times in (8, 4, 2):
        if _ample(preprocess, views, -(-width // times), -(-height // times)):
            return times
    return 1


def whole(preprocess: Preprocess, width: int, height: int) -> tuple[Box, int, int]:
    """What a dense look takes of a picture: (box, height, width), the last two those of the network's input.

    A model that crops sees the whole picture, at the size at which it otherwise sees a square of it; of one that is
    more than 4 times as long as it is wide, the middle. One that squashes or pads sees all of it anyway.

    Args:
        preprocess: of the model.
        width: of the picture, in pixels.
        height: likewise.

    Source:
        Simonyan & Zisserman, 2015, section 3.2.

    Example:
        >>> preprocess = Preprocess(size=224, share=0.875, mean=(0.5,) * 3, spread=(0.5,) * 3)
        >>> whole(preprocess, 500, 375)
        ((0, 0, 375, 500), 256, 341)
    """
    if preprocess.resize != "crop":
        return own(preprocess, width, height), preprocess.size, preprocess.size
    shorter = min(width, height)
    tall, wide = min(height, LONGEST * shorter), min(width, LONGEST * shorter)
    side = preprocess.size / preprocess.share
    box = ((height - tall) // 2, (width - wide) // 2, tall, wide)
    return box, round(tall * side / shorter), round(wide * side / shorter)


def _ample(preprocess: Preprocess, views: str, width: int, height: int) -> bool:
    """Whether all that is cut from a picture is at least twice as large, each way, as what it becomes."""
    if views == "dense":
        box, tall, wide = whole(preprocess, width, height)
        return box[2] >= 2 * tall and box[3] >= 2 * wide
    return all(min(look.box[2:]) >= 2 * preprocess.size for look in looks(preprocess, views, width, height))


def _share(preprocess: Preprocess) -> float:
    """Of a frame's side, what the paper's 224 of 256 pixels are to this model."""
    return preprocess.share if preprocess.resize == "crop" and preprocess.share < 1 else CROP / SIDE


def _sizes(share: float) -> tuple[float, float, float]:
    """Of the frame's side, what the input takes at the smaller, the own and the larger size of the picture."""
    return min(1.0, share * SIDE / (SIDE - STEP)), share, share * SIDE / (SIDE + STEP)


def _middle(preprocess: Preprocess, width: int, height: int) -> Frame:
    if preprocess.resize == "squash":
        return Frame(0, 0, height, width)
    side = min(width, height) if preprocess.resize == "crop" else max(width, height)
    return Frame(height - side, width - side, side, side)


def _three(middle: Frame, preprocess: Preprocess, width: int, height: int) -> list[Frame]:
    """Left, centre and right squares of a picture, or top, centre and bottom ones."""
    if preprocess.resize != "crop":
        return [middle] * 3
    first, last = Frame(0, 0, *middle[2:]), Frame(2 * (height - middle.height), 2 * (width - middle.width), *middle[2:])
    return [first, middle, last]


def _five(frame: Frame, share: float) -> Iterator[Box]:
    """Four corners and the centre, each `share` of the frame's sides."""
    tall, wide = (max(1, round(share * side)) for side in frame[2:])
    for below in (0, frame.height - tall):
        for right in (0, frame.width - wide):
            yield frame.top2 // 2 + below, frame.left2 // 2 + right, tall, wide
    yield _centred(frame, share)


def _centred(frame: Frame, share: float) -> Box:
    tall, wide = (max(1, round(share * side)) for side in frame[2:])
    return (frame.top2 + frame.height - tall) // 2, (frame.left2 + frame.width - wide) // 2, tall, wide
