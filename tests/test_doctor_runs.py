"""Ill runs are named rightly, healthy ones left in peace; every run is really trained, on small pictures."""

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import convscope as cs
from convscope.data.builtin import digits
from convscope.data.preprocess import Preprocess
from convscope.layers.probe import first_not_finite
from convscope.training.doctor.watch import Doctor
from convscope.words import SILENT

BATCH = 64


@dataclass
class Pictures:
    """Scaled training and validation pictures with their labels."""

    x: torch.Tensor
    labels: torch.Tensor
    val_x: torch.Tensor
    val_labels: torch.Tensor
    preprocess: Preprocess = field(default_factory=lambda: Preprocess(size=28, channels=1, mean=(0.3,), spread=(0.35,)))

    @property
    def classes(self):
        return tuple(str(label) for label in range(int(self.val_labels.max()) + 1))


def handwriting(size=28, count=None, channels=1):
    """The digits that ship with scikit-learn; the first `count` to train on."""
    x, labels, preprocess = scaled(size, channels)
    count = count or len(x) - 256
    return Pictures(x[:count], labels[:count], x[-256:], labels[-256:], preprocess)


@cache
def scaled(size, channels):
    """All training digits in one fixed order."""
    listing = digits()
    preprocess = Preprocess(size=size, channels=channels, mean=(0.3,) * channels, spread=(0.35,) * channels)
    rows = [row for row, part in enumerate(listing.parts) if part == "train"]
    x = preprocess.scale(torch.stack([preprocess.fit(listing.picture(row)) for row in rows]))
    labels = torch.from_numpy(listing.labels[rows])
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(rows)))
    return x[order], labels[order], preprocess


def noise(classes=2, count=512, shares=None, seed=0):
    """Pictures without anything to learn from."""
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(count + 256, 1, 28, 28)).astype(np.float32))
    labels = torch.from_numpy(rng.choice(classes, size=count + 256, p=shares))
    return Pictures(x[:count], labels[:count], x[count:], labels[count:])


def run(tmp_path, network, pictures, *, epochs=3, listener=SILENT, borrowed=None, mode=None, scale=None, **numbers):
    """Train as the loop does, watched by a doctor, which is handed back."""
    recipe = cs.Recipe(epochs=epochs, batch=BATCH, **{"rate": 1e-3, "optimiser": "adam", **numbers})
    learning = [values for values in network.parameters() if values.requires_grad]
    if recipe.optimiser == "sgd":
        optimiser = torch.optim.SGD(learning, recipe.rate, momentum=0.9, weight_decay=recipe.decay)
    else:
        optimiser = torch.optim.Adam(learning, recipe.rate, weight_decay=recipe.decay)
    doctor = Doctor(
        network, recipe, pictures.labels.numpy(), pictures.classes, pictures.preprocess, tmp_path, listener,
        borrowed=borrowed,
    )  # fmt: skip
    scale = scale or (lambda x: x)
    doctor.before(scale(pictures.x[:BATCH]), pictures.labels[:BATCH])
    for epoch in range(1, epochs + 1):
        (mode or nn.Module.train)(network)
        total, hits = 0.0, 0
        order = torch.from_numpy(np.random.default_rng([0, epoch]).permutation(len(pictures.x)))
        for step, rows in enumerate(order.split(BATCH)):
            x, labels = scale(pictures.x[rows]), pictures.labels[rows]
            scores = network(x)
            loss = functional.cross_entropy(scores, labels)
            if not math.isfinite(loss.item()):
                doctor.not_finite(epoch, step, first_not_finite(network, x), recipe.rate)
                return doctor
            loss.backward()
            doctor.step(epoch, step, loss.item(), scores.detach(), labels)
            optimiser.step()
            optimiser.zero_grad()
            total += loss.item() * len(labels)
            hits += int((scores.argmax(dim=1) == labels).sum())
        network.eval()
        with torch.inference_mode():
            scores = network(scale(pictures.val_x))
            val_loss = functional.cross_entropy(scores, pictures.val_labels).item()
            val_top1 = (scores.argmax(dim=1) == pictures.val_labels).float().mean().item()
        row = {"epoch": epoch, "train_loss": total / len(order), "val_loss": val_loss, "val_top1": val_top1}
        doctor.epoch(
            {**row, "train_top1": hits / len(order), "rate": recipe.rate},
            scale(pictures.val_x[:BATCH]),
            pictures.val_labels[:BATCH],
        )
    return doctor


def ills(doctor):
    return [found for found in doctor.findings if found.severity == "ill"]


def plain(activation=nn.ReLU, hidden=1, width=64, classes=10, side=28):
    """Fully connected layers."""
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(side * side, width), activation()]
    for _ in range(hidden):
        layers += [nn.Linear(width, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, classes))


