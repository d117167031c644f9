"""Calibration and "none of these" in English."""

TEXTS = {
    "stage.score": "seeing how sure it is",
    "train.calibrated": (
        "temperature {temperature:g}, fitted on {pictures} validation pictures: scores are divided by it before they "
        "become probabilities"
    ),
    "train.uncalibrated": (
        "probabilities are the network's own: {pictures} validation pictures are too few to fit a temperature "
        "(at least {fewest})"
    ),
    "result.calibration": "how sure it is differs from how right it is by {ece:.4f} on average (ECE)",
    "result.mended": (
        "how sure it is differs from how right it is by {ece:.4f} on average (ECE; {before:.4f} without temperature "
        "{temperature:g})"
    ),
    "result.threshold": (
        "answers of probability {value:g} and more: {coverage:.1%} of the pictures, of which {accuracy:.1%} are right "
        "(95 % interval {low:.1%} to {high:.1%}); the others are none of these"
    ),
    "result.foreign": (
        "{accepted} of {n} pictures of {data} are taken for a class ({share:.1%}, 95 % interval {low:.1%} to {high:.1%})"
    ),
    "predict.none_of_these": "none of these",
}
