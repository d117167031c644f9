"""Counts that papers print, or that follow from their tables: layers, blocks, variants, other widths and sizes."""

from functools import cache, partial
from math import prod

import pytest
import torch
from torch import nn

from convscope.layers.conv import ConvNorm
from convscope.layers.geometry import Field
from convscope.layers.summary import summarise
from convscope.models import zoo
from convscope.models.alexnet import AlexNet
from convscope.models.googlenet import GoogLeNet
from convscope.models.mobilenet_v1 import TABLE_1, MobileNetV1
from convscope.models.mobilenet_v2 import MobileNetV2, divisible
from convscope.models.mobilenet_v3 import LARGE, SMALL_ROWS, MobileNetV3
from convscope.models.resnet import CifarResNet

describe = cache(zoo.describe)


def count(build, classes=1000, channels=3, size=224):
    """(parameters, multiply-accumulates) of a network that is only outlined."""
    with torch.device("meta"):
        summary = summarise(build(classes, channels, size), (channels, size, size))
    return summary.parameters, summary.macs


def rows(name, *kinds):
    """The layers of these kinds, in the order they run."""
    return [layer for layer in describe(name).layers if layer.kind in kinds]


# network: (parameters, MACs, receptive field of the last map), from the sheet's master table
MASTER = {
    "lenet5": (60_000, 325_680, 32), "lenet5_modern": (61_706, 416_520, 16), "lenet_caffe": (431_080, 2_293_000, 16),
    "course_cnn": (3_218_314, 3_442_176, 4),
    "alexnet": (60_965_224, 724_406_816, 195), "alexnet_owt": (61_100_840, 714_188_480, 195),
    "zfnet": (62_357_608, 1_168_032_896, 171), "nin": (966_986, 222_486_528, 27),
    "allcnn": (1_369_738, 270_798_336, 27),
    "vgg11": (132_863_336, 7_609_090_048, 150), "vgg11_lrn": (132_863_336, 7_609_090_048, 150),
    "vgg13": (133_047_848, 11_308_466_176, 156), "vgg16c": (133_638_952, 11_770_888_192, 156),
    "vgg16": (138_357_544, 15_470_264_320, 212), "vgg19": (143_667_240, 19_632_062_464, 268),
    "vgg11_bn": (132_868_840, 7_609_090_048, 150), "vgg13_bn": (133_053_736, 11_308_466_176, 156),
    "vgg16_bn": (138_365_992, 15_470_264_320, 212), "vgg19_bn": (143_678_248, 19_632_062_464, 268),
    "googlenet": (6_998_552, 1_582_671_872, 715), "googlenet_tv": (6_624_904, 1_498_376_192, 379),
    "resnet18": (11_689_512, 1_814_073_344, 435), "resnet34": (21_797_672, 3_663_761_408, 899),
    "resnet50": (25_557_032, 4_089_184_256, 427), "resnet50_v1": (25_557_032, 3_857_973_248, 483),
    "resnet101": (44_549_160, 7_801_405_440, 971), "resnet101_v1": (44_549_160, 7_570_194_432, 1027),
    "resnet152": (60_192_808, 11_513_626_624, 1451), "resnet152_v1": (60_192_808, 11_282_415_616, 1507),
    "resnet20_cifar": (269_722, 40_551_040, 81), "resnet32_cifar": (464_154, 68_862_592, 137),
    "resnet44_cifar": (658_586, 97_174_144, 193), "resnet56_cifar": (853_018, 125_485_696, 249),
    "resnet110_cifar": (1_727_962, 252_887_680, 501),
    "mobilenet_v1": (4_231_976, 568_740_352, 315), "mobilenet_v1_075": (2_585_560, 325_400_448, 315),
    "mobilenet_v1_050": (1_331_592, 149_497_088, 315), "mobilenet_v1_025": (470_072, 41_030_272, 315),
    "mobilenet_v2": (3_504_872, 300_774_272, 491), "mobilenet_v3_large": (5_483_032, 216_589_760, 595),
    "mobilenet_v3_small": (2_542_856, 56_510_400, 639),
}  # fmt: skip
MASTER |= {f"{name}_same": figures for name, figures in MASTER.items() if name.startswith("mobilenet")}


