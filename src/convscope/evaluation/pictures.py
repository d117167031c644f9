"""Small pictures for a report: of what was judged, and of where a model saw what speaks for its answers."""

from functools import cached_property

import torch
from torch import nn

from convscope.data.decode import thumbnail
from convscope.data.listing import Listing
from convscope.errors import ModelError, UnreadableImage
from convscope.evaluation.report import Report
from convscope.inference import cpu
from convscope.models.bundle import Bundle

SIDE = 160  # of the longer side, in pixels


class Thumbnails:
    """Row of a report's predictions to a small JPEG, or None when the picture can no longer be read."""

    def __init__(self, listing: Listing, report: Report) -> None:
        assert report.predictions is not None
        self._store = listing.store
        self._files = report.predictions.files

    def __call__(self, row: int) -> bytes | None:
        """The JPEG of one picture."""
        try:
            return thumbnail(self._store.picture(self._files[row], _shrink), SIDE)
        except UnreadableImage:
            return None


class Heatmaps:
    """Row of a report's predictions to two small JPEGs: Grad-CAM of the predicted class, and of the true one.

    None where the picture can no longer be read, and for every row of a network that has no map to look at.
    """

    def __init__(self, bundle: Bundle, listing: Listing, report: Report) -> None:
        assert report.predictions is not None
        self._bundle, self._store, self._told = bundle, listing.store, report.predictions
        self._possible = True

    @cached_property
    def _network(self) -> nn.Module:
        return self._bundle.network()

    def __call__(self, row: int) -> tuple[bytes, bytes] | None:
        """The JPEGs of one picture."""
        from convscope.explanation.draw.overlay import overlay
        from convscope.explanation.gradcam import gradcam

        if not self._possible:
            return None
        preprocess = self._bundle.card.preprocess
        try:
            picture = self._store.picture(self._told.files[row], preprocess.shrink)
            asked = torch.tensor([[int(self._told.predicted[row]), int(self._told.truth[row])]])
            with cpu.using(None):
                heat = gradcam(self._network, preprocess.scale(preprocess.fit(picture))[None], asked)[0]
        except UnreadableImage:
            return None
        except ModelError:  # a transformer, say: nothing that would change from picture to picture
            self._possible = False
            return None
        answer, truth = (overlay(picture, each, preprocess, SIDE) for each in heat)
        return answer, truth


def _shrink(width: int, height: int) -> int:
    """How many times smaller a JPEG may be decoded and still be twice a thumbnail's size.

    >>> _shrink(4000, 3000), _shrink(300, 200)
    (8, 1)
    """
    return next((times for times in (8, 4, 2) if max(width, height) >= 2 * SIDE * times), 1)
