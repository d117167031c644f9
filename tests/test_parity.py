"""Our networks against independent ones: the same weights and the same picture give the same scores."""

import hashlib

import pytest
import timm
import torch
import torchvision
from torch import nn

from convscope.errors import ModelError, ModelFileError
from convscope.models import zoo
from convscope.models.pretrained import keras_names, renaming
from convscope.models.pretrained.renaming import fit

# torchvision 0.29's state dicts: (tensors, elements, fingerprint), from the sheet
DICTS = {
    "alexnet": (16, 61_100_840, "935c1ea73a7869ee"),
    "vgg11": (22, 132_863_336, "b11acd4f90d9643f"), "vgg11_bn": (62, 132_874_352, "56ed5816909a8132"),
    "vgg13": (26, 133_047_848, "79ca8fd7a1480aa7"), "vgg13_bn": (76, 133_059_634, "e4f52ce016e5e82f"),
    "vgg16": (32, 138_357_544, "ba63c2556d912509"), "vgg16_bn": (97, 138_374_453, "86bad13b66635552"),
    "vgg19": (38, 143_667_240, "393fac8b08b63fbe"), "vgg19_bn": (118, 143_689_272, "faf0fdbb92f698c6"),
    "googlenet": (364, 13_020_019, "de3745733576b3b1"),
    "resnet18": (122, 11_699_132, "5191d63ec3989592"), "resnet34": (218, 21_814_732, "f8de2a1812ef85e4"),
    "resnet50": (320, 25_610_205, "a87e91cd6bd1f939"), "resnet101": (626, 44_654_608, "dbc3ca74fffafc72"),
    "resnet152": (932, 60_344_387, "7d486dbdc941506e"),
    "mobilenet_v2": (314, 3_539_036, "e3eb10f890f74c6e"), "mobilenet_v3_large": (312, 5_507_478, "555a3f5e3bcc126e"),
    "mobilenet_v3_small": (244, 2_555_002, "8fee267f118ca2d7"),
}  # fmt: skip
OURS = {"alexnet": "alexnet_owt", "googlenet": "googlenet_tv"}
SMALLER = ("vgg", "resnet101", "resnet152")  # 64 pixels: 224 would take minutes in double precision

TIMM = {
    "resnet18": "resnet18", "vgg11_bn": "vgg11_bn", "mobilenet_v1": "mobilenetv1_100",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_large": "mobilenetv3_large_100", "mobilenet_v3_small": "mobilenetv3_small_100",
    "mobilenet_v3_large_same": "tf_mobilenetv3_large_100", "mobilenet_v3_small_same": "tf_mobilenetv3_small_100",
}  # fmt: skip


def torchvisions(name, **settings):
    settings = {"init_weights": True, **settings} if name == "googlenet" else settings
    return getattr(torchvision.models, name)(weights=None, **settings)


def unsettled(network, seed=1):
    """Running statistics as training leaves them: fresh ones (0 and 1) would hide a mix-up."""
    random = torch.Generator().manual_seed(seed)
    for name, values in network.named_buffers():
        if name.endswith("running_var"):
            values.uniform_(0.5, 1.5, generator=random)
        elif name.endswith("running_mean"):
            values.normal_(0, 0.1, generator=random)
    return network.double().eval()


def ours_with(name, state, size=None):
    network = zoo.build(name, 1000, size=size).double()
    loaded = network.load_state_dict(fit(name, state), strict=False)
    assert not loaded.unexpected_keys
    assert all(key.startswith("aux_") for key in loaded.missing_keys)
    return network.eval()


def difference(first, second):
    """Largest gap as a share of the largest score."""
    return ((first - second).abs().max() / second.abs().max()).item()


@pytest.mark.parametrize("name", DICTS)
def test_torchvisions_state_dict_is_the_one_of_the_sheet(name):
    with torch.device("meta"):
        state = torchvisions(name).state_dict()
    text = "\n".join(f"{key} {tuple(state[key].shape)}" for key in sorted(state))

    assert len(state) == DICTS[name][0]
    assert sum(tensor.numel() for tensor in state.values()) == DICTS[name][1]
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == DICTS[name][2]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # torchvision's GoogLeNet announces another first value
@pytest.mark.parametrize("name", DICTS)
def test_it_scores_as_torchvision_does(name):
    torch.manual_seed(0)
    size = 64 if name.startswith(SMALLER) else 224
    theirs = unsettled(torchvisions(name))
    ours = ours_with(OURS.get(name, name), theirs.state_dict())
    picture = torch.randn(1, 3, size, size, dtype=torch.float64)

    with torch.no_grad():
        assert difference(ours(picture), theirs(picture)) <= 1e-9


