"""One step and what it is made of, against PyTorch's own functions and hand calculation."""

import signal
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import convscope as cs
from convscope.training import feed
from convscope.training.average import Average
from convscope.training.losses import Criterion, even_weights
from convscope.training.optimisers import make_optimiser
from convscope.training.signals import listening
from convscope.training.step import NotFinite, Place, Stepper
from convscope.training.team import Team

SGD = {"optimiser": "sgd", "momentum": 0.0, "rate": 0.1, "precision": "f32", "device": "cpu"}


def data(count=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 28, 28, generator=generator), torch.randint(0, 10, (count,), generator=generator)


def step(recipe, parts, criterion=None, average=None):
    """A network after one step of the recipe."""
    torch.manual_seed(0)
    network = cs.build("lenet5_modern", 10, 1, 28)
    average = Average(network, average) if average else None
    optimiser = make_optimiser(recipe, network)
    stepper = Stepper(network, recipe, optimiser, criterion or Criterion(), 10, average, None, Team("cpu"))
    stepper.begin()
    count = sum(len(labels) for _, labels in parts)
    taken = stepper.take(Place(1, 0, 0, count, len(parts)), recipe.rate, parts)
    return network, taken, average


def test_a_batch_in_uneven_parts_moves_the_weights_as_a_whole_one():
    x, labels = data()
    recipe = cs.Recipe(**SGD)

    whole, taken, _ = step(recipe, [(x, labels)])
    split, in_parts, _ = step(recipe, [(x[:5], labels[:5]), (x[5:10], labels[5:10]), (x[10:], labels[10:])])

    for one, other in zip(whole.parameters(), split.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    assert in_parts.total == pytest.approx(taken.total, rel=1e-6)
    assert in_parts.hits == taken.hits


def test_a_clipped_step_is_as_long_as_it_may_be():
    x, labels = data()
    torch.manual_seed(0)
    before = torch.cat([values.flatten() for values in cs.build("lenet5_modern", 10, 1, 28).parameters()])

    network, _, _ = step(cs.Recipe(**SGD, clip=0.01), [(x, labels)])

    after = torch.cat([values.flatten() for values in network.parameters()])
    assert (after - before).norm().item() == pytest.approx(0.1 * 0.01, rel=1e-3)


def test_the_average_of_the_weights_after_a_step_is_that_of_before_and_after():
    x, labels = data()
    torch.manual_seed(0)
    before = cs.build("lenet5_modern", 10, 1, 28).state_dict()

    network, _, average = step(cs.Recipe(**SGD, ema=0.9), [(x, labels)], average=0.9)

    share = (1 + 1) / (10 + 1)  # of the old values after the first step, less than 0.9
    for name, values in network.state_dict().items():
        torch.testing.assert_close(average.tensors[name], share * before[name] + (1 - share) * values)


def test_within_the_average_the_network_answers_with_it_and_afterwards_as_before():
    layer = nn.BatchNorm1d(2)
    average = Average(layer, 0.5)
    with torch.no_grad():
        layer.weight.fill_(3.0)

    with average.within(layer):
        assert layer.weight.tolist() == [1, 1]
    assert layer.weight.tolist() == [3, 3]


def test_a_loss_that_is_no_number_moves_no_weight():
    x, labels = data()
    x[3] = float("nan")
    torch.manual_seed(0)
    network = cs.build("lenet5_modern", 10, 1, 28)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    recipe = cs.Recipe(**SGD)
    stepper = Stepper(network, recipe, make_optimiser(recipe, network), Criterion(), 10, None, None, Team("cpu"))
    stepper.begin()

    with pytest.raises(NotFinite):
        stepper.take(Place(1, 0, 0, len(x), 1), 0.1, [(x, labels)])

    assert all(torch.equal(before[name], values) for name, values in network.state_dict().items())


def test_dropout_depends_on_the_step_and_on_nothing_else():
    x, labels = data()
    recipe = cs.Recipe(**SGD)
    losses = []
    for place in (Place(1, 0, 0, 12, 1), Place(1, 1, 1, 12, 1), Place(1, 0, 0, 12, 1)):
        network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10, bias=False))
        with torch.no_grad():
            network[2].weight.copy_(torch.linspace(-1, 1, 7840).reshape(10, 784))
        stepper = Stepper(network, recipe, make_optimiser(recipe, network), Criterion(), 10, None, None, Team("cpu"))
        stepper.begin()
        torch.manual_seed(len(losses))
        losses.append(stepper.take(place, 0.1, [(x, labels)]).total)

    assert losses[0] == losses[2] != losses[1]


