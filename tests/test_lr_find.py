"""A range test: where the loss falls fastest, on a copy of the network."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from convscope import Recipe
from convscope.errors import RecipeError
from convscope.training.lr_find import LOWEST, STEPS, find_rate, smooth, suggest


def bowl(curvature):
    """A network of one number and batches whose gradient is that of a parabola: SGD diverges beyond 2 / curvature."""
    layer = nn.Linear(1, 2, bias=False)
    nn.init.constant_(layer.weight, 0.0)
    x = torch.full((8, 1), float(curvature) ** 0.5)
    return layer, [(x, torch.tensor([0, 1, 0, 0, 0, 0, 0, 1]))] * STEPS


def blobs(count=STEPS):
    """Batches of two classes of points that a line tells apart."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(32) % 2
    centres = torch.tensor([[1.0, 0.5], [-1.0, -0.5]])
    return [(centres[labels] + 0.3 * torch.randn(32, 2, generator=random), labels) for _ in range(count)]


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))


def test_the_network_and_random_numbers_stay_as_they_were():
    network = net().eval()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    state = torch.get_rng_state()
    find_rate(network, blobs(), Recipe(optimiser="sgd"))

    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not network.training
    assert all(values.grad is None for values in network.parameters())


@pytest.mark.parametrize(("optimiser", "highest"), [("sgd", 10.0), ("adam", 1.0)])
def test_rates_grow_by_the_same_factor(optimiser, highest):
    found = find_rate(net(), blobs(), Recipe(optimiser=optimiser))
    factor = (highest / LOWEST) ** (1 / (STEPS - 1))

    assert found.rates[0] == LOWEST
    assert np.diff(np.log(found.rates)) == pytest.approx(np.log(factor))
    assert len(found.rates) == len(found.losses) == len(found.smoothed)


def test_the_same_seed_suggests_the_same():
    assert find_rate(net(), blobs(), Recipe()) == find_rate(net(), blobs(), Recipe())


def test_a_rate_that_is_suggested_trains():
    network = net()
    found = find_rate(network, blobs(), Recipe(optimiser="sgd"))
    optimiser = torch.optim.SGD(network.parameters(), found.suggestion, 0.9)
    for x, labels in blobs():
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(x), labels)
        loss.backward()
        optimiser.step()

    assert found.fell
    assert loss.item() < 0.2


@pytest.mark.parametrize("curvature", [1.0, 100.0])
def test_steeper_bowls_are_given_smaller_rates(curvature):
    layer, batches = bowl(curvature)
    flat, flat_batches = bowl(curvature / 100)
    steep = find_rate(layer, batches, Recipe(optimiser="sgd", momentum=0.0)).suggestion

    assert steep < find_rate(flat, flat_batches, Recipe(optimiser="sgd", momentum=0.0)).suggestion


def test_it_stops_when_the_loss_explodes():
    torch.manual_seed(0)
    deep = nn.Sequential(*(nn.Linear(2, 2) for _ in range(6)))
    found = find_rate(deep, blobs(), Recipe(optimiser="sgd"))

    assert len(found.rates) < STEPS


def test_labels_that_say_nothing_make_no_loss_fall():
    x, labels = torch.zeros(8, 2), torch.arange(8) % 2
    found = find_rate(nn.Linear(2, 2, bias=False), [(x, labels)] * STEPS, Recipe())

    assert not found.fell


def test_a_loss_that_is_no_number_is_one_line():
    x, labels = torch.full((4, 2), float("nan")), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(RecipeError, match="not a number from the first steps"):
        find_rate(nn.Linear(2, 2), [(x, labels)] * STEPS, Recipe())


def test_groups_take_their_share_of_the_rate():
    from convscope.models import zoo

    network = zoo.build("lenet_caffe", 2)
    batches = [(torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(1)), torch.arange(4) % 2)] * STEPS
    whole = find_rate(network, batches, Recipe(optimiser="sgd"))
    parts = find_rate(network, batches, Recipe(optimiser="sgd", mode="finetune"))

    assert parts.losses[0] == whole.losses[0]
    assert parts.losses[60] > whole.losses[60]  # borrowed layers are slower


def test_smoothing_shifts_nothing():
    losses = [0.0] * 21
    losses[10] = 1.0

    assert smooth(losses) == smooth(losses)[::-1]
    assert int(np.argmax(smooth(losses))) == 10


def test_the_steepest_fall_before_the_lowest_loss_counts():
    rates = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)

    assert suggest(rates, [2.3, 2.2, 1.0, 0.9, 8.0]) == 1e-2
    assert suggest(rates, [2.3, 2.4, 2.5, 9.0, 1e9]) == 1e-4


def test_the_command_suggests_draws_and_leaves_nothing_else(convscope, tmp_path):
    status, out, err = convscope("lr-find", "digits", "--model", "lenet5_modern", "--batch", 32, "--out", "curve.png")

    assert status == 0, err
    assert "suggested rate: " in out
    assert "next: convscope train digits --model lenet5_modern" in out
    assert out.count("*") > 20
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["curve.png"]
    assert not (tmp_path / "runs").exists()


def test_json_is_one_object(convscope):
    status, out, _ = convscope("lr-find", "digits", "--model", "lenet5_modern", "--recipe", "practical", "--json")
    found = json.loads(out)

    assert status == 0
    assert 1e-4 < found["suggestion"] < 0.1
    assert found["optimiser"] == "adamw"
    assert len(found["rates"]) == len(found["smoothed"])


def test_another_form_of_picture_is_refused_before_any_work(convscope):
    status, _, err = convscope("lr-find", "digits", "--out", "curve.gif")

    assert status == 2
    assert err == "convscope: --out curve.gif: give a file name that ends in .png\n"


def test_korean_labels_draw_without_a_warning(recwarn):
    from convscope.explanation.draw.rate_curve import rate_curve

    drawn = rate_curve([1e-3, 1e-2, 1e-1], [2.0, 1.5, 9.0], [2.0, 1.6, 8.0], 1e-2, "ko")

    assert drawn.startswith(b"\x89PNG")
    assert not [w for w in recwarn if "Glyph" in str(w.message)]
