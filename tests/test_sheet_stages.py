"""Fields, shapes and parameters of every stage; the figures were computed on torchvision's graphs."""

import pytest

from convscope.models import zoo

# stage: (receptive field, jump), in pixels of the picture
FIELDS = {
    "alexnet": {
        "f0": (11, 4), "f2": (19, 8), "f3": (51, 8), "f5": (67, 16), "f6": (99, 16), "f8": (131, 16),
        "f10": (163, 16), "f12": (195, 32),
    },
    "vgg11": {
        "f0": (3, 1), "f2": (4, 2), "f3": (8, 2), "f5": (10, 4), "f6": (18, 4), "f8": (26, 4), "f10": (30, 8),
        "f11": (46, 8), "f13": (62, 8), "f15": (70, 16), "f16": (102, 16), "f18": (134, 16), "f20": (150, 32),
    },
    "vgg13": {
        "f0": (3, 1), "f2": (5, 1), "f4": (6, 2), "f5": (10, 2), "f7": (14, 2), "f9": (16, 4), "f10": (24, 4),
        "f12": (32, 4), "f14": (36, 8), "f15": (52, 8), "f17": (68, 8), "f19": (76, 16), "f20": (108, 16),
        "f22": (140, 16), "f24": (156, 32),
    },
    "vgg16": {
        "f0": (3, 1), "f2": (5, 1), "f4": (6, 2), "f5": (10, 2), "f7": (14, 2), "f9": (16, 4), "f10": (24, 4),
        "f12": (32, 4), "f14": (40, 4), "f16": (44, 8), "f17": (60, 8), "f19": (76, 8), "f21": (92, 8),
        "f23": (100, 16), "f24": (132, 16), "f26": (164, 16), "f28": (196, 16), "f30": (212, 32),
    },
    "vgg19": {
        "f0": (3, 1), "f2": (5, 1), "f4": (6, 2), "f5": (10, 2), "f7": (14, 2), "f9": (16, 4), "f10": (24, 4),
        "f12": (32, 4), "f14": (40, 4), "f16": (48, 4), "f18": (52, 8), "f19": (68, 8), "f21": (84, 8),
        "f23": (100, 8), "f25": (116, 8), "f27": (124, 16), "f28": (156, 16), "f30": (188, 16), "f32": (220, 16),
        "f34": (252, 16), "f36": (268, 32),
    },
    "googlenet": {
        "conv1": (7, 2), "maxpool1": (11, 4), "conv2": (11, 4), "conv3": (19, 4), "maxpool2": (27, 8),
        "inception3a": (43, 8), "inception3b": (59, 8), "maxpool3": (75, 16), "inception4a": (107, 16),
        "inception4b": (139, 16), "inception4c": (171, 16), "inception4d": (203, 16), "inception4e": (235, 16),
        "maxpool4": (251, 32), "inception5a": (315, 32), "inception5b": (379, 32),
    },
    "resnet18": {
        "conv1": (7, 2), "maxpool": (11, 4), "layer1": (43, 4), "layer2": (99, 8), "layer3": (211, 16),
        "layer4": (435, 32),
    },
    "resnet34": {
        "conv1": (7, 2), "maxpool": (11, 4), "layer1": (59, 4), "layer2": (179, 8), "layer3": (547, 16),
        "layer4": (899, 32),
    },
    "resnet50": {
        "conv1": (7, 2), "maxpool": (11, 4), "layer1": (35, 4), "layer2": (91, 8), "layer3": (267, 16),
        "layer4": (427, 32),
    },
    "resnet101": {
        "conv1": (7, 2), "maxpool": (11, 4), "layer1": (35, 4), "layer2": (91, 8), "layer3": (811, 16),
        "layer4": (971, 32),
    },
    "resnet152": {
        "conv1": (7, 2), "maxpool": (11, 4), "layer1": (35, 4), "layer2": (155, 8), "layer3": (1_291, 16),
        "layer4": (1_451, 32),
    },
    "mobilenet_v2": {
        "f0": (3, 2), "f1": (7, 2), "f2": (11, 4), "f3": (19, 4), "f4": (27, 8), "f5": (43, 8), "f6": (59, 8),
        "f7": (75, 16), "f8": (107, 16), "f9": (139, 16), "f10": (171, 16), "f11": (203, 16), "f12": (235, 16),
        "f13": (267, 16), "f14": (299, 32), "f15": (363, 32), "f16": (427, 32), "f17": (491, 32), "f18": (491, 32),
    },
    "mobilenet_v3_large": {
        "f0": (3, 2), "f1": (7, 2), "f2": (11, 4), "f3": (19, 4), "f4": (35, 8), "f5": (67, 8), "f6": (99, 8),
        "f7": (115, 16), "f8": (147, 16), "f9": (179, 16), "f10": (211, 16), "f11": (243, 16), "f12": (275, 16),
        "f13": (339, 32), "f14": (467, 32), "f15": (595, 32), "f16": (595, 32),
    },
    "mobilenet_v3_small": {
        "f0": (3, 2), "f1": (7, 4), "f2": (15, 8), "f3": (31, 8), "f4": (63, 16), "f5": (127, 16), "f6": (191, 16),
        "f7": (255, 16), "f8": (319, 16), "f9": (383, 32), "f10": (511, 32), "f11": (639, 32), "f12": (639, 32),
    },
}  # fmt: skip