@pytest.mark.parametrize("name", TIMM)
def test_it_scores_as_timm_does(name):
    torch.manual_seed(0)
    theirs = unsettled(timm.create_model(TIMM[name], pretrained=False))
    ours = ours_with(name, theirs.state_dict())
    picture = torch.randn(1, 3, 224, 224, dtype=torch.float64)

    with torch.no_grad():
        assert difference(ours(picture), theirs(picture)) <= 1e-9


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_googlenets_auxiliary_heads_score_as_torchvisions():
    torch.manual_seed(0)
    theirs = unsettled(torchvisions("googlenet"))
    ours = ours_with("googlenet_tv", theirs.state_dict())
    picture = torch.randn(1, 3, 224, 224, dtype=torch.float64)
    for network in (ours, theirs):  # scores of training, without its chance and its moving statistics
        network.training = True

    with torch.no_grad():
        scores, inner_4a, inner_4d = ours(picture)
        expected, last, first = theirs(picture)

    for mine, other in ((scores, expected), (inner_4a, first), (inner_4d, last)):
        assert difference(mine, other) <= 1e-9


@pytest.mark.parametrize("network", ["resnet18", "tf_mobilenetv3_small_100"])
def test_a_network_of_timms_is_scored_and_summarised_as_timm_has_it(network):
    torch.manual_seed(0)
    theirs = timm.create_model(network, pretrained=False, num_classes=5).eval()
    ours = zoo.build(f"timm:{network}", 5).eval()
    ours.body.load_state_dict(theirs.state_dict())
    picture = torch.randn(2, 3, 224, 224)

    with torch.no_grad():
        assert torch.equal(ours(picture), theirs(picture))
    assert zoo.describe(f"timm:{network}", 5).parameters == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("network", ["resnet18", "regnetx_002", "mobilenetv3_small_050"])
def test_weights_of_timms_own_network_fit_under_timms_names(network):
    theirs = timm.create_model(network, pretrained=False, num_classes=7, in_chans=1).state_dict()

    assert {f"body.{key}": tensor.shape for key, tensor in theirs.items()} == {
        key: tensor.shape for key, tensor in fit(f"timm:{network}", theirs).items()
    }


def test_the_summary_follows_timms_same_padding():
    stem = zoo.describe("timm:tf_mobilenetv3_small_100").layers[0]

    assert (stem.kind, stem.padding, stem.shape) == ("Conv2dSame", (0, 1, 0, 1), (16, 112, 112))
    assert zoo.find("timm:tf_mobilenetv3_small_100").receptive_field == 639


def keras_state(network):
    """A MobileNet v1 of ours written as Keras would: kernels (rows, columns, in, out), names with slashes."""
    norm = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    written = {}
    for key, tensor in network.state_dict().items():
        _, place, *unit, kind = key.split(".")
        name = "conv1" if place == "stem" else "conv_preds"
        if place.startswith("pair"):
            name = f"conv_{'dw' if unit[0] == 'depthwise' else 'pw'}_{place[4:]}"
        if key.startswith("classifier"):
            written[f"conv_preds/{'kernel' if kind == 'weight' else 'bias'}"] = (
                tensor.T[None, None] if kind == "weight" else tensor
            )
        elif unit[-1] == "norm" and kind in norm:
            written[f"{name}_bn/{norm[kind]}"] = tensor
        elif unit[-1] == "conv":
            deep = "dw" in name
            written[f"{name}/{'depthwise_kernel' if deep else 'kernel'}"] = tensor.permute(
                2, 3, *((0, 1) if deep else (1, 0))
            )
    return written


def test_keras_layout_goes_there_and_back():
    torch.manual_seed(0)
    network = zoo.build("mobilenet_v1_025_same", 7)
    state = network.state_dict()

    back = fit("mobilenet_v1_025_same", keras_state(network))

    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)


