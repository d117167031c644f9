"""A run while it trains: its page, its curves in the terminal, and trackers that are told."""

import pytest

import convscope as cs
from convscope.errors import MissingExtra
from convscope.training import live
from convscope.words import Listener

QUICK = {"model": "lenet5_modern", "size": 32, "epochs": 3, "batch": 8, "device": "cpu", "precision": "f32"}


class Looks(Listener):
    """Keeps the page as it is after every epoch, and what was said."""

    def __init__(self, page) -> None:
        self.page, self.pages, self.said = page, [], {}

    def message(self, key, **values):
        self.said[key] = values
        if key == "live.curve":
            self.pages.append(self.page.read_text())


def test_a_line_of_bars_runs_from_the_least_to_the_most():
    assert live.sparkline([3.0, 2.0, 1.0]) == "█▅▁"
    assert live.sparkline([1.0, 1.0]) == "▁▁"
    assert len(live.sparkline(range(100))) == live.LATEST


def test_the_page_shows_each_epoch_and_loads_itself_anew_until_the_report_is_there(tmp_path, photos):
    looks = Looks(tmp_path / "r/report.html")

    run = cs.train(photos, cs.Recipe(**QUICK), out=tmp_path, name="r", listener=looks)

    assert looks.said["live.curve"]["losses"]
    page, report = looks.pages[0], (run.path / "report.html").read_text()
    assert 'http-equiv="refresh"' in page
    assert "2 of 3 epochs" in page
    assert "3 에포크 중 2 에포크" in page
    assert 'http-equiv="refresh"' not in report
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_tensorboard_is_told_every_figure(tmp_path, photos):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = cs.train(photos, cs.Recipe(**QUICK, track=("tensorboard",)), out=tmp_path, name="r")

    (folder,) = {file.parent for file in run.path.rglob("events.out.tfevents*") if file.parent.name == "r"}
    events = EventAccumulator(str(folder)).Reload()
    lines = (run.path / "metrics.csv").read_text().splitlines()
    column = lines[0].split(",").index("val_loss")
    expected = [float(line.split(",")[column]) for line in lines[1:]]
    assert [event.value for event in events.Scalars("val_loss")] == pytest.approx(expected, rel=1e-6)
    assert [event.step for event in events.Scalars("val_loss")] == [1, 2, 3]


def test_a_tracker_that_is_not_installed_is_one_line_before_any_training(tmp_path, photos, monkeypatch):
    monkeypatch.setitem(live.TRACKERS, "wandb", ("WandBTracker", "no_such_package", False))

    with pytest.raises(MissingExtra, match=r"--track wandb needs no_such_package: pip install 'convscope\[track\]'"):
        cs.train(photos, cs.Recipe(**QUICK, track=("wandb",)), out=tmp_path, name="r")
