"""Views and ensembles in English."""

TEXTS = {
    "report.views.144-crop": "144 views of each picture",
    "report.views.dense": "the whole of each picture, at every place of the last map",
    "report.views.flip": "two views of each picture, one of them mirrored",
    "views.averaged": "each picture is answered by the mean of its probabilities: {told}",
    "views.ensemble": "an ensemble of {count} models, each of which counts the same: {names}",
    "views.manifest_gone": (
        "this model was trained by a manifest, and without its run folder nobody knows its classes: those of the data "
        "count here; give --manifest"
    ),
    "views.splits_differ": (
        "these models were trained on other parts of this data, so none of their splits decides: the data's own does, "
        "or every picture counts"
    ),
}
