"""Networks of timm's, of many kinds: described, kept in a model file, and answering as timm does."""

import pytest
import timm
import torch

from convscope.errors import ModelError, ModelFileError
from convscope.models import zoo
from convscope.models.bundle import Bundle, Card

# name: (receptive field of the last map, or None where a cell sees everything or windows hide in functions)
KINDS = {
    "resnet18": 435,
    "resnetblur18": None,  # its blurring windows are functions, with kernels that no file keeps
    "vit_tiny_patch16_224": None,  # attention; parameters that no layer holds
    "hrnet_w18_small": None,  # lists of maps go in and out
    "convmixer_768_32": 7 + 32 * 6 * 7,  # patches of 7×7 at stride 7, then 32 windows of 7×7 with padding="same"
}


@pytest.mark.parametrize("name", [*KINDS, "mixnet_s"])
def test_its_parameters_are_timms(name):
    theirs = timm.create_model(name, pretrained=False)

    assert zoo.describe(f"timm:{name}").parameters == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("name", KINDS)
def test_its_field_is_told_or_said_to_be_unknown(name):
    found = zoo.find(f"timm:{name}").receptive_field

    assert found == KINDS[name]


@pytest.mark.parametrize("name", ["resnetblur18", "vit_tiny_patch16_224", "hrnet_w18_small"])
def test_it_answers_from_its_file_as_timm_does(name, tmp_path):
    torch.manual_seed(0)
    theirs = timm.create_model(name, pretrained=False, num_classes=3).eval()
    row = zoo.find(f"timm:{name}")
    size = row.sizes[0] if not row.any_size else 96
    card = Card(
        convscope="0", network=f"timm:{name}", classes=("a", "b", "c"), preprocess=row.preprocess(size, 3)
    )  # fmt: skip
    weights = {f"body.{key}": value for key, value in theirs.state_dict().items()}
    Bundle(card, weights).save(tmp_path / "model.safetensors")
    picture = torch.randn(1, 3, size, size)

    with torch.no_grad():
        assert torch.equal(Bundle.load(tmp_path / "model.safetensors").network()(picture), theirs(picture))


def test_a_tag_that_timm_does_not_know_is_one_error():
    with pytest.raises(ModelError, match=r"no network called 'resnet18\.nonsense'"):
        zoo.find("timm:resnet18.nonsense")


def test_an_old_name_of_timms_is_a_name():
    assert zoo.find("timm:gluon_resnet18_v1b").parameters == 11_689_512


def test_a_strangers_card_with_an_impossible_size_is_a_model_file_error():
    row = zoo.find("timm:vit_tiny_patch16_224")
    card = Card(
        convscope="0", network="timm:vit_tiny_patch16_224", classes=("a", "b"), preprocess=row.preprocess(8, 3)
    )  # fmt: skip

    with pytest.raises(ModelFileError, match="cannot be built"):
        card.describe()
