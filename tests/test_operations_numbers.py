"""What lessons rely on: softmax, losses and normalisation of the course notes, worked out by hand."""

from math import log

import pytest
import torch
from torch import nn
from torch.nn import functional


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def close(found, expected, tolerance=1e-6):
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)


LOGITS = double(1, 2, 3)


def test_softmax_of_small_numbers():
    close(LOGITS.softmax(0), double(0.09003057, 0.24472847, 0.66524096), 1e-8)
    close(double(2, 1, 0.1).softmax(0), double(0.65900114, 0.24243297, 0.09856589), 1e-8)


def test_softmax_sees_differences_only():
    assert torch.equal((LOGITS + 1000).softmax(0), LOGITS.softmax(0))


def test_softmax_makes_an_outlier_louder():
    close(double(1, 2, 3, 10).softmax(0), double(1.2e-4, 3.4e-4, 9.1e-4, 0.99863), 5e-6)


def test_an_exponential_overflows_at_89():
    assert torch.tensor(88.0).exp().item() == pytest.approx(1.6516e38, rel=1e-4)
    assert torch.tensor(89.0).exp().isinf()
    assert torch.tensor([89.0, 89.0]).softmax(0).tolist() == [0.5, 0.5]  # the largest is subtracted first


def test_the_logarithm_of_softmax_loses_nothing():
    assert double(1000, 0, -1000).log_softmax(0).tolist() == [0, -1000, -2000]


def test_the_jacobian_of_softmax():
    jacobian = torch.autograd.functional.jacobian(lambda x: x.softmax(0), LOGITS)
    shares = LOGITS.softmax(0)

    close(jacobian, torch.diag(shares) - shares.outer(shares), 1e-15)
    close(jacobian.diagonal(), double(0.081925, 0.184836, 0.222695))
    close(torch.stack([jacobian[0, 1], jacobian[0, 2], jacobian[1, 2]]), double(-0.022033, -0.059892, -0.162803))


def test_cross_entropy_pulls_by_softmax_minus_the_truth():
    logits = LOGITS.clone().requires_grad_()
    loss = functional.cross_entropy(logits, torch.tensor(2))
    loss.backward()

    assert loss.item() == pytest.approx(0.4076060, abs=1e-7)
    close(logits.grad, LOGITS.softmax(0) - double(0, 0, 1), 1e-15)


def test_smoothed_labels_cost_a_tenth_more_here():
    loss = functional.cross_entropy(LOGITS, torch.tensor(2), label_smoothing=0.1)

    assert loss.item() == pytest.approx(0.5076060, abs=1e-7)


@pytest.mark.parametrize(("classes", "expected"), [(2, 0.693147), (10, 2.302585), (1000, 6.907755)])
def test_a_guess_costs_the_logarithm_of_the_classes(classes, expected):
    loss = functional.cross_entropy(torch.zeros(classes, dtype=torch.float64), torch.tensor(0))

    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_softmax_twice_never_gets_below_a_floor():
    perfect = double(1, *[0] * 9)  # what a softmax inside the network gives at best

    loss = functional.cross_entropy(perfect, torch.tensor(0))

    assert loss.item() == pytest.approx(1.461150, abs=1e-6)
    assert loss.item() == pytest.approx(-log(torch.e / (torch.e + 9)))


BATCH = double(1, 2, 3, 4)[:, None]


def normalised():
    """A batch normalisation that has seen one batch, and what it made of it."""
    layer = nn.BatchNorm1d(1).double()
    return layer, layer(BATCH)


def test_a_batch_is_normalised_by_its_own_mean_and_spread():
    _, out = normalised()

    close(out.flatten(), double(-1.341635, -0.447212, 0.447212, 1.341635))


def test_the_running_variance_is_that_of_a_sample():
    layer, _ = normalised()

    assert layer.running_mean.item() == pytest.approx(0.25)  # .9 * 0 + .1 * 2.5
    assert layer.running_var.item() == pytest.approx(0.9 + 0.1 * 5 / 3)  # 1.0666667; the batch was divided by 5 / 4


