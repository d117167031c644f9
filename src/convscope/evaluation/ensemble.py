"""Several models that answer as one: the mean of their probabilities."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from convscope.data.batches import Broken
from convscope.data.listing import Listing
from convscope.errors import ModelError
from convscope.inference.engine import Answering, Precision, Values
from convscope.words import SILENT, Listener


class Ensemble:
    """The mean of several models' probabilities, every model counting the same.

    Models answer one after the other, each with its own size and preprocessing; each decodes the pictures anew.

    Args:
        members: what answers.
        classes: of each member, in the order of its outputs; the first one's order is the ensemble's.

    Raises:
        ModelError: members that know different classes.

    Source:
        Krizhevsky, Sutskever & Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012,
        section 6; Simonyan & Zisserman, 2015, section 4.4.
    """

    def __init__(self, members: Sequence[Answering], classes: Sequence[tuple[str, ...]]) -> None:
        self.members = members
        self._columns = [columns(names, classes[0]) for names in classes]

    @property
    def precision(self) -> Precision:
        """The members' arithmetic; bfloat16 where one of them computes in it."""
        return "bf16" if any(member.precision == "bf16" for member in self.members) else "f32"

    def answer(self, listing: Listing, listener: Listener = SILENT) -> Iterator[Values]:
        """Mean probabilities of a listing, all at once; a picture that one member cannot read is answered by none."""
        rows = {file: row for row, file in enumerate(listing.files)}
        total = np.zeros((len(listing), len(self._columns[0])))
        broken: dict[str, Broken] = {}
        for number, (member, order) in enumerate(zip(self.members, self._columns, strict=True)):
            heard = _Nth(listener, number, len(self.members))
            for readable, chances, faults in member.answer(listing, heard):
                if len(readable):
                    total[[rows[file] for file in readable.files]] += chances[:, order]
                broken |= {fault.file: fault for fault in faults}
        read = [row for row, file in enumerate(listing.files) if file not in broken]
        means: NDArray[np.float32] = (total[read] / len(self.members)).astype(np.float32)
        yield Values(listing.take(read), means, tuple(broken.values()))


class _Nth(Listener):
    """Hears one of several members as a part of all of them, so that the time left is that of all."""

    def __init__(self, listener: Listener, number: int, count: int) -> None:
        self._listener, self._number, self._count = listener, number, count

    def progress(self, stage: str, done: int, total: int) -> None:
        """Steps of the members before, and this one's."""
        self._listener.progress(stage, self._number * total + done, self._count * total)

    def message(self, key: str, **values: object) -> None:
        """As it is."""
        self._listener.message(key, **values)


def columns(classes: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    """Where each of the wanted classes stands among a model's outputs.

    Args:
        classes: of the model, in the order of its outputs.
        wanted: in another order.

    Raises:
        ModelError: not the same classes.

    Example:
        >>> columns(("b", "a"), ("a", "b"))
        [1, 0]
    """
    index = {name: position for position, name in enumerate(classes)}
    if index.keys() != set(wanted):
        more, missing = (
            ", ".join(sorted(names)[:5]) + (" …" if len(names) > 5 else "") or "none"
            for names in (index.keys() - set(wanted), set(wanted) - index.keys())
        )
        raise ModelError(
            f"an ensemble needs models with the same classes; one has, beside the first: {more}; and lacks: {missing}"
        )
    return [index[name] for name in wanted]
