"""Trained models that stay loaded, and what they say about a picture."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.data.decode import decode, thumbnail
from convscope.data.stores import Folder
from convscope.inference.engine import Engine
from convscope.models.bundle import Bundle

KEPT = 2  # models in memory; the large ones have half a gigabyte
TOP = 5
SEEN_SIDE = 160


@dataclass(frozen=True)
class Answer:
    """What a model says about a picture.

    Attributes:
        top: (class, probability), the most probable first.
        classes: how many classes it knows.
        network: its name.
        size: side of its input in pixels.
        seen: the picture as the network got it, cut and resized, as a JPEG.
    """

    top: tuple[tuple[str, float], ...]
    classes: int
    network: str
    size: int
    seen: bytes


class Answerer:
    """Answers for any model; the latest ones stay loaded until their file changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Path, int, int], Engine] = OrderedDict()

    def engine(self, model: Path) -> Engine:
        """The engine of a model file.

        Raises:
            ModelFileError: not a model.
        """
        try:
            status = model.stat()
            key = (model, status.st_mtime_ns, status.st_size)
        except OSError:  # gone; loading says so
            key = (model, 0, 0)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = Engine(Bundle.load(model))
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def answer(self, model: Path, picture: bytes | Path) -> Answer:
        """The most probable classes of one picture, decoded and prepared as `convscope predict` does.

        Args:
            model: a model file.
            picture: a picture's file, or its bytes.

        Raises:
            ModelFileError: not a model.
            UnreadableImage: not a picture, damaged, or too large.
        """
        engine = self.engine(model)
        data = Folder(picture.parent).content(picture.name) if isinstance(picture, Path) else picture
        preprocess = engine.bundle.card.preprocess
        pixels = preprocess.fit(decode(data, preprocess.shrink))
        with self._lock:  # one picture at a time: the threads are shared, and an engine need not be
            chances = engine.probabilities(pixels.unsqueeze(0))[0]
        card = engine.bundle.card
        best = np.argsort(-chances, kind="stable")[:TOP]
        return Answer(
            top=tuple((card.classes[label], float(chances[label])) for label in best.tolist()),
            classes=len(card.classes),
            network=card.network,
            size=card.preprocess.size,
            seen=thumbnail(pixels, SEEN_SIDE),
        )