# stage: (shape of its output, trainable parameters), at 224 pixels and 1,000 classes
STAGES = {
    "resnet18": {
        "conv1": ("64x112x112", 9_408), "maxpool": ("64x56x56", 0), "layer1": ("64x56x56", 147_968),
        "layer2": ("128x28x28", 525_568), "layer3": ("256x14x14", 2_099_712), "layer4": ("512x7x7", 8_393_728),
        "avgpool": ("512x1x1", 0), "fc": ("1000", 513_000),
    },
    "resnet34": {
        "conv1": ("64x112x112", 9_408), "maxpool": ("64x56x56", 0), "layer1": ("64x56x56", 221_952),
        "layer2": ("128x28x28", 1_116_416), "layer3": ("256x14x14", 6_822_400), "layer4": ("512x7x7", 13_114_368),
        "avgpool": ("512x1x1", 0), "fc": ("1000", 513_000),
    },
    "resnet50": {
        "conv1": ("64x112x112", 9_408), "maxpool": ("64x56x56", 0), "layer1": ("256x56x56", 215_808),
        "layer2": ("512x28x28", 1_219_584), "layer3": ("1024x14x14", 7_098_368), "layer4": ("2048x7x7", 14_964_736),
        "avgpool": ("2048x1x1", 0), "fc": ("1000", 2_049_000),
    },
    "resnet101": {
        "conv1": ("64x112x112", 9_408), "maxpool": ("64x56x56", 0), "layer1": ("256x56x56", 215_808),
        "layer2": ("512x28x28", 1_219_584), "layer3": ("1024x14x14", 26_090_496), "layer4": ("2048x7x7", 14_964_736),
        "avgpool": ("2048x1x1", 0), "fc": ("1000", 2_049_000),
    },
    "resnet152": {
        "conv1": ("64x112x112", 9_408), "maxpool": ("64x56x56", 0), "layer1": ("256x56x56", 215_808),
        "layer2": ("512x28x28", 2_339_840), "layer3": ("1024x14x14", 40_613_888), "layer4": ("2048x7x7", 14_964_736),
        "avgpool": ("2048x1x1", 0), "fc": ("1000", 2_049_000),
    },
    "googlenet": {
        "conv1": ("64x112x112", 9_536), "maxpool1": ("64x56x56", 0), "conv2": ("64x56x56", 4_224),
        "conv3": ("192x56x56", 110_976), "maxpool2": ("192x28x28", 0), "inception3a": ("256x28x28", 155_872),
        "inception3b": ("480x28x28", 340_224), "maxpool3": ("480x14x14", 0), "inception4a": ("512x14x14", 364_512),
        "inception4b": ("512x14x14", 425_232), "inception4c": ("512x14x14", 486_192),
        "inception4d": ("528x14x14", 573_312), "inception4e": ("832x14x14", 803_840), "maxpool4": ("832x7x7", 0),
        "inception5a": ("832x7x7", 978_944), "inception5b": ("1024x7x7", 1_347_040), "avgpool": ("1024x1x1", 0),
        "fc": ("1000", 1_025_000),
    },
    "mobilenet_v2": {
        "features.0": ("32x112x112", 928), "features.1": ("16x112x112", 896), "features.2": ("24x56x56", 5_136),
        "features.3": ("24x56x56", 8_832), "features.4": ("32x28x28", 10_000), "features.5": ("32x28x28", 14_848),
        "features.6": ("32x28x28", 14_848), "features.7": ("64x14x14", 21_056), "features.8": ("64x14x14", 54_272),
        "features.9": ("64x14x14", 54_272), "features.10": ("64x14x14", 54_272), "features.11": ("96x14x14", 66_624),
        "features.12": ("96x14x14", 118_272), "features.13": ("96x14x14", 118_272),
        "features.14": ("160x7x7", 155_264), "features.15": ("160x7x7", 320_000), "features.16": ("160x7x7", 320_000),
        "features.17": ("320x7x7", 473_920), "features.18": ("1280x7x7", 412_160), "classifier": ("1000", 1_281_000),
    },
    "mobilenet_v3_large": {
        "features.0": ("16x112x112", 464), "features.1": ("16x112x112", 464), "features.2": ("24x56x56", 3_440),
        "features.3": ("24x56x56", 4_440), "features.4": ("40x28x28", 10_328), "features.5": ("40x28x28", 20_992),
        "features.6": ("40x28x28", 20_992), "features.7": ("80x14x14", 32_080), "features.8": ("80x14x14", 34_760),
        "features.9": ("80x14x14", 31_992), "features.10": ("80x14x14", 31_992),
        "features.11": ("112x14x14", 214_424), "features.12": ("112x14x14", 386_120),
        "features.13": ("160x7x7", 429_224), "features.14": ("160x7x7", 797_360), "features.15": ("160x7x7", 797_360),
        "features.16": ("960x7x7", 155_520), "avgpool": ("960x1x1", 0), "classifier": ("1000", 2_511_080),
    },
    "mobilenet_v3_small": {
        "features.0": ("16x112x112", 464), "features.1": ("16x56x56", 744), "features.2": ("24x28x28", 3_864),
        "features.3": ("24x28x28", 5_416), "features.4": ("40x14x14", 13_736), "features.5": ("40x14x14", 57_264),
        "features.6": ("40x14x14", 57_264), "features.7": ("48x14x14", 21_968), "features.8": ("48x14x14", 29_800),
        "features.9": ("96x7x7", 91_848), "features.10": ("96x7x7", 294_096), "features.11": ("96x7x7", 294_096),
        "features.12": ("576x7x7", 56_448), "avgpool": ("576x1x1", 0), "classifier": ("1000", 1_615_848),
    },
}  # fmt: skip

