"""What enters the scoring layer, and another scoring layer in its place: for every network, and in the model file."""

import json
from math import log

import pytest
import safetensors.torch
import timm
import torch

from convscope.errors import ModelError, ModelFileError
from convscope.models import own, zoo
from convscope.models.bundle import KEY, Bundle, Card
from convscope.models.heads import auxiliary_heads, embedding, linear, split, with_linear_head

TIMM = ["timm:resnet18", "timm:mobilenetv3_small_100", "timm:convnext_atto", "timm:vit_tiny_patch16_224"]


def built(name, classes=3):
    """A network in evaluation, and two pictures for it."""
    torch.manual_seed(0)
    row = zoo.find(name)
    size = row.sizes[-1] if not name.startswith("timm:") or not row.any_size else 64
    return row.build(classes, row.channels, size).eval(), torch.rand(2, row.channels, size, size)


@pytest.mark.parametrize("name", [*zoo.NETWORKS, *TIMM])
def test_the_head_after_the_trunk_is_the_network_bit_for_bit(name):
    network, pictures = built(name)
    trunk, head = split(network)

    with torch.no_grad():
        assert torch.equal(head(trunk(pictures)), network(pictures))

    own_values = {id(value) for value in network.state_dict(keep_vars=True).values()}
    parts = trunk.state_dict(keep_vars=True), head.state_dict(keep_vars=True)
    assert {id(value) for part in parts for value in part.values()} <= own_values  # shared, not copied
    assert parts[0].keys() <= network.state_dict().keys()  # under the same names
    auxiliary = sum(len(head.state_dict()) for head in auxiliary_heads(network))
    assert sum(map(len, parts)) == len(own_values) - auxiliary


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", ["lenet5", "vgg11_lrn", "nin", "googlenet_tv", "mobilenet_v2_same", *TIMM[:2]])
def test_a_trunk_can_be_traced(name):
    network, pictures = built(name)
    trunk, _ = split(network)

    with torch.no_grad():
        traced = torch.jit.trace(trunk, pictures, check_trace=False)
        assert torch.equal(traced(pictures), trunk(pictures))


# numbers that enter the scoring layer, as the papers and their authors' files have them
WIDTHS = {
    "lenet5": 84, "lenet5_modern": 84, "lenet_caffe": 500, "alexnet": 4096, "alexnet_owt": 4096, "vgg16": 4096,
    "nin": 192, "allcnn": 192, "googlenet": 1024, "googlenet_tv": 1024, "resnet18": 512, "resnet50": 2048,
    "resnet20_cifar": 64, "mobilenet_v1": 1024, "mobilenet_v2": 1280, "mobilenet_v3_large": 1280,
    "mobilenet_v3_small": 1024,
}  # fmt: skip


@pytest.mark.parametrize("name", WIDTHS)
def test_the_embedding_has_the_papers_width(name):
    row = zoo.find(name)
    with torch.device("meta"):
        network = row.build(row.classes, row.channels, row.sizes[0]).eval()
        entering = split(network)[0](torch.zeros(2, row.channels, row.sizes[0], row.sizes[0]))

    assert embedding(entering).shape == (2, WIDTHS[name])


def test_the_embedding_of_a_map_is_its_mean():
    map_ = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[-1.0, 1.0], [0.5, -0.5]]]])

    assert embedding(map_).tolist() == [[3.0, 0.0]]
    assert torch.equal(embedding(map_[:, :, 0, 0]), map_[:, :, 0, 0])


@pytest.mark.parametrize("name", ["lenet5", "nin", "allcnn", "alexnet", "googlenet", "resnet18", *TIMM])
def test_a_linear_head_scores_the_embedding(name):
    network, pictures = built(name, classes=4)
    trunk_before = {key: value.clone() for key, value in split(network)[0].state_dict().items()}

    assert with_linear_head(network, 5) is network
    network.eval()
    trunk, head = split(network)
    layer = linear(network)
    with torch.no_grad():
        layer.weight.normal_()
        scores = network(pictures)
        entering = trunk(pictures)
        assert torch.equal(head(entering), scores)
        assert torch.allclose(embedding(entering) @ layer.weight.T + layer.bias, scores, atol=1e-5)

    assert scores.shape == (2, 5)
    assert trunk_before.keys() == trunk.state_dict().keys()
    assert all(torch.equal(value, trunk_before[key]) for key, value in trunk.state_dict().items())


@pytest.mark.parametrize("name", ["lenet5", "nin", "vgg11", "timm:mobilenetv3_small_100"])
def test_a_fresh_head_is_almost_silent(name):
    network, pictures = built(name)

    network = with_linear_head(network, 50)
    layer = linear(network)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(network.eval()(pictures), torch.tensor([0, 1]))

    assert layer.bias.tolist() == [0.0] * 50
    assert layer.weight.std().item() == pytest.approx(0.02 / layer.in_features**0.5, rel=0.1)
    assert loss.item() == pytest.approx(log(50), abs=0.05)


