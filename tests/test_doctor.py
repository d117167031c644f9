"""The doctor's arithmetic by hand; that it changes nothing, goes on exactly, costs little, and speaks twice."""

import json
import math
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import convscope as cs
from convscope.data.preprocess import Preprocess
from convscope.evaluation.page.doctor import doctor_section, findings_of, keys
from convscope.training.doctor import illnesses, signs
from convscope.training.doctor.case import Case
from convscope.training.doctor.finding import EXPLAINS, KINDS, Finding, ordered
from convscope.training.doctor.look import right_by_own_statistics, silent_units
from convscope.training.doctor.pulse import Pulse
from convscope.training.doctor.remedies import remedy
from convscope.training.doctor.watch import Doctor
from convscope.words import LANGUAGES, Listener, english, say

LN10 = math.log(10)
PREPROCESS = Preprocess(size=8, channels=1, mean=(0.5,), spread=(0.25,))


def row(epoch, train_loss=1.0, val_loss=1.0, val_top1=0.5, train_top1=0.5):
    return {
        "epoch": epoch, "train_loss": train_loss, "val_loss": val_loss, "val_top1": val_top1, "train_top1": train_top1,
        "rate": 0.001,
    }  # fmt: skip


def case(rows, **known):
    classes = tuple("0123456789")
    return Case(classes, [50] * 10, LN10, rows, **{"first_loss": 2.3, "steps": 100, "epochs": 10, **known})