OURS = {"alexnet": "alexnet_owt", "googlenet": "googlenet_tv"}
RENAMED = {
    "maxpool": "features.pool1", "avgpool": "classifier.average", "classifier": "classifier",
    "conv1": "features.conv1", "maxpool1": "features.pool1", "conv2": "features.reduce2", "conv3": "features.conv2",
}  # fmt: skip


@pytest.fixture(scope="module")
def described():
    """Each network's summary by torchvision's name, its parts by ours."""
    found = {}
    for name in {*FIELDS, *STAGES}:
        summary = zoo.describe(OURS.get(name, name))
        layers = {
            layer.name: (layer.shape, layer.parameters, layer.receptive_field, layer.jump) for layer in summary.layers
        }
        parts = {
            part.name: (
                part.shape,
                part.parameters,
                *((part.field.size, part.field.jump) if part.field else (None, None)),
            )
            for part in summary.stages
        }
        order = list(dict.fromkeys(".".join(row.name.split(".")[:2]) for row in summary.layers))
        found[name] = {**layers, **parts}, [child for child in order if child.startswith("features.")]
    return found


def part(described, network, stage):
    """What our network says of the part that torchvision calls `stage`."""
    parts, children = described[network]
    if stage.removeprefix("features.").lstrip("f").isdecimal():  # numbered in the order they run
        return parts[children[int(stage.removeprefix("features.").lstrip("f"))]]
    if stage == "fc":
        return parts["classifier.scores"]
    if stage.startswith("layer"):
        return parts["features.stage" + stage[-1]]
    if stage.startswith("inception"):
        return parts["features.inception_" + stage[-2:]]
    if stage.startswith("maxpool") and stage[-1].isdecimal():
        return parts["features.pool" + stage[-1]]
    return parts[RENAMED[stage]]


@pytest.mark.parametrize(("network", "stage"), [(name, stage) for name, stages in FIELDS.items() for stage in stages])
def test_a_cell_of_the_stage_sees_as_far_as_the_sheet_says(described, network, stage):
    assert part(described, network, stage)[2:] == FIELDS[network][stage]


@pytest.mark.parametrize(("network", "stage"), [(name, stage) for name, stages in STAGES.items() for stage in stages])
def test_the_stage_has_the_sheets_shape_and_parameters(described, network, stage):
    shape, parameters = STAGES[network][stage]

    assert part(described, network, stage)[:2] == (tuple(int(side) for side in shape.split("x")), parameters)