def test_the_same_layer_answers_otherwise_in_evaluation():
    layer, _ = normalised()

    close(layer.eval()(BATCH).flatten(), double(0.726181, 1.694422, 2.662663, 3.630905))


def test_one_value_has_no_spread():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm1d(1)(torch.ones(1, 1))


def test_normalising_keeps_the_shape_of_a_distribution():
    lopsided = torch.rand(10_000, 1, dtype=torch.float64).log().neg()  # exponential: skewness 2
    out = nn.BatchNorm1d(1).double()(lopsided)

    assert (out.mean().item(), out.std(correction=0).item()) == pytest.approx((0, 1), abs=1e-4)
    assert out.pow(3).mean().item() == pytest.approx(2, abs=0.3)  # a normal one would have 0


def test_a_normalisation_has_two_trained_numbers_and_two_statistics_per_map():
    layer = nn.BatchNorm2d(6)

    assert [tuple(parameter.shape) for parameter in layer.parameters()] == [(6,), (6,)]
    assert {name: tuple(value.shape) for name, value in layer.named_buffers()} == {
        "running_mean": (6,), "running_var": (6,), "num_batches_tracked": (),
    }  # fmt: skip


def test_a_normalisation_folds_into_the_convolution_before_it():
    convolution, norm = nn.Conv2d(3, 4, 3).double(), nn.BatchNorm2d(4).double()
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
        tensor.normal_()
    norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)

    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    folded = functional.conv2d(
        x, convolution.weight * scale[:, None, None, None], norm.bias + (convolution.bias - norm.running_mean) * scale
    )

    close(folded, norm.eval()(convolution(x)), 1e-12)


def test_a_bias_before_a_normalisation_does_nothing():
    norm, x = nn.BatchNorm1d(3).double(), torch.randn(5, 3, dtype=torch.float64)

    close(norm(x + 7), norm(x), 1e-12)


def test_a_frozen_normalisation_still_drifts_until_it_is_set_to_evaluation():
    layer, x = nn.BatchNorm1d(1).requires_grad_(False), torch.full((64, 1), 5.0)
    layer(x)
    assert layer.running_mean.item() == pytest.approx(0.5)

    layer.eval()(x)
    assert layer.running_mean.item() == pytest.approx(0.5)


@pytest.mark.parametrize(("momentum", "keras"), [(0.1, 0.9), (0.01, 0.99), (0.001, 0.999)])
def test_keras_counts_the_momentum_from_the_other_end(momentum, keras):
    layer = nn.BatchNorm1d(1, momentum=momentum)
    layer(torch.tensor([[4.0], [6.0]]))

    assert layer.running_mean.item() == pytest.approx(keras * 0 + (1 - keras) * 5, rel=1e-5)


# Fashion-MNIST's training pictures, scaled to [0, 1]
MEAN, SPREAD = 0.2860, 0.3530


def pictures():
    """Pixels with exactly that mean and spread."""
    x = torch.randn(10_000, dtype=torch.float64)
    return (x - x.mean()) / x.std(correction=0) * SPREAD + MEAN


def test_standardised_pictures_have_mean_zero_and_spread_one():
    x = (pictures() - MEAN) / SPREAD

    assert abs(x.mean()) < 1e-6
    assert abs(x.std(correction=0) - 1) < 1e-6


def test_the_notes_expression_without_parentheses_shifts_and_does_not_scale():
    slip = MEAN / SPREAD
    x = pictures() - slip  # the notes print x - mean / spread

    assert slip == pytest.approx(0.8102, abs=1e-4)
    assert x.mean().item() == pytest.approx(-0.5242, abs=1e-4)
    assert x.std(correction=0).item() == pytest.approx(0.3530)


def test_on_bytes_the_same_slip_hardly_moves_anything():
    raw = 255 * pictures()

    assert (raw - (raw - (255 * MEAN) / (255 * SPREAD))).mean().item() == pytest.approx(0.81, abs=0.001)
