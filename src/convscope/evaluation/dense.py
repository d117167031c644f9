"""Dense evaluation: the network sees the whole picture, and its classifier answers at every place of the last map.

Features are computed once, over the whole picture. The classifier then takes every window of the last map that has the
training map's size, one cell apart: the same sums as when its dense layers were convolutions with the same weights and
its pools slid, and the same as its only answer where the picture has the training size. Differs from the paper: what
is averaged over the places is probabilities, not scores before the softmax; pictures are not mirrored as well. Layers
inside the features that look at the whole picture, as squeeze-and-excite does, see the larger one.
"""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.data.batches import Broken
from convscope.data.listing import Listing
from convscope.data.preprocess import Preprocess
from convscope.errors import ModelError, UnreadableImage
from convscope.evaluation.views import shrink, whole
from convscope.inference.engine import Engine, Values
from convscope.inference.engines import Precision
from convscope.inference.engines.eager import Eager
from convscope.models.heads import split
from convscope.models.pretrained.timm_networks import TimmNetwork
from convscope.words import SILENT, Listener

ALLOWED = "allowed: networks of the zoo, or of your own, whose features end in a map (not timm's)"


class Places(nn.Module):
    """A network up to its scoring layer, at every place of the last map.

    Shape:
        (N, channels, H, W), at least of the training size -> (N · places, D), each picture's places together

    Args:
        network: in evaluation mode, with halves `features` and `classifier`.
        channels: of its input.
        size: side of its input in training, in pixels.
        title: what to call it in an error.

    Raises:
        ModelError: its scores do not come from a map.

    Example:
        >>> from convscope.models import zoo
        >>> places = Places(zoo.build("lenet_caffe", classes=3).eval(), channels=1, size=28)
        >>> places(torch.zeros(2, 1, 28, 28)).shape, places(torch.zeros(2, 1, 36, 32)).shape
        (torch.Size([2, 500]), torch.Size([12, 500]))
    """

    def __init__(self, network: nn.Module, channels: int, size: int, title: str = "the network") -> None:
        super().__init__()
        if isinstance(network, TimmNetwork):
            raise ModelError(f"--views dense: {title} is one of timm's; {ALLOWED}")
        trunk, _ = split(network)
        self.features = trunk.get_submodule("features")
        self.classifier = trunk.get_submodule("classifier")
        weight = next(network.parameters(), torch.empty(0))
        with torch.inference_mode():
            last = self.features(torch.zeros(1, channels, size, size, device=weight.device))
        if not isinstance(last, Tensor) or last.ndim != 4:
            raise ModelError(f"--views dense: the features of {title} end in no map; {ALLOWED}")
        self.rows, self.columns = last.shape[-2:]

    def forward(self, x: Tensor) -> Tensor:
        """Features once, then the classifier on every window of their map."""
        windows = self.features(x).unfold(2, self.rows, 1).unfold(3, self.columns, 1)
        places = windows.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
        entering: Tensor = self.classifier(places)
        return entering


class Dense:
    """A model that answers with the mean of its probabilities over all places of the whole picture, in PyTorch.

    Args:
        engine: the model's.

    Raises:
        ModelError: a network whose scores do not come from a map.
    """

    def __init__(self, engine: Engine) -> None:
        card = engine.bundle.card
        self.engine = engine
        self.preprocess: Preprocess = card.preprocess
        self.precision: Precision = "bf16" if engine.precision == "bf16" else "f32"
        places = Places(engine.network, card.preprocess.channels, card.preprocess.size, card.network)
        self._trunk = Eager(
            places, card.preprocess, precision=self.precision, threads=engine.threads, device=engine.device
        )

    def answer(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """Mean probabilities of a listing of any length, some pictures at a time, in order."""
        batch = self.engine.batch
        groups = [range(start, min(start + batch, len(listing))) for start in range(0, len(listing), batch)]
        with ThreadPoolExecutor(self.engine.readers) as pool:
            ahead = [pool.submit(self._seen, listing, row) for row in (groups[0] if groups else ())]
            try:
                for number, rows in enumerate(groups):
                    following = groups[number + 1] if number + 1 < len(groups) else ()
                    seen = [future.result() for future in ahead]
                    ahead = [pool.submit(self._seen, listing, row) for row in following]
                    pictures = {row: it for row, it in zip(rows, seen, strict=True) if isinstance(it, Tensor)}
                    broken = tuple(it for it in seen if isinstance(it, Broken))
                    values = Values(listing.take(list(pictures)), self._answer(list(pictures.values())), broken)
                    listener.progress("answer", rows.stop, len(listing))
                    yield values
            finally:
                pool.shutdown(cancel_futures=True)

    def _answer(self, pictures: list[Tensor]) -> NDArray[np.float32]:
        """Probabilities of pictures of any sizes; those of one size run together."""
        alike: dict[torch.Size, list[int]] = defaultdict(list)
        for number, picture in enumerate(pictures):
            alike[picture.shape].append(number)
        answers = np.empty((len(pictures), len(self.engine.bundle.card.classes)), np.float32)
        for shape, numbers in alike.items():
            batch = max(1, self.engine.batch * self.preprocess.size**2 // (shape[-2] * shape[-1]))
            for start in range(0, len(numbers), batch):
                some = numbers[start : start + batch]
                (entering,) = self._trunk.run([torch.stack([pictures[number] for number in some])])
                chances = self.engine.score(entering).reshape(len(some), -1, answers.shape[1])
                answers[some] = chances.mean(axis=1, dtype=np.float64)
        return answers

    def _seen(self, listing: Listing, row: int) -> Tensor | Broken:
        try:
            picture = listing.picture(row, partial(shrink, self.preprocess, "dense"))
        except UnreadableImage as error:
            return Broken(listing.files[row], str(error))
        box, height, width = whole(self.preprocess, picture.shape[-1], picture.shape[-2])
        if (height, width) == (self.preprocess.size,) * 2:
            return self.preprocess.fit(picture)
        return self.preprocess.cut(picture, box, height, width)
