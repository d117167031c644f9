"""Answers to single pictures, the engine behind them, and what it finds out about the processor."""

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import convscope
from convscope.errors import DataError, ModelFileError
from convscope.inference import cpu
from convscope.inference.engine import Engine
from convscope.models.bundle import Bundle
from tests.conftest import COLOURS, make_photos, paint


@pytest.fixture
def new(tmp_path):
    """A picture of each colour that no training has seen."""
    return [paint(tmp_path / "new" / f"{name}.png", COLOURS[name], seed=4_000) for name in ("red", "blue", "green")]


def test_pictures_are_answered_in_the_order_given(trained, new):
    rows = convscope.predict(trained[0], [new[2], str(new[0]), new[1]])

    assert [row["file"] for row in rows] == [str(new[2]), str(new[0]), str(new[1])]
    assert [row["label"] for row in rows] == ["green", "red", "blue"]


def test_an_answer_has_the_promised_fields(trained, new):
    (row,) = convscope.predict(trained[0], new[0], top=2)

    assert row.keys() == {"file", "label", "probability", "top", "error"}
    assert [entry.keys() for entry in row["top"]] == [{"label", "probability"}] * 2
    assert row["top"][0] == {"label": row["label"], "probability": row["probability"]}
    assert row["error"] is None
    json.dumps(row)


def test_all_classes_are_named_at_most_and_add_up_to_one(trained, new):
    for row in convscope.predict(trained[0], new, top=99):
        chances = [entry["probability"] for entry in row["top"]]

        assert {entry["label"] for entry in row["top"]} == {"red", "green", "blue"}
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) == pytest.approx(1, abs=1e-6)


def test_a_broken_picture_is_answered_with_its_reason_and_stops_no_other(trained, new):
    new[1].write_bytes(b"not a picture")

    first, broken, last = convscope.predict(trained[0], new)

    assert (first["label"], last["label"]) == ("red", "green")
    assert (broken["label"], broken["probability"], broken["top"]) == (None, None, [])
    assert "not a picture" in broken["error"]


def test_broken_pictures_alone_are_answered_too(trained, new):
    new[0].write_bytes(b"")

    (row,) = convscope.predict(trained[0], [new[0]])

    assert row["error"] == "the file is empty"


def test_folders_zips_and_patterns_are_taken(trained, new, tmp_path):
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        for file in new:
            archive.write(file, f"inner/{file.name}")

    folder, archived, pattern = (
        convscope.predict(trained[0], place) for place in (new[0].parent, tmp_path / "new.zip", f"{tmp_path}/*/r*.png")
    )

    assert [row["label"] for row in folder] == ["blue", "green", "red"]
    assert [Path(row["file"]).name for row in folder] == ["blue.png", "green.png", "red.png"]
    assert [row["top"] for row in archived] == [row["top"] for row in folder]
    assert archived[0]["file"] == f"{tmp_path}/new.zip/inner/blue.png"
    assert [row["file"] for row in pattern] == [str(new[0])]


def test_a_listing_is_answered_by_its_own_names(trained, tmp_path):
    listing = convscope.read(make_photos(tmp_path / "more", count=2, first_seed=9_000))

    rows = convscope.predict(Bundle.load(trained[0]), listing)

    assert [row["file"] for row in rows] == list(listing.files)


@pytest.mark.parametrize("wrong", [0, -1])
def test_fewer_than_one_class_is_refused(trained, new, wrong):
    with pytest.raises(DataError, match="needs at least 1"):
        convscope.predict(trained[0], new, top=wrong)


def test_what_is_not_there_is_named(trained, new):
    with pytest.raises(DataError, match="nowhere"):
        convscope.predict(trained[0], [new[0], "nowhere.png"])
    with pytest.raises(ModelFileError, match="no model there"):
        convscope.predict(new[0].parent, new)


def test_the_engine_answers_as_a_plain_forward_does(trained):
    bundle = Bundle.load(trained[0])
    preprocess = bundle.card.preprocess
    shape = (130, 3, preprocess.size, preprocess.size)  # two whole batches of the engine and a rest
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    answers = Engine(bundle).probabilities(pixels)
    mean, spread = (torch.tensor(values)[:, None, None] for values in (preprocess.mean, preprocess.spread))
    with torch.no_grad():
        expected = torch.softmax(bundle.network()((pixels.float() / 255 - mean) / spread), dim=1).numpy()

    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(answers, expected, atol=1e-5)


