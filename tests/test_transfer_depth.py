"""What is frozen stays as it is, and what is trained learns at the rate of its depth."""

import copy

import pytest
import torch
from torch import nn, optim

from convscope.models import own, zoo
from convscope.models.heads import linear, split, with_linear_head
from convscope.training.transfer.depth import blocks_at, freeze, groups, train_mode, unfreeze

SEVERAL = [
    "lenet5", "nin", "alexnet_owt", "vgg11_bn", "googlenet", "googlenet_tv", "resnet18", "mobilenet_v1_025",
    "mobilenet_v2_same", "mobilenet_v3_small", "timm:resnet18", "timm:vit_tiny_patch16_224",
]  # fmt: skip
NORMED = ["vgg11_bn", "googlenet_tv", "resnet18", "mobilenet_v3_small", "timm:resnet18"]


def outlined(name, classes=4):
    """A network with a linear head that has shapes only."""
    row = zoo.find(name)
    with torch.device("meta"):
        return with_linear_head(row.build(classes, row.channels, row.sizes[0]), classes)


def built(name, classes=4):
    """A small network with a linear head, and a function that makes pictures for it."""
    torch.manual_seed(0)
    row = zoo.find(name)
    size = 64 if name.startswith("timm:") else row.sizes[-1]
    network = with_linear_head(row.build(classes, row.channels, size), classes)
    return network, torch.randn(4, row.channels, size, size)


def trainable(network):
    return sum(values.numel() for values in network.parameters() if values.requires_grad)


def loss_of(network, pictures):
    """A loss that every head of the network has a part in."""
    answers = network(pictures)
    return sum(
        nn.functional.cross_entropy(scores, torch.tensor([0, 0, 0, 1]))
        for scores in (answers if isinstance(answers, tuple) else (answers,))
    )


# facts.md, section 9
FROZEN = {
    ("resnet18", 2): 1_026, ("resnet50", 2): 4_098, ("mobilenet_v2", 5): 6_405, ("mobilenet_v3_small", 5): 5_125,
    ("mobilenet_v3_large", 5): 6_405, ("vgg16", 5): 20_485, ("alexnet_owt", 5): 20_485, ("googlenet_tv", 5): 5_125,
}  # fmt: skip


@pytest.mark.parametrize(("name", "classes"), FROZEN)
def test_frozen_only_the_published_number_of_parameters_is_trained(name, classes):
    network = outlined(name, classes)
    every = trainable(network)

    freeze(network)
    assert trainable(network) == FROZEN[name, classes]
    assert {id(v) for v in network.parameters() if v.requires_grad} == {id(v) for v in linear(network).parameters()}
    unfreeze(network, 3)
    assert trainable(network) == every


def trained_a_step(network, pictures, mode):
    """All buffers before and after a step in training mode."""
    optimiser = optim.SGD(groups(network, 0.1), 0.1)
    before = copy.deepcopy(dict(network.named_buffers()))
    mode(network)
    loss_of(network, pictures).backward()
    optimiser.step()
    return before, dict(network.named_buffers())


@pytest.mark.parametrize("name", NORMED)
def test_frozen_normalisation_keeps_its_statistics(name):
    network, pictures = built(name)
    freeze(network)
    kept = {key: value.clone() for key, value in split(network)[0].state_dict().items()}
    head = linear(network).bias.clone()

    before, after = trained_a_step(network, pictures, train_mode)

    assert before
    assert all(torch.equal(value, before[key]) for key, value in after.items())
    assert all(torch.equal(value, kept[key]) for key, value in split(network)[0].state_dict().items())
    assert not torch.equal(linear(network).bias, head)
    assert network.training


def test_requires_grad_alone_would_not_keep_them():
    network, pictures = built("resnet18")
    freeze(network)

    before, after = trained_a_step(network, pictures, lambda network: network.train())

    assert not any(torch.equal(value, before[key]) for key, value in after.items())


def test_normalisation_without_parameters_of_its_own_is_as_frozen_as_what_holds_it():
    body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, affine=False), nn.Dropout())
    network = nn.Sequential(body, nn.Linear(2, 2))

    train_mode(network)
    assert body[1].training
    body.requires_grad_(False)
    train_mode(network)
    assert not body[1].training
    assert body[2].training  # dropout has no statistics to lose


@pytest.mark.parametrize("name", SEVERAL)
def test_every_parameter_is_in_one_group_and_rates_fall_towards_the_input(name):
    network = outlined(name)
    places = {id(values): place for place, (key, values) in enumerate(network.named_parameters()) if "aux_" not in key}

    made = groups(network, rate=0.01, factor=2)

    members = [id(values) for group in made for values in group["params"]]
    assert sorted(members) == sorted(id(values) for values in network.parameters())
    assert [made[0]["name"], made[0]["lr"], made[0]["share"]] == ["head", 0.01, 1.0]
    assert {id(v) for v in linear(network).parameters()} <= {id(v) for g in made[:2] for v in g["params"]}
    shares = {group["name"]: group["share"] for group in made}
    assert shares == {"head": 1.0, "block 1": 0.1, "block 2": 0.05, "block 3": 0.025}
    assert all(group["lr"] == pytest.approx(0.01 * group["share"]) for group in made)
    last = len(network.state_dict())
    for block in ("block 1", "block 2", "block 3"):
        found = [places[id(v)] for group in made if group["name"] == block for v in group["params"] if id(v) in places]
        assert max(found) < last  # all of it comes before what the faster block has
        last = min(found)


