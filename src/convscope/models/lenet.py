"""LeNet-5: the network of 1998, and the variant that everyone calls LeNet-5 today.

LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86(11), 1998.
Differs from the paper, `lenet5`: the output codes of ten classes are digits that we drew on the same 7x12 grid (the
paper shows its own only as a figure), other numbers of classes get seeded codes; scores are minus the distances; a
28-pixel picture is padded by two pixels of value 0 inside C1 instead of lying on 32 pixels of background, -0.1; first
weights have a spread of 1 / sqrt(fan-in), the same authors' later advice, for with the paper's ±2.4 / fan-in today's
optimisers learn slowly.
Differs from the paper, `lenet5_modern`: full C3, ReLU, maximum pooling, trained linear output, initialisation.
`lenet_caffe` is no paper's: Caffe's MNIST example of 2014, maximum pooling straight after each convolution.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from convscope.errors import ModelError
from convscope.layers.activations import ScaledTanh
from convscope.layers.geometry import out_size
from convscope.layers.initialise import lecun_1998, lecun_1998_uniform
from convscope.layers.rbf import RBF
from convscope.layers.sparse import SparseConv2d
from convscope.layers.subsample import Subsample
from convscope.models.network import Network, Published

PAPER = "LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition"
VENUE = "Proc. IEEE 86(11)"

# Table I of the paper: for each map of C3, the maps of S2 that it sees.
TABLE_I = (
    *(tuple((first + step) % 6 for step in range(3)) for first in range(6)),
    *(tuple((first + step) % 6 for step in range(4)) for first in range(6)),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    tuple(range(6)),
)  # fmt: skip

# 7x12 pixels for each digit, drawn for this project; "#" is +1.
DIGITS = """
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
..###..  ...#...  ..###..  .#####.  ....##.  ######.  ..####.  #######  ..###..  ..###..
.#...#.  ..##...  .#...#.  #.....#  ...#.#.  #......  .#.....  ......#  .#...#.  .#...#.
#.....#  .#.#...  #.....#  ......#  ..#..#.  #......  #......  .....#.  #.....#  #.....#
#.....#  ...#...  ......#  ......#  .#...#.  #......  #......  .....#.  #.....#  #.....#
#.....#  ...#...  .....#.  ...###.  #....#.  #####..  #.###..  ....#..  .#...#.  .#...##
#.....#  ...#...  ....#..  ......#  #....#.  .....#.  ##...#.  ...#...  ..###..  ..###.#
#.....#  ...#...  ...#...  ......#  #######  ......#  #.....#  ...#...  .#...#.  ......#
#.....#  ...#...  ..#....  ......#  .....#.  ......#  #.....#  ..#....  #.....#  ......#
.#...#.  ...#...  .#.....  #.....#  .....#.  #....#.  .#...#.  ..#....  #.....#  .....#.
..###..  .#####.  #######  .#####.  .....#.  .####..  ..###..  ..#....  .#####.  ..###..
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""

F6 = 84
POOL = 4096


def digit_codes() -> Tensor:
    """(10, 84): the drawn digits as -1 and 1, row by row.

    >>> digit_codes().shape
    torch.Size([10, 84])
    """
    lines = [line.split() for line in DIGITS.split("\n") if line]
    digits = ["".join(line[digit] for line in lines) for digit in range(10)]
    return torch.tensor([[1.0 if pixel == "#" else -1.0 for pixel in digit] for digit in digits])


def seeded_codes(classes: int) -> Tensor:
    """(classes, 84) of -1 and 1: from a seeded pool of 4,096, each the farthest from those chosen before it.

    >>> seeded_codes(3).shape
    torch.Size([3, 84])
    """
    if classes > POOL:
        raise ModelError(
            f"lenet5 has codes for up to {POOL:,} classes, not {classes:,}; lenet5_modern has no such limit"
        )
    wanted = torch.get_default_device()
    with torch.device("cpu"):  # codes are computed even where a network is only outlined, on the meta device
        pool = torch.randint(0, 2, (POOL, F6), generator=torch.Generator().manual_seed(1998)) * 2.0 - 1
        chosen: list[int] = []
        closest = torch.full((POOL,), -torch.inf)  # the closer two codes are, the larger their product
        for _ in range(classes):
            chosen.append(int(closest.argmin()))
            closest = closest.maximum(pool @ pool[chosen[-1]])
    return pool[chosen].to(wanted)