def test_every_network_stands_in_the_sheet():
    assert zoo.NETWORKS.keys() == MASTER.keys()
    assert len(MASTER) == 48


@pytest.mark.parametrize("name", MASTER)
def test_parameters_macs_and_field_are_the_sheets(name):
    row, summary = zoo.find(name), describe(name)

    assert (row.parameters, row.macs, row.receptive_field) == MASTER[name]
    assert (summary.parameters, summary.macs, zoo.receptive_field(summary)) == MASTER[name]


# torchvision's graphs: (parameters for 10 classes, for 2 classes, of the backbone, convolutions, dense layers, norms)
HEADS = {
    "alexnet_owt": (57_044_810, 57_012_034, 2_469_696, 5, 3, 0),
    "vgg11": (128_807_306, 128_774_530, 9_220_480, 8, 3, 0), "vgg11_bn": (128_812_810, 128_780_034, 9_225_984, 8, 3, 8),
    "vgg13": (128_991_818, 128_959_042, 9_404_992, 10, 3, 0),
    "vgg13_bn": (128_997_706, 128_964_930, 9_410_880, 10, 3, 10),
    "vgg16": (134_301_514, 134_268_738, 14_714_688, 13, 3, 0),
    "vgg16_bn": (134_309_962, 134_277_186, 14_723_136, 13, 3, 13),
    "vgg19": (139_611_210, 139_578_434, 20_024_384, 16, 3, 0),
    "vgg19_bn": (139_622_218, 139_589_442, 20_035_392, 16, 3, 16),
    "googlenet_tv": (5_610_154, 5_601_954, 5_599_904, 57, 1, 57),
    "resnet18": (11_181_642, 11_177_538, 11_176_512, 20, 1, 20),
    "resnet34": (21_289_802, 21_285_698, 21_284_672, 36, 1, 36),
    "resnet50": (23_528_522, 23_512_130, 23_508_032, 53, 1, 53),
    "resnet101": (42_520_650, 42_504_258, 42_500_160, 104, 1, 104),
    "resnet152": (58_164_298, 58_147_906, 58_143_808, 155, 1, 155),
    "mobilenet_v2": (2_236_682, 2_226_434, 2_223_872, 52, 1, 52),
    "mobilenet_v3_large": (4_214_842, 4_204_594, 2_971_952, 62, 2, 46),
    "mobilenet_v3_small": (1_528_106, 1_519_906, 927_008, 52, 2, 34),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_other_numbers_of_classes_change_the_last_layer_alone(name):
    ten, two, backbone, *kinds = HEADS[name]

    assert (zoo.describe(name, 10).parameters, zoo.describe(name, 2).parameters) == (ten, two)
    assert describe(name).stage("features").parameters == backbone
    assert [len(rows(name, kind)) for kind in ("Conv2d", "Linear", "BatchNorm2d")] == kinds


@pytest.mark.parametrize(
    ("name", "classes", "parameters"),
    [("resnet18", 2, 1_026), ("resnet50", 2, 4_098), ("mobilenet_v2", 5, 6_405), ("mobilenet_v3_small", 5, 5_125),
     ("mobilenet_v3_large", 5, 6_405), ("vgg16", 5, 20_485), ("alexnet_owt", 5, 20_485)],
)  # fmt: skip
def test_a_new_head_has_as_many_parameters_as_the_sheet_says(name, classes, parameters):
    assert zoo.describe(name, classes).layers[-1].parameters == parameters


def test_alexnet_counts_layer_by_layer():
    layers = rows("alexnet", "Conv2d", "Linear")

    assert [layer.parameters for layer in layers] == [
        34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000,
    ]  # fmt: skip
    assert [layer.macs for layer in layers[:5]] == [105_415_200, 223_948_800, 149_520_384, 112_140_288, 74_760_192]
    assert [layer.shape[1] for layer in rows("alexnet", "Conv2d", "MaxPool2d")] == [55, 27, 27, 13, 13, 13, 13, 6]
    assert [layer.receptive_field for layer in rows("alexnet", "Conv2d", "MaxPool2d")] == [
        11, 19, 51, 67, 99, 131, 163, 195,
    ]  # fmt: skip
    units = [prod(layer.shape) for layer in layers]
    assert units == [290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    assert sum(units) == 659_272  # the paper's figure lists 253,440 for the first: 622,312
    assert count(partial(AlexNet, groups=1), size=227) == (62_378_344, 1_135_256_096)


def test_alexnet_of_2014_counts_layer_by_layer():
    layers = rows("alexnet_owt", "Conv2d", "Linear")

    assert [layer.parameters for layer in layers[:5]] == [23_296, 307_392, 663_936, 884_992, 590_080]
    assert [layer.macs for layer in layers[:5]] == [70_276_800, 223_948_800, 112_140_288, 149_520_384, 99_680_256]
    assert [layer.shape[1] for layer in rows("alexnet_owt", "Conv2d", "MaxPool2d")] == [55, 27, 27, 13, 13, 13, 13, 6]


def test_zfnet_counts_layer_by_layer():
    windows = rows("zfnet", "Conv2d", "MaxPool2d")

    assert [layer.parameters for layer in rows("zfnet", "Conv2d")] == [14_208, 614_656, 885_120, 1_327_488, 884_992]
    assert [layer.shape[1] for layer in windows] == [110, 55, 26, 13, 13, 13, 13, 6]
    assert [layer.receptive_field for layer in windows] == [7, 11, 27, 43, 75, 107, 139, 171]


@pytest.mark.parametrize(
    ("name", "convolutions"),
    [("vgg11", 9_220_480), ("vgg13", 9_404_992), ("vgg16c", 9_996_096), ("vgg16", 14_714_688), ("vgg19", 20_024_384)],
)
def test_a_vgg_has_its_parameters_in_the_dense_layers(name, convolutions):
    dense = [layer.parameters for layer in rows(name, "Linear")]

    assert sum(layer.parameters for layer in rows(name, "Conv2d")) == convolutions
    assert dense == [102_764_544, 16_781_312, 4_097_000]
    assert sum(dense) == 123_642_856


def test_vgg16_keeps_15_million_numbers_of_one_picture():
    kept = [layer for layer in rows("vgg16", "Conv2d", "MaxPool2d", "Linear")]

    assert 3 * 224**2 + sum(prod(layer.shape) for layer in kept) == 15_237_608  # 61 MB; cs231n's notes say 24 M, 93 MB
    assert [layer.shape[1] for layer in rows("vgg16", "MaxPool2d")] == [112, 56, 28, 14, 7]
    weights = [layer.parameters - layer.shape[0] for layer in rows("vgg16", "Conv2d")]
    assert weights == [1_728, 36_864, 73_728, 147_456, 294_912, 589_824, 589_824, 1_179_648] + 5 * [2_359_296]
    assert Field(212, 32).then(7).size == 404  # fc6 as a convolution


# GoogLeNet's blocks: (parameters with biases, MACs)
INCEPTIONS = {
    "3a": (163_696, 128_049_152), "3b": (388_736, 304_267_264), "4a": (376_176, 73_608_192),
    "4b": (449_160, 87_908_352),
    "4c": (510_104, 99_850_240), "4d": (605_376, 118_515_712), "4e": (868_352, 169_996_288),
    "5a": (1_043_456, 51_079_168), "5b": (1_444_080, 70_697_984),
}  # fmt: skip
FIELDS = {"3a": 59, "3b": 91, "4a": 171, "4b": 235, "4c": 299, "4d": 363, "4e": 427, "5a": 587, "5b": 715}


@pytest.mark.parametrize("block", INCEPTIONS)
def test_an_inception_block_counts_as_table_1_says(block):
    summary, name = describe("googlenet"), f"features.inception_{block}"
    cost = sum(layer.macs for layer in summary.layers if layer.name.startswith(f"{name}."))

    assert (summary.stage(name).parameters, cost) == INCEPTIONS[block]
    assert summary.stage(name).field.size == FIELDS[block]


def test_googlenets_other_layers_and_heads_count_as_the_sheet_says():
    layers = {layer.name.removeprefix("features."): layer for layer in describe("googlenet").layers}
    with torch.device("meta"):
        papers, torchvisions = GoogLeNet(1000), GoogLeNet(1000, torchvisions=True)
    heads = [
        sum(p.numel() for p in head.parameters()) for net in (papers, torchvisions) for head in (net.aux_4a, net.aux_4d)
    ]

    assert (layers["conv1.conv"].parameters, layers["conv1.conv"].macs) == (9_472, 118_013_952)
    second = [layers["reduce2.conv"], layers["conv2.conv"]]
    assert (sum(layer.parameters for layer in second), sum(layer.macs for layer in second)) == (114_944, 359_661_568)
    assert [layers[f"pool{n}"].receptive_field for n in (3, 4)] == [107, 459]
    assert Field(715, 32).then(7).size == 907  # the mean as a window of 7
    assert heads == [3_188_840, 3_190_888, 3_188_968, 3_191_016]
    assert sum(p.numel() for p in papers.parameters()) == 13_378_280
    assert sum(p.numel() for p in torchvisions.parameters()) == 13_004_888


def test_a_1x1_convolution_makes_the_5x5_branch_of_3a_ten_times_cheaper():
    branch = [layer.macs for layer in describe("googlenet").layers if "inception_3a.branch3" in layer.name]
    full = 28 * 28 * 192 * 32 * 25

    assert (full, sum(branch)) == (120_422_400, 12_443_648)


@pytest.mark.parametrize(
    ("blocks", "option_a", "option_b", "hundred", "field"),
    [(3, 269_722, 272_474, 275_572, 81), (5, 464_154, 466_906, 470_004, 137), (7, 658_586, 661_338, 664_436, 193),
     (9, 853_018, 855_770, 858_868, 249), (18, 1_727_962, 1_730_714, 1_733_812, 501)],
)  # fmt: skip
def test_a_cifar_resnet_counts_with_both_shortcuts(blocks, option_a, option_b, hundred, field):
    plain, projected = partial(CifarResNet, blocks=blocks), partial(CifarResNet, blocks=blocks, option_a=False)

    assert count(plain, 10, size=32)[0] == option_a
    assert count(projected, 10, size=32)[0] == option_b
    assert count(plain, 100, size=32)[0] == hundred
    assert zoo.receptive_field(describe(f"resnet{6 * blocks + 2}_cifar")) == field


def test_the_deepest_cifar_resnet_counts_as_the_sheet_says():
    assert count(partial(CifarResNet, blocks=200), 10, size=32) == (19_421_274, 2_829_238_912)


@pytest.mark.parametrize(
    ("alpha", "costs"),
    [
        (1.0, {224: 568_740_352, 192: 418_121_728, 160: 290_675_200, 128: 186_400_768}),
        (0.75, {224: 325_400_448, 192: 239_273_472, 160: 166_396_800, 128: 106_770_432}),
        (0.5, {224: 149_497_088, 192: 109_970_432, 160: 76_524_800, 128: 49_160_192}),
        (0.25, {224: 41_030_272, 192: 30_212_608, 160: 21_059_200, 128: 13_570_048}),
    ],
)
def test_mobilenet_v1_costs_by_width_and_resolution(alpha, costs):
    assert {size: count(partial(MobileNetV1, alpha=alpha), size=size)[1] for size in costs} == costs


def test_mobilenet_v1_spends_its_macs_in_1x1():
    layers = [layer for layer in describe("mobilenet_v1").layers if layer.macs]
    share = {
        "1x1": sum(layer.macs for layer in layers if layer.kernel == (1, 1)),
        "depthwise": sum(layer.macs for layer in layers if "depthwise" in layer.name),
        "stem": layers[0].macs,
        "dense": layers[-1].macs,
    }

    assert {kind: round(100 * cost / 568_740_352, 3) for kind, cost in share.items()} == {
        "1x1": 94.857, "depthwise": 3.057, "stem": 1.906, "dense": 0.18,  # the paper prints 1.19 for the stem
    }  # fmt: skip


def test_a_separable_layer_of_mobilenet_v1_costs_a_ninth():
    full = summarise(nn.Sequential(nn.Conv2d(512, 512, 3, padding=1, bias=False)), (512, 14, 14))
    separable = summarise(
        nn.Sequential(ConvNorm(512, 512, 3, groups=512), ConvNorm(512, 512, 1)), (512, 14, 14)
    )  # fmt: skip
    weights = sum(layer.parameters for layer in separable.layers if layer.kind == "Conv2d")

    assert (full.macs, full.parameters) == (462_422_016, 2_359_296)
    assert (separable.macs, weights) == (52_283_392, 266_752)
    assert round(separable.macs / full.macs, 6) == round(1 / 512 + 1 / 9, 6) == 0.113064


def test_mobilenet_v1_with_full_convolutions_costs_nine_times_as_much():
    class Full(nn.Sequential):
        def __init__(self, classes, channels, _size):
            into, layers = 32, [ConvNorm(channels, 32, 3, 2)]
            for out, stride in TABLE_1:
                layers.append(ConvNorm(into, out, 3, stride))
                into = out
            super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(into, classes))

    assert count(Full) == (29_294_088, 4_867_293_184)


@pytest.mark.parametrize(
    ("alpha", "parameters", "macs"),
    [(0.35, 1_677_128, 59_285_808), (0.5, 1_968_680, 97_131_840), (0.75, 2_636_424, 209_069_792),
     (1.0, 3_504_872, 300_774_272), (1.3, 5_386_792, 509_374_560), (1.4, 6_108_776, 582_195_824)],
)  # fmt: skip
def test_mobilenet_v2_counts_by_width(alpha, parameters, macs):
    assert count(partial(MobileNetV2, alpha=alpha)) == (parameters, macs)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [(12, 16), (17.5, 16), (20, 24), (8.4, 8), (11.2, 16), (30.8, 32), (44.8, 48), (67.2, 64), (3, 8)],
)
def test_widths_are_rounded_to_eights(wanted, given):
    assert divisible(wanted) == given


