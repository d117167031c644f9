"""What holds for every network of the zoo, and what each paper says of its own."""

import json

import pytest
import torch
from torch import nn
from torch.nn import functional

import convscope
from convscope.errors import ModelError, UnknownModel
from convscope.layers.cost import parameters
from convscope.models import zoo
from convscope.models.bundle import Bundle, Card
from convscope.models.lenet import TABLE_I, digit_codes, seeded_codes

EVERY = pytest.mark.parametrize("name", zoo.NETWORKS)
META = torch.device("meta")  # shapes without numbers: the largest networks cost nothing
EVERY_SIZE = pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name, row in zoo.NETWORKS.items() for size in row.sizes]
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)  # layers this small only wait for a second one


def smallest(name):
    """The least of the sizes that suit it, in pixels."""
    return min(zoo.find(name).sizes)


def build(name, classes=10, channels=None, size=None, seed=0):
    torch.manual_seed(seed)
    return zoo.build(name, classes, channels, size or smallest(name))


def pictures(name, count=2, channels=None, size=None, seed=0):
    row, side = zoo.find(name), size or smallest(name)
    return torch.randn((count, channels or row.channels, side, side), generator=torch.Generator().manual_seed(seed))


def training_scores(output):
    """All that a network returns in training, as one tensor: auxiliary heads give scores of their own."""
    return torch.cat(output if isinstance(output, tuple) else (output,))


@EVERY
def test_it_has_the_published_number_of_parameters(name):
    row = zoo.find(name)
    with META:
        network = zoo.build(name, row.classes)

    halves = (network.features, network.classifier)
    assert sum(parameter.numel() for half in halves for parameter in half.parameters()) == row.parameters


@EVERY
@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_it_scores_any_number_of_classes(name, classes):
    with META, torch.no_grad():
        assert build(name, classes).eval()(torch.zeros(pictures(name).shape)).shape == (2, classes)


@EVERY_SIZE
@pytest.mark.parametrize("channels", [1, 3])
def test_it_takes_grey_and_colour_at_every_size_of_its_own(name, size, channels):
    with META, torch.no_grad():
        network = build(name, 4, channels, size).eval()
        assert network(torch.zeros(2, channels, size, size)).shape == (2, 4)


@EVERY
@pytest.mark.parametrize("size", [64, 96, 160, 299])
def test_it_takes_other_sensible_sizes(name, size):
    if zoo.find(name).any_size:
        with META, torch.no_grad():
            network = build(name, 4, size=size).eval()
            assert network(torch.zeros(1, zoo.find(name).channels, size, size)).shape == (1, 4)


@EVERY
def test_its_summary_is_json_and_adds_up(name):
    content = json.loads(json.dumps(zoo.describe(name).to_dict(), allow_nan=False))

    assert content["parameters"] == sum(layer["parameters"] for layer in content["layers"]) == zoo.find(name).parameters
    assert content["layers"][-1]["shape"] == [zoo.find(name).classes]
    assert all(layer["formula"].endswith(f"= {layer['shape'][1]}") for layer in content["layers"] if layer["kernel"])


@EVERY
def test_it_consists_of_two_named_halves(name):
    network, x = build(name).eval(), pictures(name)

    halves = [half for half, _ in network.named_children() if not half.startswith("aux_")]
    assert halves == ["features", "classifier"]
    with torch.no_grad():
        maps = network.features(x)
        assert maps.ndim == 4
        torch.testing.assert_close(network.classifier(maps), network(x), rtol=0, atol=0)


@EVERY
def test_every_parameter_gets_a_gradient(name):
    network = build(name).train()
    scores = training_scores(network(pictures(name, 8)))
    functional.cross_entropy(scores, torch.arange(len(scores)) % 8).backward()

    silent = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]

    assert silent == []


@EVERY
def test_the_same_seed_gives_the_same_weights(name):
    first, again, other = build(name, seed=1), build(name, seed=1), build(name, seed=2)
    pairs = list(zip(first.parameters(), again.parameters(), strict=True))

    assert all(torch.equal(one, two) for one, two in pairs)
    assert not all(torch.equal(one, two) for one, two in zip(first.parameters(), other.parameters(), strict=True))
    assert all(torch.isfinite(one).all() for one, _ in pairs)


@EVERY
def test_in_evaluation_a_picture_is_answered_alone_as_in_company(name):
    network, x = build(name).train(), pictures(name, 6)
    with torch.no_grad():
        network(x)
        network.eval()
        together = network(x)

    with torch.no_grad():
        torch.testing.assert_close(torch.cat([network(one[None]) for one in x]), together, rtol=1e-4, atol=1e-5)


@EVERY
def test_it_comes_back_from_a_file_bit_by_bit(name, tmp_path):
    row, x = zoo.find(name), pictures(name, 3)
    network = build(name, 5).train()
    with torch.no_grad():
        network(x)  # running statistics move
    card = Card(
        convscope="0", network=name, classes=("a", "b", "c", "d", "e"),
        preprocess=row.preprocess(smallest(name), row.channels),
    )  # fmt: skip

    Bundle(card, network.state_dict()).save(tmp_path / "model.safetensors")
    back = Bundle.load(tmp_path / "model.safetensors")

    network.eval()
    assert back.card == card
    kept = {key: value for key, value in network.state_dict().items() if not key.startswith("aux_")}
    assert kept.keys() == back.weights.keys()
    assert all(torch.equal(value, back.weights[key]) for key, value in kept.items())
    with torch.no_grad():
        assert torch.equal(back.network()(x), network(x))


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownModel, match="did you mean lenet5"):
        convscope.build("lenet-5", 10)


