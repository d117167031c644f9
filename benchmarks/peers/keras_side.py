"""Keras's side of transfer.py, run by the environment of keras.txt, after the Keras guide to transfer learning.

    keras_side.py train DATA WEIGHTS OUT SEED       a frozen and an unfrozen epoch, then a model file
    keras_side.py features WEIGHTS INPUTS OUT       what the borrowed body makes of some inputs

DATA has folders train and val; WEIGHTS is an .npz of arrays, by layer and place, OUT the file to write.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

SIDE = 224


def body(weights: str):
    import keras
    import numpy as np

    network = keras.applications.MobileNetV2((SIDE, SIDE, 3), include_top=False, pooling="avg", weights=None)
    with np.load(weights, allow_pickle=False) as arrays:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights([arrays[f"{layer.name}/{place}"] for place in range(len(layer.weights))])
    return network


def train(data: str, weights: str, out: str, seed: str) -> dict[str, object]:
    import keras
    import tensorflow

    keras.utils.set_random_seed(int(seed))
    parts = [
        keras.utils.image_dataset_from_directory(
            f"{data}/{part}", image_size=(SIDE, SIDE), crop_to_aspect_ratio=True, batch_size=64, verbose=False
        ).prefetch(tensorflow.data.AUTOTUNE)
        for part in ("train", "val")
    ]
    classes = len(list(Path(data, "train").iterdir()))
    borrowed = body(weights)
    borrowed.trainable = False
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = keras.layers.Dropout(0.2)(borrowed(x, training=False))
    model = keras.Model(inputs, keras.layers.Dense(classes)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for unfrozen, rate in ((False, 1e-3), (True, 1e-5)):
        borrowed.trainable = unfrozen
        model.compile(keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])
        history = model.fit(parts[0], validation_data=parts[1], epochs=1, verbose=0)
    model.save(out)
    return {
        "val_top1": float(history.history["val_accuracy"][-1]),
        "versions": f"keras {keras.__version__}, tensorflow {tensorflow.__version__}",
    }


def features(weights: str, inputs: str, out: str) -> dict[str, object]:
    import numpy as np

    pictures = np.load(inputs).transpose(0, 2, 3, 1)
    np.save(out, np.asarray(body(weights)(pictures, training=False)))
    return {}


if __name__ == "__main__":
    print(json.dumps({"train": train, "features": features}[sys.argv[1]](*sys.argv[2:])))
