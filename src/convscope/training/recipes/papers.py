"""The recipe that each network's paper prints: what differs from our plain numbers, and what cannot be the same.

Iterations are turned into passes over the paper's own training pictures, so that they mean the same on other data.
No paper stopped early. First values are the printed ones where `models` knows them.
"""

from dataclasses import dataclass, replace
from typing import Any

from convscope.errors import RecipeError

# training pictures of the papers' own data; of CIFAR-10, without the 5,000 that ResNet's paper validates on
IMAGENET, CIFAR = 1_281_167, 45_000


@dataclass(frozen=True)
class PaperRecipe:
    """What a paper, or who published the network, trained it with.

    Attributes:
        settings: fields of the recipe.
        source: authors, year, section.
        deviations: where ours cannot be the paper's, or the paper says nothing: keys of the texts.
    """

    settings: dict[str, Any]
    source: str
    deviations: tuple[str, ...] = ()

    def but(self, *deviations: str, source: str = "", **settings: Any) -> "PaperRecipe":  # noqa: ANN401 (any field)
        """The same recipe with some numbers of a relative, which has further deviations.

        Args:
            deviations: keys of texts, added.
            source: of the relative; "" keeps it.
            settings: fields that differ.
        """
        return replace(
            self,
            settings=self.settings | settings,
            source=source or self.source,
            deviations=self.deviations + tuple(f"recipe.{name}" for name in deviations),
        )


def paper(name: str) -> PaperRecipe:
    """The recipe of a network's paper.

    Args:
        name: from `convscope models`.

    Raises:
        RecipeError: nobody printed one for that network.

    Example:
        >>> paper("vgg16").settings["rate"], paper("vgg16").settings["batch"]
        (0.01, 256)
    """
    if name not in PAPERS:
        raise RecipeError(f"recipe paper: no paper prints one for {name}; take --recipe practical")
    return PAPERS[name]


def passes(iterations: int, batch: int, pictures: int) -> float:
    """Iterations as passes over the training pictures.

    >>> round(passes(370_000, 256, IMAGENET), 1)
    73.9
    """
    return iterations * batch / pictures


# what all of them share: no early end, plain momentum
SGD = PaperRecipe({"optimiser": "sgd", "momentum": 0.9, "nesterov": False, "patience_checks": None}, "")
RMSPROP = PaperRecipe(
    {"optimiser": "rmsprop", "momentum": 0.9, "patience_checks": None, "crop": "area", "area_from": 0.08, "flip": True},
    "",
).but("rmsprop")

# the four falls of 1998 are 0.4, 0.5, 0.5, 0.2; one factor begins and ends alike
LENET_FALL = round((1e-5 / 5e-4) ** (1 / 4), 4)
LENET5 = SGD.but(
    "lenet.levenberg", "lenet.batch", "lenet.falls", "lenet.margin",
    source="LeCun, Bottou, Bengio & Haffner, 1998, section III.B and appendices A, C",
    epochs=20, batch=2, rate=5e-4, momentum=0.0, decay=0.0, schedule="step", step_at=(2, 5, 8, 12),
    step_factor=LENET_FALL, initialise="printed", rbf_margin=5.0,
)  # fmt: skip
LENET_CAFFE = SGD.but(
    "caffe.bias",
    source="Caffe's MNIST example, 2014, lenet_solver.prototxt",
    epochs=11, batch=64, rate=0.01, decay=5e-4, schedule="inverse", inverse_pace=1e-4, inverse_power=0.75,
)  # fmt: skip
COURSE_CNN = PaperRecipe(
    {"optimiser": "adam", "rate": 0.001, "batch": 32, "epochs": 10_000, "schedule": "constant", "patience_checks": 3},
    "the Keras walk-through of CNN course notes: Adam as it comes, EarlyStopping with patience 3",
    ("recipe.course.split",),
)

ALEXNET = SGD.but(
    "plateau", "alexnet.mean",
    source="Krizhevsky, Sutskever & Hinton, 2012, sections 4.1 and 5",
    epochs=90, batch=128, rate=0.01, decay=5e-4, schedule="plateau", crop="shift", flip=True, colour="pca",
    initialise="printed",
)  # fmt: skip
ZFNET = SGD.but(
    "plateau", "zfnet.crops", "zfnet.filters",
    source="Zeiler & Fergus, 2014, section 3",
    epochs=70, batch=128, rate=0.01, decay=0.0, schedule="plateau", crop="shift", flip=True, initialise="printed",
)  # fmt: skip
TORCHVISION = SGD.but(
    source="torchvision's references, `train.py` as its weights were made",
    epochs=90, batch=256, rate=0.1, decay=1e-4, schedule="step", step_epochs=30, crop="area", area_from=0.08, flip=True,
)  # fmt: skip
NIN = SGD.but(
    "nin.numbers",
    source="Lin, Chen & Yan, 2014, section 4.1; numbers of the authors' Caffe definitions",
    epochs=307, batch=128, rate=0.1, decay=1e-4, schedule="step", step_at=(256, 294),
)  # fmt: skip
ALLCNN = SGD.but(
    "allcnn.rate", "allcnn.batch", "allcnn.shift", "allcnn.whitening",
    source="Springenberg, Dosovitskiy, Brox & Riedmiller, 2015, section 3.1",
    epochs=350, batch=128, rate=0.05, decay=1e-3, schedule="step", step_at=(200, 250, 300), crop="shift", flip=True,
)  # fmt: skip

