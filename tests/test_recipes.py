"""What papers print, and what fills a recipe's open fields."""

import pytest
import torch
from torch import nn

from convscope import Recipe, train
from convscope.data.sources import read
from convscope.errors import RecipeError
from convscope.models import zoo
from convscope.training.recipe import parse
from convscope.training.recipes.fill import fill, has_batch_norm, takes
from convscope.training.recipes.papers import CIFAR, IMAGENET, PAPERS, paper, passes
from convscope.training.recipes.practical import practical
from convscope.words import LANGUAGES, say

NETWORKS = sorted(zoo.NETWORKS)


def filled(name, pictures=2_000, classes=10, size=None, channels=None, **given):
    row = zoo.find(name)
    preprocess = row.preprocess(size or row.sizes[0], channels or row.channels)
    return fill(Recipe(model=name, mode="scratch", weights="none", **given), row, pictures, classes, preprocess)


def test_every_network_has_a_papers_recipe():
    assert PAPERS.keys() == zoo.NETWORKS.keys()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_papers_recipe_is_one_and_tells_its_source(name):
    printed = paper(name)
    recipe = filled(name, recipe="paper")

    assert {field: getattr(recipe, field) for field in printed.settings} == printed.settings
    assert printed.source
    for key in printed.deviations:
        assert all(say(key, language) for language in LANGUAGES)


@pytest.mark.parametrize("name", NETWORKS)
def test_printed_first_values_are_taken_where_the_paper_prints_some(name):
    assert (paper(name).settings.get("initialise") == "printed") == (zoo.find(name).initialise is not None)


SGD = {"optimiser": "sgd", "momentum": 0.9, "nesterov": False}
# network → what its paper says
PRINTED = {
    "lenet5": {"epochs": 20, "rate": 5e-4, "momentum": 0.0, "step_at": (2, 5, 8, 12)},
    "lenet_caffe": SGD | {"rate": 0.01, "decay": 5e-4, "schedule": "inverse", "inverse_pace": 1e-4, "batch": 64},
    "alexnet": SGD | {"batch": 128, "rate": 0.01, "decay": 5e-4, "epochs": 90, "step_factor": 0.1, "colour": "pca"},
    "zfnet": SGD | {"batch": 128, "rate": 0.01, "epochs": 70},
    "vgg16": SGD | {"batch": 256, "rate": 0.01, "decay": 5e-4, "epochs": 74, "jitter_to": 2.0},
    "googlenet": {"momentum": 0.9, "step_epochs": 8, "step_factor": 0.96, "auxiliary": 0.3, "area_from": 0.08},
    "resnet50": SGD | {"batch": 256, "rate": 0.1, "decay": 1e-4, "epochs": 120, "jitter_to": 1.875},
    "resnet56_cifar": SGD | {"batch": 128, "rate": 0.1, "decay": 1e-4, "epochs": 182, "step_at": (91, 137)},
    "mobilenet_v2": {"optimiser": "rmsprop", "rate": 0.045, "step_factor": 0.98, "batch": 96, "decay": 4e-5},
    "mobilenet_v3_large": {"optimiser": "rmsprop", "decay": 1e-5, "ema": 0.9999, "step_epochs": 3},
    "allcnn": SGD | {"epochs": 350, "step_at": (200, 250, 300), "decay": 1e-3},
    "vgg16_bn": {"epochs": 90, "rate": 0.01, "step_epochs": 30, "decay": 1e-4},
    "course_cnn": {"optimiser": "adam", "patience_checks": 3, "epochs": 10_000},
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_numbers_are_the_papers(name):
    recipe = filled(name, recipe="paper")

    assert {field: getattr(recipe, field) for field in PRINTED[name]} == PRINTED[name]


def test_iterations_are_passes_over_the_papers_pictures():
    assert passes(370_000, 256, IMAGENET) == pytest.approx(73.93, abs=0.01)
    assert passes(600_000, 256, IMAGENET) == pytest.approx(119.89, abs=0.01)
    assert passes(10_000_000, 32, IMAGENET) == pytest.approx(paper("googlenet").settings["epochs"], abs=0.5)
    assert passes(320_000, 32, IMAGENET) == pytest.approx(paper("googlenet").settings["step_epochs"], abs=0.01)
    falls = [passes(count, 128, CIFAR) for count in (32_000, 48_000, 64_000)]
    assert falls == pytest.approx([*paper("resnet20_cifar").settings["step_at"], 182], abs=0.5)
    assert passes(10_000, 64, 60_000) == pytest.approx(paper("lenet_caffe").settings["epochs"], abs=0.5)


def test_mobilenet_v3s_rate_is_as_small_as_its_batch():
    settings = paper("mobilenet_v3_small").settings

    assert settings["rate"] / settings["batch"] == pytest.approx(0.1 / 4096)


def test_lenet_5s_rate_falls_from_the_first_to_the_last_of_the_paper():
    settings = paper("lenet5").settings

    assert settings["step_factor"] ** 4 == pytest.approx(1e-5 / 5e-4, rel=1e-3)


def test_what_is_given_stays():
    recipe = filled("vgg16", recipe="paper", rate=0.2, flip=False)

    assert (recipe.rate, recipe.flip, recipe.decay) == (0.2, False, 5e-4)
    assert filled("resnet18", recipe="practical", rate=0.2, schedule="cosine").rate == 0.2


def test_falls_and_warm_up_keep_their_place_in_a_shorter_training():
    recipe = filled("resnet110_cifar", recipe="paper", epochs=18)

    assert recipe.step_at == (9, 14)  # 91 and 137 of 182
    assert recipe.warmup_epochs == pytest.approx(1.14 * 18 / 182, abs=0.01)
    assert filled("alexnet_owt", recipe="paper", epochs=9).step_epochs == 3


def test_another_optimiser_does_not_take_the_papers_rate():
    assert filled("resnet18", recipe="paper", optimiser="adam").rate == Recipe().rate


def test_grey_pictures_have_no_colours_to_shift():
    assert filled("alexnet", recipe="paper", channels=1).colour == "none"


def test_plain_numbers_stay_as_they_are():
    recipe = Recipe(model="resnet18", mode="scratch")
    row = zoo.find("resnet18")

    assert fill(recipe, row, 100, 2, row.preprocess(224, 3)) is recipe


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
@pytest.mark.parametrize("wanted", ["paper", "practical"])
def test_a_recipe_is_for_training_from_scratch(mode, wanted):
    with pytest.raises(RecipeError, match=f"recipe {wanted}: .* mode {mode} .* take mode scratch"):
        parse({"model": "resnet18", "mode": mode, "recipe": wanted})


def test_a_network_without_a_paper_says_so():
    with pytest.raises(RecipeError, match=r"no paper prints one for my_net; take --recipe practical"):
        paper("my_net")


@pytest.mark.parametrize("name", NETWORKS)
def test_practical_numbers_suit_every_network(name):
    recipe = filled(name, recipe="practical")

    assert recipe.initialise == "own"
    assert recipe.optimiser == ("sgd" if "Norm" in recipe_norms(name) else "adamw")
    assert recipe.patience_checks is None
    assert recipe.epochs > recipe.warmup_epochs


def recipe_norms(name):
    with torch.device("meta"):
        row = zoo.find(name)
        network = row.build(10, row.channels, row.sizes[0])
    return {"Norm" for layer in network.modules() if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))}