def test_blocks_have_about_as_many_layers():
    network = outlined("vgg16")

    matrices = [len(group["params"]) for group in groups(network, 1.0) if "weight_decay" not in group]

    assert matrices == [1, 5, 5, 5]  # the head, and thirteen convolutions and two dense layers


def test_a_normalisation_has_the_rate_of_its_convolution():
    network = outlined("resnet18")
    rate = {id(values): group["share"] for group in groups(network, 1.0) for values in group["params"]}
    named = dict(network.named_parameters())

    pairs = [(name, name.replace("conv", "norm")) for name in named if "conv" in name]

    assert len(pairs) == 20
    assert all(rate[id(named[conv])] == rate[id(named[norm])] for conv, norm in pairs)


def test_biases_and_normalisation_do_not_decay():
    network, _ = built("resnet18")
    before = {name: values.detach().clone() for name, values in network.named_parameters()}
    optimiser = optim.SGD(groups(network, 0.1), 0.1, weight_decay=0.5)
    for values in network.parameters():
        values.grad = torch.zeros_like(values)

    optimiser.step()

    for name, values in network.named_parameters():
        assert torch.equal(values, before[name]) == (values.ndim == 1), name


@pytest.mark.parametrize("name", ["googlenet_tv", "resnet18", "timm:resnet18"])
def test_a_step_moves_each_block_by_its_own_rate(name):
    network, _ = built(name)
    before = {id(values): values.detach().clone() for values in network.parameters()}
    made = groups(network, 0.5)
    optimiser = optim.SGD(made, 0.5)
    for values in network.parameters():
        values.grad = torch.ones_like(values)

    optimiser.step()

    moved = {"head": 0.5, "block 1": 0.05, "block 2": 0.05 / 2.6, "block 3": 0.05 / 2.6**2}
    for group in made:
        for values in group["params"]:
            assert torch.allclose(before[id(values)] - values, torch.tensor(moved[group["name"]]), atol=1e-6)


def test_last_layers_of_heads_that_serve_training_learn_as_the_head_does():
    network = outlined("googlenet_tv")
    head = {id(values) for group in groups(network, 1.0) if group["name"] == "head" for values in group["params"]}

    fresh = {name for name, values in network.named_parameters() if id(values) in head}

    layers = ("classifier.scores", "aux_4a.fc2", "aux_4d.fc2")
    assert fresh == {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}


@pytest.mark.parametrize("name", SEVERAL)
def test_blocks_join_one_after_the_other(name):
    network = outlined(name)
    parts = {}
    for group in groups(network, 1.0):
        parts[group["name"]] = parts.get(group["name"], 0) + sum(values.numel() for values in group["params"])
    expected = 0

    for blocks, part in enumerate(("head", "block 1", "block 2", "block 3")):
        unfreeze(network, blocks)
        expected += parts[part]
        assert trainable(network) == expected


def test_only_normalisation_of_blocks_that_have_joined_is_trained():
    network, _ = built("resnet18")
    unfreeze(network, 1)

    train_mode(network)

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {norm.training for norm in norms} == {True, False}
    assert all(norm.training == norm.weight.requires_grad for norm in norms)


def test_a_network_of_ones_own_without_hidden_layers_has_a_head_alone():
    network = own.row(own.parse({"name": "mine", "input": [1, 8, 8], "layers": ["flatten"]}, "mine")).build(2, 1, 8)

    assert {group["name"] for group in groups(network, 1.0)} == {"head"}
    unfreeze(network, 3)
    assert trainable(network) == 2 * 64 + 2


def test_a_network_of_ones_own_with_two_layers_has_two_blocks():
    layers = [{"conv": {"filters": 4, "kernel": 3}}, "norm", "relu", {"dense": 5}]
    network = own.row(own.parse({"name": "mine", "input": [1, 8, 8], "layers": layers}, "mine")).build(2, 1, 8)

    assert [group["name"] for group in groups(network, 1.0)][::2] == ["head", "block 1", "block 2"]


@pytest.mark.parametrize(
    ("epochs", "blocks"),
    [(1, [3]), (2, [0, 3]), (3, [0, 3, 3]), (4, [0, 2, 3, 3]), (5, [0, 2, 3, 3, 3]), (8, [0, 1, 2, 3, 3, 3, 3, 3])],
)
def test_the_second_half_of_the_epochs_trains_everything(epochs, blocks):
    assert [blocks_at(epoch, epochs) for epoch in range(1, epochs + 1)] == blocks
