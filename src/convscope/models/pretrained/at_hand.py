"""Which borrowed weights are at hand on this machine, where nobody names any."""

from pathlib import Path

from convscope.errors import ModelFileError
from convscope.models.bundle import FILE
from convscope.models.pretrained import shelf

# what photos are given when nobody names a network, the first of them whose weights are at hand: by accuracy for the
# seconds that they take on a laptop (docs/decisions/0015-the-default-backbone.md)
BACKBONES = (
    "mobilenet_v3_large",
    "mobilenet_v2",
    "mobilenet_v2_same",
    "mobilenet_v1",
    "resnet18",
    "mobilenet_v1_025_same",
)


def weights_for(name: str, wanted: str, weights_dir: Path | None = None) -> Path | None:
    """The file of weights for a network; None where none is at hand, or none is wanted.

    Args:
        name: of the network.
        wanted: "default" looks in the folders of weights, "none" takes none; else a file, or the folder of a run.
        weights_dir: looked into before the others.

    Raises:
        ModelFileError: a file or folder that was named is not there.
    """
    if wanted == "none":
        return None
    if wanted == "default":
        return shelf.find_weights(name, shelf.folders(weights_dir))
    file = Path(wanted) / FILE if Path(wanted).is_dir() else Path(wanted)
    if not file.is_file():
        raise ModelFileError(f"--weights {wanted}: no such file; allowed: default, none or a file of weights")
    return file


def backbone(network: str | None, wanted: str, weights_dir: Path | None = None) -> tuple[str, Path] | None:
    """A network and the file of its weights; None where none is at hand, or none is wanted.

    Args:
        network: of the zoo; None takes the first of `BACKBONES` whose weights are at hand.
        wanted: see `weights_for`.
        weights_dir: looked into before the others.

    Raises:
        ModelFileError: a file or folder that was named is not there, or no network was named for it.
    """
    if network is None and wanted not in {"default", "none"}:
        raise ModelFileError(f"--weights {wanted}: needs --model NAME, the network that they belong to")
    for name in BACKBONES if network is None else (network,):
        file = weights_for(name, wanted, weights_dir)
        if file:
            return name, file
    return None
