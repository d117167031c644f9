"""Dense evaluation against the single crop, convolutions written out, and the same network slid over the picture."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.evaluation.dense import Places
from convscope.evaluation.views import whole
from convscope.inference.engine import Engine
from convscope.models import zoo
from convscope.models.heads import split
from tests.conftest import COLOURS, paint
from tests.untrained import untrained

# the five families at the size they were made for, then all that is built otherwise
AT_TRAINING_SIZE = [
    ("alexnet", 227), ("vgg11", 224), ("googlenet", 224), ("resnet50", 224), ("mobilenet_v2", 224),
    ("alexnet_owt", 224), ("vgg11_bn", 64), ("googlenet_tv", 64), ("resnet20_cifar", 32), ("mobilenet_v1_025_same", 64),
    ("mobilenet_v3_small", 64), ("zfnet", 224), ("nin", 32), ("allcnn", 32), ("lenet5", 32), ("lenet_caffe", 28),
    ("course_cnn", 28),
]  # fmt: skip


def built(name, size, classes=5):
    torch.manual_seed(0)
    return zoo.build(name, classes=classes, channels=3, size=size).eval()


@pytest.mark.parametrize(("name", "size"), AT_TRAINING_SIZE)
@torch.inference_mode()
def test_at_the_training_size_it_is_the_single_crop(name, size):
    network, pictures = built(name, size), torch.randn(2, 3, size, size)
    single = network(pictures)

    dense = split(network)[1](Places(network, 3, size)(pictures))

    assert dense.shape == (2, 5)
    assert torch.softmax(dense, 1).numpy() == pytest.approx(torch.softmax(single, 1).numpy(), abs=1e-5)
    assert torch.allclose(dense, single, rtol=1e-5, atol=1e-5 * float(single.abs().max()))


@pytest.mark.parametrize(("name", "size", "kernel", "larger"), [("alexnet", 227, 6, 291), ("vgg11", 224, 7, 288)])
@torch.inference_mode()
def test_it_is_the_network_whose_dense_layers_became_convolutions(name, size, kernel, larger):
    """The paper's way: fc6 as a convolution of the map's size, fc7 and fc8 as 1x1, with the same numbers."""
    network, pictures = built(name, size), torch.randn(1, 3, larger, larger + 40)
    x = network.features(pictures)
    for layer, side in ((network.classifier.fc6, kernel), (network.classifier.fc7, 1), (network.classifier.fc8, 1)):
        weight = layer.weight.view(layer.out_features, -1, side, side)
        x = functional.conv2d(x if side > 1 else functional.relu(x), weight, layer.bias)

    dense = network.classifier.fc8(Places(network, 3, size)(pictures))

    assert x.shape[2] > 1
    assert x.shape[3] > 1
    assert dense.numpy() == pytest.approx(x.permute(0, 2, 3, 1).flatten(0, 2).numpy(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", ["googlenet", "resnet18", "mobilenet_v2_same"])
@torch.inference_mode()
def test_it_is_the_network_whose_last_pool_slides(name):
    network, pictures = built(name, 224), torch.randn(2, 3, 256, 320)
    means = functional.avg_pool2d(network.features(pictures), 7, stride=1)
    weight, bias = network.classifier.scores.weight, network.classifier.scores.bias
    expected = functional.conv2d(means, weight[:, :, None, None], bias)

    dense = network.classifier.scores(Places(network, 3, 224)(pictures))

    assert expected.shape[2:] == (2, 4)
    assert dense.numpy() == pytest.approx(expected.permute(0, 2, 3, 1).flatten(0, 2).numpy(), rel=1e-4, abs=1e-5)


@torch.inference_mode()
def test_a_network_without_padding_is_itself_slid_over_the_picture():
    """Caffe's LeNet moves by 4 pixels a cell: every place is the network's answer to a window of the picture."""
    network, picture = built("lenet_caffe", 28), torch.randn(1, 3, 36, 44)
    slid = [
        network(picture[:, :, top : top + 28, left : left + 28]) for top in range(0, 9, 4) for left in range(0, 17, 4)
    ]

    dense = split(network)[1](Places(network, 3, 28)(picture))

    assert dense.numpy() == pytest.approx(torch.cat(slid).numpy(), abs=1e-5)


def test_on_pictures_of_the_training_size_it_answers_as_the_centre_does(tmp_path):
    for number, name in enumerate(COLOURS):
        for index in range(3):
            paint(tmp_path / name / f"{index}.png", COLOURS[name], size=(32, 32), seed=10 * number + index)
    bundle = untrained("resnet20_cifar", 32, temperature=2.0)

    dense, centre = (cs.evaluate(bundle, tmp_path, views=views).predictions for views in ("dense", "centre"))

    assert dense.files == centre.files
    assert dense.probabilities == pytest.approx(centre.probabilities, abs=1e-5)


def test_probabilities_are_averaged_over_the_places_of_each_picture(tmp_path):
    """Pictures of several shapes in one batch: each is answered by the mean over its own windows, 4 pixels apart."""
    sizes = [(40, 28), (28, 36), (28, 28), (40, 28)]
    for number, size in enumerate(sizes):
        paint(tmp_path / "red" / f"{number}.png", COLOURS["red"], size=size, seed=number)
        paint(tmp_path / "blue" / f"{number}.png", COLOURS["blue"], size=size, seed=90 + number)
    bundle = untrained("lenet_caffe", 28)

    found = cs.evaluate(bundle, tmp_path, views="dense").predictions

    listing = cs.read(tmp_path)
    for row, file in enumerate(listing.files):
        picture = listing.picture(row)
        windows = torch.stack([
            picture[:, top : top + 28, left : left + 28]
            for top in range(0, picture.shape[1] - 27, 4) for left in range(0, picture.shape[2] - 27, 4)
        ])  # fmt: skip
        expected = Engine(bundle).probabilities(windows).astype(np.float64).mean(axis=0)
        assert found.probabilities[found.files.index(file)] == pytest.approx(expected, abs=1e-6)


def test_the_whole_picture_has_the_size_at_which_the_crop_was_seen():
    photo = untrained("resnet18", 224, share=0.875).card.preprocess

    assert whole(photo, 500, 375) == ((0, 0, 375, 500), 256, 341)
    assert whole(photo, 224, 224) == ((0, 0, 224, 224), 256, 256)
    assert whole(photo, 5000, 100) == ((0, 2300, 100, 400), 256, 1024)  # no strip of any length
    for resize in ("squash", "pad"):
        assert whole(photo.model_copy(update={"resize": resize}), 500, 375)[1:] == (224, 224)


@pytest.mark.parametrize("resize", ["squash", "pad"])
def test_a_model_that_sees_the_whole_picture_anyway_answers_as_before(photos, resize):
    bundle = untrained("course_cnn", 28, resize=resize)

    dense, centre = (cs.evaluate(bundle, photos, views=views).predictions for views in ("dense", "centre"))

    assert dense.probabilities == pytest.approx(centre.probabilities, abs=1e-5)


def test_a_broken_picture_is_named(photos):
    (photos / "red" / "005.png").write_bytes(b"broken")

    report = cs.evaluate(untrained(), photos, views="dense")

    assert (report.n, [fault["file"] for fault in report.broken]) == (35, ["red/005.png"])


def test_networks_without_a_map_are_refused_with_those_that_can(photos):
    from convscope.models.pretrained.timm_networks import TimmNetwork

    with pytest.raises(ConvscopeError, match="one of timm's; allowed: networks of the zoo"):
        Places(TimmNetwork("resnet10t", 3).eval(), 3, 64)
    with pytest.raises(ConvscopeError, match="--engine openvino: --views dense computes in torch"):
        cs.evaluate(untrained(), photos, views="dense", backend="openvino")