VGG = SGD.but(
    "plateau",
    source="Simonyan & Zisserman, 2015, section 3.1",
    epochs=74, batch=256, rate=0.01, decay=5e-4, schedule="plateau", crop="shift", flip=True, colour="pca",
    initialise="printed",
)  # fmt: skip
VGG_DEEP = VGG.but("vgg.from_a", "vgg.jitter", crop="jitter", jitter_to=512 / 256)
GOOGLENET = SGD.but(
    "googlenet.async", "googlenet.numbers", "googlenet.average", "googlenet.colour",
    source="Szegedy et al., 2015, section 6; rate, batch, decay and length of Caffe's bvlc_googlenet, solver.prototxt",
    epochs=250, batch=32, rate=0.01, decay=2e-4, decay_all=False, schedule="step", step_epochs=8, step_factor=0.96,
    auxiliary=0.3, ema=0.9999, crop="area", area_from=0.08, flip=True, colour="jitter",
)  # fmt: skip

RESNET = SGD.but(
    "plateau", "resnet.mean",
    source="He, Zhang, Ren & Sun, 2016, section 3.4",
    epochs=120, batch=256, rate=0.1, decay=1e-4, schedule="plateau", crop="jitter", jitter_to=480 / 256, flip=True,
    colour="pca",
)  # fmt: skip
RESNET_CIFAR = SGD.but(
    "resnet.mean",
    source="He, Zhang, Ren & Sun, 2016, section 4.2",
    epochs=182, batch=128, rate=0.1, decay=1e-4, schedule="step", step_at=(91, 137), crop="shift", flip=True,
)  # fmt: skip
RESNET_110 = RESNET_CIFAR.but("resnet.warmup", warmup_epochs=round(passes(400, 128, CIFAR), 2))

MOBILENET_V2 = RMSPROP.but(
    "mobilenet.async", "mobilenet.epochs",
    source="Sandler, Howard, Zhu, Zhmoginov & Chen, 2018, section 6.1",
    epochs=300, batch=96, rate=0.045, decay=4e-5, schedule="step", step_epochs=1, step_factor=0.98,
)  # fmt: skip
MOBILENET_V1 = MOBILENET_V2.but(
    "mobilenet.v1", "mobilenet.depthwise", source="Howard et al., 2017, section 3.2; numbers of MobileNetV2's paper"
)
MOBILENET_V3 = RMSPROP.but(
    "mobilenet.v3.batch", "mobilenet.v3.epochs", "mobilenet.v3.falls",
    source="Howard et al., 2019, section 6.1.1",
    epochs=600, batch=256, rate=0.1 * 256 / 4096, decay=1e-5, schedule="step", step_epochs=3, step_factor=0.99,
    ema=0.9999,
)  # fmt: skip

PAPERS: dict[str, PaperRecipe] = {
    "lenet5": LENET5,
    "lenet5_modern": LENET_CAFFE.but("lenet.modern"),
    "lenet_caffe": LENET_CAFFE,
    "course_cnn": COURSE_CNN,
    "alexnet": ALEXNET,
    "alexnet_owt": TORCHVISION.but(rate=0.01),
    "zfnet": ZFNET,
    "nin": NIN,
    "allcnn": ALLCNN,
    **dict.fromkeys(("vgg11", "vgg11_lrn"), VGG),
    "vgg13": VGG.but("vgg.from_a"),
    **dict.fromkeys(("vgg16c", "vgg16", "vgg19"), VGG_DEEP),
    **dict.fromkeys(("vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"), TORCHVISION.but(rate=0.01)),
    "googlenet": GOOGLENET,
    "googlenet_tv": GOOGLENET.but("googlenet.torchvision"),
    **dict.fromkeys(("resnet18", "resnet34", "resnet50_v1", "resnet101_v1", "resnet152_v1"), RESNET),
    **dict.fromkeys(("resnet50", "resnet101", "resnet152"), RESNET),
    **dict.fromkeys(tuple(f"resnet{depth}_cifar" for depth in (20, 32, 44, 56)), RESNET_CIFAR),
    "resnet110_cifar": RESNET_110,
    **dict.fromkeys(
        tuple(f"mobilenet_v1{width}{pad}" for width in ("", "_075", "_050", "_025") for pad in ("", "_same")),
        MOBILENET_V1,
    ),
    **dict.fromkeys(("mobilenet_v2", "mobilenet_v2_same"), MOBILENET_V2),
    **dict.fromkeys(
        tuple(f"mobilenet_v3_{kind}{pad}" for kind in ("large", "small") for pad in ("", "_same")), MOBILENET_V3
    ),
}
