"""Pictures through a trained network: torch in float32 is the reference that every other engine must agree with."""

import copy
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.data.batches import Broken
from convscope.data.listing import Listing
from convscope.data.stream import stream
from convscope.data.views import View
from convscope.errors import ModelError
from convscope.inference import choice, cpu
from convscope.inference.answering import Answering, Scoring, Values
from convscope.inference.choice import Choice, choose
from convscope.inference.engines import PRECISIONS, Compiled, Precision, eager, onnx, openvino
from convscope.inference.probabilities import probabilities
from convscope.models.bundle import Bundle, Card
from convscope.models.heads import embedding, split
from convscope.models.pretrained.timm_networks import PREFIX
from convscope.words import SILENT, Listener

__all__ = ["PRECISIONS", "Answering", "Engine", "Precision", "Scoring", "Values"]

# pictures at a time, of a side that needs them; larger ones come fewer at a time, for memory's sake
BATCH, SIDE = 32, 224


class Engine:
    """A model that answers. Nothing is compiled before the first question.

    The network is cut before its scoring layer: what comes before, the trunk, runs on the engine, the scoring layer in
    PyTorch in float32. So models that share a borrowed trunk share its compiled form.

    Args:
        bundle: the model.
        precision: "f32", or "bf16": the trunk's convolutions and dense layers in bfloat16; "auto" tests it where the
            work is worth a test.
        threads: to compute with; None takes what the machine allows.
        device: where to compute.
        backend: "torch", "openvino" or "onnx"; "auto" takes the fastest for the pictures ahead.
        pictures: about how many will be asked for.

    Raises:
        RecipeError: an engine that cannot be had.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        precision: choice.Wish = "f32",
        threads: int | None = None,
        device: str = "cpu",
        backend: str = "auto",
        pictures: int = 1,
    ) -> None:
        self.bundle = bundle
        self.device = torch.device(device)
        row = bundle.card.row()
        self.macs = round(row.macs * (bundle.card.preprocess.size / row.sizes[0]) ** 2)  # near enough to choose by
        self.batch = max(1, min(BATCH, round(BATCH * (SIDE / bundle.card.preprocess.size) ** 2)))
        self.readers = cpu.threads(threads)
        self.threads = cpu.threads_for(self.macs * self.batch, threads)
        self._wish: dict[str, Any] = {"backend": backend, "precision": precision, "device": device}
        self._pictures = pictures
        choose(self.macs, pictures, **self._wish)  # complain now rather than at the first picture

    @cached_property
    def network(self) -> nn.Module:
        """The whole network in evaluation mode."""
        return self.bundle.network()

    @cached_property
    def _halves(self) -> tuple[nn.Module, nn.Module]:
        try:
            trunk, head = split(self.network)
        except ModelError:  # scores that no single layer gives: then the trunk is all of it
            return self.network, nn.Identity()
        return trunk, head.to(self.device)

    @cached_property
    def key(self) -> str:
        """Names the trunk by what it computes: its layers, its numbers, and how bytes become its input."""
        card = self.bundle.card
        scale = card.preprocess.model_dump(include={"size", "channels", "mean", "spread"})
        made_by = [version("convscope"), version("timm") if card.network.startswith(PREFIX) else ""]
        told = (card.network, card.definition, scale, made_by)
        digest = sha256(repr(told).encode())
        for name, tensor in sorted(self._halves[0].state_dict().items()):
            digest.update(f"{name}{tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def choice(self) -> Choice:
        """What computes, and why."""
        large = self.macs >= choice.SMALL_MACS and openvino.available()
        kept = large and openvino.kept(self.key)
        chosen = choose(self.macs, self._pictures, kept=kept, **self._wish)
        refused = openvino.refused(self.key) if chosen.backend == "openvino" else ""
        if refused and self._wish["backend"] == "auto":
            chosen = self._left_to_pytorch(chosen, refused)
        if self._wish["precision"] != "auto" or chosen.backend == "onnx":
            return chosen
        if self.device.type != "cpu":
            bf16 = torch.cuda.is_bf16_supported()
            return chosen._replace(precision="bf16" if bf16 else "f32", why="what this GPU computes in")
        reason = choice.tested(self.macs, self._pictures)
        if reason:
            return chosen._replace(why=f"{chosen.why}; f32: {reason}")
        try:
            gain = self._bf16_gain(chosen)
        except RuntimeError as error:
            chosen = self._left_to_pytorch(chosen, str(error))
            gain = self._bf16_gain(chosen)
        return chosen._replace(
            precision="bf16" if gain >= cpu.WORTH_IT else "f32",
            why=f"{chosen.why}; bf16 ran {gain:.2f} times as fast as f32",
        )

    def _left_to_pytorch(self, chosen: Choice, reason: str) -> Choice:
        """The choice where an engine that was chosen by itself cannot run the network; remembered on disk.

        Raises:
            RuntimeError: the engine was asked for by name.
        """
        if self._wish["backend"] != "auto" or chosen.backend == "torch":
            raise RuntimeError(reason)
        reason = " ".join(reason.split())[:160]
        if chosen.backend == "openvino":
            openvino.refuse(self.key, reason)
        return Choice("torch", chosen.precision, reason)

    def _bf16_gain(self, chosen: Choice) -> float:
        compiled = {bf16: self._compile(chosen._replace(precision="bf16" if bf16 else "f32")) for bf16 in (True, False)}
        preprocess = self.bundle.card.preprocess
        pixels = torch.zeros(self.batch, preprocess.channels, preprocess.size, preprocess.size, dtype=torch.uint8)

        def step(bf16: bool) -> None:
            for _ in compiled[bf16].run([pixels] * 2):
                pass

        with cpu.using(self.threads):
            return cpu.bf16_gain(step, f"answer {self.key[:12]} {chosen.backend}")

    def _compile(self, chosen: Choice) -> Compiled:
        trunk, preprocess = self._halves[0], self.bundle.card.preprocess
        if chosen.backend == "openvino":
            return openvino.OpenVino(trunk, preprocess, key=self.key, precision=chosen.precision, threads=self.threads)
        if chosen.backend == "onnx":
            return onnx.Onnx(trunk, preprocess, threads=self.threads)
        return eager.Eager(trunk, preprocess, precision=chosen.precision, threads=self.threads, device=self.device)

    @cached_property
    def compiled(self) -> Compiled:
        """The trunk, ready to run; in PyTorch where the engine that was chosen by itself does not know a layer."""
        try:
            return self._compile(self.choice)
        except RuntimeError as error:
            self.__dict__["choice"] = self._left_to_pytorch(self.choice, str(error))
            return self._compile(self.choice)

    @property
    def precision(self) -> Precision:
        """The trunk's arithmetic."""
        return self.choice.precision

    def probabilities(self, pixels: Tensor) -> NDArray[np.float32]:
        """What each picture probably is.

        Shape:
            uint8 (N, channels, size, size), from `Preprocess.fit` -> float32 (N, K), rows adding up to 1
        """
        answers = [self.score(entering) for entering in self._run(pixels)]
        return np.concatenate(answers) if answers else np.empty((0, len(self.bundle.card.classes)), np.float32)

    def embeddings(self, pixels: Tensor) -> NDArray[np.float32]:
        """What the scoring layer sees of each picture; of a whole map its mean.

        Shape:
            uint8 (N, channels, size, size), from `Preprocess.fit`; N ≥ 1 -> float32 (N, D)
        """
        return np.concatenate([embedded(entering) for entering in self._run(pixels)])

    def _run(self, pixels: Tensor) -> Iterator[NDArray[np.float32]]:
        return self.compiled.run(torch.split(pixels, self.batch)) if len(pixels) else iter(())

    def score(self, entering: NDArray[np.float32]) -> NDArray[np.float32]:
        """From what enters the scoring layer to probabilities, (N, K), at the model's temperature."""
        with cpu.using(self.threads):
            return probabilities(self._head(entering), self.bundle.card.temperature)

    @torch.inference_mode()
    def _head(self, entering: NDArray[np.float32]) -> Tensor:
        with cpu.using(self.threads):
            scores: Tensor = self._halves[1](torch.from_numpy(entering).to(self.device))
        return scores

    def scores(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """What the scoring layer says of a listing, before any temperature and softmax, likewise to `answer`."""
        empty = np.empty((0, len(self.bundle.card.classes)), np.float32)
        return self._through(listing, lambda entering: self._head(entering).cpu().numpy(), empty, "score", listener)

    def under(self, card: Card) -> "Engine":
        """The same weights under another card, such as one with a temperature; what is compiled is shared."""
        other = copy.copy(self)
        other.bundle = replace(self.bundle, card=card)
        return other

    def answer(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """Probabilities of a listing of any length, some pictures at a time, in order."""
        empty = np.empty((0, len(self.bundle.card.classes)), np.float32)
        return self._through(listing, self.score, empty, "answer", listener)

    def embed(self, listing: Listing, listener: Listener = SILENT, view: View | None = None) -> Iterator[Values]:
        """Embeddings of a listing of any length, likewise; `view` looks in another way than the model does."""
        return self._through(listing, embedded, np.empty((0, 0), np.float32), "embed", listener, view)

    def _through(
        self,
        listing: Listing,
        finish: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        empty: NDArray[np.float32],
        stage: str,
        listener: Listener,
        view: View | None = None,
    ) -> Iterator[Values]:
        """Decode, run and finish, each while the others are at work."""
        view = view or View("centre", self.bundle.card.preprocess)
        under_way: deque[tuple[list[int], tuple[Broken, ...]]] = deque()
        done = 0

        def feed() -> Iterator[Tensor]:
            for some in stream(listing, view.preprocess, batch=self.batch, threads=self.readers):
                under_way.append((some.rows, some.broken))
                if some.rows:
                    yield some.pixels.flip(-1) if view.flip else some.pixels

        def told(values: NDArray[np.float32]) -> Values:
            nonlocal done
            rows, broken = under_way.popleft()
            done += len(rows) + len(broken)
            listener.progress(stage, done, len(listing))
            return Values(listing.take(rows), values, broken)

        def unread() -> Iterator[Values]:  # batches without one readable picture have no result to wait for
            while under_way and not under_way[0][0]:
                yield told(empty)

        for entering in self.compiled.run(feed()):
            yield from unread()
            yield told(finish(entering))
        yield from unread()


def embedded(entering: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embedding in what enters a scoring layer."""
    vectors: NDArray[np.float32] = embedding(torch.from_numpy(entering)).numpy()
    return vectors
