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


def test_a_tracker_that_is_not_installed_is_one_line_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setitem(live.TRACKERS, "wandb", ("WandBTracker", "no_such_package", False))
    recipe = cs.Recipe(**QUICK, track=("wandb",))

    with pytest.raises(MissingExtra, match=r"--track wandb needs no_such_package: pip install 'convscope\[track\]'"):
        cs.train(tmp_path / "no such folder", recipe, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_tracker_that_went_is_one_line_when_the_run_is_resumed(tmp_path, monkeypatch):
    monkeypatch.setitem(live.TRACKERS, "wandb", ("WandBTracker", "no_such_package", False))
    cs.Recipe(**QUICK, data="digits", track=("wandb",)).save(tmp_path / "config.yaml")

    with pytest.raises(MissingExtra, match="--track wandb needs no_such_package"):
        cs.train(resume=tmp_path)


def test_a_tracker_that_fails_is_left_out_in_words_and_training_goes_on(tmp_path, photos, monkeypatch):
    class Broken:
        def log(self, *_, **__):
            raise ConnectionError("no such host")

        def finish(self):
            raise ConnectionError("no such host")

    monkeypatch.setattr(live, "_tracker", lambda *_: Broken())
    monkeypatch.setattr(live, "refuse_missing", lambda _: None)
    monkeypatch.setattr("convscope.training.trainer.refuse_missing", lambda _: None)
    looks = Looks(tmp_path / "r/report.html")

    run = cs.train(photos, cs.Recipe(**QUICK, track=("wandb",)), out=tmp_path, name="r", listener=looks)

    assert run.epochs == 3
    assert str(looks.said["live.tracker"]["reason"]) == "no such host"


def test_minutes_left_are_those_of_the_epochs_that_are_left(tmp_path, monkeypatch):
    now, pages = [1000.0], []
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(live.live, "render", lambda *given: pages.append(given[3]) or "")

    class Nobody:
        findings = ()

    seen = live.Live(tmp_path, cs.Recipe(model="lenet5", epochs=10), Nobody(), Listener(), "en")
    history = []
    for epoch in range(1, 4):
        now[0] += 60
        history.append({"epoch": epoch, "val_loss": 1.0, "val_top1": 0.5})
        seen(history)

    assert [round(left / 60, 3) for left in pages] == [9, 8, 7]


def test_the_page_of_a_run_that_was_stopped_is_loaded_no_more(tmp_path, photos):
    class Stops(Looks):
        def message(self, key, **values):
            super().message(key, **values)
            if key == "train.epoch" and values["epoch"] == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, cs.Recipe(**QUICK), out=tmp_path, name="r", listener=Stops(tmp_path / "r/report.html"))

    page = (tmp_path / "r/report.html").read_text()
    assert "http-equiv" not in page.replace('http-equiv="Content-Security-Policy"', "")
    assert "Training has ended here" in page
