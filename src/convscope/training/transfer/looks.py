"""What the frozen trunk of a borrowed network saw of a run's pictures, and the head that is fitted on it."""

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from torch import nn

from convscope.data.batches import Broken
from convscope.data.listing import Listing
from convscope.data.memory import free_memory
from convscope.data.preprocess import Preprocess
from convscope.data.views import Views, views
from convscope.errors import DataError
from convscope.inference.embeddings import Embedder, Remembered
from convscope.inference.engine import Engine
from convscope.models.bundle import Bundle, Card
from convscope.models.heads import linear
from convscope.training.recipe import Recipe
from convscope.training.transfer.head import Head, fit
from convscope.training.transfer.start import Start
from convscope.words import Listener

# from this ratio of the largest class to the smallest, that all count the same is worth a word
UNEVEN = 1.5
# of an embedding in memory: remembered, stacked, standardised, and what the fit makes of it
FLOAT_BYTES, COPIES = 4, 5


@dataclass(frozen=True)
class Looks:
    """Embeddings of a run's pictures.

    Attributes:
        embedder: that made them, and remembers them.
        broken: pictures that could not be read.
    """

    embedder: Embedder
    broken: tuple[Broken, ...]

    @classmethod
    def at(cls, listing: Listing, start: Start, recipe: Recipe, listener: Listener) -> "Looks":
        """Look at every picture once.

        Args:
            listing: each picture in a part.
            start: the borrowed network.
            recipe: its precision, threads and device.
            listener: hears how far it is.
        """
        card = Card(
            convscope=version("convscope"),
            network=recipe.network,
            definition=recipe.definition,
            classes=listing.classes,
            preprocess=start.preprocess.model_copy(update={"decode": recipe.decode}),
            head="linear",
        )
        weights = start.network.state_dict()
        if recipe.mode != "frozen":  # training will change them in place
            weights = {name: tensor.clone() for name, tensor in weights.items()}
        _refuse_too_many(listing, linear(start.network).in_features, start.preprocess, recipe)
        engine = Engine(
            Bundle(card, dict(weights)),
            # the precision of fine-tuning is that of its steps: the head before them must be the same on every resume
            precision=recipe.precision if recipe.mode == "frozen" else "f32",
            backend=recipe.engine,
            threads=recipe.threads,
            device=recipe.device,
            pictures=len(listing),
        )
        embedder = Embedder(engine)
        seen = embedder.embed(listing, listener=listener)
        listener.message("train.looked", computed=embedder.computed, known=len(seen.listing) - embedder.computed)
        return cls(embedder, seen.broken)

    def vectors(self, listing: Listing, wanted: Views = "centre") -> NDArray[np.float32]:
        """The embeddings of some of the pictures, in their order; of several views one block after the other.

        Shape:
            (views · N, D)

        Raises:
            DataError: a picture that could be read before cannot be read now.
        """
        blocks = []
        for view in views(self.embedder.engine.bundle.card.preprocess, wanted):
            seen = self.embedder.embed(listing, view)
            if seen.broken:
                lost = seen.broken[0]
                raise DataError(f"{lost.file} could be read before and cannot now: {lost.reason}")
            blocks.append(seen.values)
        return np.concatenate(blocks)

    def fit(self, listing: Listing, network: nn.Module, recipe: Recipe, listener: Listener) -> dict[str, float]:
        """Fit the head on the training pictures and put it into the network.

        Args:
            listing: each picture in a part.
            network: the borrowed one with a fresh head, which is changed in place.
            recipe: views, strength and balance.
            listener: hears what was chosen.

        Returns:
            A row of metrics.csv: losses, top-1 and the strength.
        """
        train, val = listing.part("train"), listing.part("val")
        vectors = self.vectors(train, recipe.views)
        groups = len(vectors) // len(train)
        labels = np.tile(train.labels, groups)
        head = fit(
            vectors,
            labels,
            len(listing.classes),
            strength=recipe.strength,
            balance=recipe.balance,
            seed=recipe.seed,
            groups=groups,
            listener=listener,
        )
        head.put_into(linear(network))
        counts = np.bincount(train.labels)
        if head.weighted and counts.max() > UNEVEN * counts.min():
            listener.message("train.balanced", least=int(counts.min()), most=int(counts.max()))
        how = "chosen" if head.tried else "given" if recipe.strength else "usual"
        listener.message(f"train.strength.{how}", strength=f"{head.strength:g}", looks=len(vectors))
        train_loss, train_top1 = _figures(head, vectors[: len(train)], train.labels)
        val_loss, val_top1 = _figures(head, self.vectors(val), val.labels)
        return {
            "epoch": 1,
            "train_loss": train_loss,
            "val_loss": val_loss,
            "val_top1": val_top1,
            "train_top1": train_top1,
            "strength": head.strength,
        }

    def answering(self, bundle: Bundle) -> Remembered:
        """A model with this trunk, which looks at no picture twice."""
        return Remembered(self.embedder, bundle)


def _figures(head: Head, vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Mean loss and top-1."""
    chances = head.probabilities(vectors)
    right = chances[np.arange(len(labels)), labels].clip(min=np.finfo(np.float64).tiny)
    return float(-np.log(right).mean()), float((chances.argmax(axis=1) == labels).mean())


def _refuse_too_many(listing: Listing, width: int, preprocess: Preprocess, recipe: Recipe) -> None:
    """Raise where the embeddings would not fit into memory."""
    looks = len(views(preprocess, recipe.views))
    needed, room = FLOAT_BYTES * COPIES * len(listing) * width * looks, free_memory()
    if needed > room:
        raise DataError(
            f"{listing.title}: what {recipe.network} sees of {len(listing):,} pictures ({width:,} numbers each, views: "
            f"{looks}) needs about {needed / 1e9:.1f} GB, and {room / 1e9:.1f} are free; take fewer pictures or views, "
            "or a network with fewer numbers before its head"
        )
