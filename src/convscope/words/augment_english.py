"""Training pictures in English: how they are kept, and `convscope augment`."""

TEXTS = {
    "pictures.known": "{count} decoded pictures are at hand, nothing is decoded: {file}",
    "pictures.written": "decoded pictures are kept on disk ({size:.1f} GB), later epochs and runs decode nothing: {file}",
    "pictures.damaged": "{file} is damaged ({reason}); it is made anew",
    "pictures.failed": "decoded pictures could not be kept on disk ({reason}), each epoch decodes anew: {file}",
    "pictures.none": (
        "decoded pictures would take {wanted:.1f} GB; free are {memory:.1f} GB of memory and {disk:.1f} GB in {folder}: "
        "each epoch decodes anew"
    ),
    "augment.original": "original",
    "augment.epoch": "epoch {number}",
    "augment.title": "{name}, {size}x{size} pixels, seed {seed}",
    "augment.plan": "augmentation: {plan}",
    "augment.saved": "saved: {file}",
}