# facts.md, section 9: what is trained when everything but the scoring layer is frozen
FROZEN = {
    ("resnet18", 2): 1_026, ("resnet50", 2): 4_098, ("mobilenet_v2", 5): 6_405, ("mobilenet_v3_small", 5): 5_125,
    ("mobilenet_v3_large", 5): 6_405, ("vgg16", 5): 20_485, ("alexnet", 5): 20_485, ("alexnet_owt", 5): 20_485,
    ("googlenet_tv", 5): 5_125, ("timm:resnet18", 2): 1_026,
}  # fmt: skip


@pytest.mark.parametrize(("name", "classes"), FROZEN)
def test_the_head_has_the_published_number_of_parameters(name, classes):
    row = zoo.find(name)
    with torch.device("meta"):
        network = with_linear_head(row.build(1000, row.channels, row.sizes[0]), classes)

    assert sum(values.numel() for values in linear(network).parameters()) == FROZEN[name, classes]


def test_heads_that_serve_training_get_fresh_last_layers_and_keep_the_others():
    network, pictures = built("googlenet_tv", classes=7)
    before = {key: value.clone() for key, value in network.state_dict().items()}

    with_linear_head(network, 3).train()

    assert [scores.shape for scores in network(pictures)] == [(2, 3)] * 3
    changed = {key for key, value in network.state_dict().items() if value.shape != before[key].shape}
    layers = ("classifier.scores", "aux_4a.fc2", "aux_4d.fc2")
    assert changed == {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}


def test_a_head_of_timms_that_is_not_linear_is_refused():
    network, _ = built("timm:deit_tiny_distilled_patch16_224")

    for ask in (split, linear, lambda network: with_linear_head(network, 2)):
        with pytest.raises(ModelError, match="not in one linear layer"):
            ask(network)


@pytest.mark.parametrize("name", ["lenet5", "nin"])
def test_scores_from_no_linear_layer_are_told(name):
    with pytest.raises(ModelError, match="not from a linear layer"):
        linear(built(name)[0])


def test_a_network_of_ones_own_has_a_trunk_and_a_head():
    layers = [{"conv": {"filters": 4, "kernel": 3}}, "relu", {"pool": "global"}, {"dense": 6}, "relu"]
    definition = own.parse({"name": "mine", "input": [1, 8, 8], "layers": layers}, "mine")
    network = own.row(definition).build(3, 1, 8).eval()
    trunk, head = split(network)
    picture = torch.rand(2, 1, 8, 8)

    with torch.no_grad():
        assert trunk(picture).shape == (2, 6)
        assert torch.equal(head(trunk(picture)), network(picture))
    assert linear(with_linear_head(network, 9)).out_features == 9


@pytest.mark.parametrize("name", ["lenet5", "nin", "resnet20_cifar", "timm:resnet18"])
def test_the_model_file_brings_a_linear_head_back(name, tmp_path):
    network, pictures = built(name, classes=2)
    with_linear_head(network, 2).eval()
    row = zoo.find(name)
    card = Card(
        convscope="0", network=name, head="linear", classes=("a", "b"),
        preprocess=row.preprocess(pictures.shape[-1], row.channels),
    )  # fmt: skip

    Bundle(card, network.state_dict()).save(tmp_path / "model.safetensors")
    back = Bundle.load(tmp_path / "model.safetensors")

    with torch.no_grad():
        assert torch.equal(back.network()(pictures), network(pictures))
    assert back.card.describe().parameters == sum(values.numel() for values in network.parameters())


def test_lenet5s_parameters_count_the_linear_head_in_place_of_the_codes():
    card = Card(
        convscope="0", network="lenet5", head="linear", classes=("a", "b", "c"),
        preprocess=zoo.find("lenet5").preprocess(32, 1),
    )  # fmt: skip

    assert card.describe().parameters == 60_000 + 3 * (84 + 1)
    assert card.describe().layers[-1].kind == "Linear"


def test_a_file_that_says_nothing_of_its_head_has_the_networks_own(tmp_path):
    network, pictures = built("lenet5")
    card = Card(
        convscope="0", network="lenet5", classes=("a", "b", "c"), preprocess=zoo.find("lenet5").preprocess(28, 1)
    )
    said = json.loads(card.model_dump_json())
    del said["head"]  # as versions before it wrote
    file = tmp_path / "old.safetensors"
    file.write_bytes(safetensors.torch.save(network.state_dict(), metadata={KEY: json.dumps(said)}))

    with torch.no_grad():
        assert torch.equal(Bundle.load(file).network()(pictures), network(pictures))


def test_weights_of_the_other_head_do_not_fit(tmp_path):
    network, _ = built("lenet5")
    card = Card(
        convscope="0", network="lenet5", head="linear", classes=("a", "b", "c"),
        preprocess=zoo.find("lenet5").preprocess(28, 1),
    )  # fmt: skip

    with pytest.raises(ModelFileError, match=r"do not fit lenet5 \(Missing key"):
        Bundle(card, network.state_dict()).network()


def test_timms_trunk_answers_as_timm_without_a_head():
    theirs = timm.create_model("resnet18", pretrained=False, num_classes=3).eval()
    network, pictures = built("timm:resnet18")
    network.body.load_state_dict(theirs.state_dict())
    theirs.reset_classifier(0)

    with torch.no_grad():
        assert torch.equal(split(network)[0](pictures), theirs(pictures))
