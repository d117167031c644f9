"""Networks of one's own: layers counted by hand, and every mistake in one line that names the layer."""

import json
import time
from pathlib import Path

import pytest
import torch
import yaml
from torch.nn import functional

from convscope.errors import ModelError
from convscope.layers.l2pool import RMSPool2d
from convscope.layers.same import SameConv2d, SameMaxPool2d
from convscope.layers.summary import summarise
from convscope.models import own, zoo
from convscope.models.own.bricks import PaddedConv2d, ResidualBlock
from convscope.models.own.layers import KINDS

EXAMPLES = Path(__file__).parents[1] / "examples/networks"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def define(*layers, size=28, channels=1):
    return own.parse({"name": "mine", "input": [channels, size, size], "layers": list(layers)}, "my.yaml")


def build(*layers, size=28, channels=1, classes=10):
    return own.row(define(*layers, size=size, channels=channels)).build(classes, channels, size)


def shapes(*layers, size=28, channels=1):
    """Output shape of every layer, by its name."""
    network = build(*layers, size=size, channels=channels)
    rows = summarise(network, (channels, size, size)).layers
    return {row.name.partition(".")[2]: row.shape for row in rows}


def refusal(*layers, size=28, channels=1):
    """What is said of layers that cannot be, and that it is one line that begins with the file."""
    with pytest.raises(ModelError) as caught:
        define(*layers, size=size, channels=channels)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith("my.yaml: ")
    assert len(message) <= own.LONGEST + 1
    return message.removeprefix("my.yaml: ")


def conv(filters=8, kernel=3, **options):
    return {"conv": {"filters": filters, "kernel": kernel, **options}}


@pytest.mark.parametrize(
    ("file", "parameters", "macs", "field"),
    [
        # (25+1)*6 + (150+1)*16 + (400+1)*120 + (120+1)*84 + (84+1)*10; the zoo's lenet5_modern likewise
        ("lenet.yaml", 61_706, 416_520, 16),
        # 320 + 64 + (6272+1)*512 + 1024 + 5130; the zoo's course_cnn likewise
        ("course.yaml", 3_218_314, 3_442_176, 4),
        # 176 + 2*(2304+32) + (4608+64 + 9216+64 + 512+64) + (288+64 + 2048+128) + 650;
        # 28²*144 + 2*28²*2304 + 14²*(4608+9216+512) + 7²*(288+2048) + 640; 3, 7, 9, 13, 17 pixels
        ("fashion.yaml", 22_554, 6_650_528, 17),
    ],
)
def test_an_example_has_the_numbers_counted_by_hand(file, parameters, macs, field):
    row, summary = zoo.find(str(EXAMPLES / file)), zoo.describe(str(EXAMPLES / file))

    assert (row.parameters, row.macs, row.receptive_field) == (parameters, macs, field)
    assert (summary.parameters, summary.macs, zoo.receptive_field(summary)) == (parameters, macs, field)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32), (3, 45)])
def test_an_example_learns_at_any_size_with_every_parameter(file, channels, size):
    torch.manual_seed(0)
    network = zoo.build(str(file), 4, channels, size)
    x = torch.randn(8, channels, size, size)
    functional.cross_entropy(network(x), torch.arange(8) % 4).backward()

    assert [half for half, _ in network.named_children()] == ["features", "classifier"]
    assert network.features(x).ndim == 4
    assert network.classifier[-1].out_features == 4
    assert all(value.grad is not None and value.grad.any() for value in network.parameters())


def test_the_same_seed_gives_the_same_weights():
    networks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        networks.append(zoo.build(str(EXAMPLES / "fashion.yaml"), 10).state_dict())
        own.row.cache_clear()  # counting a row's figures draws no random number

    assert torch.equal(networks[0]["classifier.scores.weight"], networks[1]["classifier.scores.weight"])
    assert not torch.equal(networks[0]["classifier.scores.weight"], networks[2]["classifier.scores.weight"])


