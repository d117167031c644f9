"""Embeddings that are computed once: kept by the content of picture, preprocessing and weights, so never stale."""

import copy
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
import torch
from numpy.typing import NDArray

from convscope.data import cache
from convscope.data.batches import Broken
from convscope.data.builtin import cache_folder
from convscope.data.files import write_bytes, write_json
from convscope.data.listing import Listing
from convscope.data.views import View
from convscope.inference.engine import Engine, Precision, Values
from convscope.inference.probabilities import probabilities
from convscope.models.bundle import Bundle, Card
from convscope.models.heads import linear
from convscope.words import SILENT, Listener

SCHEMA = 1
# pictures whose embeddings are written together: a crash loses at most these
SHARD = 4096
# smaller files are put together when there are more of them
SMALL_BYTES = 4_000_000
MOST_SMALL = 16
HASH_BYTES = 32
PACE = "pace.json"
# pictures whose pace is worth keeping: fewer are mostly start-up
TIMED = 64
CHANGED = "it changed while it was read"


class Features:
    """Embeddings on disk, by the SHA-256 of the picture's file.

    Args:
        folder: of one network, preprocessing and engine; made when the first are kept.

    Example:
        >>> import tempfile
        >>> features = Features(Path(tempfile.mkdtemp()) / "some")
        >>> features.keep(["ab" * 32], np.ones((1, 4), np.float32))
        >>> Features(features.folder).known(["ab" * 32, "cd" * 32]).keys()
        dict_keys(['abab...'])
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def known(self, hashes: list[str]) -> dict[str, NDArray[np.float32]]:
        """The embeddings that are there, by hash; a file that is damaged counts as not there."""
        wanted, found = set(hashes), dict[str, NDArray[np.float32]]()
        for shard in self._shards():
            if len(found) == len(wanted):
                break
            names, vectors = self._read(shard)
            with suppress(OSError):
                os.utime(shard)  # the cache lets go of what was not used for long
            found |= {name: vectors[row] for row, name in enumerate(names) if name in wanted}
        return found

    def keep(self, hashes: list[str], vectors: NDArray[np.float32]) -> None:
        """Add embeddings; a disk that is full or read-only keeps none."""
        if not hashes:
            return
        try:
            self._write(hashes, vectors)
            self._join()
            cache.keep_below(self.folder.parent, cache.cap())
        except OSError:
            pass

    @property
    def pace_s(self) -> float | None:
        """Seconds that one picture took when the last ones were computed; None where nobody knows."""
        try:
            return float(json.loads((self.folder / PACE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    @pace_s.setter
    def pace_s(self, seconds: float) -> None:
        with suppress(OSError):
            write_json(self.folder / PACE, seconds)

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("*.safetensors"))

    def _write(self, hashes: list[str], vectors: NDArray[np.float32]) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        names = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(len(hashes), HASH_BYTES)
        content = safetensors.numpy.save({"hashes": names, "vectors": np.ascontiguousarray(vectors)})
        shard = self.folder / f"{sha256(content).hexdigest()[:32]}.safetensors"
        write_bytes(shard, content)
        return shard

    def _join(self) -> None:
        """Put the small files together, when daily additions have left many."""
        small = [shard for shard in self._shards() if shard.stat().st_size < SMALL_BYTES]
        if len(small) <= MOST_SMALL:
            return
        parts = [self._read(shard) for shard in small]
        merged = {name: vectors[row] for names, vectors in parts for row, name in enumerate(names)}
        if not merged:  # another process was faster
            return
        new = self._write(list(merged), np.stack(list(merged.values())))
        for shard in small:
            if shard != new:
                shard.unlink(missing_ok=True)

    @staticmethod
    def _read(shard: Path) -> tuple[list[str], NDArray[np.float32]]:
        """Hashes and embeddings of one file, whose name is the hash of its content."""
        try:
            content = shard.read_bytes()
            if sha256(content).hexdigest()[:32] != shard.stem:
                raise ValueError("damaged")
            tensors = safetensors.numpy.load(content)
            names = [row.tobytes().hex() for row in tensors["hashes"]]
        except OSError:  # another user's, or put together with others by another process
            return [], np.empty((0, 0), np.float32)
        except (ValueError, KeyError, safetensors.SafetensorError):
            with suppress(OSError):
                shard.unlink()
            return [], np.empty((0, 0), np.float32)
        return names, tensors["vectors"]


class Embedder:
    """A network's trunk that looks at each picture once.

    Args:
        engine: of a model with that trunk.
        remember: use and fill the cache on disk.

    Attributes:
        computed: pictures that were looked at, because nothing was known of them.
        pace_s: seconds that one of them took, decoding included; from an earlier run where none was looked at.
    """

    def __init__(self, engine: Engine, *, remember: bool = True) -> None:
        self.engine = engine
        self.computed = 0
        self.pace_s: float | None = None
        self._remember = remember
        self._seen: dict[View, dict[str, NDArray[np.float32]]] = {}

    def features(self, view: View) -> Features:
        """What is kept of a view by this trunk, engine and precision."""
        choice = self.engine.choice
        told = (SCHEMA, self.engine.key, view.preprocess.model_dump(), view.flip, choice.backend, choice.precision)
        key = sha256(json.dumps(told).encode()).hexdigest()[:32]
        return Features(cache_folder() / "features" / key)

    def embed(self, listing: Listing, view: View | None = None, listener: Listener = SILENT) -> Values:
        """The embeddings of a listing, in its order, and the pictures that cannot be read.

        A picture that changes while it is looked at counts as broken: nothing is kept under a name that is not its own.

        Args:
            listing: the pictures.
            view: how they are looked at; None takes the model's own preprocessing.
            listener: hears how far it is.
        """
        view = view or View("centre", self.engine.bundle.card.preprocess)
        hashes = listing.hash(listener)
        seen = self._seen.setdefault(view, {})
        unseen = [content for content in hashes if content and content not in seen]
        if self._remember and unseen:
            seen |= self.features(view).known(unseen)
        first = {content: row for row, content in reversed(list(enumerate(hashes))) if content and content not in seen}
        unknown = sorted([*first.values(), *(row for row, content in enumerate(hashes) if not content)])
        broken = self._look(listing.take(unknown), view, seen, listener) if unknown else {}
        self.pace_s = self.pace_s or (self.features(view).pace_s if self._remember else None)

        readable = [row for row, content in enumerate(hashes) if content in seen]
        lost = [
            Broken(file, broken.get(file) or broken.get(content) or CHANGED)
            for file, content in zip(listing.files, hashes, strict=True)
            if content not in seen
        ]
        vectors = np.stack([seen[hashes[row]] for row in readable]) if readable else np.empty((0, 0), np.float32)
        return Values(listing.take(readable), vectors, tuple(lost))

    def _look(
        self, listing: Listing, view: View, seen: dict[str, NDArray[np.float32]], listener: Listener
    ) -> dict[str, str]:
        """Compute what is unknown into `seen`; why others could not be read, by hash and by file."""
        reasons: dict[str, str] = {}
        contents = dict(zip(listing.files, listing.hashes, strict=True))
        fresh: dict[str, NDArray[np.float32]] = {}
        _ = self.engine.compiled  # now, so that it is not timed
        start = time.perf_counter()
        for readable, vectors, broken in self.engine.embed(listing, listener, view):
            self.computed += len(readable)
            for fault in broken:
                reasons |= {fault.file: fault.reason}
                if contents[fault.file]:  # of its copies, too
                    reasons |= {contents[fault.file]: fault.reason}
            for content, now, vector in zip(readable.hashes, rehashed(readable), vectors, strict=True):
                if not content or (now and now != content):
                    reasons |= {content: CHANGED} if content else {}
                    continue
                seen[content] = vector
                if now:
                    fresh[content] = vector
            if len(fresh) >= SHARD:
                self._keep(view, fresh)
        pace_s = (time.perf_counter() - start) / len(listing)
        self.pace_s = self.pace_s or pace_s  # the first view is the one that answers
        self._keep(view, fresh)
        if self._remember and len(listing) >= TIMED:
            self.features(view).pace_s = pace_s
        return reasons

    def _keep(self, view: View, fresh: dict[str, NDArray[np.float32]]) -> None:
        if fresh and self._remember:
            self.features(view).keep(list(fresh), np.stack(list(fresh.values())))
        fresh.clear()


class Remembered:
    """A model that answers from embeddings where they are known: as an `Engine` does, without looking twice.

    Args:
        embedder: of the model's trunk.
        bundle: the model, whose scoring layer is linear.
    """

    def __init__(self, embedder: Embedder, bundle: Bundle) -> None:
        self.embedder = embedder
        self.precision: Precision = embedder.engine.precision
        self._temperature = bundle.card.temperature
        self._linear = linear(bundle.network())

    @torch.inference_mode()
    def scores(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """What the scoring layer says of a listing, before any temperature and softmax, all at once."""
        readable, vectors, broken = self.embedder.embed(listing, listener=listener)
        scores = np.empty((0, self._linear.out_features), np.float32)
        if len(vectors):
            scores = self._linear(torch.from_numpy(vectors)).numpy()
        yield Values(readable, scores, broken)

    def answer(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """Probabilities of a listing, all at once."""
        for values in self.scores(listing, listener):
            yield values._replace(values=probabilities(torch.from_numpy(values.values), self._temperature))

    def under(self, card: Card) -> "Remembered":
        """The same weights under another card, such as one with a temperature."""
        other = copy.copy(self)
        other._temperature = card.temperature
        return other


def rehashed(listing: Listing) -> list[str]:
    """The hashes of the pictures as they are now, "" where they are gone."""
    return list(replace(listing).hash())
