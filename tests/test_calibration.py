"""Calibration error against the paper's sum, temperatures against other optimisers, and that top-1 never changes."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import minimize_scalar

import convscope
from convscope.data.listing import Listing
from convscope.errors import ModelFileError
from convscope.evaluation import calibration
from convscope.evaluation.calibration import BINS, FEWEST, at_one, ece, fit, reliability
from convscope.inference.answering import Values
from convscope.inference.embeddings import Embedder, Remembered
from convscope.inference.engine import Engine
from convscope.inference.probabilities import probabilities
from convscope.models import bundle as bundles
from convscope.models.bundle import Bundle
from convscope.training.calibrate import calibrated


def as_printed(chances, truth, bins=15):
    """Guo et al. 2017, equations 2 and 3, word by word: B_m holds the pictures in ((m - 1) / M, m / M]."""
    total = 0.0
    for m in range(1, bins + 1):
        inside = [
            (float(max(row)), int(np.argmax(row)) == label)
            for row, label in zip(chances, truth, strict=True)
            if (m - 1) / bins < float(max(row)) <= m / bins
        ]
        if inside:
            accuracy = sum(right for _, right in inside) / len(inside)
            confidence = sum(sure for sure, _ in inside) / len(inside)
            total += len(inside) / len(truth) * abs(accuracy - confidence)
    return total


@given(st.integers(2, 20), st.integers(1, 200), st.sampled_from([0.05, 0.5, 5.0]), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_the_error_is_the_papers(classes, count, spread, seed):
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.full(classes, spread), size=count).astype(np.float32)
    truth = np.where(random.random(count) < 0.6, chances.argmax(axis=1), random.integers(0, classes, count))

    assert ece(reliability(chances, truth)) == pytest.approx(as_printed(chances, truth), abs=1e-12)


def on_edges():
    """Top probabilities on every edge that one can be on, 1.0 among them, every other answer right."""
    top = np.array([m / BINS for m in range(BINS // 2 + 1, BINS + 1)])
    return np.stack([top, 1 - top], axis=1), np.arange(len(top)) % 2


def test_a_probability_on_an_edge_belongs_to_the_bin_below():
    chances, truth = on_edges()

    bins = reliability(chances, truth)

    assert [each["n"] for each in bins] == [0] * 7 + [1] * 8
    assert bins[-1] == {"low": 14 / 15, "high": 1.0, "n": 1, "confidence": 1.0, "accuracy": 0.0}
    assert bins[0]["confidence"] is bins[0]["accuracy"] is None
    assert ece(bins) == pytest.approx(as_printed(chances, truth), abs=1e-12)


def test_the_edge_cases_would_notice_bins_that_are_closed_below():
    chances, truth = (np.concatenate([part, part]) for part in on_edges())
    chances[: len(truth) // 2] -= 1e-9  # just below each edge, and on it
    truth[: len(truth) // 2] = 0

    top = np.clip((chances.max(axis=1) * BINS).astype(int), 0, BINS - 1)  # the other convention
    right = chances.argmax(axis=1) == truth
    other = sum(abs((right[top == m] * 1.0 - chances.max(axis=1)[top == m]).sum()) for m in range(BINS)) / len(truth)

    assert ece(reliability(chances, truth)) == pytest.approx(as_printed(chances, truth), abs=1e-12)
    assert abs(other - as_printed(chances, truth)) > 0.01


def test_the_error_of_five_pictures_by_hand():
    chances = np.array([[0.9, 0.1], [0.91, 0.09], [0.92, 0.08], [0.6, 0.4], [0.4, 0.6]])

    bins = reliability(chances, np.array([0, 0, 1, 0, 0]))

    # three answers of 0.91 on average, two of them right; two of 0.6, one of them right
    assert ece(bins) == pytest.approx(3 / 5 * (0.91 - 2 / 3) + 2 / 5 * (0.6 - 1 / 2))


def random_scores(count, classes=6, true_temperature=1.0, seed=0):
    """Scores, and labels drawn from their softmax at a temperature."""
    random = np.random.default_rng(seed)
    scores = (4 * random.standard_normal((count, classes))).astype(np.float32)
    chances = torch.softmax(torch.from_numpy(scores).double() / true_temperature, dim=1).numpy()
    return scores, np.array([random.choice(classes, p=row) for row in chances])


@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 2.5, 8.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(true_temperature):
    scores, truth = random_scores(6000, true_temperature=true_temperature)

    assert fit(scores, truth) == pytest.approx(true_temperature, rel=0.06)


@pytest.mark.parametrize("seed", range(4))
def test_no_other_temperature_has_a_smaller_loss(seed):
    scores, truth = random_scores(60, true_temperature=1 + seed, seed=seed)
    # the label counts as right with (N + 1) / (N + 2), else as the most probable other class; 40 more of one's own
    rows, targets, others = np.arange(60), np.zeros((60, 6)), scores.copy()
    others[rows, truth] = -np.inf
    targets[rows, others.argmax(axis=1)] = 1 / 62
    targets[rows, truth] = 61 / 62
    targets = (60 * targets + 40 * torch.softmax(torch.from_numpy(scores).double(), dim=1).numpy()) / 100

    def loss(temperature):
        scaled = torch.from_numpy(scores).double() / temperature
        return float(torch.nn.functional.cross_entropy(scaled, torch.from_numpy(targets)))

    grid = np.exp(np.linspace(math.log(0.01), math.log(100), 401))
    near = int(np.argmin([loss(each) for each in grid]))
    fine = minimize_scalar(loss, bounds=(grid[near - 1], grid[near + 1]), method="bounded", options={"xatol": 1e-7})

    assert fit(scores, truth) == pytest.approx(fine.x, rel=1e-3)


@pytest.mark.parametrize("count", [FEWEST, 100, 5000])
def test_without_a_single_mistake_doubt_stays(count):
    scores = np.tile([5.0, 0.0, -40.0], (count, 1))

    found = fit(scores, np.zeros(count, np.int64))

    # as unsure as 1 of N + 2, and of 40 more, as the network itself
    own = math.exp(-5) / (1 + math.exp(-5))
    unsure = (count / (count + 2) + 40 * own) / (count + 40)
    assert found == pytest.approx(5 / math.log((1 - unsure) / unsure), rel=1e-3)


def test_a_network_that_is_worse_than_guessing_becomes_as_unsure_as_may_be():
    scores, truth = random_scores(3000)

    assert fit(-scores, truth) == pytest.approx(bundles.MOST_TEMPERATURE)


def test_few_pictures_move_the_temperature_less_than_many():
    scores, truth = random_scores(3000, true_temperature=3)
    found = [abs(math.log(fit(scores[:count], truth[:count]))) for count in (30, 150, 3000)]

    assert found == sorted(found)
    assert found[0] < 0.85 * found[-1]


@pytest.mark.parametrize("change", ["few", "none", "constant", "infinite", "not a number"])
def test_where_nothing_can_be_fitted_the_temperature_stays_1(change):
    scores, truth = random_scores(FEWEST, true_temperature=3)
    assert fit(scores, truth) != 1
    kept = {"few": FEWEST - 1, "none": 0}.get(change, FEWEST)
    if change == "constant":
        scores[:] = 7
    elif kept:
        scores[0, 0] = {"infinite": np.inf, "not a number": np.nan}.get(change, scores[0, 0])

    assert fit(scores[:kept], truth[:kept]) == 1


def test_large_distances_as_of_lenet5_are_fitted_without_overflow():
    scores, truth = random_scores(500, true_temperature=1)

    assert fit(50 * scores - 1e4, truth) == pytest.approx(50, rel=0.2)


scores_of_all_kinds = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(2, 6)),
    elements=st.one_of(
        st.sampled_from([0.0, 1.0, 1.0000001, 0.9999999, 5.0, 5.0000005, -5.0]),
        st.floats(-1000, 1000, width=32, allow_subnormal=False),
    ),
)


@given(scores_of_all_kinds, st.one_of(st.floats(0.01, 100), st.sampled_from([0.01, 100.0])))
@settings(max_examples=400, deadline=None)
def test_no_temperature_changes_top_1_ties_included(scores, temperature):
    plain, scaled = (probabilities(torch.from_numpy(scores), each) for each in (1.0, temperature))

    assert scaled.argmax(axis=1).tolist() == plain.argmax(axis=1).tolist()
    assert np.abs(scaled.sum(axis=1) - 1).max() < 1e-5
    exact = torch.softmax(torch.from_numpy(scores).double() / temperature, dim=1).numpy()
    assert np.abs(np.sort(scaled, axis=1) - np.sort(exact, axis=1)).max() < 2e-6


def test_a_plain_softmax_would_change_top_1():
    close = torch.tensor([[1.0, 1.0000001192092896]])
    equal = torch.tensor([[1.0, 1.0000000001]], dtype=torch.float64)

    def plain(scores, temperature):
        return int(torch.softmax(scores.double() / temperature, dim=1).float().argmax())

    assert plain(close, 1) == 1
    assert plain(close, 10) == 0
    assert plain(equal, 1) == 0
    assert plain(equal, 0.0001) == 1
    assert [probabilities(close, each).argmax() for each in (1, 10)] == [1, 1]
    assert [probabilities(equal, each).argmax() for each in (1, 0.0001)] == [0, 0]


def test_temperature_1_is_the_softmax_to_the_bit():
    scores, _ = random_scores(50)

    expected = torch.softmax(torch.from_numpy(scores).double(), dim=1).float().numpy()

    assert (probabilities(torch.from_numpy(scores)) == expected).all()


@given(st.floats(0.2, 10), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_a_temperature_can_be_taken_back(temperature, seed):
    scores, truth = random_scores(20, seed=seed)
    calm, plain = (probabilities(torch.from_numpy(scores), each) for each in (temperature, 1.0))

    assert np.abs(at_one(calm, temperature) - plain).max() < 1e-5
    told = calibration.figures(calm, truth, temperature)
    assert told["ece_uncalibrated"] == pytest.approx(as_printed(plain, truth), abs=1e-4)
    assert told["ece"] == pytest.approx(as_printed(calm, truth), abs=1e-12)
    assert calibration.figures(calm, truth, temperature, averaged=True)["ece_uncalibrated"] is None


# the model file, the engines, and the end of training


def with_temperature(bundle, temperature):
    return Bundle(bundle.card.model_copy(update={"temperature": temperature}), bundle.weights)


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_an_engine_divides_scores_by_the_models_temperature(trained, backend):
    bundle = Bundle.load(trained[0])
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), dtype=np.uint8))
    preprocess = bundle.card.preprocess
    mean, spread = (torch.tensor(values)[:, None, None] for values in (preprocess.mean, preprocess.spread))
    with torch.inference_mode():
        scores = bundle.network()((pixels / 255 - mean) / spread)

    found = Engine(with_temperature(bundle, 2.5), backend=backend).probabilities(pixels)

    assert np.abs(found - torch.softmax(scores / 2.5, dim=1).numpy()).max() < 1e-4
    assert np.abs(found - torch.softmax(scores, dim=1).numpy()).max() > 1e-3


def test_what_is_remembered_is_answered_at_the_models_temperature(trained):
    bundle = Bundle.load(trained[0])
    listing = convscope.read(trained[1])
    remembered = Remembered(Embedder(Engine(bundle), remember=False), bundle)
    warm = with_temperature(bundle, 2.5)

    found, expected, plain = (
        np.concatenate([some.values for some in engine.answer(listing)])
        for engine in (remembered.under(warm.card), Engine(warm), Engine(warm).under(bundle.card))
    )

    assert np.abs(found - expected).max() < 1e-6
    assert np.abs(found - plain).max() > 1e-3


def test_a_file_without_a_temperature_is_read_as_before(trained, tmp_path):
    bundle = Bundle.load(trained[0])
    older = json.loads(bundle.card.model_dump_json(exclude={"temperature", "threshold"}))

    card = bundles.Card.model_validate(older)

    assert (card.temperature, card.threshold) == (1.0, None)
    Bundle(card.model_copy(update={"temperature": 1.25, "threshold": 0.5}), bundle.weights).save(tmp_path / "m")
    kept = Bundle.load(tmp_path / "m").card
    assert (kept.temperature, kept.threshold) == (1.25, 0.5)


@pytest.mark.parametrize("field", [{"temperature": 0}, {"temperature": 1e300}, {"threshold": 2}, {"threshold": -0.1}])
def test_a_temperature_or_threshold_that_is_none_is_refused(trained, tmp_path, field):
    bundle = Bundle.load(trained[0])
    Bundle(bundle.card.model_copy(update=field), bundle.weights).save(tmp_path / "m.safetensors")

    with pytest.raises(ModelFileError, match=next(iter(field))):
        Bundle.load(tmp_path / "m.safetensors")


class Heard(list):
    """What a listener was told."""

    def progress(self, stage, done, total):
        """Not of interest."""

    def message(self, key, **values):
        self.append((key, values))


class Scored:
    """Scores that are known, of files that can be read or not."""

    def __init__(self, scores, readable):
        self.told, self.readable = scores, readable

    def scores(self, listing, listener=None):
        yield Values(listing.take(self.readable), self.told[self.readable], ())


def listing_of(labels, classes):
    files = tuple(f"{number}.png" for number in range(len(labels)))
    names = tuple("abcdefgh"[:classes])
    return Listing(title="t", store=None, files=files, labels=labels, classes=names, parts=("val",) * len(labels))


def test_the_card_gets_what_the_validation_pictures_say(trained):
    card = Bundle.load(trained[0]).card.model_copy(update={"temperature": 1.0, "threshold": None})
    scores, truth = random_scores(200, true_temperature=3)
    heard, readable = Heard(), list(range(0, 200, 2))

    told = calibrated(card, Scored(scores, readable), listing_of(truth, 6), heard)

    assert told.temperature == fit(scores[readable], truth[readable])
    chances = probabilities(torch.from_numpy(scores[readable]), told.temperature)
    right = np.sort(chances.max(axis=1)[chances.argmax(axis=1) == truth[readable]])
    assert (right >= told.threshold).mean() >= 0.95 > (right >= told.threshold + 2e-4).mean() - 0.05
    assert heard == [("train.calibrated", {"temperature": told.temperature, "pictures": 100})]
    assert told.model_copy(update={"temperature": 1.0, "threshold": None}) == card


def test_few_validation_pictures_are_said_to_be_too_few(trained):
    card, heard = Bundle.load(trained[0]).card, Heard()
    scores, truth = random_scores(12)

    told = calibrated(card, Scored(scores, list(range(12))), listing_of(truth, 6), heard)

    assert (told.temperature, told.threshold) == (1.0, None)
    assert heard == [("train.uncalibrated", {"pictures": 12, "fewest": FEWEST})]


@pytest.fixture(scope="module")
def digits_run(tmp_path_factory):
    """Two epochs on the digits: 180 validation and 180 test pictures."""
    recipe = convscope.Recipe(model="lenet5_modern", epochs=2, test_share=0.1)
    return convscope.train("digits", recipe, out=tmp_path_factory.mktemp("runs"))


def test_a_run_is_calibrated_on_its_validation_pictures_and_says_both_errors(digits_run):
    card, report = Bundle.load(digits_run.path).card, digits_run.report
    plain = Bundle(card.model_copy(update={"temperature": 1.0}), Bundle.load(digits_run.path).weights, digits_run.model)
    val = convscope.evaluate(plain, "digits", split="val").predictions
    test = convscope.evaluate(plain, "digits", split="test")

    # from float32 probabilities instead of scores, so only nearly the same
    assert fit(np.log(val.probabilities.clip(1e-30)), val.truth) == pytest.approx(card.temperature, rel=1e-3)
    assert report.calibration["temperature"] == card.temperature != 1
    assert report.calibration["ece"] == pytest.approx(
        as_printed(report.predictions.probabilities, report.predictions.truth), abs=1e-12
    )
    assert report.calibration["ece_uncalibrated"] == pytest.approx(test.calibration["ece"], abs=1e-4)
    assert (report.top1, report.confusion) == (test.top1, test.confusion)
    assert report.threshold["value"] == card.threshold