def test_sizes_are_those_worked_out_by_hand():
    found = shapes(
        conv(6, 5, padding=2, activation="relu"),  # (28 - 5 + 4) / 1 + 1 = 28
        {"pool": 2},  # 14
        conv(16, 5, norm="batch"),  # 10
        {"pool": {"kind": "average", "kernel": 3, "ceil": True}},  # ⌈(10 - 3) / 3⌉ + 1 = 4
        conv(8, [1, 3], stride=[2, 1], padding=[1, 0, 0, 2]),  # (4 - 1 + 1)/2 + 1 = 3, (4 - 3 + 2)/1 + 1 = 4
        {"depthwise": {"kernel": 2, "multiplier": 3}},  # 24 maps of 2×3
        {"dense": 5},
        "relu",
    )

    assert found == {
        "conv1": (6, 28, 28), "conv1_relu": (6, 28, 28), "pool1": (6, 14, 14),
        "conv2": (16, 10, 10), "conv2_norm": (16, 10, 10), "pool2": (16, 4, 4), "conv3": (8, 3, 4),
        "depthwise1": (24, 2, 3), "flatten": (144,), "dense1": (5,), "relu1": (5,), "scores": (10,),
    }  # fmt: skip


@pytest.mark.parametrize(("stride", "side"), [(1, 7), (2, 4), (3, 3)])
def test_same_is_tensorflows_at_any_stride(stride, side):
    network = build(conv(2, 3, stride=stride, padding="same"), {"pool": {"kernel": 2, "padding": "same"}}, size=8)

    assert isinstance(network.features.conv1, SameConv2d) == (stride > 1)
    assert isinstance(network.features.pool1, SameMaxPool2d)
    assert shapes(conv(2, 3, stride=stride, padding="same"), size=9)["conv1"] == (2, -(-9 // stride), -(-9 // stride))
    assert shapes(conv(2, 3), conv(2, 3, stride=stride, padding="same"), size=9)["conv2"] == (2, side, side)


def test_four_numbers_pad_each_side_by_itself():
    network = build(conv(1, 1, padding=[1, 0, 0, 2], bias=False), size=8)
    layer = network.features.conv1
    torch.nn.init.ones_(layer.weight)

    out = layer(torch.ones(1, 1, 8, 8))[0, 0]

    assert isinstance(layer, PaddedConv2d)
    assert out.shape == (9, 10)
    assert out[0].sum() == out[:, 8:].sum() == 0
    assert out.sum() == 64


def test_a_block_adds_its_input_to_what_its_layers_make():
    network = build(
        {"residual": [conv(1, 3, padding="same", bias=False)]},
        {"residual": {"layers": [conv(2, 3, stride=2, padding=1)], "activation": "relu"}},
        size=8,
    )
    first, second = network.features.residual1, network.features.residual2
    torch.nn.init.zeros_(first.layers.conv1.weight)
    x = torch.randn(1, 1, 8, 8)

    assert isinstance(first, ResidualBlock)
    assert torch.equal(first(x), x)
    assert first.shortcut is None
    assert torch.equal(second(x), second.layers(x) + second.shortcut(x))
    assert second.shortcut.conv.kernel_size == (1, 1)
    assert second.shortcut.conv.stride == (2, 2)
    assert list(network.features._modules) == ["residual1", "residual2", "residual2_relu"]


def test_every_kind_of_layer_works_as_its_example_says():
    examples = [yaml.safe_load(kind.example) for kind in KINDS.values()]
    rest = ["lrn", "norm", {"leaky_relu": {"slope": "1e-2"}}, {"prelu": {"channels": 64}}, {"maxout": {"pieces": 2}}]
    rest += [{"pool": {"kind": kind, "kernel": 2}} for kind in ("average", "l2", "stochastic")] + [{"pool": "global"}]
    before_flatten = [each for each in examples if each not in ("flatten", "scores")]
    maps = [each for each in before_flatten if "dense" not in each]
    network = build(*maps, conv(64, 1), *rest, "flatten", {"dense": {"units": 128, "activation": "relu"}}, "scores")

    assert network.eval()(torch.randn(2, 1, 28, 28)).shape == (2, 10)
    assert isinstance(network.features.pool3, RMSPool2d)
    assert network.features.leaky_relu2.negative_slope == 0.01
    assert list(network.classifier._modules) == ["pool5", "flatten", "dense1", "dense1_relu", "scores"]


def test_a_normalised_convolution_has_no_bias_unless_asked():
    network = build(conv(norm="batch"), conv(norm="batch", bias=True), conv(), conv(bias=False))

    assert [network.features.get_submodule(f"conv{n}").bias is None for n in (1, 2, 3, 4)] == [True, False, False, True]


def test_a_stride_that_loses_a_row_and_a_column_is_told_with_the_strides_that_do_not():
    lost = own.notes(define(conv(3, 3), conv(3, 3, stride=2), size=8))  # 8 → 6; (6 - 3) = 3 is no multiple of 2

    assert [note._asdict() for note in lost] == [
        {"number": "2", "name": "conv2", "rows": 1, "columns": 1, "size": "6×6", "stride": "2", "strides": "1, 3"}
    ]


@pytest.mark.parametrize(
    ("layer", "size", "lost"),
    [
        ({"pool": 2}, 28, []),
        ({"pool": 2}, 9, [(1, 1)]),
        ({"pool": {"kernel": 2, "ceil": True}}, 9, []),
        ({"pool": {"kernel": 2, "padding": "same"}}, 9, []),
        (conv(2, 3, stride=2, padding=1), 8, []),  # what is passed over is padding
        (conv(2, 3, stride=4, padding=1), 8, [(2, 2)]),  # (8 - 3 + 2) = 7 is three too many, and one of them is padding
        (conv(2, [3, 1], stride=2), 9, []),
        (conv(2, [2, 3], stride=2), 9, [(1, 0)]),
    ],
)
def test_rows_and_columns_are_lost_where_no_window_reaches_them(layer, size, lost):
    assert [(note.rows, note.columns) for note in own.notes(define(layer, size=size))] == lost


def test_losses_are_those_of_the_size_that_is_asked_for():
    definition = define({"pool": 2}, {"residual": ["relu", conv(1, 2, stride=3, padding="same")]})

    assert own.notes(definition) == ()
    assert [(note.number, note.name, note.rows) for note in own.notes(definition, 3, 29)] == [("1", "pool1", 1)]


def test_a_size_that_stops_being_positive_is_told_with_the_sizes_so_far():
    message = refusal(conv(8, 5), {"pool": 2}, conv(8, 5), {"pool": 2}, "relu", conv(8, 4), {"pool": 2})

    assert message == (
        "layer 7 (pool, kernel 2): a window of 2 pixels does not fit into 1; the sizes so far: 28 → 24 → 12 → 8 → 4 → "
        "1; take a larger --size, fewer pools or padding: same"
    )


def test_a_size_that_is_too_small_for_a_good_network_is_told_likewise():
    with pytest.raises(ModelError) as caught:
        zoo.build(str(EXAMPLES / "lenet.yaml"), 10, 1, 9)

    assert "my lenet at 9 pixels: layer 3 (conv, kernel 5): a window of 5 pixels does not fit into 4" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["cnov"], "layer 1: no layer is called 'cnov'; did you mean conv or norm?"),
        (["relu", {"Conv2D": 3}], "layer 2: no layer is called 'Conv2D'; did you mean conv?"),
        ([{"conv": {"filters": 8, "kernal": 3}}], "layer 1 (conv): no option is called 'kernal'; did you mean kernel?"),
        ([{"conv": 8}], "layer 1 (conv): needs `kernel`; for example - conv: {filters: 32, kernel: 3}"),
        ([conv(0)], "layer 1 (conv): filters 0: needs at least 1"),
        ([conv(10**6)], "layer 1 (conv): filters 1000000: may be at most 65,536"),
        ([conv("8")], "layer 1 (conv): filters '8': expected a whole number"),
        ([conv(kernel=0)], "layer 1 (conv): kernel 0: expected a whole number from 1 to 4,096, or two of them"),
        ([conv(stride=0)], "layer 1 (conv): stride 0: expected a whole number from 1"),
        ([conv(padding="sane")], "layer 1 (conv): padding 'sane': expected valid, same, a whole number from 0"),
        ([conv(padding=[1, 1])], "layer 1 (conv): padding a list: expected valid, same, a whole number from 0"),
        ([conv(groups=2)], "layer 1 (conv, kernel 3): groups 2 must divide the 1 maps that come in and the 8"),
        ([conv(norm="bacth")], "layer 1 (conv): norm 'bacth': did you mean batch?"),
        ([conv(activation="rleu")], "layer 1 (conv): activation 'rleu': no activation is called 'rleu'; did you"),
        ([{"leaky_relu": {"slop": 1}}], "activation 'leaky_relu' has no option 'slop'; did you mean slope?"),
        ([{"leaky_relu": 0.1}], "layer 1 (leaky_relu): options go into braces"),
        ([conv(kernel=40)], "layer 1 (conv, kernel 40): a window of 40 pixels does not fit into 28"),
        ([conv(kernel=3, dilation=14)], "layer 1 (conv, kernel 3): a window of 29 pixels does not fit into 28"),
        ([{"pool": "max"}], "layer 1 (pool): needs `kernel`"),
        ([{"pool": {"kind": "avg", "kernel": 2}}], "layer 1 (pool): kind 'avg': did you mean average?"),
        ([{"pool": {"kind": "global", "kernel": 2}}], "layer 1 (pool, kernel 2): pool: global takes each whole map"),
        ([{"pool": {"kernel": 2, "padding": 2}}], "layer 1 (pool, kernel 2): a pool is padded by one number of pixels"),
        ([{"dropout": 1}], "layer 1 (dropout): rate 1: must be less than 1"),
        ([{"lrn": 4}], "layer 1 (lrn): size 4: a window of maps has a centre only if its size is odd"),
        ([{"flatten": 3}], "layer 1 (flatten): it has no options; write - flatten"),
        (["flatten", conv()], "layer 2 (conv, kernel 3): it needs rows and columns, and after flatten or dense"),
        ([{"dense": 3}, {"pool": 2}], "layer 2 (pool, kernel 2): it needs rows and columns"),
        (["scores", "relu"], "layer 1 (scores): the scoring layer stands once and last, not before layer 2"),
        (["scores", "relu", "scores"], "layer 1 (scores): the scoring layer stands once and last, not again as"),
        ([{"conv": None, "filters": 8}], "layer 1: 'conv' and 'filters' stand side by side; one kind a line"),
        ([5], "layer 1: expected a kind of layer such as conv, found 5"),
        ([], "layers: expected a list"),
        ([{"residual": []}], "layer 1 (residual): expected a list of layers"),
        ([{"residual": ["relu", {"cnv": 3}]}], "layer 1.2: no layer is called 'cnv'; did you mean conv?"),
        ([{"residual": ["flatten"]}], "layer 1 (residual): a residual block keeps rows and columns"),
        ([{"residual": [conv()]}], "layer 1 (residual): its layers make 26×26 of 28×28, and the way around them, a"),
        ([{"residual": [conv(kernel=30)]}], "layer 1.1 (conv, kernel 30): a window of 30 pixels does not fit into 28"),
        ([conv(3), {"maxout": {"pieces": 2}}], "layer 2 (activation): maxout cannot share 3 maps out among 2 pieces"),
        ([conv(65_536, padding=4096)], "layer 1 (conv, kernel 3): it makes 65,536 maps of 8218×8218 of each picture"),
        ([conv(1000), {"dense": 65_536}], "layer 2 (dense): 44,302,336,000 weights in one layer; at most 10,"),
        (["relu"] * 301, "more than 300 layers"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_names_the_layer(layers, message):
    assert message in refusal(*layers)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "name nothing: expected up to 60 letters"),
        ({"name": "a/b"}, "name 'a/b': expected up to 60 letters"),
        ({"name": "a.yaml"}, "name 'a.yaml'"),
        ({"name": "a", "inptu": 3}, "no setting is called 'inptu'; did you mean input?"),
        ({"name": "a", "layers": ["relu"]}, "input: none; expected channels (1 or 3) and the side twice"),
        ({"name": "a", "input": [2, 28, 28], "layers": ["relu"]}, "input: not usable"),
        ({"name": "a", "input": [1, 28, 30], "layers": ["relu"]}, "input: not usable"),
        ({"name": "a", "input": [1, 28, 28]}, "layers: expected a list"),
        (["relu"], "expected lines such as `input: [1, 28, 28]` and a list `layers:`, found a list"),
        (None, "found nothing"),
    ],
)
def test_a_mistake_outside_the_layers_is_told_too(content, message):
    with pytest.raises(ModelError) as caught:
        own.parse(content, "my.yaml")

    assert message in str(caught.value)


