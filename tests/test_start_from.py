"""First weights from a finished run."""

import pytest
import torch

from convscope.errors import ModelFileError, RunError
from convscope.models import zoo
from convscope.models.bundle import Bundle, Card
from convscope.training.recipes.start_from import start_from

FIRST_FOUR = ["features.conv1_1", "features.conv2_1", "features.conv3_1", "features.conv3_2"]
DENSE = ["classifier.fc6", "classifier.fc7", "classifier.fc8"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run's folder that holds a network with weights of its own: (name, classes, size) to the folder."""

    def make(name, classes=3, size=32):
        folder = tmp_path_factory.mktemp(name)
        torch.manual_seed(7)
        row = zoo.find(name)
        network = row.build(classes, row.channels, size)
        card = Card(
            convscope="0", network=name, classes=tuple(map(str, range(classes))),
            preprocess=row.preprocess(size, row.channels),
        )  # fmt: skip
        Bundle(card, network.state_dict()).save(folder / "model.safetensors")
        return folder, network.state_dict()

    return make


def built(name, classes=3, size=32):
    torch.manual_seed(1)
    return zoo.build(name, classes, size=size)


def changed(network, taken, trained, before):
    """Names of layers whose tensors are the trained ones; the others must be as before."""
    found = set()
    for name, values in network.state_dict().items():
        layer = name.rpartition(".")[0]
        if layer in taken:
            assert torch.equal(values, trained[name])
            found.add(layer)
        else:
            assert torch.equal(values, before[name])
    return found


@pytest.fixture(scope="module")
def a(finished):
    return finished("vgg11")


@pytest.mark.parametrize("name", ["vgg13", "vgg16"])
def test_a_deeper_vgg_takes_four_convolutions_and_the_dense_layers(a, name):
    folder, trained = a
    network = built(name)
    before = {key: values.clone() for key, values in network.state_dict().items()}
    taken = start_from(network, folder)

    assert taken == FIRST_FOUR + DENSE
    assert changed(network, taken, trained, before) == set(FIRST_FOUR + DENSE)


def test_the_scoring_layer_stays_where_classes_differ(a):
    assert start_from(built("vgg13", classes=5), a[0]) == FIRST_FOUR + DENSE[:2]


def test_the_same_network_takes_everything(a):
    folder, trained = a
    network = built("vgg11")
    start_from(network, folder / "model.safetensors")

    assert all(torch.equal(values, trained[name]) for name, values in network.state_dict().items())


def test_statistics_of_batch_norm_come_along(finished):
    folder, _ = finished("resnet20_cifar")
    network = built("resnet20_cifar", classes=4)
    taken = start_from(network, folder)

    assert "classifier.scores" not in taken
    assert any("norm" in name or "bn" in name for name in taken)


def test_a_run_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ModelFileError, match="no model there"):
        start_from(built("vgg13"), tmp_path / "nowhere")


def test_nothing_in_common_is_one_line(finished):
    folder, _ = finished("resnet20_cifar")
    with pytest.raises(RunError, match="no layer of its resnet20_cifar") as told:
        start_from(built("vgg13"), folder)
    assert "\n" not in str(told.value)
