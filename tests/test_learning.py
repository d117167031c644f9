"""Networks learn what they should: the promised figures, at the smallest honest size.

`make bars` runs them in full. The thresholds lie below what five seeds reached.
"""

import numpy as np
import pytest

import convscope as cs


@pytest.fixture(scope="session")
def few():
    """Some training pictures of a listing with a given test: (listing, training, test) to a smaller listing."""

    def choose(listing: cs.Listing, training: int, test: int) -> cs.Listing:
        parts = np.array(listing.parts)
        rng = np.random.default_rng(0)
        rows = [
            rng.choice(np.flatnonzero(parts == part), size, replace=False)
            for part, size in (("train", training), ("test", test))
        ]
        return listing.take(np.sort(np.concatenate(rows)))

    return choose


def test_the_demo_reads_digits(tmp_path):
    from convscope.ui.cli.demo import RECIPE

    run = cs.train("digits", cs.Recipe(**RECIPE), out=tmp_path)

    assert run.report.n == 360
    assert run.report.top1 >= 0.96


def test_lenet5_of_1998_learns_digits_through_its_distances(tmp_path):
    run = cs.train("digits", cs.Recipe(model="lenet5", epochs=15, batch=32), out=tmp_path)

    assert run.report.top1 >= 0.93


def test_the_papers_map_criterion_learns_too(tmp_path):
    run = cs.train("digits", cs.Recipe(model="lenet5", epochs=15, batch=32, rbf_margin=5.0), out=tmp_path)

    assert run.report.top1 >= 0.93


@pytest.mark.parametrize(("model", "least"), [("lenet5_modern", 0.80), ("course_cnn", 0.84)])
def test_networks_learn_clothes(tmp_path, shared, few, model, least):
    clothes = few(cs.read(shared / "fashion-mnist"), 8000, 2000)

    run = cs.train(clothes, cs.Recipe(model=model, epochs=4), out=tmp_path)

    assert run.report.n == 2000
    assert run.report.top1 >= least


def test_lenet5_of_1998_learns_mnist(tmp_path, shared, few):
    mnist = few(cs.read(shared / "mnist"), 8000, 2000)

    run = cs.train(mnist, cs.Recipe(model="lenet5", epochs=4), out=tmp_path)

    assert run.report.top1 >= 0.88


def test_photos_go_from_a_folder_to_a_report(tmp_path, shared):
    recipe = cs.Recipe(model="lenet5_modern", mode="scratch", weights="none", size=64, epochs=1)

    run = cs.train(shared / "hymenoptera", recipe, out=tmp_path)

    rows = [line.split(",") for line in (run.path / "split.csv").read_text().splitlines()[1:]]
    assert sum(part == "val" for _, _, part, _ in rows) == 153
    assert all(file.startswith("val/") == (part == "val") for file, _, part, _ in rows)
    assert sum(part == "test" for _, _, part, _ in rows) == 24
    assert run.report.classes == ("ants", "bees")
    answer = cs.predict(run.path, str(next((shared / "hymenoptera/val/bees").iterdir())))[0]
    assert sum(entry["probability"] for entry in answer["top"]) == pytest.approx(1, abs=1e-6)