def test_criterion_equals_torchs_with_smoothing_and_soft_targets():
    scores, labels = torch.randn(6, 4, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 2, 3, 0, 0])
    shares = torch.softmax(torch.randn(6, 4, generator=torch.Generator().manual_seed(2)), dim=1)

    assert Criterion()(scores, labels) == functional.cross_entropy(scores, labels)
    smooth = 0.9 * functional.cross_entropy(scores, labels) - 0.1 * scores.log_softmax(1).mean()
    torch.testing.assert_close(Criterion(smoothing=0.1)(scores, labels), smooth)
    torch.testing.assert_close(Criterion()(scores, shares), -(shares * scores.log_softmax(1)).sum(1).mean())


def test_weighted_classes_count_the_same_and_the_mean_weight_is_one():
    labels = np.array([0] * 8 + [1] * 2)
    weights = even_weights(labels, 2)
    scores = torch.randn(10, 2, generator=torch.Generator().manual_seed(1))

    assert [round(float(weight), 4) for weight in weights] == [0.625, 2.5]
    assert weights[torch.from_numpy(labels)].mean() == 1
    each = -scores.log_softmax(1)[torch.arange(10), torch.from_numpy(labels)]
    expected = (each[:8].mean() + each[8:].mean()) / 2
    torch.testing.assert_close(Criterion(weights=weights)(scores, torch.from_numpy(labels)), expected)


def test_balanced_sampling_draws_every_class_as_often_and_no_picture_before_all_others():
    labels = np.array([0] * 40 + [1] * 10 + [2] * 4)

    rows = feed.order(cs.Recipe(sampling="balanced", seed=3), 2, labels)

    assert len(rows) == 54
    assert Counter(labels[rows].tolist()) == {0: 18, 1: 18, 2: 18}
    times = Counter(rows.tolist())
    assert {times[row] for row in range(50, 54)} == {4, 5}
    assert max(times[row] for row in range(40)) == 1


def test_an_order_depends_on_seed_and_epoch_alone():
    labels = np.zeros(50, dtype=np.int64)
    orders = [
        feed.order(cs.Recipe(seed=seed), epoch, labels).tolist() for seed, epoch in ((0, 1), (0, 1), (0, 2), (1, 1))
    ]

    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0] != orders[3]


def test_the_second_ctrl_c_ends_at_once_and_handlers_come_back():
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), listening() as told:
        signal.raise_signal(signal.SIGINT)
        assert told() == signal.SIGINT
        signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is before


class Member:
    """One of several processes, without the others."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def part(self, rows):
        return rows[self.rank :: self.size]


@pytest.mark.parametrize(
    ("count", "processes", "accumulate"), [(431 * 3 + 2, 1, 2), (1297, 3, 1), (37, 4, 3), (9, 2, 8)]
)
def test_no_process_gets_a_single_picture_or_none_at_all(count, processes, accumulate):
    recipe = cs.Recipe(batch=431 if count > 100 else 16, accumulate=accumulate)

    groups = feed.steps(np.arange(count), recipe.batch, processes)

    assert np.concatenate(groups).tolist() == list(range(count))
    for group in groups:
        for rank in range(processes):
            assert min(len(part) for part in feed.parts(group, recipe, Member(rank, processes))) >= 2


def test_one_process_computes_where_it_is_told_whatever_was_told_before():
    assert Team("cpu").device.type == "cpu"
    assert Team("cuda").device.type == "cuda"
    assert (Team("cpu").rank, Team("cpu").size) == (0, 1)
