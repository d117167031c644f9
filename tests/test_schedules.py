"""The rate as a pure function of the step: the same numbers as PyTorch's own schedulers, from any step on."""

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from convscope import Recipe
from convscope.training.schedules import plateaus, rate_at

EPOCHS, STEPS = 6, 7
TOTAL = EPOCHS * STEPS


def ours(history=(), **settings):
    recipe = Recipe(epochs=EPOCHS, rate=0.3, **settings)
    return [rate_at(recipe, step, STEPS, history) for step in range(TOTAL)]


def theirs(make, count=TOTAL, peak=0.3):
    """The rates of a scheduler that is told of every step."""
    optimiser = SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    scheduler = make(optimiser)
    rates = []
    for _ in range(count):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


def test_cosine_is_pytorchs():
    expected = theirs(lambda optimiser: lr_scheduler.CosineAnnealingLR(optimiser, T_max=TOTAL))

    assert ours(schedule="cosine") == pytest.approx(expected, abs=1e-9)


def test_one_cycle_is_pytorchs_to_the_last_step():
    expected = theirs(lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.3, total_steps=TOTAL, cycle_momentum=False))
    found = ours(schedule="one-cycle")

    assert found == pytest.approx(expected, rel=1e-9)
    assert found[0] == pytest.approx(0.3 / 25)
    assert found[-1] == pytest.approx(0.3 / 25e4)


def test_warm_up_sets_how_long_one_cycle_rises():
    expected = theirs(
        lambda o: lr_scheduler.OneCycleLR(
            o, max_lr=0.3, total_steps=TOTAL, pct_start=1.5 / EPOCHS, cycle_momentum=False
        )
    )

    assert ours(schedule="one-cycle", warmup_epochs=1.5) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("epochs", "steps"), [(1, 1), (1, 2), (2, 1)])
def test_one_cycle_of_a_step_or_two_is_finite(epochs, steps):
    recipe = Recipe(epochs=epochs, schedule="one-cycle", rate=1.0)

    assert all(0 < rate_at(recipe, step, steps) <= 1 for step in range(epochs * steps))


def test_regular_steps_are_pytorchs():
    expected = theirs(lambda o: lr_scheduler.StepLR(o, step_size=2 * STEPS, gamma=0.96))

    assert ours(schedule="step", step_epochs=2, step_factor=0.96) == pytest.approx(expected)


def test_steps_at_given_epochs_are_pytorchs():
    expected = theirs(lambda o: lr_scheduler.MultiStepLR(o, milestones=[1 * STEPS, 4 * STEPS], gamma=0.1))

    assert ours(schedule="step", step_at=(1, 4)) == pytest.approx(expected)


def test_inverse_is_caffes():
    expected = theirs(lambda o: lr_scheduler.LambdaLR(o, lambda step: (1 + 0.01 * step) ** -0.75))

    assert ours(schedule="inverse", inverse_pace=0.01) == pytest.approx(expected)


def test_constant_stays():
    assert ours(schedule="constant") == [0.3] * TOTAL


def test_warm_up_rises_in_a_line_to_the_peak():
    found = ours(schedule="constant", warmup_epochs=1)

    assert found[:STEPS] == pytest.approx([0.3 * (step + 1) / (STEPS + 1) for step in range(STEPS)])
    assert found[STEPS:] == [0.3] * (TOTAL - STEPS)


LOSSES = (1.0, 0.9, 0.95, 0.92, 0.91, 0.93, 0.89, 0.88, 0.9, 0.9, 0.9, 0.9, 0.9, 0.7, 0.71)


@pytest.mark.parametrize("checks", [1, 2, 3])
@pytest.mark.parametrize("delta", [0.0, 0.02])
def test_plateau_is_pytorchs_after_every_epoch(checks, delta):
    recipe = Recipe(epochs=99, rate=0.3, schedule="plateau", plateau_checks=checks, min_delta=delta)
    optimiser = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    # PyTorch's patience is how many are borne, ours how many it takes
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=0.1, patience=checks - 1, threshold=delta, threshold_mode="abs", min_lr=0, eps=0
    )
    for epoch, loss in enumerate(LOSSES, start=1):
        scheduler.step(loss)
        history = [{"val_loss": seen} for seen in LOSSES[:epoch]]

        assert rate_at(recipe, epoch * STEPS, STEPS, history) == pytest.approx(optimiser.param_groups[0]["lr"])


def test_a_plateau_that_goes_on_falls_again():
    rows = [{"val_loss": 1.0}] * 7

    assert plateaus(Recipe(plateau_checks=3), rows) == 2


@pytest.mark.parametrize("schedule", ["cosine", "step", "plateau", "one-cycle", "inverse", "constant"])
def test_a_resumed_run_goes_on_with_the_same_rates(schedule):
    recipe = Recipe(epochs=EPOCHS, rate=0.3, schedule=schedule, warmup_epochs=0.5, plateau_checks=1, step_epochs=2)
    rows = [{"val_loss": 1.0} for _ in range(EPOCHS)]
    whole = [rate_at(recipe, step, STEPS, rows[: step // STEPS]) for step in range(TOTAL)]
    saved = Recipe(**recipe.model_dump(exclude_unset=True))

    for begun in (1, STEPS, 3 * STEPS + 2, TOTAL - 1):
        assert [rate_at(saved, step, STEPS, rows[: step // STEPS]) for step in range(begun, TOTAL)] == whole[begun:]