def test_keras_3_calls_a_depthwise_kernel_a_kernel():
    state = keras_state(zoo.build("mobilenet_v1_025_same", 7))
    renamed = {key.replace("depthwise_kernel", "kernel"): tensor for key, tensor in state.items()}

    ours, theirs = fit("mobilenet_v1_025_same", renamed), fit("mobilenet_v1_025_same", state)

    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_caffes_alexnet_scores_as_with_caffes_normalisation():
    """Caffe's: k = 1, alpha over the mean of the window, as PyTorch's."""
    torch.manual_seed(0)
    theirs = zoo.build("alexnet", 10, size=227).double().eval()
    for norm in ("norm1", "norm2"):
        setattr(theirs.features, norm, nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0))
    state = {key.split(".", 1)[1].replace(".", "/"): tensor for key, tensor in theirs.state_dict().items()}
    ours = zoo.build("alexnet", 10).double().eval()
    ours.load_state_dict(fit("alexnet", state))
    picture = 100 * torch.randn(1, 3, 227, 227, dtype=torch.float64)  # bytes less their mean: the norms matter

    with torch.no_grad():
        assert difference(ours(picture), theirs(picture)) <= 1e-12


def test_keras_flattens_rows_columns_channels():
    """One number of a map of 2×2 with 512 channels, followed to the place where Keras and we read it."""
    first = torch.zeros(2 * 2 * 512, 3)
    row, column, channel = 1, 0, 7
    first[(row * 2 + column) * 512 + channel, 2] = 1.0

    ours = keras_names.vgg({"fc1/kernel": first}, nn.Identity())["classifier.fc6.weight"]

    assert ours.nonzero().tolist() == [[2, (channel * 2 + row) * 2 + column]]


def test_a_changed_epsilon_changes_no_answer():
    norm = nn.BatchNorm2d(3, eps=1e-5).double()
    norm.running_var.uniform_(0.0, 1e-3)  # so small that epsilon matters
    other = nn.BatchNorm2d(3, eps=1e-3).double()
    other.load_state_dict(renaming.with_epsilon(norm.state_dict(), 1e-5, 1e-3))
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)

    torch.testing.assert_close(other.eval()(x), norm.eval()(x), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("name", "theirs", "sentence"),
    [
        ("resnet18", "mobilenet_v2", "belongs to no layer of it"),
        ("vgg16", "vgg13", "belongs to no layer of it|are missing"),
        ("resnet50", "resnet18", "belongs to no layer of it|are missing"),
        ("lenet5", "resnet18", "names known for it beside our own: none"),
    ],
)
def test_weights_of_another_network_are_refused_in_one_line(name, theirs, sentence):
    with torch.device("meta"):
        state = getattr(torchvision.models, theirs)(weights=None).state_dict()

    with pytest.raises(ModelFileError, match=rf"^not the weights of {name}: .*({sentence}).*$"):
        fit(name, state)


@pytest.mark.parametrize("name", ["lenet5", "nin", "googlenet", "vgg11", "mobilenet_v3_small"])
def test_our_own_weights_of_any_number_of_classes_fit_as_they_are(name):
    state = zoo.build(name, 6).state_dict()

    assert fit(name, state).keys() == state.keys()


def test_weights_of_another_width_are_refused_with_both_shapes():
    with torch.device("meta"):
        state = zoo.build("mobilenet_v1_050", 1000).state_dict()

    with pytest.raises(ModelFileError, match=r"features\.stem\.conv\.weight is 16×3×3×3, and 8×3×3×3 is needed"):
        fit("mobilenet_v1_025", state)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("resnet18", {}),
        ("resnet18", {"fc.weight": torch.zeros(())}),
        ("resnet18", {"fc.weight": torch.zeros(1000, 512, dtype=torch.int64)}),
        ("mobilenet_v1", {"conv1/kernel": torch.zeros(3, 3), "conv_dw_1/depthwise_kernel": torch.zeros(3)}),
        ("vgg16", {"fc1/kernel": torch.zeros(7)}),
        ("vgg16", {"head.fc.weight": torch.zeros(())}),
        ("mobilenet_v3_large", {"conv_stem.weight": torch.zeros(1), "blocks.0.0.conv.weight": torch.zeros(1)}),
        ("lenet_caffe", {"ip2/weight": torch.zeros(3)}),
        ("googlenet_tv", {"aux1.fc1.weight": torch.zeros(2)}),
    ],
)
def test_a_broken_state_dict_is_one_clear_error(name, state):
    with pytest.raises(ModelFileError) as refusal:
        fit(name, state)

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["timm:hf-hub:timm/resnet18.a1_in1k", "timm:local-dir:models", "timm:resnet_18", "timm:"]
)
def test_only_networks_that_timm_registers_are_built(name):
    with pytest.raises(ModelError, match="timm has no network called"):
        zoo.find(name)


def test_the_cached_row_of_a_timm_network_is_made_once():
    assert zoo.find("timm:resnet18") is zoo.find("timm:resnet18")
