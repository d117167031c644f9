"""`convscope summary` and `convscope models`: tables that fit, whole JSON, files, one-line errors."""

import json
from xml.etree import ElementTree

import pytest

from convscope.models import zoo
from convscope.ui.table import Column, cells, fit

YAML = """
name: mine
input: [1, 28, 28]
layers:
  - conv: {filters: 8, kernel: 5, padding: same, activation: relu}
  - pool: 2
  - dense: {units: 64, activation: relu}
"""
KEYS = {"name", "kind", "shape", "kernel", "stride", "padding", "parameters", "macs", "receptive_field", "formula"}


@pytest.fixture
def wide(monkeypatch):
    """Set the terminal's width."""
    return lambda width: monkeypatch.setenv("COLUMNS", str(width))


def table(out):
    """The lines of the table alone: a blank line ends it."""
    return out.split("\n\n")[0].splitlines()


@pytest.mark.parametrize("width", [80, 100, 140, 200])
@pytest.mark.parametrize("name", ["lenet5", "vgg16", "googlenet", "mobilenet_v3_small_same"])
def test_a_summary_fits_its_terminal(convscope, wide, width, name):
    wide(width)

    for language in ("en", "ko"):
        out = convscope("summary", name, "--lang", language)[1]

        assert max(map(cells, out.splitlines())) <= width
        assert len({line[:2] for line in table(out)}) > 1


@pytest.mark.parametrize("width", [80, 100, 140, 200])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_list_of_networks_fits_its_terminal(convscope, wide, width, language):
    wide(width)

    out = convscope("models", "--lang", language)[1]

    assert max(map(cells, out.splitlines())) <= width
    assert len(table(out)) == 1 + len(zoo.NETWORKS)
    assert [line.split()[0] for line in table(out)[1:]] == list(zoo.NETWORKS)


def test_no_row_wraps_and_none_is_missing(convscope, wide):
    wide(80)

    names = [line.split()[0] for line in table(convscope("summary", "lenet5")[1])[1:]]

    assert [name.rpartition(".")[2] for name in names] == ["c1", "s2", "c3", "s4", "c5", "flatten", "f6", "output"]


def test_what_matters_least_goes_first_and_is_named(convscope, wide):
    wide(80)
    out = convscope("summary", "vgg16")[1]

    assert table(out)[0].split() == ["layer", "kind", "output", "k", "s", "p", "params"]
    assert "no room for: rows out, field, MACs, memory, lost;" in " ".join(out.split())


def test_a_wide_table_says_it_all(convscope, wide):
    wide(200)

    out = convscope("summary", "alexnet")[1]

    first = table(out)[1]
    assert table(out)[0].split()[-3:] == ["lost", "rows", "out"]
    for part in ("features.conv1", "Conv2d", "96×55×55", "34,944", "105,415,200", "(227 − 11 + 2·0)/4 + 1 = 55"):
        assert part in first


def test_sums_stand_under_the_table(convscope, wide):
    wide(200)
    out = convscope("summary", "vgg16")[1]

    # 4 bytes each; the paper's 138 million
    assert "vgg16 on 3×224×224: 138,357,544 parameters (553.4 MB as float32)" in out
    assert "15,470,264,320 multiply-accumulates" in out


def test_what_no_window_reaches_is_named(convscope, wide):
    wide(200)
    down, up, none = (convscope("summary", name)[1] for name in ("resnet18", "googlenet", "vgg16"))

    assert "no window reaches the last rows, columns (padding first): features.conv1 (1,1)" in down
    assert "rounded up; the last window hangs over the edge: features.pool1" in up
    assert "rounded" not in none


def test_only_a_network_with_gates_says_that_they_are_left_out(convscope):
    assert "squeeze-and-excite" in convscope("summary", "mobilenet_v3_small")[1]
    assert "squeeze-and-excite" not in convscope("summary", "mobilenet_v2")[1]


def test_stages_are_the_papers_table(convscope, wide):
    wide(100)

    lines = table(convscope("summary", "resnet152", "--stages")[1])

    rows = {line.split()[0]: line.split() for line in lines[1:]}
    # 3, 8, 36, 3 blocks of three convolutions, and a projection each
    assert [rows[f"features.stage{stage}"][1] for stage in (1, 2, 3, 4)] == ["10", "25", "109", "10"]
    assert rows["features.stage4"][2] == "2048×7×7"
    assert rows["features.stage4"][-1] == "1451"


def test_every_layer_gets_a_row_when_asked_for(convscope):
    whole = json.loads(convscope("summary", "resnet18", "--json")[1])["layers"]

    folded, every = (len(table(convscope("summary", "resnet18", *more)[1])) - 1 for more in ((), ("--all",)))

    assert every == len(whole)
    assert folded == 24  # 17 convolutions, 3 projections, 2 pools, a flatten, a dense layer
    assert all(layer.keys() >= KEYS for layer in whole)


