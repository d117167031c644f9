"""Networks of one's own, in English."""

TEXTS = {
    "own.lost": "layer {number} ({name}): rows lost: {rows}, columns lost: {columns}, of {size} at stride {stride} (legal strides: {strides})",
    "report.value.own": "a network of your own, from a list of layers",
}