def test_the_engine_answers_no_pictures_with_no_rows(trained):
    bundle = Bundle.load(trained[0])
    size = bundle.card.preprocess.size

    assert Engine(bundle).probabilities(torch.empty(0, 3, size, size, dtype=torch.uint8)).shape == (0, 3)


def test_the_engine_computes_with_the_threads_it_is_given_and_gives_them_back(trained):
    torch.set_num_threads(2)
    engine = Engine(Bundle.load(trained[0]), threads=1)
    during = []
    engine.network.features.register_forward_hook(lambda *_: during.append(torch.get_num_threads()))

    engine.probabilities(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))

    assert during == [1]
    assert torch.get_num_threads() == 2


def groups(root, **files):
    """A tree of control groups: file name, with "/" written as "__", to its text."""
    for name, text in files.items():
        file = root / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


V1 = {"cpu__cpu_dot_cfs_quota_us": "150000\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu_dot_max": "200000 100000\n"}, 2.0),
        ({"cpu_dot_max": "50000 100000\n"}, 0.5),
        ({"cpu_dot_max": "max 100000\n"}, None),
        (V1, 1.5),
        (V1 | {"cpu__cpu_dot_cfs_quota_us": "-1\n"}, None),
        (V1 | {"cpu_dot_max": "max 100000\n"}, None),
        ({"cpu_dot_max": "what is this\n"}, None),
        ({"cpu__cpu_dot_cfs_quota_us": "150000\n"}, None),
        ({}, None),
    ],
)
def test_the_quota_is_read_from_either_version_of_control_groups(tmp_path, files, expected):
    assert cpu.quota(groups(tmp_path, **files)) == expected


@pytest.mark.parametrize(("quota", "expected"), [(0.5, 1), (1.0, 1), (1.5, 2), (2.0, 2), (64.0, 3), (None, 3)])
def test_threads_honour_the_quota_rounded_up(monkeypatch, quota, expected):
    monkeypatch.setattr(cpu, "quota", lambda: quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(cpu, "_PYTORCHS_CHOICE", 3)

    assert cpu.threads() == expected
    assert cpu.threads(7) == 7


@pytest.mark.skipif(not hasattr(__import__("os"), "sched_getaffinity"), reason="no affinity on this system")
def test_threads_honour_the_affinity(monkeypatch):
    monkeypatch.setattr(cpu, "quota", lambda: None)
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {5})
    torch.set_num_threads(3)

    assert cpu.threads() == 1


@pytest.fixture
def step(monkeypatch):
    """A step that takes 1 second in bf16 and 2 in f32, on a clock of its own; it remembers its calls."""
    now, calls = [0.0], []

    def one(bf16):
        calls.append(bf16)
        now[0] += 1 if bf16 else 2

    one.calls = calls
    monkeypatch.setattr(cpu, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return one


def test_the_gain_of_bf16_is_measured_once_and_remembered(step, tmp_path):
    assert cpu.bf16_gain(step, "work", tmp_path) == 2.0
    measured = list(step.calls)
    assert {True, False} == set(measured)

    assert cpu.bf16_gain(step, "work", tmp_path) == 2.0
    assert step.calls == measured


def test_other_work_is_measured_anew_and_both_are_kept(step, tmp_path):
    cpu.bf16_gain(step, "work", tmp_path)
    first = len(step.calls)

    cpu.bf16_gain(step, "other work", tmp_path)

    assert len(step.calls) == 2 * first
    assert len(json.loads((tmp_path / "bf16.json").read_text())) == 2


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b"\xff\xfe", b"", b'{"a": 1}'])
def test_a_damaged_memory_is_replaced(step, tmp_path, content):
    (tmp_path / "bf16.json").write_bytes(content)

    assert cpu.bf16_gain(step, "work", tmp_path) == 2.0
    assert 2.0 in json.loads((tmp_path / "bf16.json").read_text()).values()


def test_a_place_that_cannot_be_written_measures_each_time(step, tmp_path):
    (tmp_path / "file").write_text("in the way")

    assert cpu.bf16_gain(step, "work", tmp_path / "file") == 2.0


def test_the_self_test_takes_both_precisions_in_turn(monkeypatch, tmp_path):
    monkeypatch.setattr(cpu, "SELF_TEST_S", 0.01)
    calls = []

    assert cpu.bf16_gain(calls.append, "work", tmp_path) > 0
    assert calls.count(True) == calls.count(False) > 2
