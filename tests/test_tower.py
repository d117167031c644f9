"""The drawing of a network: what stands beside what, how large, and one inert file."""

import re
from collections import OrderedDict
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from convscope.explanation.draw import arithmetic
from convscope.explanation.draw.parts import rows, tree
from convscope.explanation.draw.plan import gated, plan, units
from convscope.explanation.draw.tower import tower
from convscope.explanation.draw.tower_page import page
from convscope.layers.summary import summarise
from convscope.models import zoo

SEVERAL = ("lenet5", "vgg16", "googlenet", "resnet18", "resnet152", "mobilenet_v2_same", "mobilenet_v3_small")
NASTY = '<script>alert(1)</script>&"'


class Around(nn.Module):
    """relu(body(x) + shortcut(x))."""

    def __init__(self, channels, shortcut):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
        self.shortcut = shortcut
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.body(x) + self.shortcut(x))


class Beside(nn.Module):
    """Two branches, of 3 and of 5 maps."""

    def __init__(self):
        super().__init__()
        self.thin = nn.Conv2d(4, 3, 1)
        self.wide = nn.Sequential(nn.Conv2d(4, 2, 1), nn.ReLU(), nn.Conv2d(2, 5, 3, padding=1))

    def forward(self, x):
        return torch.cat([self.thin(x), self.wide(x)], 1)


def of(*layers, shape=(4, 8, 8), name="mine"):
    return summarise(nn.Sequential(OrderedDict(features=nn.Sequential(*layers))), shape, name)


def test_what_keeps_the_shape_is_read_in_the_row_before_it():
    summary = of(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout())

    found = rows(summary)

    assert [row.kinds for row in found] == [("Conv2d", "BatchNorm2d", "ReLU"), ("MaxPool2d",), ("Flatten", "Dropout")]
    assert found[0].parameters == (3 * 3 * 4 + 1) * 6 + 2 * 6
    assert len(rows(summary, fold=False)) == 6


def test_an_activation_of_a_sum_is_none_of_the_shortcuts():
    summary = of(Around(4, nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))))

    body, shortcut = rows(summary)

    assert body.kinds == ("Conv2d", "BatchNorm2d")
    assert shortcut.kinds == ("Conv2d", "BatchNorm2d")
    assert [layer.kind for layer in shortcut.layers] == ["Conv2d", "BatchNorm2d", "ReLU"]


def test_branches_are_parts_whose_maps_add_up():
    unit, after = plan(of(Beside(), nn.ReLU()))

    assert [[cell.rows[0].first.shape[0] for cell in column] for column in unit.columns] == [[3], [2, 5]]
    assert unit.shape == (8, 8, 8)
    assert after.single.kinds == ("ReLU",)  # of the joined map: no branch's own


def test_layers_after_each_other_are_no_branches():
    chain = tree(of(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)))

    assert not any(part.branches for part in chain.everything())


def test_a_shortcut_that_changes_nothing_is_an_empty_way_around():
    (unit,) = plan(of(Around(4, nn.Identity())))

    assert unit.around == ()
    assert [len(column) for column in unit.columns] == [1]


def test_equal_blocks_in_a_row_are_drawn_once():
    steps = plan(of(*(Around(4, nn.Identity()) for _ in range(5)), nn.Conv2d(4, 6, 1)))

    assert [(unit.times, unit.last) for unit in steps] == [(5, "4"), (1, "")]
    assert len(units(of(*(Around(4, nn.Identity()) for _ in range(5))))) == 5


def test_equal_layers_of_a_plain_network_are_all_drawn():
    assert [unit.times for unit in plan(of(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)))] == [1, 1]


def test_a_block_of_ones_own_has_its_shortcut_where_the_shape_stays():
    description = {"input": [3, 8, 8], "name": "mine", "layers": [
        {"residual": {"layers": [{"conv": {"filters": 3, "kernel": 3, "padding": "same"}}]}},
        {"residual": {"layers": [{"conv": {"filters": 16, "kernel": 3, "padding": "same"}}]}},
    ]}  # fmt: skip
    row = zoo.stored("mine", description)

    blocks = [unit for unit in plan(row.describe("mine")) if unit.around is not None]

    assert [len(unit.around) for unit in blocks] == [0, 1]


def test_a_very_deep_network_of_growing_blocks_is_folded_too():
    steps = plan(zoo.describe("timm:densenet121"))

    # 6, 12, 24 and 16 dense layers, of which each takes in 32 maps more
    assert [unit.times for unit in steps if unit.times > 1] == [5, 11, 23, 15]
    assert sum(unit.total for unit in steps) == 7_978_856


def test_resnet_152_is_its_table_of_blocks():
    blocks = [(unit.name, unit.times) for unit in plan(zoo.describe("resnet152")) if not unit.single]

    assert [times for _, times in blocks] == [
        1,
        2,
        1,
        7,
        1,
        35,
        1,
        2,
    ]  # 3, 8, 36, 3, the first of each with a projection


def test_googlenet_has_nine_blocks_of_four_branches():
    columns = [len(unit.columns) for unit in plan(zoo.describe("googlenet")) if not unit.single]

    assert columns == [4] * 9