def test_files_are_written_and_named(convscope, tmp_path):
    _, out, _ = convscope("summary", "lenet5", "--svg", "a/tower.svg", "--html", "tower.html", "--lang", "ko")

    svg = (tmp_path / "a" / "tower.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(svg)
    assert "합성곱" in svg
    assert "LeCun" in svg
    assert 'data-language="ko"' in (tmp_path / "tower.html").read_text(encoding="utf-8")
    assert {"그림: a/tower.svg", "페이지: tower.html"} <= set(out.splitlines())


def test_json_stays_alone_while_files_are_written(convscope, tmp_path):
    _, out, err = convscope("summary", "lenet5", "--svg", "tower.svg", "--json")

    assert json.loads(out)["parameters"] == 60_000
    assert "tower.svg" in err
    assert (tmp_path / "tower.svg").is_file()


def test_a_network_of_ones_own_is_summed_up(convscope, tmp_path):
    (tmp_path / "mine.yaml").write_text(YAML)

    summary = json.loads(convscope("summary", "mine.yaml", "--classes", 3, "--channels", 3, "--json")[1])

    first = summary["layers"][0]
    assert summary["input"] == [3, 28, 28]
    assert first["padding"] == [2, 2, 2, 2]
    assert first["formula"] == "(28 − 5 + 2·2)/1 + 1 = 28"
    assert first["parameters"] == (5 * 5 * 3 + 1) * 8
    assert summary["layers"][-1]["shape"] == [3]


def test_grey_pictures_need_a_third_of_the_first_weights(convscope):
    counted = [
        json.loads(convscope("summary", "resnet18", "--channels", channels, "--json")[1])["layers"][0]["parameters"]
        for channels in (1, 3)
    ]

    assert counted == [7 * 7 * 64, 7 * 7 * 64 * 3]


def test_a_trained_model_is_drawn_with_its_own_classes(convscope, trained, tmp_path):
    convscope("summary", trained[0], "--svg", "tower.svg")

    assert "3 scores" in (tmp_path / "tower.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("lenet5", "--channels", 2), "--channels 2: allowed: 1 (grey) or 3 (colour)"),
        (("lenet5", "--size", 4), "--size 4: needs at least 8"),
        (("lenet5", "--classes", 1), "--classes 1: needs at least 2"),
        (("lenet5", "--stages", "--all"), "--stages and --all: one row for each stage, or one for each layer"),
        (("lenet5", "--svg", "."), "--svg .: a folder; give the name of a file"),
        (("lenett5",), "no network is called 'lenett5'; did you mean lenet5"),
        (("missing.yaml",), "missing.yaml: no such file"),
    ],
)
def test_a_mistake_is_one_line(convscope, arguments, sentence):
    status, out, err = convscope("summary", *arguments)

    assert status == 2
    assert out == ""
    assert err.startswith(f"convscope: {sentence}")
    assert err.count("\n") == 1


def test_the_wrong_layer_of_a_yaml_is_named(convscope, tmp_path):
    (tmp_path / "wrong.yaml").write_text(YAML.replace("kernel: 5, padding: same", "kernel: 50"))

    status, _, err = convscope("summary", "wrong.yaml")

    assert status == 2
    assert "wrong.yaml" in err
    assert err.count("\n") == 1


def test_a_trained_model_keeps_its_own_numbers(convscope, trained):
    status, _, err = convscope("summary", trained[0], "--classes", 5)

    assert status == 2
    assert "a trained model has its own" in err


def test_networks_are_listed_without_building_one(convscope, monkeypatch):
    def built(*_):
        raise AssertionError("a network was built")

    for row in zoo.NETWORKS.values():
        monkeypatch.setitem(vars(row), "build", built)

    rows = json.loads(convscope("models", "--json")[1])

    assert [row["name"] for row in rows] == list(zoo.NETWORKS)
    assert {"venue", "errors", "weights"} <= rows[0].keys()


def test_a_part_of_a_name_chooses(convscope):
    rows = json.loads(convscope("models", "resnet15", "--json")[1])

    assert [row["name"] for row in rows] == ["resnet152", "resnet152_v1"]


def test_one_network_tells_all_that_is_published_of_it(convscope):
    out = convscope("models", "googlenet")[1]

    assert "top-5 6.67 % (ImageNet val, 144 crops, 7 nets)" in out
    assert "parameters: 6,998,552" in out
    assert "weights: none" in out


def test_no_network_of_that_name_is_one_line(convscope):
    status, out, err = convscope("models", "vgg61")

    assert (status, out) == (2, "")
    assert "no network is called 'vgg61'; did you mean vgg19 or vgg16" in err


def test_a_table_shortens_then_cuts_then_drops():
    columns = [
        Column("layer", ["features.conv1"], least=8, tail=True),
        Column("kind", ["Conv2d"], rank=1, short=("kind", ["Conv"])),
    ]

    assert [fit(columns, width)[0][1] for width in (22, 20, 16, 8)] == [
        "features.conv1  Conv2d", "features.conv1  Conv", "…res.conv1  Conv", "…s.conv1",
    ]  # fmt: skip


def test_hangul_takes_two_cells():
    assert fit([Column("층", ["c1"]), Column("커널", ["5"], right=True)], 20)[0] == ["층  커널", "c1     5"]
