"""Borrowed weights under a new head: torchvision's, Keras's, Caffe's and our own, in other sizes and channels."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision
from torch import nn

from convscope.errors import ModelError, ModelFileError
from convscope.models import own, zoo
from convscope.models.bundle import FILE, Bundle, Card
from convscope.models.heads import embedding, linear, split, with_linear_head
from convscope.models.pretrained import catalogue, shelf
from convscope.models.pretrained.at_hand import weights_for
from convscope.training.transfer.start import missing, start

# ours: (torchvision's, where its scoring layer is, parameters of a new one for five classes: facts.md, section 9)
BORROWED = {
    "alexnet_owt": ("alexnet", "classifier.6", 20_485),
    "vgg16": ("vgg16", "classifier.6", 20_485),
    "googlenet_tv": ("googlenet", "fc", 5_125),
    "resnet18": ("resnet18", "fc", 2_565),
    "mobilenet_v3_large": ("mobilenet_v3_large", "classifier.3", 6_405),
}


@pytest.fixture(scope="module", params=BORROWED)
def borrowed(request, tmp_path_factory):
    """One of torchvision's networks with random values, and its state dict as a file, which is deleted afterwards."""
    theirs, head, parameters = BORROWED[request.param]
    more = {"init_weights": False} if theirs == "googlenet" else {}
    torch.manual_seed(0)
    network = getattr(torchvision.models, theirs)(weights=None, **more)
    file = tmp_path_factory.mktemp(request.param) / "theirs.safetensors"
    safetensors.torch.save_file(network.state_dict(), file)
    network.set_submodule(head, nn.Identity())
    yield request.param, network.eval(), file, parameters
    file.unlink()


def saved(file: Path, name, classes=4, card=None, **sizes) -> nn.Module:
    """A network with random values, its weights in a file."""
    torch.manual_seed(0)
    network = zoo.build(name, classes, **sizes).eval()
    if card:
        Bundle(card, network.state_dict()).save(file)
    else:
        safetensors.torch.save_file(network.state_dict(), file)
    return network


def test_torchvisions_weights_are_borrowed_whole_but_for_the_head(borrowed):
    name, theirs, file, parameters = borrowed
    picture = torch.randn(1, 3, 64, 64)

    begun = start(name, None, file, classes=5, channels=3, size=64, resize="squash")

    with torch.no_grad():
        found = embedding(split(begun.network)[0](picture))
        scores = begun.network(picture)
    assert torch.allclose(found, theirs(picture), rtol=1e-4, atol=1e-5 * found.abs().max().item())
    assert scores.shape == (1, 5)
    assert sum(values.numel() for values in linear(begun.network).parameters()) == parameters
    assert all(values.requires_grad for values in begun.network.parameters())
    assert not any(module.training for module in begun.network.modules())
    usual = zoo.find(name).borrowed_preprocess()
    assert begun.preprocess == usual.model_copy(update={"size": 64, "resize": "squash"})
    assert (begun.licence, begun.source) == ("unknown", "theirs.safetensors")
    assert begun.sha256 == shelf.sha256_of(file)


def test_the_weights_own_size_is_kept_and_one_that_they_do_not_fit_is_one_line(borrowed):
    name, _, file, _ = borrowed

    assert start(name, None, file, classes=5, channels=3).preprocess == zoo.find(name).borrowed_preprocess()
    if name == "mobilenet_v3_large":  # its windows are the same at any size, and of a thumbnail every pixel is used
        assert start(name, None, file, classes=5, channels=3, size=32).preprocess.share == 1.0
        return
    with pytest.raises(ModelError, match=f"^--size 32: the weights of {name} fit 224 pixels") as caught:
        start(name, None, file, classes=5, channels=3, size=32)
    assert len(str(caught.value).splitlines()) == 1
    assert "leave --size out" in str(caught.value)


def test_auxiliary_heads_keep_their_inner_layers_and_get_new_last_ones(tmp_path):
    file = tmp_path / "w.safetensors"
    before = saved(file, "googlenet_tv", size=64)

    network = start("googlenet_tv", None, file, classes=5, channels=3).network

    for ours, theirs in ((network.aux_4a, before.aux_4a), (network.aux_4d, before.aux_4d)):
        assert torch.equal(ours.conv.conv.weight, theirs.conv.conv.weight)
        assert torch.equal(ours.fc1.weight, theirs.fc1.weight)
        assert ours.fc2.weight.shape == (5, 1024)
    assert [scores.shape for scores in network.train()(torch.randn(2, 3, 64, 64))] == [(2, 5)] * 3


