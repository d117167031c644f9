"""The end of training: by the validation pictures, how sure the model may be, and when it had better not answer."""

import numpy as np
import torch

from convscope.data.listing import Listing
from convscope.evaluation import calibration, threshold
from convscope.inference.answering import Scoring
from convscope.inference.probabilities import probabilities
from convscope.models.bundle import Card
from convscope.words import SILENT, Listener


def calibrated(card: Card, engine: Scoring, val: Listing, listener: Listener = SILENT) -> Card:
    """The card with a temperature and a threshold that are fitted on pictures nothing was learned from.

    Args:
        card: of the model.
        engine: what scores with the model's weights.
        val: the validation pictures; those that cannot be read any more are left out.
        listener: hears what was found.
    """
    seen = list(engine.scores(val, listener))
    scores = np.concatenate([some.values for some in seen])
    truth = np.concatenate([some.listing.labels for some in seen])
    if len(truth) < calibration.FEWEST:
        listener.message("train.uncalibrated", pictures=len(truth), fewest=calibration.FEWEST)
    temperature = calibration.fit(scores, truth) if len(truth) else 1.0
    if temperature != 1:
        listener.message("train.calibrated", temperature=temperature, pictures=len(truth))
    chances = probabilities(torch.from_numpy(scores), temperature)
    limit = threshold.choose(chances, truth) if len(truth) else None
    return card.model_copy(update={"temperature": temperature, "threshold": limit})