def network():
    """Batch normalisation that remembers, dropout that draws, ReLU in place."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3), nn.ReLU(),
        nn.Flatten(), nn.Dropout(), nn.Linear(64, 10),
    )  # fmt: skip


def doctor_of(net, tmp_path, listener=None, **numbers):
    labels = np.arange(640) % 10
    recipe = cs.Recipe(batch=8, **numbers)
    return Doctor(net, recipe, labels, tuple("0123456789"), PREPROCESS, tmp_path, listener or Listener())


class Hears(Listener):
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def message(self, key, **values):
        self.told.append((key, say(key, "en", **values), say(key, "ko", **values)))


# ---- signs by hand


def test_a_layers_gradient_is_measured_beside_its_weights():
    layers = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    for layer, (weight, gradient) in zip(layers, ((2.0, 1.0), (4.0, 8.0)), strict=True):
        layer.weight.data.fill_(weight)
        layer.weight.grad = torch.full((1, 1), gradient)

    beat = Pulse(layers).feel()

    assert (beat.first, beat.loudest, beat.top) == ("0", "1", 2.0)


def test_moves_are_shares_of_the_weights_whatever_their_memory_order():
    conv = nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)
    dense = nn.Linear(300, 7)
    net = nn.ModuleList([conv, dense])
    for values in net.parameters():
        values.grad = torch.zeros_like(values)
    pulse = Pulse(net)

    pulse.follow()
    with torch.no_grad():
        conv.weight *= 1.01
        dense.weight *= 0.5
    moves = pulse.moves()

    assert moves == pytest.approx([0.01, 0.5], rel=1e-4)
    assert pulse.moves() is None


def test_a_quotient_of_nothings_is_one():
    assert (signs.quotient(0, 0), signs.quotient(1, 0)) == (1.0, math.inf)


def test_guessing_twice_is_stuck_and_once_is_not():
    guess = row(1, 2.30, 2.31, 0.1, 0.1)

    assert illnesses.stuck(case([guess])) is None
    assert illnesses.stuck(case([guess, {**guess, "epoch": 2}])).kind == "stuck"
    assert illnesses.stuck(case([guess, {**guess, "train_loss": 2.2}])) is None
    assert illnesses.stuck(case([guess, guess], steps=10)) is None  # 20 steps are too few to tell


def test_a_rise_after_the_best_epoch_is_overfitting_only_with_a_gap():
    losses = [1.0, 0.5, 0.6, 0.7]
    rows = [row(epoch, 0.1, loss, 0.6, 0.95) for epoch, loss in enumerate(losses, start=1)]

    assert illnesses.overfitting(case(rows)).values["best"] == 0.5
    assert illnesses.overfitting(case(rows[:3])) is None
    assert illnesses.overfitting(case([{**each, "train_top1": 0.7} for each in rows])) is None


def test_memorising_at_chance_for_three_epochs_means_shuffled_labels():
    rows = [row(epoch, 1.0, 3.0, 0.1, 0.6) for epoch in (1, 2, 3)]

    assert illnesses.labels_shuffled(case(rows)).kind == "labels-shuffled"
    assert illnesses.labels_shuffled(case([*rows[:2], row(3, 1.0, 3.0, 0.3, 0.6)])) is None


def test_one_class_is_no_illness_where_the_pictures_are_of_one_class():
    rows, answers = [row(1), row(2)], [0, 100, 0, 0, 0, 0, 0, 0, 0, 0]
    lopsided = Case(tuple("0123456789"), [2, 482, 2, 2, 2, 2, 2, 2, 2, 2], LN10, rows, answers=answers, steps=100)

    assert illnesses.one_class(case(rows, answers=answers)).values["name"] == "1"
    assert illnesses.one_class(lopsided) is None


def test_an_epoch_above_guessing_or_thrown_back_means_too_high_a_rate():
    assert illnesses.rate_too_high(case([row(1, 3.0, val_top1=0.1)], parts=[3.0, 3.1])).kind == "rate-too-high"
    assert illnesses.rate_too_high(case([row(1, 0.9)], parts=[2.4, 0.5])) is None
    assert illnesses.rate_too_high(case([row(1, 0.8), row(2, 1.6)], parts=[1.6, 1.6])).kind == "rate-too-high"
    assert illnesses.rate_too_high(case([row(1, 0.01), row(2, 0.03)], parts=[0.03, 0.03])) is None


def test_steps_that_lead_nowhere_mean_too_low_a_rate_unless_the_loss_falls():
    slow = [row(1, 2.301), row(2, 2.300)]

    assert illnesses.rate_too_low(case(slow, fastest=1e-6)).kind == "rate-too-low"
    assert illnesses.rate_too_low(case(slow, fastest=1e-3)) is None
    assert illnesses.rate_too_low(case([row(1, 2.3), row(2, 2.0)], fastest=1e-6)) is None


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [(1e-6, 1e-1, "vanishing"), (1e3, 1e-2, "exploding"), (1e-2, 1e-1, None), (1e-9, 1e-9, "vanishing")],
)
def test_gradients_are_judged_by_the_first_layer_beside_the_last(first, last, kind):
    guess = case([row(1, 2.3, 2.3, 0.1, 0.1)], flows=[(first, last)] * 3, first_layer="a")

    found = [each for each in (illnesses.vanishing(guess), illnesses.exploding(guess)) if each]

    assert [(each.kind, each.layer) for each in found] == ([(kind, "a")] if kind else [])


def test_gradients_of_a_network_that_learns_are_its_own_affair():
    assert illnesses.vanishing(case([row(1)], flows=[(1e-6, 1.0)])) is None


def test_dead_units_of_a_batch_of_one_class_are_no_proof():
    guess = [row(1, 2.3, 2.3, 0.1, 0.1)]
    shares = [("a", 0.1), ("b", 0.7)]

    assert illnesses.dead_relu(case(guess), shares, present=9).layer == "b"
    assert illnesses.dead_relu(case(guess), shares, present=1) is None
    assert illnesses.dead_relu(case([row(1, val_top1=0.9)]), shares, present=9).severity == "note"


@pytest.mark.parametrize(("spread", "own", "ill"), [(1, 0.25, False), (0.004, 0.25, True), (255, 1, True)])
def test_an_input_is_told_by_its_spread(spread, own, ill):
    assert (illnesses.scaling(spread, own) is not None) == ill


def test_bytes_are_right_where_the_preprocessing_makes_bytes():
    assert illnesses.scaling(60, own=1 / 255) is None


# ---- a look that leaves no trace


def test_dead_units_are_counted_layer_by_layer():
    net = network()
    with torch.no_grad():
        net[3].weight.zero_()
        net[3].bias.copy_(torch.tensor([-1.0, -1.0, -1.0, 1.0]))

    shares = dict(silent_units(net, torch.randn(16, 1, 8, 8)))

    assert shares == {"2": 0.0, "4": 0.75}


def test_a_relu_that_is_no_layer_is_seen_by_what_comes_next():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 10), nn.Linear(10, 2)

        def forward(self, x):
            return self.second(functional.relu(self.first(x)))

    net = Functional()
    with torch.no_grad():
        net.first.bias[:6] = -100
        net.first.bias[6:] = 1
        net.first.weight.zero_()

    assert silent_units(net, torch.randn(8, 4)) == [("first", pytest.approx(0.6))]


def test_sigmoids_are_never_dead():
    assert silent_units(nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 1)), torch.randn(8, 4)) == []


def test_looking_changes_neither_modes_nor_buffers_nor_random_numbers_and_leaves_no_hook(tmp_path):
    net = network().train()
    net[1].eval()
    modes = [layer.training for layer in net.modules()]
    before = {name: values.clone() for name, values in net.state_dict().items()}
    drawn = torch.get_rng_state()
    x, labels = torch.randn(32, 1, 8, 8), torch.arange(32) % 10
    torch.set_rng_state(drawn)
    doctor = doctor_of(net, tmp_path)

    doctor.before(x, labels)
    functional.cross_entropy(net.eval()(x), labels).backward()
    net.train(), net[1].eval()
    doctor.step(1, 0, 2.3, torch.zeros(32, 10), labels)
    doctor.epoch(row(1), x, labels)
    right_by_own_statistics(net, x, labels)

    assert all(torch.equal(before[name], values) for name, values in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn)
    assert [layer.training for layer in net.modules()] == modes
    assert net[1].track_running_stats
    assert not any(layer._forward_hooks for layer in net.modules())


def test_hooks_leave_even_where_the_network_fails():
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    with pytest.raises(RuntimeError):
        silent_units(net, torch.zeros(2, 5))

    assert net.training
    assert not any(layer._forward_hooks for layer in net.modules())


def test_averages_that_lag_are_told_from_a_network_that_is_wrong():
    torch.manual_seed(0)
    x = torch.randn(64, 2)
    labels = (x[:, 1] > x[:, 0]).long()
    net = nn.Sequential(nn.BatchNorm1d(2))
    net[0].running_mean[0] = 50.0  # of long ago

    averaged, own = right_by_own_statistics(net, x, labels)

    assert averaged < 0.7
    assert own > 0.9


# ---- a run, cut and whole


def walk(net, doctor, optimiser, steps, epoch=1):
    for step in steps:
        torch.manual_seed(step)
        x, labels = torch.randn(8, 1, 8, 8), torch.randint(0, 10, (8,))
        scores = net.train()(x)
        loss = functional.cross_entropy(scores, labels)
        loss.backward()
        doctor.step(epoch, step, loss.item(), scores.detach(), labels)
        optimiser.step()
        optimiser.zero_grad()


@pytest.mark.parametrize("cut", [1, 7, 10, 11, 23])
def test_a_resumed_doctor_goes_on_exactly(tmp_path, cut):
    whole_net = network()
    whole, optimiser = doctor_of(whole_net, tmp_path / "whole"), torch.optim.SGD(whole_net.parameters(), 0.1)
    walk(whole_net, whole, optimiser, range(30))

    net = network()
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    first = doctor_of(net, tmp_path / "cut")
    walk(net, first, optimiser, range(cut))
    second = doctor_of(net, tmp_path / "cut")
    second.restore(json.loads(json.dumps(first.state())))
    walk(net, second, optimiser, range(cut, 30))

    assert second.state() == whole.state()


def test_a_run_that_had_no_doctor_can_be_gone_on_with(tmp_path):
    doctor = doctor_of(network(), tmp_path)

    doctor.restore({})

    assert doctor.findings == ()


def test_a_finding_is_said_once_with_what_to_try_and_written_at_once(tmp_path):
    hears = Hears()
    doctor = doctor_of(network(), tmp_path, hears, rate=0.003)

    found = doctor.not_finite(2, 5, "0", 0.003)
    again = doctor.not_finite(2, 6, "0", 0.003)

    assert found == again
    assert [key for key, *_ in hears.told] == ["doctor.not-finite", "doctor.not-finite.try"]
    assert "--rate 0.0003" in hears.told[1][1]
    assert [each["kind"] for each in findings_of(tmp_path)] == ["not-finite"]


def test_a_consequence_is_not_said_after_its_cause(tmp_path):
    doctor = doctor_of(network(), tmp_path)
    doctor._say(Finding("vanishing", 1, "0", {"first": 1e-9, "last": 1e-3}))

    doctor._say(Finding("stuck", 2, None, {"loss": 2.3, "guess": 2.3, "classes": 10}))

    assert [found.kind for found in doctor.findings] == ["vanishing"]


def test_frozen_layers_without_gradients_are_no_trouble(tmp_path):
    net = network()
    for values in net.parameters():
        values.requires_grad_(False)
    doctor = doctor_of(net, tmp_path)

    doctor.step(1, 0, 2.3, torch.zeros(8, 10), torch.zeros(8, dtype=torch.int64))

    assert doctor.findings == ()


def test_a_disk_that_is_full_does_not_end_the_run(tmp_path):
    (tmp_path / "file").write_text("in the way")

    doctor_of(network(), tmp_path / "file").write()


def test_a_usual_step_costs_next_to_nothing(tmp_path):
    net = network()
    doctor = doctor_of(net, tmp_path)
    scores, labels = torch.zeros(64, 10), torch.zeros(64, dtype=torch.int64)
    doctor.step(1, 1, 2.3, scores, labels)

    start = time.perf_counter()
    for _ in range(500):
        doctor.step(1, 11, 2.3, scores, labels)

    assert (time.perf_counter() - start) / 500 < 1e-3  # a step of a small ResNet takes hundreds


# ---- words and pages


SAMPLES = {
    "not-finite": {"step": 3, "rate": 0.1},
    "scaling": {"spread": 0.004},
    "preprocess-mismatch": {"mean": "0.5", "spread": "0.5", "wanted_mean": "0.48", "wanted_spread": "0.23"},
    "frozen-norm-moving": {},
    "exploding": {"first": 1e3, "last": 1.0, "loss": 300.0, "guess": LN10},
    "rate-too-high": {"loss": 3.0, "worst": 9.0, "guess": LN10},
    "dead-relu": {"share": 0.7},
    "vanishing": {"first": 1e-9, "last": 1e-2},
    "rate-too-low": {"moved": 1e-7, "before": 2.3, "loss": 2.299},
    "labels-shuffled": {"train": 0.8, "val": 0.1, "chance": 0.1},
    "stuck": {"loss": 2.3, "guess": LN10, "classes": 10},
    "one-class": {"name": "cat", "share": 1.0, "truly": 0.8, "even": 0.5},
    "overfitting": {"train": 0.99, "val": 0.6, "loss": 2.0, "best": 1.0},
    "norm-lagging": {"averaged": 0.2, "own": 0.9},
    "too-few": {"name": "cat", "count": 4, "needed": 30},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_can_be_said_with_its_remedy(kind, language):
    found = Finding(kind, 3, "features.0", SAMPLES[kind])
    flag = remedy(found, cs.Recipe())

    said = [say(key, language, **found.values, epoch=3, layer="features.0", flag=flag) for key in keys(found.to_dict())]

    assert all(said)
    assert flag in said[1]


@pytest.mark.parametrize("numbers", [{}, {"recipe": "practical"}, {"optimiser": "sgd", "recipe": "paper", "clip": 1}])
@pytest.mark.parametrize("kind", KINDS)
def test_every_remedy_is_a_setting_that_can_be(kind, numbers):
    recipe = cs.Recipe(model="vgg11", mode="scratch", **numbers)

    flag = remedy(Finding(kind, 1, None, SAMPLES[kind]), recipe)

    if flag:
        name, _, value = flag.removeprefix("--").removeprefix("set ").replace("=", " ").partition(" ")
        name = {"patience": "patience_checks"}.get(name.replace("-", "_"), name.replace("-", "_"))
        changed = cs.Recipe(**{name: value or True}) if name == "mode" else recipe.settle(**{name: value or True})
        assert changed != recipe


def test_kinds_and_their_consequences_are_known():
    assert EXPLAINS.keys() <= set(KINDS)
    assert all(kinds <= set(KINDS) for kinds in EXPLAINS.values())
    assert all(f"doctor.{kind}" in english.TEXTS and f"doctor.{kind}.try" in english.TEXTS for kind in KINDS)


def test_a_layer_that_nobody_knows_is_not_named():
    finding = Finding("not-finite", 1, None, {"step": 1, "rate": 0.1, "flag": "--rate 0.01"})

    assert "None" not in doctor_section([finding.to_dict()])


def test_notes_come_after_illnesses():
    notes = [Finding("too-few", 0, severity="note"), Finding("stuck", 3), Finding("not-finite", 4)]

    assert [found.kind for found in ordered(notes)] == ["not-finite", "stuck", "too-few"]


def test_the_section_says_both_languages_and_keeps_names_inert():
    values = {**SAMPLES["one-class"], "name": "<script>", "flag": "--class-weights"}

    section = doctor_section([Finding("one-class", 2, None, values).to_dict()])

    assert section.count('lang="en"') == section.count('lang="ko"') == 4
    assert "--class-weights" in section
    assert "<script>" not in section
    assert "&lt;script&gt;" in section


def test_a_sound_run_gets_one_line():
    assert say("doctor.sound", "en") in doctor_section([])
    assert say("doctor.sound", "ko") in doctor_section([])


@pytest.mark.parametrize(
    "content",
    [
        None, b"", b"{", b"[]", b"\xff\xfe", b'{"schema": 2, "findings": []}', b'{"schema": 1}', b"[" * 100_000,
        b'{"schema": 1, "findings": 3}', b'{"schema": 1, "findings": [1, null, {}, {"kind": "stuck"}]}',
        b'{"schema": 1, "findings": [{"kind": "nosuch", "epoch": 1, "layer": null, "severity": "ill", "values": {}}]}',
        b'{"schema": 1, "findings": [{"kind": "stuck", "epoch": 1, "layer": null, "severity": "x", "values": []}]}',
    ],
)  # fmt: skip
def test_a_file_that_is_absent_or_damaged_says_nothing(tmp_path, content):
    if content is not None:
        (tmp_path / "doctor.json").write_bytes(content)

    assert findings_of(tmp_path) == []


def test_what_is_whole_in_a_damaged_file_is_read(tmp_path):
    whole = Finding("too-few", 0, None, {**SAMPLES["too-few"], "flag": "--mode frozen"}, "note").to_dict()
    (tmp_path / "doctor.json").write_text(json.dumps({"schema": 1, "findings": [{"kind": "stuck"}, whole]}))

    assert findings_of(tmp_path) == [whole]