def test_weights_without_auxiliary_heads_bring_none(tmp_path):
    file = tmp_path / "w.safetensors"
    network = zoo.build("googlenet_tv", 4, size=64)
    kept = {key: value for key, value in network.state_dict().items() if not key.startswith("aux_")}
    safetensors.torch.save_file(kept, file)

    begun = start("googlenet_tv", None, file, classes=2, channels=3)

    assert begun.network.aux_4a is None
    assert begun.network.train()(torch.randn(2, 3, 64, 64)).shape == (2, 2)


def test_training_never_writes_into_the_file(tmp_path):
    file = tmp_path / "w.safetensors"
    saved(file, "mobilenet_v1_025")
    before = shelf.sha256_of(file)

    with torch.no_grad():
        for values in start("mobilenet_v1_025", None, file, classes=2, channels=3).network.parameters():
            values.add_(1)

    assert shelf.sha256_of(file) == before


def test_grey_pictures_before_tensorflows_weights_answer_as_repeated_ones(tmp_path):
    file = tmp_path / "w.safetensors"
    saved(file, "mobilenet_v2_same")
    grey = torch.randint(0, 256, (2, 1, 96, 96), dtype=torch.uint8)

    colour, one = (start("mobilenet_v2_same", None, file, classes=2, channels=channels) for channels in (3, 1))

    assert (one.preprocess.channels, one.preprocess.mean, one.preprocess.spread) == (1, (0.5,), (0.5,))
    with torch.no_grad():
        expected = split(colour.network)[0](colour.preprocess.scale(grey.expand(2, 3, 96, 96)))
        found = split(one.network)[0](one.preprocess.scale(grey))
    assert expected.abs().max() > 0
    assert torch.allclose(found, expected, atol=1e-5 * expected.abs().max().item())


def test_grey_pictures_before_imagenets_scale_answer_nearly_as_repeated_ones(tmp_path):
    file = tmp_path / "w.safetensors"
    saved(file, "resnet18", size=64)
    grey = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)

    colour, one = (start("resnet18", None, file, classes=2, channels=channels) for channels in (3, 1))

    kernels = colour.network.features.conv1.weight
    with torch.no_grad():
        expected = colour.network.features.conv1(colour.preprocess.scale(grey.expand(2, 3, 64, 64)))
        found = one.network.features.conv1(one.preprocess.scale(grey))
    # by hand: mean .449, and the channels' are .036, .007 and .043 off; over their spreads .157, .031 and .191
    off = torch.tensor([0.036 / 0.229, 0.007 / 0.224, 0.043 / 0.225]).view(1, 3, 1, 1)
    most = (kernels.abs() * off).sum(dim=(1, 2, 3)).view(1, -1, 1, 1)
    assert ((found - expected).abs() <= most + 1e-4).all()
    assert (found - expected).abs().max() > 1e-3  # close, not equal


def test_timms_weights_are_summed_for_grey_pictures_too(tmp_path):
    file = tmp_path / "w.safetensors"
    state = zoo.build("timm:resnet18", 4).body.state_dict()
    safetensors.torch.save_file(state, file)

    begun = start("timm:resnet18", None, file, classes=2, channels=1, size=64)

    scales = torch.tensor([sum((0.229, 0.224, 0.225)) / 3 / spread for spread in (0.229, 0.224, 0.225)])
    expected = torch.einsum("ocij,c->oij", state["conv1.weight"], scales)
    assert torch.allclose(begun.network.body.conv1.weight[:, 0], expected, atol=1e-6)
    assert begun.network(torch.zeros(1, 1, 64, 64)).shape == (1, 2)


def test_colour_pictures_before_grey_weights_are_made_grey(tmp_path):
    file = tmp_path / "w.safetensors"
    network = saved(file, "lenet_caffe", classes=10)
    picture = torch.rand(1, 1, 28, 28)

    begun = start("lenet_caffe", None, file, classes=3, channels=3)

    assert begun.preprocess == zoo.find("lenet_caffe").borrowed_preprocess()
    assert begun.preprocess.channels == 1
    with torch.no_grad():
        assert torch.equal(split(begun.network)[0](picture), split(network)[0](picture))


@pytest.mark.parametrize("name", ["lenet5", "nin", "resnet20_cifar"])
def test_a_model_file_of_ours_is_started_from_whatever_its_head(name, tmp_path):
    row = zoo.find(name)
    network = with_linear_head(row.build(4, row.channels, row.sizes[0]), 4).eval()
    card = Card(
        convscope="0", network=name, head="linear", classes=tuple("abcd"), licence="mit",
        preprocess=row.preprocess(row.sizes[0], row.channels, "pad"),
    )  # fmt: skip
    Bundle(card, network.state_dict()).save(tmp_path / FILE)

    begun = start(name, None, tmp_path / FILE, classes=2, channels=row.channels)

    picture = torch.rand(2, row.channels, row.sizes[0], row.sizes[0])
    with torch.no_grad():
        assert torch.equal(split(begun.network)[0](picture), split(network)[0](picture))
    assert (begun.preprocess, begun.licence) == (card.preprocess, "mit")
    assert linear(begun.network).out_features == 2