def test_what_is_kept_of_a_network_makes_the_same_network():
    for file in sorted(EXAMPLES.glob("*.yaml")):
        definition = own.load(str(file))

        assert own.parse(json.loads(json.dumps(definition.to_dict())), "kept") == definition


def test_a_file_without_a_name_lends_its_own_and_never_one_of_the_zoo(tmp_path):
    for stem, name in (("작은 망", "작은 망"), ("lenet5", "lenet5_own"), ("a:b", "a_b")):
        (tmp_path / f"{stem}.yaml").write_text("input: [1, 28, 28]\nlayers: [flatten]\n")
        assert own.load(str(tmp_path / f"{stem}.yaml")).name == name
    (tmp_path / "a.yml").write_text("name: vgg16\ninput: [1, 28, 28]\nlayers: [flatten]\n")

    with pytest.raises(ModelError, match="name vgg16: a network of convscope is called so"):
        own.load(str(tmp_path / "a.yml"))


HEAD = "input: [1, 28, 28]\nlayers:\n  - "
HOSTILE = {
    "alias": (f"{HEAD}&a relu\n  - *a\n", "line 3: anchors and aliases"),
    "bomb": ("a: &a [x, x]\nb: &b [*a, *a]\n", "line 1: anchors and aliases"),
    "python": (f"{HEAD}!!python/object/apply:os.system ['true']\n", "line 3: tags (!) are not read here"),
    "custom tag": (f"{HEAD}!mine relu\n", "line 3: tags (!) are not read here"),
    "many": (f"{HEAD}relu\n" + "  - relu\n" * 3000, "more than 300 layers"),
    "large": (f"{HEAD}relu  # " + "x" * 40_000, "larger than 32 KB"),
    "brackets": (HEAD + "[" * 30_000, "nested more than 32 deep"),
    "braces": (HEAD + "{a: " * 7_000, "nested more than 32 deep"),
    "blocks": (HEAD + "residual: [" * 9 + "relu" + "]" * 9, "blocks inside blocks, more than 4 deep"),
    "digits": (f"{HEAD}conv: {{filters: {'9' * 30_000}, kernel: 3}}", "not YAML that can be used (Exceeds the limit"),
    "hex": (f"{HEAD}conv: {{filters: 0x{'F' * 30_000}, kernel: 3}}", "filters a huge number: may be at most 65,536"),
    "hex kernel": (f"{HEAD}conv: {{filters: 3, kernel: 0x{'F' * 30_000}}}", "kernel a huge number: expected a whole"),
    "base 60": (f"{HEAD}conv: {{filters: 1{':59' * 10_000}, kernel: 3}}", "filters a huge number"),
    "long name": (HEAD + "F" * 30_000, "no layer is called 'FFFFFFF"),
    "twice": (f"{HEAD}conv: {{filters: 3, filters: 4, kernel: 3}}", "line 3: 'filters' stands there twice"),
    "unfinished": (f"{HEAD}conv: {{filters: 3", "not YAML (expected ',' or '}'"),
    "two": (f"{HEAD}relu\n---\n{HEAD}relu\n", "not YAML (but found another document)"),
    "date": (f"{HEAD}dropout: 2024-99-01\n", "not YAML that can be used (month must be in 1..12)"),
    "not a number": (f"{HEAD}dropout: .nan\n", "layer 1 (dropout): rate nan"),
    "nul": (f"{HEAD}\0", "not YAML that can be used"),
    "empty": ("", "found nothing"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_from_a_stranger_is_refused_within_a_second(tmp_path, case):
    content, message = HOSTILE[case]
    file = tmp_path / "my.yaml"
    file.write_text(content)
    start = time.process_time()

    with pytest.raises(ModelError) as caught:
        own.load(str(file))

    assert time.process_time() - start < 1
    assert message in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value).replace(str(file), "")) < 500


def test_what_is_no_text_file_is_called_so(tmp_path):
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.yaml").mkdir()

    for place, message in {
        tmp_path / "bytes.yaml": "not YAML that can be used",
        tmp_path / "folder.yaml": "no such file",
        tmp_path / "none.yaml": "no such file",
        Path("/dev/zero"): "no such file",
        Path("a\0b.yaml"): "a?b.yaml: no such file",
        Path("x" * 5000 + ".yaml"): "cannot be read (File name too long)",
    }.items():
        with pytest.raises(ModelError) as caught:
            own.load(str(place))
        assert message in str(caught.value)
        assert str(caught.value).isprintable()