LAYERS = ("c1", "s2", "c3", "s4", "c5", "f6", "output")


def lenet5_rows():
    rows = {layer.name.split(".")[1]: layer for layer in zoo.describe("lenet5").layers}
    return {name: rows[name] for name in LAYERS}


def test_lenet5_counts_as_the_paper_counts():
    counts = {name: layer.parameters for name, layer in lenet5_rows().items()}

    assert list(counts.values()) == [156, 12, 1_516, 32, 48_120, 10_164, 0]
    assert sum(counts.values()) == 60_000


def test_lenet5_has_the_papers_shapes():
    assert [layer.shape for layer in lenet5_rows().values()] == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84,), (10,),
    ]  # fmt: skip
    assert [layer.receptive_field for layer in lenet5_rows().values()] == [5, 6, 14, 16, 32, None, None]


def test_lenet5_has_the_papers_connections():
    positions = {name: layer.shape[1] * layer.shape[2] for name, layer in lenet5_rows().items() if len(layer.shape) > 1}
    convolved = {name: positions[name] * layer.parameters for name, layer in lenet5_rows().items() if name[0] == "c"}
    pooled = {name: positions[name] * lenet5_rows()[name].shape[0] * (4 + 1) for name in ("s2", "s4")}
    connections = {**convolved, **pooled, "f6": 84 * (120 + 1), "output": 10 * 84}

    assert [connections[name] for name in LAYERS] == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]
    assert sum(connections.values()) == 340_908


def test_table_i_has_60_links_and_uses_every_map_ten_times():
    used = [into for row in TABLE_I for into in row]

    assert [len(row) for row in TABLE_I] == [3] * 6 + [4] * 9 + [6]
    assert [used.count(into) for into in range(6)] == [10] * 6
    assert len({frozenset(row) for row in TABLE_I}) == 16


def test_from_60000_to_61706():
    full_c3, free_pooling, trained_output = (6 * 25 + 1) * 16 - 1_516, -(12 + 32), 84 * 10 + 10

    assert (full_c3, free_pooling, trained_output) == (900, -44, 850)
    assert zoo.describe("lenet5").parameters + full_c3 + free_pooling + trained_output == 61_706
    assert zoo.describe("lenet5_modern").parameters == 61_706


def test_the_modern_lenet_costs_as_published():
    modern, colour = zoo.describe("lenet5_modern"), zoo.describe("lenet5_modern", channels=3, size=32)

    assert [layer.macs for layer in modern.layers if layer.macs] == [117_600, 240_000, 48_000, 10_080, 840]
    assert (modern.macs, colour.macs, colour.parameters) == (416_520, 651_720, 62_006)
    assert [layer.shape for layer in modern.layers if layer.kind in ("Conv2d", "MaxPool2d", "Linear")] == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["lenet5", "lenet5_modern"])
def test_28_pixels_are_32_with_a_frame_of_zeros(name):
    narrow, wide, x = build(name, size=28), build(name, size=32), pictures(name, size=28)
    wide.load_state_dict(narrow.state_dict())

    with torch.no_grad():
        torch.testing.assert_close(narrow(x), wide(functional.pad(x, (2, 2, 2, 2))))


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [("lenet5", 64, "32 or 28 pixels, not 64"), ("lenet5_modern", 15, "16 pixels"), ("course_cnn", 7, "8 pixels")],
)
def test_a_size_that_cannot_be_built_is_refused(name, size, message):
    with pytest.raises(ModelError, match=message):
        build(name, size=size)


def distances(codes):
    return torch.cdist(codes, codes, p=0) + 84 * torch.eye(len(codes))


def test_the_digits_are_pictures_of_7_by_12_that_differ():
    codes = digit_codes()
    shown = ["".join(".#"[int(pixel > 0)] for pixel in code.tolist()) for code in codes]

    assert codes.shape == (10, 84)
    assert codes.abs().eq(1).all()
    assert shown[1][7 * 4 : 7 * 10] == "...#..." * 6  # the stem of the one
    assert shown[7][7:14] == "#######"  # the bar of the seven
    assert distances(codes).min() >= 10  # a nine is a zero with a belt
    torch.testing.assert_close(build("lenet5").classifier[-1].codes, codes)


def test_seeded_codes_are_far_apart_and_always_the_same():
    codes = seeded_codes(100)

    assert codes.abs().eq(1).all()
    assert distances(codes).min() >= 24  # random ones lie 42 apart, give or take 4.6
    assert torch.equal(codes, seeded_codes(100))
    assert torch.equal(codes[:26], seeded_codes(26))


def test_course_cnn_counts_as_keras_does():
    network = zoo.build("course_cnn", 10)
    moving = sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name)

    assert (parameters(network), moving, parameters(network) + moving) == (3_218_314, 1_088, 3_219_402)
    assert [layer.parameters for layer in zoo.describe("course_cnn").layers if layer.parameters] == [
        320, 64, 3_211_776, 1_024, 5_130,
    ]  # fmt: skip
    assert zoo.describe("course_cnn").macs == 3_442_176


def test_course_cnn_normalises_behind_the_relu_as_keras_does():
    layers = [layer for half in zoo.build("course_cnn", 10).children() for layer in half]
    norms = [layer for layer in layers if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))]

    assert [type(layers[layers.index(norm) - 1]) for norm in norms] == [nn.ReLU, nn.ReLU]
    assert [norm.momentum for norm in norms] == pytest.approx([1 - 0.99] * 2)  # Keras weighs the old value
    assert [norm.eps for norm in norms] == [1e-3, 1e-3]
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.25]