MINE = {"name": "mine", "input": [1, 8, 8], "layers": [{"conv": {"filters": 4, "kernel": 3}}, "relu", {"dense": 6}]}


def test_a_network_of_ones_own_starts_from_its_own_model_file_only(tmp_path):
    definition = own.parse(MINE, "mine")
    network = own.row(definition).build(2, 1, 8).eval()
    card = Card(
        convscope="0", network="mine", definition=definition.to_dict(), classes=("a", "b"),
        preprocess=own.row(definition).preprocess(8, 1),
    )  # fmt: skip
    Bundle(card, network.state_dict()).save(tmp_path / FILE)
    safetensors.torch.save_file(network.state_dict(), tmp_path / "bare.safetensors")
    wider = {**MINE, "layers": [{"conv": {"filters": 5, "kernel": 3}}, "relu", {"dense": 6}]}

    begun = start("renamed", {**MINE, "name": "renamed"}, tmp_path / FILE, classes=3, channels=1)

    picture = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(split(begun.network)[0](picture), split(network)[0](picture))
    with pytest.raises(ModelFileError, match="a convscope model of mine, not of other"):
        start("other", {**wider, "name": "other"}, tmp_path / FILE, classes=3, channels=1)
    with pytest.raises(ModelFileError, match="a convscope model of mine, not of lenet5"):
        start("lenet5", None, tmp_path / FILE, classes=3, channels=1)
    with pytest.raises(ModelFileError, match="no convscope model"):
        start("mine", MINE, tmp_path / "bare.safetensors", classes=3, channels=1)


def test_weights_of_another_network_and_broken_ones_are_refused(tmp_path):
    file = tmp_path / "w.safetensors"
    network = saved(file, "mobilenet_v1_025")
    with pytest.raises(ModelFileError, match="not the weights of resnet18"):
        start("resnet18", None, file, classes=2, channels=3)

    state = network.state_dict() | {"features.stem.conv.weight": torch.full((8, 3, 3, 3), torch.nan)}
    safetensors.torch.save_file(state, file)
    with pytest.raises(ModelFileError, match="holds numbers that are none"):
        start("mobilenet_v1_025", None, file, classes=2, channels=3)


def test_real_weights_of_tensorflows_start_a_network(shared):
    file = shared.parent / "weights" / "mobilenet_v2_tf.safetensors"

    begun = start("mobilenet_v2_same", None, file, classes=2, channels=3)

    assert begun.preprocess == zoo.find("mobilenet_v2_same").borrowed_preprocess()
    assert linear(begun.network).weight.shape == (2, 1280)


def test_where_weights_are_looked_for(tmp_path, monkeypatch):
    file = tmp_path / "resnet18.tv_in1k.safetensors"
    file.touch()
    run = tmp_path / "run"
    run.mkdir()

    assert weights_for("resnet18", "default", tmp_path) == file
    assert weights_for("resnet34", "default", tmp_path) is None
    assert weights_for("resnet18", "default") is None
    assert weights_for("resnet18", "none", tmp_path) is None
    assert weights_for("resnet34", str(file)) == file
    with pytest.raises(ModelFileError, match=r"--weights .*run: no such file"):
        weights_for("resnet18", str(run))
    (run / FILE).touch()
    assert weights_for("resnet18", str(run)) == run / FILE
    with pytest.raises(ModelFileError, match="--weights nowhere: no such file; allowed: default, none or a file"):
        weights_for("resnet18", "nowhere")
    monkeypatch.setenv(shelf.FOLDER_VARIABLE, str(tmp_path))
    assert weights_for("resnet18", "default") == file


@pytest.mark.parametrize("row", catalogue.KNOWN, ids=lambda row: row.name)
def test_missing_weights_that_can_be_fetched_are_named_with_their_place(row):
    text = missing(row.network, "finetune")
    first = catalogue.find(row.network)

    assert text.startswith(f"--mode finetune needs weights for {row.network}: {first.file} is not here")
    assert f"convscope weights fetch {row.network}" in text
    assert first.repository in text
    assert "--weights FILE" in text
    assert "--weights none" in text


@pytest.mark.parametrize("name", ["alexnet_owt", "googlenet_tv", "lenet5", "mobilenet_v2_same", "timm:resnet50"])
def test_of_weights_that_nobody_lends_it_is_said_and_who_has_some(name):
    text = missing(name, "frozen")

    assert "mobilenet_v2 and resnet18 have some" in text
    assert ("is a pickle" in text) == (name in {"alexnet_owt", "googlenet_tv"})
    assert {"mobilenet_v2", "resnet18"} <= {row.network for row in catalogue.KNOWN}
    assert len(text.splitlines()) == 1