@pytest.mark.parametrize(("name", "shortcuts"), [("mobilenet_v2", 10), ("mobilenet_v3_large", 10)])
def test_an_inverted_residual_has_a_shortcut_where_it_keeps_the_shape(name, shortcuts):
    summary = zoo.describe(name)  # table 2: 1 + 2 + 3 + 2 + 2 repeats; table 1: 1 + 1 + 2 + 3 + 1 + 2

    assert sum(unit.around is not None for unit in units(summary)) == shortcuts


def test_a_gate_that_sees_the_whole_picture_is_one_box():
    summary = zoo.describe("mobilenet_v3_small")

    gates = [cell for unit in units(summary) for cell in unit.cells if cell.gate]

    assert len(gates) == 9  # table 2: SE in nine of eleven rows
    assert gated(summary)
    assert not gated(zoo.describe("mobilenet_v2"))


@pytest.mark.parametrize("name", SEVERAL)
def test_every_row_stands_in_the_drawing_once(name):
    summary = zoo.describe(name)

    drawn = [id(row.first) for unit in units(summary) for row in unit.rows]

    known = {id(layer) for layer in summary.layers}
    assert len(set(drawn)) == len(drawn) == len(rows(summary))
    assert set(drawn) <= known


def worth(text):
    """What the left of `a·b = c` comes to."""
    return eval(text.split(" = ", maxsplit=1)[0].replace(",", "").replace("·", "*").replace("−", "-"))


@pytest.mark.parametrize("name", [*SEVERAL, "alexnet", "nin"])
def test_every_sum_comes_to_the_number_beside_it(name):
    for layer in zoo.describe(name).layers:
        for said, number in (
            (arithmetic.parameters_sum(layer), layer.parameters),
            (arithmetic.macs_sum(layer), layer.macs),
            (arithmetic.memory_sum(layer), layer.activation_bytes),
            (arithmetic.field_sum(layer), layer.receptive_field if layer.kernel and layer.receptive_field else 0),
        ):
            assert (worth(said) if said else 0) == number, (layer.name, said)


@pytest.mark.parametrize(
    ("network", "place", "parameters", "macs"),
    [
        ("alexnet", 0, "(11·11·3 + 1)·96 = 34,944", "11·11·3·96·55·55 = 105,415,200"),
        ("lenet5", 4, "1,516", "150,000"),  # C3 is sparse: 1,500 weights, 16 biases, at 10 × 10 places
        ("lenet5", 11, "(120 + 1)·84 = 10,164", "120·84 = 10,080"),
    ],
)
def test_a_sum_is_filled_in_as_one_would_by_hand(network, place, parameters, macs):
    layer = zoo.describe(network).layers[place]

    assert (arithmetic.parameters_sum(layer), arithmetic.macs_sum(layer)) == (parameters, macs)


@pytest.mark.parametrize(
    ("layer", "field"),
    [("conv1", "1 + (11 − 1)·1 = 11"), ("pool1", "11 + (3 − 1)·4 = 19"), ("conv2", "19 + (5 − 1)·8 = 51")],
)
def test_a_field_grows_by_what_the_window_adds(layer, field):
    (found,) = [each for each in zoo.describe("alexnet").layers if each.name == f"features.{layer}"]

    assert arithmetic.field_sum(found) == field


def boxes(svg, colour):
    """Boxes of a colour, without the one that explains it."""
    return max(0, svg.count(f'class="box {colour}"') - 1)


def test_lenet_5_is_drawn_layer_by_layer():
    svg = tower(zoo.describe("lenet5"), "LeCun et al., 1998")

    assert (boxes(svg, "conv"), boxes(svg, "pool"), boxes(svg, "dense")) == (3, 2, 2)
    assert "60,000 parameters" in svg
    assert "LeCun et al., 1998" in svg
    assert "16×10×10 · 1,516 parameters" in svg


def test_a_tower_gets_narrower_with_its_maps():
    svg = tower(zoo.describe("vgg16"))

    widths = [float(found) for found in re.findall(r'class="box pool"[^>]*width="([\d.]+)"', svg)[1:]]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 2.5 * widths[-1]


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_drawing_is_well_formed_and_stays_in_its_frame(name, language):
    svg = tower(zoo.describe(name), "a < b & c", language)

    root = ElementTree.fromstring(svg)
    height = float(root.get("height"))
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        left, top = float(box.get("x", 0)), float(box.get("y", 0))
        assert left >= 0
        assert left + float(box.get("width")) <= 1000
        assert top + float(box.get("height")) <= height
    assert height < 3600
    assert 'lang="' not in svg


def test_a_drawing_speaks_one_language():
    summary = zoo.describe("resnet18")

    assert "지름길 연결" in tower(summary, language="ko")
    assert "shortcut" not in re.sub(r"<style>.*?</style>|data-\w+=\"[^\"]*\"", "", tower(summary, language="ko"))
    assert not re.search("[가-힣]", re.sub(r"data-\w+=\"[^\"]*\"", "", tower(summary)))


def test_names_from_outside_are_inert():
    hostile = nn.Sequential(OrderedDict([(NASTY, nn.Sequential(OrderedDict([(NASTY, nn.Conv2d(4, 4, 1))])))]))
    summary = summarise(hostile, (4, 8, 8), NASTY)

    for file in (tower(summary, NASTY), page(summary, NASTY)):
        assert "<script>alert" not in file
        assert "&lt;script&gt;alert(1)" in file
    ElementTree.fromstring(tower(summary, NASTY))
