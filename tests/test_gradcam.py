"""Grad-CAM against Captum's, against class activation maps by hand, and what it leaves behind."""

import copy
import warnings
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional

from convscope.errors import ModelError
from convscope.explanation.gradcam import gradcam
from convscope.models import zoo

# one of each family whose last map has more than one cell at that size
SIZES = {
    "lenet5_modern": 28,
    "lenet_caffe": 28,
    "nin": 32,
    "allcnn": 32,
    "course_cnn": 64,
    "alexnet": 128,
    "vgg11_bn": 64,
    "googlenet": 64,
    "googlenet_tv": 64,
    "resnet18": 64,
    "resnet20_cifar": 32,
    "mobilenet_v1_025": 64,
    "mobilenet_v2": 64,
    "mobilenet_v2_same": 64,
    "mobilenet_v3_small": 64,
}


def fresh(name: str, size: int, classes: int = 5) -> nn.Module:
    torch.manual_seed(7)
    channels = 1 if name.startswith("le") else 3
    return zoo.build(name, classes=classes, channels=channels, size=size)


def pictures(network: nn.Module, size: int, count: int = 2) -> torch.Tensor:
    channels = next(p for p in network.parameters() if p.ndim == 4).shape[1]
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(1))


def captums(network: nn.Module, layer: nn.Module, x: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attr = pytest.importorskip("captum.attr")
        maps = attr.LayerGradCam(network, layer).attribute(x, classes, relu_attributions=True)[:, 0]
    largest = maps.amax(dim=(1, 2), keepdim=True)
    return (maps / largest.where(largest > 0, 1.0)).detach()


@pytest.mark.parametrize("name", SIZES)
def test_every_family_gives_what_captum_gives(name):
    network = fresh(name, SIZES[name]).eval()
    x, classes = pictures(network, SIZES[name]), torch.tensor([1, 3])

    ours = gradcam(network, x, classes)

    expected = captums(network, network.get_submodule("features"), x, classes)
    assert expected.shape[-1] > 1
    assert float(expected.max()) == 1
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("layer", ["features.conv2", "features.mlp3a", "features.relu1", "features.pool1"])
def test_any_named_layer_gives_what_captum_gives(layer):
    network = fresh("nin", 32).eval()
    x, classes = pictures(network, 32), torch.tensor([0, 2])

    ours = gradcam(network, x, classes, layer)

    torch.testing.assert_close(ours, captums(network, network.get_submodule(layer), x, classes), atol=1e-5, rtol=0)


def test_a_network_of_timms_gives_what_captum_gives():
    torch.manual_seed(0)
    network = zoo.build("timm:resnet18", classes=4, size=64).eval()
    x, classes = pictures(network, 64), torch.tensor([0, 3])

    expected = captums(network, network.body.layer4, x, classes)
    torch.testing.assert_close(gradcam(network, x, classes), expected, atol=1e-5, rtol=0)


def test_a_network_of_ones_own_is_looked_into(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "input: [3, 32, 32]\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - pool: 2\n  - dense: {units: 8}\n"
    )
    network = zoo.build(str(file), classes=3).eval()

    heat = gradcam(network, pictures(network, 32), torch.tensor([0, 1]))

    assert heat.shape == (2, 15, 15)


def test_behind_a_mean_and_one_linear_layer_it_is_the_class_activation_map():
    """Zhou et al., 2016: the weighted sum of the maps; its ReLU, by its own maximum (Selvaraju et al., section 3.1)."""
    torch.manual_seed(0)
    linear = nn.Linear(3, 2)
    layers = {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "linear": linear}
    network = nn.Sequential(OrderedDict(features=nn.Conv2d(1, 3, 3), classifier=nn.Sequential(OrderedDict(layers))))
    x = torch.randn(1, 1, 7, 7)

    ours = gradcam(network, x, torch.tensor([1]))[0]

    maps = network.features(x)[0]
    cam = sum(linear.weight[1, channel] * maps[channel] for channel in range(3)).relu()
    torch.testing.assert_close(ours, (cam / cam.max()).detach())


def test_lenet5_is_looked_at_where_its_map_still_has_cells():
    network = fresh("lenet5", 32, classes=10).eval()
    x, classes = pictures(network, 32), torch.tensor([4, 9])

    ours = gradcam(network, x, classes)

    assert ours.shape == (2, 5, 5)
    torch.testing.assert_close(ours, captums(network, network.features.s4_squash, x, classes), atol=1e-5, rtol=0)


def test_several_classes_of_a_picture_are_what_each_is_alone():
    network = fresh("resnet20_cifar", 32).eval()
    x, classes = pictures(network, 32), torch.tensor([[0, 4], [2, 2]])

    both = gradcam(network, x, classes)

    for place in (0, 1):
        torch.testing.assert_close(both[:, place], gradcam(network, x, classes[:, place]))


def test_where_nothing_speaks_for_a_class_the_map_is_nought():
    network = nn.Sequential(OrderedDict(features=nn.Identity(), classifier=nn.Flatten()))

    heat = gradcam(network, -torch.ones(1, 1, 2, 2), torch.tensor([0]))

    assert heat.tolist() == [[[0, 0], [0, 0]]]


@pytest.mark.parametrize("layer", [None, "features.conv1"])
def test_the_network_is_left_as_it_was(layer):
    network = fresh("nin", 32).train()
    network.features.conv2.eval()
    network.features.conv1.weight.requires_grad_(False)
    before = copy.deepcopy(network.state_dict())
    modes = [part.training for part in network.modules()]
    functional.cross_entropy(network(pictures(network, 32)), torch.tensor([0, 1])).backward()
    gradients = [None if p.grad is None else p.grad.clone() for p in network.parameters()]

    with torch.inference_mode():
        gradcam(network, pictures(network, 32), torch.tensor([0, 1]), layer)

    assert [part.training for part in network.modules()] == modes
    assert not any(part._forward_hooks for part in network.modules())
    assert not network.features.conv1.weight.requires_grad
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert (parameter.grad is None) if gradient is None else torch.equal(parameter.grad, gradient)


def test_a_crash_leaves_the_network_as_it_was_too():
    network = fresh("nin", 32).train()

    with pytest.raises(RuntimeError):
        gradcam(network, torch.zeros(1, 5, 32, 32), torch.tensor([0]), "features.conv1")

    assert all(part.training for part in network.modules())
    assert not any(part._forward_hooks for part in network.modules())


def test_batch_normalisation_sees_none_of_it():
    network = fresh("resnet20_cifar", 32).train()
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}

    gradcam(network, pictures(network, 32), torch.tensor([0, 1]))

    assert all(torch.equal(before[name], buffer) for name, buffer in network.named_buffers())


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("features.cnv1", "layer features.cnv1: the network has none of that name; did you mean features.conv1"),
        ("classifier.scores.flatten", "layer classifier.scores.flatten: gives 5, no map"),
    ],
)
def test_a_layer_that_cannot_be_looked_at_is_refused_in_one_line(layer, sentence):
    with pytest.raises(ModelError, match=sentence):
        gradcam(fresh("nin", 32), torch.zeros(1, 3, 32, 32), torch.tensor([0]), layer)


@pytest.mark.parametrize(
    ("name", "sentence"), [("vit_tiny_patch16_224", "no map"), ("swin_tiny_patch4_window7_224", "channels last")]
)
def test_a_transformer_is_refused_in_one_line(name, sentence):
    network = zoo.build(f"timm:{name}", classes=2)

    with pytest.raises(ModelError, match=sentence):
        gradcam(network, torch.zeros(1, 3, 224, 224), torch.tensor([0]))


def test_a_network_without_halves_needs_the_name_of_a_layer():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten())
    x, classes = torch.ones(1, 1, 2, 2), torch.tensor([0])

    with pytest.raises(ModelError, match="name the layer"):
        gradcam(network, x, classes)
    assert gradcam(network, x, classes, "0").shape == (1, 2, 2)