@pytest.mark.parametrize("wanted", ["paper", "practical"])
@pytest.mark.parametrize("name", ["vgg16", "resnet18", "resnet110_cifar", "lenet5"])
def test_a_saved_recipe_is_not_filled_otherwise(name, wanted):
    recipe = filled(name, recipe=wanted, epochs=7)
    row = zoo.find(name)
    saved = Recipe(**recipe.model_dump(exclude_unset=True))

    assert fill(saved, row, 50, 3, row.preprocess(row.sizes[0], row.channels)) == recipe


def test_an_epoch_has_enough_steps():
    for pictures in (1_000, 2_000, 9_469, 60_000):
        assert pictures // filled("resnet18", pictures, recipe="practical").batch >= 60


def test_grey_pictures_are_not_mirrored_and_photos_are_cut():
    photos, thumbnails = (practical("x", 2_000, size, 3, has_norm=True) for size in (128, 32))
    digits = practical("x", 2_000, 28, 1, has_norm=True)

    assert (photos["crop"], photos["area_from"], photos["flip"]) == ("area", 0.35, True)
    assert (thumbnails["crop"], thumbnails["flip"]) == ("shift", True)
    assert (digits["crop"], digits["flip"]) == ("shift", False)


def test_whether_a_network_takes_smaller_pictures_too():
    for name, wanted in (("resnet18", True), ("mobilenet_v2", True), ("alexnet", False), ("googlenet", False)):
        row = zoo.find(name)
        assert takes(row, 3, row.preprocess(128, 3), 0.5) == wanted  # GoogLeNet's heads inside have dense layers


def test_growing_pictures_are_refused_where_the_network_takes_one_side(photos):
    with pytest.raises(RecipeError, match=r"grow_from 0\.5: alexnet takes pictures of 64 pixels only"):
        train(read(photos), Recipe(model="alexnet", mode="scratch", size=64, epochs=1, grow_from=0.5))


def test_deeper_networks_without_batch_norm_take_smaller_steps():
    rates = [
        filled(name, recipe="practical").rate for name in ("lenet5_modern", "googlenet", "vgg11", "vgg16", "vgg19")
    ]

    assert rates == sorted(rates, reverse=True)
    assert filled("vgg16", recipe="practical").clip == 1.0


def test_rates_follow_the_optimiser_that_is_given():
    assert filled("resnet18", recipe="practical", optimiser="adamw").rate < 0.01
    assert filled("vgg16", recipe="practical", optimiser="sgd").nesterov


def test_batch_norm_is_found():
    for name, expected in (("vgg16", False), ("vgg16_bn", True), ("alexnet", False), ("mobilenet_v2", True)):
        row = zoo.find(name)
        assert has_batch_norm(row, 10, row.preprocess(64, 3)) is expected


@pytest.mark.parametrize("name", ["nin", "allcnn"])
def test_scores_behind_a_relu_stay_open(name):
    """With biases of zero, all ten scores close within a hundred steps, and nothing is ever learned."""
    torch.manual_seed(0)
    network = zoo.build(name, 10, size=32)
    bias = network.get_parameter("classifier.scores.conv.bias")

    assert bias.tolist() == [1.0] * 10
    assert (network(torch.randn(4, 3, 32, 32)) > 0).all()
