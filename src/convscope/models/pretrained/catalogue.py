"""The borrowed weights that convscope knows, in one table that you can see.

All were trained on ImageNet's 1,000 classes and lie, as safetensors under timm's names, in the timm organisation of the
Hugging Face hub. `tests/test_weights.py` holds every row but its accuracies against timm's own registry.
Accuracies: timm's results on ImageNet's validation set, `results-imagenet.csv`, at the row's size, share and
interpolation.
"""

from pathlib import Path
from typing import Literal, NamedTuple

from convscope.data.preprocess import Preprocess
from convscope.errors import ModelError, nearest
from convscope.models.network import IMAGENET, TENSORFLOW, Scale

BSD = "bsd-3-clause"
APACHE = "apache-2.0"


class Weights(NamedTuple):
    """One trained state of one network.

    Attributes:
        network: which of the zoo it fits.
        name: timm's; with `.safetensors`, also the file's here.
        licence: SPDX identifier that timm states; the photos that it was trained on have terms of their own.
        top1: published accuracy of the first answer, per cent.
        top5: of the first five answers, per cent.
        interpolation: of the resize to 224 pixels.
        scale: mean and spread of the input.
        share: of a photo's shorter side that the central square takes.
    """

    network: str
    name: str
    licence: str
    top1: float
    top5: float
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    scale: Scale = IMAGENET
    share: float = 0.875

    @property
    def repository(self) -> str:
        """Where it lies on the hub."""
        return f"timm/{self.name}"

    @property
    def file(self) -> str:
        """What it is called in the cache and in a kit."""
        return f"{self.name}.safetensors"

    def preprocess(self) -> Preprocess:
        """What a picture goes through before these weights."""
        mean, spread = self.scale
        return Preprocess(
            size=224,
            share=self.share,
            interpolation=self.interpolation,
            fill=round(255 * sum(mean) / len(mean)),
            mean=mean,
            spread=spread,
        )


class Elsewhere(NamedTuple):
    """Weights that exist only as a pickle, which may run code when it is opened: convscope opens none.

    Attributes:
        network: which of the zoo they fit.
        file: torchvision's.
        licence: as torchvision states it.
        top1: accuracy in torchvision's metadata, per cent.
        top5: likewise.
    """

    network: str
    file: str
    licence: str
    top1: float
    top5: float


# the first row of a network is what its bare name means
KNOWN = (
    Weights("vgg11", "vgg11.tv_in1k", BSD, 69.050, 88.630),
    Weights("vgg11_bn", "vgg11_bn.tv_in1k", BSD, 70.374, 89.802),
    Weights("vgg13", "vgg13.tv_in1k", BSD, 69.950, 89.262),
    Weights("vgg13_bn", "vgg13_bn.tv_in1k", BSD, 71.560, 90.372),
    Weights("vgg16", "vgg16.tv_in1k", BSD, 71.594, 90.398),
    Weights("vgg16_bn", "vgg16_bn.tv_in1k", BSD, 73.354, 91.490),
    Weights("vgg19", "vgg19.tv_in1k", BSD, 72.400, 90.878),
    Weights("vgg19_bn", "vgg19_bn.tv_in1k", BSD, 74.230, 91.848),
    Weights("resnet18", "resnet18.tv_in1k", BSD, 69.752, 89.082),
    Weights("resnet34", "resnet34.tv_in1k", BSD, 73.298, 91.422),
    Weights("resnet50", "resnet50.tv_in1k", BSD, 76.156, 92.866),
    Weights("resnet50", "resnet50.tv2_in1k", BSD, 80.846, 95.430, share=0.965),
    Weights("resnet101", "resnet101.tv_in1k", BSD, 77.404, 93.552),
    Weights("resnet101", "resnet101.tv2_in1k", BSD, 81.906, 95.768, share=0.965),
    Weights("resnet152", "resnet152.tv_in1k", BSD, 78.330, 94.046),
    Weights("resnet152", "resnet152.tv2_in1k", BSD, 82.294, 96.000, share=0.965),
    Weights("mobilenet_v1", "mobilenetv1_100.ra4_e3600_r224_in1k", APACHE, 75.388, 92.310, "bicubic", TENSORFLOW),
    Weights("mobilenet_v2", "mobilenetv2_100.ra_in1k", APACHE, 72.910, 91.000, "bicubic"),
    Weights("mobilenet_v3_large", "mobilenetv3_large_100.ra_in1k", APACHE, 75.784, 92.528, "bicubic"),
    Weights("mobilenet_v3_large_same", "tf_mobilenetv3_large_100.in1k", APACHE, 75.510, 92.600, scale=TENSORFLOW),
    Weights("mobilenet_v3_small", "mobilenetv3_small_100.lamb_in1k", APACHE, 67.636, 87.638, "bicubic"),
    Weights("mobilenet_v3_small_same", "tf_mobilenetv3_small_100.in1k", APACHE, 67.922, 87.686, scale=TENSORFLOW),
)
ELSEWHERE = (
    Elsewhere("alexnet_owt", "alexnet-owt-7be5be79.pth", BSD, 56.522, 79.066),
    Elsewhere("googlenet_tv", "googlenet-1378be20.pth", BSD, 69.778, 89.530),
)


def find(name: str) -> Weights:
    """The row of a network's name (its first) or of the weights' own.

    Raises:
        ModelError: none is known, or it exists only as a pickle; the message says what to do.
    """
    for row in KNOWN:
        if name in {row.network, row.name}:
            return row
    for other in ELSEWHERE:
        if name == other.network:
            raise ModelError(
                f"{name}: its weights ({other.file}) exist only as a pickle, which may run code when it is opened; "
                "convert them where you trust them (docs/weights.md), then convscope weights import FILE "
                f"--model {name}"
            )
    names = [*dict.fromkeys(row.network for row in KNOWN), *(row.name for row in KNOWN)]
    raise ModelError(f"no borrowed weights are known for {name!r}; {nearest(name, names)}")


def of_file(file: Path, network: str) -> Weights | None:
    """The row whose file this is by its name, if it is that network's."""
    return next((row for row in KNOWN if row.file == file.name and row.network == network), None)
