"""Pictures through a trained network: torch, in float32 the reference that every other engine must agree with."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.data.batches import Broken, Pixels
from convscope.data.listing import Listing
from convscope.inference import cpu
from convscope.models.bundle import Bundle
from convscope.words import SILENT, Listener

Precision = Literal["f32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("f32", "bf16")
BATCH = 64
CHUNK = 512


class Engine:
    """A model that answers.

    Args:
        bundle: the model.
        precision: "f32", the reference, or "bf16": convolutions and dense layers in bfloat16.
        threads: to compute with; None takes what the machine allows.
        device: where to compute.
    """

    def __init__(
        self, bundle: Bundle, *, precision: Precision = "f32", threads: int | None = None, device: str = "cpu"
    ) -> None:
        self.bundle = bundle
        self.precision = precision
        self.readers = cpu.threads(threads)
        self.threads = cpu.threads_for(bundle.card.describe().macs * BATCH, threads)
        self.device = torch.device(device)
        self.network = bundle.network().to(memory_format=torch.channels_last).to(self.device)

    @torch.inference_mode()
    def probabilities(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """What each picture probably is.

        Shape:
            uint8 (N, channels, size, size), from `Preprocess.fit` -> float32 (N, K), rows adding up to 1
        """
        with cpu.using(self.threads):
            answers = [self._one_batch(batch) for batch in torch.split(pixels, BATCH)]
        return np.concatenate(answers) if answers else np.empty((0, len(self.bundle.card.classes)), np.float32)

    def _one_batch(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        x = self.bundle.card.preprocess.scale(pixels.to(self.device)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            scores = self.network(x)
        answers: NDArray[np.float32] = torch.softmax(scores.double(), dim=1).float().cpu().numpy()
        return answers

    def answer(
        self, listing: Listing, listener: Listener = SILENT
    ) -> Iterator[tuple[Listing, NDArray[np.float32], tuple[Broken, ...]]]:
        """Answer a listing of any length, some hundreds of pictures at a time.

        Returns:
            For each stretch: its readable pictures, their probabilities (N, K), and the pictures that are broken.
        """
        for start in range(0, len(listing), CHUNK):
            stretch = listing.take(range(start, min(start + CHUNK, len(listing))))
            pixels = Pixels(stretch, self.bundle.card.preprocess, threads=self.readers, allow_none=True)
            rows = np.arange(len(pixels))
            answers = [self.probabilities(pictures) for _, pictures in pixels.batches(rows, BATCH)] if len(rows) else []
            empty = np.empty((0, len(self.bundle.card.classes)), np.float32)
            yield pixels.listing, np.concatenate(answers) if answers else empty, pixels.broken
            listener.progress("answer", start + len(stretch), len(listing))