def convolutions(classes=10):
    """Two convolutions with batch normalisation, and a head."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, classes),
    )  # fmt: skip


def zoo(name, size, channels=1):
    torch.manual_seed(0)
    return cs.build(name, 10, channels, size)


def frozen_trunk(network, *, head):
    """All but the head are frozen, as fine-tuning begins."""
    for name, values in network.named_parameters():
        values.requires_grad_(name.startswith(head))
    return network


def not_a_number(tmp_path):
    return run(tmp_path, plain(), handwriting(), optimiser="sgd", rate=1e6)


def divided_twice(tmp_path):
    return run(tmp_path, zoo("lenet5_modern", 28), handwriting(), scale=lambda x: (x * 0.35 + 0.3) / 255)


def never_divided(tmp_path):
    return run(tmp_path, zoo("lenet5_modern", 28), handwriting(), scale=lambda x: (x * 0.35 + 0.3) * 255, epochs=1)


def another_scale(tmp_path):
    theirs = Preprocess(size=28, channels=1, mean=(0.5,), spread=(0.5,))
    return run(tmp_path, zoo("lenet5_modern", 28), handwriting(), borrowed=theirs, epochs=1)


def frozen_norm(tmp_path):
    return run(tmp_path, frozen_trunk(convolutions(), head="8"), handwriting(), epochs=1)


def exploding(tmp_path):
    network = plain(hidden=3)
    with torch.no_grad():
        for values in network.parameters():
            values.mul_(10)
    return run(tmp_path, network, handwriting(), epochs=2)


def too_fast(tmp_path):
    return run(tmp_path, zoo("lenet5_modern", 28), handwriting(), rate=0.3, epochs=2)


def too_fast_with_momentum(tmp_path):
    return run(tmp_path, plain(hidden=2), handwriting(), optimiser="sgd", rate=1.0, epochs=2)


def dead(tmp_path):
    network = plain(hidden=2)
    with torch.no_grad():
        network[3].bias.fill_(-10)
    return run(tmp_path, network, handwriting(), optimiser="sgd", rate=0.01, epochs=2)


def vanishing(tmp_path):
    return run(tmp_path, plain(nn.Sigmoid, hidden=11), handwriting(), optimiser="sgd", rate=0.1)


def vanishing_under_adam(tmp_path):
    return run(tmp_path, plain(nn.Sigmoid, hidden=11), handwriting())


def too_slow(tmp_path):
    return run(tmp_path, zoo("lenet5_modern", 28), handwriting(), optimiser="sgd", rate=1e-6)


def too_slow_adam(tmp_path):
    return run(tmp_path, zoo("lenet5_modern", 28), handwriting(), rate=1e-7)


def shuffled(tmp_path):
    pictures = handwriting(count=320)
    pictures.labels = pictures.labels[torch.from_numpy(np.random.default_rng(1).permutation(320))]
    return run(tmp_path, plain(width=256), pictures, epochs=15)


def stuck(tmp_path):
    return run(tmp_path, plain(nn.Sigmoid, hidden=3), handwriting(), optimiser="sgd", rate=0.01, epochs=4)


def one_class(tmp_path):
    pictures = noise(shares=(0.8, 0.2))
    pattern = torch.linspace(-1, 1, 28)
    pictures.x, pictures.val_x = (pattern + 0.01 * x for x in (pictures.x, pictures.val_x))  # all but alike
    return run(tmp_path, plain(nn.Tanh, classes=2), pictures, epochs=8)


def known_by_heart(tmp_path):
    return run(tmp_path, plain(width=256), handwriting(count=40), rate=3e-3, epochs=60)


ILL = {
    "not-finite": (not_a_number,),
    "scaling": (divided_twice, never_divided),
    "preprocess-mismatch": (another_scale,),
    "frozen-norm-moving": (frozen_norm,),
    "exploding": (exploding,),
    "rate-too-high": (too_fast, too_fast_with_momentum),
    "dead-relu": (dead,),
    "vanishing": (vanishing, vanishing_under_adam),
    "rate-too-low": (too_slow, too_slow_adam),
    "labels-shuffled": (shuffled,),
    "stuck": (stuck,),
    "one-class": (one_class,),
    "overfitting": (known_by_heart,),
}


@pytest.mark.parametrize(("kind", "make"), [(kind, make) for kind, makes in ILL.items() for make in makes])
def test_an_ill_run_is_named(tmp_path, kind, make):
    doctor = make(tmp_path)

    assert [found.kind for found in ills(doctor)][:1] == [kind], doctor.findings


def small_classic(tmp_path):
    return run(tmp_path, zoo("lenet5_modern", 28), handwriting(), epochs=5)


def course_network(tmp_path):
    return run(tmp_path, zoo("course_cnn", 28), handwriting(count=512), epochs=3)


def caffe_classic(tmp_path):
    return run(tmp_path, zoo("lenet_caffe", 28), handwriting(), optimiser="sgd", rate=0.01, epochs=3)


def residual(tmp_path):
    return run(tmp_path, zoo("resnet20_cifar", 16), handwriting(16, count=256), optimiser="sgd", rate=0.05, epochs=4)


def tuned(tmp_path):
    network, pictures = convolutions(), handwriting()
    run(tmp_path, network, pictures, rate=3e-3, epochs=3)

    def mode(network):
        network.train()
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()

    frozen_trunk(network, head="8")
    return run(tmp_path, network, pictures, mode=mode, borrowed=pictures.preprocess, optimiser="sgd", rate=0.01)


def tuned_under_adam(tmp_path):
    network, pictures = zoo("lenet5_modern", 28), handwriting()
    run(tmp_path, network, pictures, epochs=2)
    return run(tmp_path, network, pictures, borrowed=pictures.preprocess, rate=1e-4)


def slowly_at_first(tmp_path):
    return run(tmp_path, plain(nn.Sigmoid, hidden=1), handwriting(), optimiser="sgd", rate=0.05, epochs=4)


HEALTHY = (
    small_classic, course_network, caffe_classic, residual, tuned, tuned_under_adam, slowly_at_first,
)  # fmt: skip


@pytest.mark.parametrize("make", HEALTHY)
def test_a_healthy_run_is_left_in_peace(tmp_path, make):
    doctor = make(tmp_path)

    assert ills(doctor) == []
    assert doctor.rows[-1]["train_top1"] > 0.3  # it does learn
