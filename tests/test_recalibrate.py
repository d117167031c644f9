"""Folded batch norm is found, measured anew, and answers as before, but now in training as well."""

import copy
from itertools import pairwise

import pytest
import torch
from torch import nn

from convscope.data.decode import decode
from convscope.models import zoo
from convscope.models.heads import with_linear_head
from convscope.models.pretrained import importing
from convscope.training.transfer.recalibrate import folded, recalibrate
from convscope.words import Listener


def trained(name="mobilenet_v2_same", size=64):
    """A network whose batch norm has learned something: statistics of pictures, scales and shifts at random."""
    torch.manual_seed(0)
    network = zoo.build(name, 5, size=size).train()
    with torch.no_grad():
        for layer in norms(network):
            layer.weight.uniform_(0.5, 1.5)
            layer.bias.normal_()
        for _ in range(8):
            network(torch.randn(8, 3, size, size))
    return network.eval()


def norms(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def fold(network):
    """Multiply every convolution by what its normalisation does, and leave a neutral one with the shift."""
    network = copy.deepcopy(network)
    parts = list(network.modules())
    with torch.no_grad():
        for conv, norm in pairwise(parts):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                gain = norm.weight / (norm.running_var + norm.eps).sqrt()
                conv.weight *= gain[:, None, None, None]
                norm.bias -= norm.running_mean * gain
                norm.weight.fill_(1)
                norm.running_mean.zero_()
                norm.running_var.fill_(1 - norm.eps)
    return network


@pytest.fixture
def real(shared):
    """MobileNet v2 with TensorFlow's folded weights, as they are borrowed."""
    file = shared.parent / "weights" / "mobilenet_v2_tf.safetensors"
    return importing.borrow(file, "mobilenet_v2_same", classes="imagenet").bundle


def test_a_trained_network_has_no_folded_normalisation_and_its_folded_twin_has_nothing_else():
    network = trained()
    twin = fold(network)
    picture = torch.randn(2, 3, 64, 64)

    assert folded(network) == []
    assert len(folded(twin)) == len(norms(network)) == 52
    with torch.no_grad():
        assert torch.allclose(twin(picture), network(picture), rtol=1e-3, atol=1e-4 * network(picture).abs().max())


def test_one_layer_that_was_not_folded_is_left_out():
    network = fold(trained())
    layer = network.features.block3.body.project.norm

    layer.running_mean[0] = 0.1
    assert "features.block3.body.project.norm" not in folded(network)
    layer.running_mean[0] = 0
    assert "features.block3.body.project.norm" in folded(network)
    layer.running_var[0] = 1.1
    assert "features.block3.body.project.norm" not in folded(network)


def test_statistics_are_those_of_all_batches_together():
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm2d(3))
    lots = [3 * torch.randn(5, 3, 4, 4) + 100, torch.randn(2, 3, 4, 4) - 7, torch.randn(1, 3, 4, 4)]

    assert recalibrate(network, lots) == 1

    every = torch.cat(lots).double().numpy()
    assert network[0].running_mean.numpy() == pytest.approx(every.mean(axis=(0, 2, 3)), rel=1e-6)
    assert network[0].running_var.numpy() == pytest.approx(every.var(axis=(0, 2, 3)), rel=1e-6)
    assert network[0].num_batches_tracked == 0


def test_answers_stay_and_training_answers_as_evaluation_does():
    network = trained()
    twin = fold(network)
    pictures = torch.randn(16, 3, 64, 64)
    with torch.no_grad():
        before = twin(pictures)
        spoilt = copy.deepcopy(twin).train()(pictures)

    assert recalibrate(twin, pictures.split(8)) == 52

    with torch.no_grad():
        after = twin(pictures)
        for dropout in (layer for layer in twin.train().modules() if isinstance(layer, nn.Dropout)):
            dropout.eval()
        learning = twin(pictures)
    size = before.abs().max()
    assert (after - before).abs().max() <= 1e-4 * size
    assert (learning - before).abs().max() <= 1e-2 * size  # the batch is the very one that was measured
    assert (spoilt - before).abs().max() > 0.5 * size
    assert folded(twin) == []


def test_a_channel_that_is_always_the_same_stays_finite():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 2))
    with torch.no_grad():
        network[0].weight[0] = 0
    pictures = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        before = network.eval()(pictures)

    recalibrate(network, [pictures])

    assert network[1].running_var[0] == 0
    with torch.no_grad():
        assert torch.allclose(network(pictures), before, atol=1e-5)
        assert torch.isfinite(network.train()(pictures)).all()


def test_layers_that_nothing_reached_and_no_pictures_at_all_change_nothing():
    network = zoo.build("googlenet_tv", 3, size=32)
    with_linear_head(network, 3)
    before = {key: value.clone() for key, value in network.state_dict().items()}

    assert recalibrate(network, []) == 0
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    reached = recalibrate(network, [torch.randn(2, 3, 32, 32)])
    assert reached == len(norms(network)) - 2  # one in each head that serves training only
    assert torch.equal(network.aux_4a.conv.norm.running_mean, torch.zeros(128))


def test_it_tells_how_far_it_is():
    told = []

    class Hears(Listener):
        def progress(self, stage, done, total):
            told.append((stage, done, total))

    recalibrate(nn.Sequential(nn.BatchNorm2d(1)), torch.randn(5, 1, 2, 2).split(2), Hears(), pictures=5)

    assert told == [("recalibrate", 2, 5), ("recalibrate", 4, 5), ("recalibrate", 5, 5)]


def test_tensorflows_folded_weights_recognise_photos_in_training_only_when_recalibrated(real, shared):
    network = real.network().to(memory_format=torch.channels_last)
    files = sorted((shared / "imagenet-sample").glob("*.JPEG"))[:64]
    labels = torch.tensor([real.card.codes.index(file.name[:9]) for file in files])
    preprocess = real.card.preprocess
    x = torch.stack([preprocess.scale(preprocess.fit(decode(file.read_bytes()))) for file in files])
    x = x.contiguous(memory_format=torch.channels_last)

    def top1(scores):
        return (scores.argmax(dim=1) == labels).float().mean().item()

    assert len(folded(network)) == len(norms(network)) == 52
    with torch.no_grad():
        scores = network(x)
        assert top1(scores) > 0.8
        assert top1(copy.deepcopy(network).train()(x)) < 0.05

        assert recalibrate(network, x.split(32)) == 52

        assert (network(x) - scores).abs().max() <= 1e-4 * scores.abs().max()
        torch.manual_seed(0)
        assert top1(network.train()(x)) >= top1(scores) - 0.1


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v2_same"])
def test_folded_weights_are_seen_through_either_epsilon(shared, name):
    file = shared.parent / "weights" / "mobilenet_v2_tf.safetensors"

    network = importing.borrow(file, name).bundle.network()

    assert network.features.stem.norm.eps == (1e-3 if name.endswith("_same") else 1e-5)
    assert len(folded(network)) == 52


def test_weights_with_normalisation_of_their_own_are_left_alone(shared):
    file = shared.parent / "weights" / "mobilenet_v1_025_keras.safetensors"

    assert folded(importing.borrow(file, "mobilenet_v1_025_same").bundle.network()) == []