@pytest.mark.parametrize(
    ("table", "hidden", "parameters", "macs"),
    [(LARGE, 1280, 3_377_576, 140_033_816), (SMALL_ROWS, 1024, 1_653_920, 39_115_576)],
    ids=["large", "small"],
)
def test_mobilenet_v3_counts_at_three_quarters_of_its_width(table, hidden, parameters, macs):
    assert count(partial(MobileNetV3, rows=table, hidden=hidden, alpha=0.75)) == (parameters, macs)


def test_allcnn_counts_layer_by_layer():
    assert [layer.parameters for layer in rows("allcnn", "Conv2d")] == [
        2_688, 83_040, 83_040, 166_080, 331_968, 331_968, 331_968, 37_056, 1_930,
    ]  # fmt: skip
    assert [layer.shape[1] for layer in rows("allcnn", "Conv2d")] == [32, 32, 16, 16, 16, 8, 6, 6, 6]


def test_lenet_of_caffe_has_its_maps():
    windows = rows("lenet_caffe", "Conv2d", "MaxPool2d")

    assert [layer.shape for layer in windows] == [(20, 24, 24), (20, 12, 12), (50, 8, 8), (50, 4, 4)]


@pytest.mark.parametrize(
    ("name", "sides"),
    [("alexnet_owt", {64: 1, 224: 6, 256: 7}), ("vgg16", {32: 1, 224: 7, 256: 8, 288: 9, 299: 9}),
     ("resnet18", {64: 2, 224: 7, 256: 8, 288: 9, 299: 10}), ("mobilenet_v2", {64: 2, 224: 7, 256: 8, 299: 10})],
)  # fmt: skip
def test_the_last_map_grows_with_the_picture(name, sides):
    assert {size: zoo.describe(name, size=size).stage("features").shape[1] for size in sides} == sides