class LeNet5(nn.Sequential):
    """The network of 1998: 60,000 trainable numbers.

    Shape:
        (N, channels, size, size) -> (N, classes), minus the squared distance to each class's code
    Args:
        classes: outputs.
        channels: of the input, 1 in the paper.
        size: side of the input in pixels, 32 or 28.

    Raises:
        ModelError: another size.
    Source:
        LeCun et al., 1998, section II.B and figure 2.

    Example:
        >>> LeNet5(10)(torch.zeros(1, 1, 32, 32)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 1, size: int = 32) -> None:
        if size not in {28, 32}:
            raise ModelError(f"lenet5 takes pictures of 32 or 28 pixels, not {size}; lenet5_modern takes any from 16")
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(channels, 6, 5, padding=2 if size == 28 else 0), c1_squash=ScaledTanh(),
                s2=Subsample(6), s2_squash=ScaledTanh(),
                c3=SparseConv2d(6, TABLE_I, 5), c3_squash=ScaledTanh(),
                s4=Subsample(16), s4_squash=ScaledTanh(),
                c5=nn.Conv2d(16, 120, 5), c5_squash=ScaledTanh(),
            )
        )  # fmt: skip
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                f6=nn.Linear(120, F6), f6_squash=ScaledTanh(),
                output=RBF(digit_codes() if classes == 10 else seeded_codes(classes)),
            )
        )  # fmt: skip
        lecun_1998(self)


class LeNet5Modern(nn.Sequential):
    """The variant of today's courses: 61,706 parameters at 28 pixels.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels, from 16; at 28, C1 is padded by two pixels, so that its map keeps 28.

    Raises:
        ModelError: a size below 16.
    Source:
        after LeCun et al., 1998; the sizes 6-16-120-84 are the paper's.

    Example:
        >>> LeNet5Modern(10)(torch.zeros(1, 1, 28, 28)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 1, size: int = 28) -> None:
        if size < 16:
            raise ModelError(f"lenet5_modern needs at least 16 pixels, not {size}: two 5x5 convolutions, each halved")
        super().__init__()
        padding = 2 if size == 28 else 0
        last = out_size(out_size(size, 5, padding=padding) // 2, 5) // 2
        self.features = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(channels, 6, 5, padding=padding), c1_relu=nn.ReLU(), s2=nn.MaxPool2d(2),
                c3=nn.Conv2d(6, 16, 5), c3_relu=nn.ReLU(), s4=nn.MaxPool2d(2),
            )
        )  # fmt: skip
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                c5=nn.Linear(16 * last**2, 120), c5_relu=nn.ReLU(),
                f6=nn.Linear(120, F6), f6_relu=nn.ReLU(),
                output=nn.Linear(F6, classes),
            )
        )  # fmt: skip


class LeNetCaffe(nn.Sequential):
    """Caffe's LeNet: 20 and 50 maps, 500 hidden units, one ReLU; 431,080 parameters at 28 pixels.

    Shape:
        (N, channels, size, size) -> (N, classes), raw scores
    Args:
        classes: outputs.
        channels: of the input.
        size: side of the input in pixels, from 16.

    Raises:
        ModelError: a size below 16.
    Source:
        Jia et al., "Caffe: Convolutional Architecture for Fast Feature Embedding", 2014; its MNIST example.

    Example:
        >>> LeNetCaffe(10)(torch.zeros(1, 1, 28, 28)).shape
        torch.Size([1, 10])
    """

    def __init__(self, classes: int, channels: int = 1, size: int = 28) -> None:
        if size < 16:
            raise ModelError(f"lenet_caffe needs at least 16 pixels, not {size}: two 5x5 convolutions, each halved")
        super().__init__()
        maps = [out_size(size, 5)]  # Caffe rounds the pools' sizes up
        maps.append(out_size(out_size(maps[0], 2, 2, ceil_mode=True), 5))
        last = out_size(maps[1], 2, 2, ceil_mode=True)
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 20, 5), pool1=nn.MaxPool2d(2, ceil_mode=True),
                conv2=nn.Conv2d(20, 50, 5), pool2=nn.MaxPool2d(2, ceil_mode=True),
            )
        )  # fmt: skip
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(), ip1=nn.Linear(50 * last**2, 500), relu1=nn.ReLU(), ip2=nn.Linear(500, classes),
            )
        )  # fmt: skip
        lecun_1998(self)


NETWORKS = {
    "lenet5": Network(
        build=LeNet5, paper=PAPER, venue=VENUE, year=1998, parameters=60_000, macs=325_680, receptive_field=32,
        classes=10, channels=1, sizes=(32, 28), any_size=False,
        errors=(Published("MNIST test", 0.95), Published("MNIST test, 540,000 distorted digits added", 0.8)),
        scale=(0.1 / 1.275, 1 / 1.275),  # background -0.1, ink 1.175 (section II.B)
        initialise=lecun_1998_uniform,
    ),
    "lenet5_modern": Network(
        build=LeNet5Modern, paper=f"after {PAPER}", venue=VENUE, year=1998, parameters=61_706, macs=416_520,
        receptive_field=16, classes=10, channels=1, sizes=(28, 32),
    ),
    "lenet_caffe": Network(
        build=LeNetCaffe, paper="Jia et al., Caffe: Convolutional Architecture for Fast Feature Embedding (example)",
        venue="ACM Multimedia", year=2014, parameters=431_080, macs=2_293_000, receptive_field=16,
        classes=10, channels=1, sizes=(28, 32), scale=(0.0, 256 / 255),  # x / 256
    ),
}  # fmt: skip
