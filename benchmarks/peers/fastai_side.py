"""fastai's side of transfer.py, run by the environment of fastai.txt.

    fastai_side.py train DATA WEIGHTS OUT SEED      fine_tune(1): a frozen and an unfrozen epoch, then a model file
    fastai_side.py features WEIGHTS INPUTS OUT      what the borrowed body makes of some inputs

DATA has folders train and val; WEIGHTS is a state dict of timm's mobilenetv2_100 (safetensors), OUT the file to write.
"""

import json
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

# timm's MobileNet v2 with TensorFlow's padding and epsilon, which its weights were trained with
ARCHITECTURE = "mobilenetv2_100"
TENSORFLOW = {"pad_type": "same", "bn_eps": 1e-3}


def train(data: str, weights: str, out: str, seed: str) -> dict[str, object]:
    import timm
    import torch
    from fastai import __version__
    from fastai.vision.all import (
        ImageDataLoaders,
        Normalize,
        Resize,
        accuracy,
        set_seed,
        vision_learner,
    )
    from safetensors.torch import load_file

    set_seed(int(seed))
    loaders = ImageDataLoaders.from_folder(
        Path(data),
        valid="val",
        item_tfms=Resize(224),
        batch_tfms=[Normalize.from_stats([0.5] * 3, [0.5] * 3)],
        bs=64,
    )
    learner = vision_learner(loaders, ARCHITECTURE, pretrained=False, normalize=False, metrics=accuracy, **TENSORFLOW)
    missing = learner.model[0].model.load_state_dict(load_file(weights), strict=False)
    assert not missing.missing_keys
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(1)
    learner.export(Path(out).absolute())
    return {
        "val_top1": float(learner.recorder.values[-1][-1]),
        "versions": f"fastai {__version__}, torch {torch.__version__}, timm {timm.__version__}",
    }


def features(weights: str, inputs: str, out: str) -> dict[str, object]:
    import numpy as np
    import timm
    import torch
    from safetensors.torch import load_file

    body = timm.create_model(ARCHITECTURE, num_classes=0, **TENSORFLOW).eval()
    body.load_state_dict(load_file(weights), strict=False)
    with torch.inference_mode():
        np.save(out, body(torch.from_numpy(np.load(inputs))).numpy())
    return {}


if __name__ == "__main__":
    print(json.dumps({"train": train, "features": features}[sys.argv[1]](*sys.argv[2:])))
