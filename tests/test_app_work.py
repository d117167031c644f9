"""The app at work: the training beside the page, the answers, and their markup."""

import json
import os
import re
import threading
from pathlib import Path

import pytest
from PIL import Image

import convscope
from convscope.errors import ConvscopeError, ModelFileError, UnreadableImage
from convscope.training import loop
from convscope.ui.app import jobs, views
from convscope.ui.app.answering import Answerer
from convscope.ui.app.choices import Call
from convscope.ui.app.jobs import Desk, Order
from convscope.words import LANGUAGES
from tests.conftest import make_photos, paint
from tests.test_app import a_ground, refused

TINY = {"model": "lenet5_modern", "mode": "scratch"}


@pytest.fixture
def ground(tmp_path):
    return a_ground(tmp_path)


@pytest.fixture
def short(monkeypatch):
    """Two epochs, however many the recipe says."""
    settle = jobs.parse

    def parse(settings):
        return settle({"epochs": 2, "batch": 8, "size": 32, **settings})

    monkeypatch.setattr(jobs, "parse", parse)


def test_a_training_ends_with_figures_mistakes_and_a_run(ground, short):
    desk = Desk()

    desk.start(lambda: Order(ground.root / "photos", Call("photos", TINY), ground.runs))
    state = desk.wait(60)

    assert state.finished is not None, state.failed
    assert not state.running
    report, parts = state.finished.report, state.finished.parts
    assert parts == {"train": 4, "val": 2, "test": 2}
    wrong = report.n - sum(report.confusion[i][i] for i in range(2))
    assert len(state.finished.mistakes) == wrong
    assert all(m.jpeg.startswith(b"\xff\xd8") and m.true != m.predicted for m in state.finished.mistakes)
    assert (state.finished.folder / "model.safetensors").is_file()
    assert [key for key, _ in state.lines if key == "train.epoch"] == ["train.epoch"] * 2


def test_an_upload_is_removed_after_use_and_called_by_its_name(ground, tmp_path, short):
    bad = tmp_path / "taken" / "upload.zip"
    bad.parent.mkdir()
    bad.write_bytes(b"PK no zip")
    desk = Desk()

    desk.start(lambda: Order(bad, Call("my.zip", TINY), ground.runs, upload=bad.parent))
    state = desk.wait(60)

    assert str(state.failed).startswith("my.zip: not a zip")
    assert str(tmp_path) not in str(state.failed)
    assert not bad.parent.exists()


def test_only_one_training_at_a_time_and_it_stops_when_asked(ground, monkeypatch, tmp_path):
    reached = threading.Event()
    told = loop.Training.validate

    def validate(self):
        reached.set()
        return told(self)

    monkeypatch.setattr(loop.Training, "validate", validate)
    monkeypatch.setattr(
        jobs, "parse", lambda settings: convscope.Recipe(epochs=100_000, patience_checks=None, size=32, **settings)
    )
    desk = Desk()
    order = Order(ground.root / "photos", Call("photos", TINY), ground.runs, upload=tmp_path / "taken")
    desk.start(lambda: order)
    assert reached.wait(60)

    assert refused(desk.start, lambda: pytest.fail("not asked for")) == "app.busy"
    desk.stop()
    state = desk.wait(30)

    assert state.stopped
    assert not state.running
    assert state.finished is None
    assert state.failed is None
    assert (state.folder / "metrics.csv").is_file()


def test_a_table_that_names_files_elsewhere_is_refused(ground, tmp_path, short):
    secret = paint(tmp_path / "secret.png", (1, 2, 3))
    table = ground.root / "table"
    table.mkdir()
    rows = [f"{secret},a", "../photos/red/000.png,b"]
    (table / "labels.csv").write_text("path,label\n" + "\n".join(rows), encoding="utf-8")
    desk = Desk()

    desk.start(lambda: Order(table, Call("table", TINY), ground.runs))

    assert desk.wait(60).failed.key == "app.path.listed"


def test_our_own_bug_is_a_sentence_to_the_visitor_and_a_traceback_in_the_terminal(ground, monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(jobs, "_trained", broken)
    desk = Desk()
    desk.start(lambda: Order(ground.root, Call("x", {}), ground.runs))
    state = desk.wait(10)

    assert state.failed.key == "app.bug"
    assert "secret detail" not in views.progress(state, "en")
    assert "secret detail" in capsys.readouterr().err


def test_the_command_and_the_python_do_the_same(ground, convscope, monkeypatch):
    monkeypatch.chdir(ground.root)
    call = Call("photos", TINY | {"weights": "none"}, "runs")
    desk = Desk()
    desk.start(lambda: Order(ground.root / "photos", call, Path("runs")))
    first = desk.wait(120).finished

    words = call.command().split()
    assert words[0] == "convscope"
    code, out, _ = convscope(*words[1:], "--json")
    assert code == 0
    exec(compile(call.python(), "python", "exec"), {})

    runs = [ground.runs / "lenet5_modern-photos", Path(json.loads(out)["run"]), ground.runs / "lenet5_modern-photos-3"]
    assert runs[0] == first.folder.absolute()
    assert len({(run / "metrics.csv").read_text() for run in runs}) == 1
    assert len({(run / "config.yaml").read_text() for run in runs}) == 1
    assert len({re.search("photos: [^<]*", (run / "report.html").read_text())[0] for run in runs}) == 1


# the answers


def test_an_answer_is_what_predict_says(trained, tmp_path):
    run, photos = trained
    picture = tmp_path / "turned.jpg"
    image = Image.open(next((photos / "red").iterdir())).convert("RGB")
    exif = Image.Exif()
    exif[274] = 6
    image.save(picture, exif=exif, quality=95)

    answer = Answerer().answer(run / "model.safetensors", picture)

    expected = convscope.predict(run, picture)[0]["top"]
    assert [label for label, _ in answer.top] == [entry["label"] for entry in expected]
    assert [chance for _, chance in answer.top] == pytest.approx([entry["probability"] for entry in expected], abs=1e-6)
    assert answer.seen.startswith(b"\xff\xd8")


def test_a_model_is_loaded_once_and_again_when_its_file_changes(trained, tmp_path):
    model = tmp_path / "model.safetensors"
    model.write_bytes((trained[0] / "model.safetensors").read_bytes())
    answerer = Answerer()

    first = answerer.engine(model)
    assert answerer.engine(model) is first
    os.utime(model, ns=(1, 1))
    assert answerer.engine(model) is not first


def test_a_broken_foreign_or_huge_file_gets_a_sentence(trained, tmp_path, monkeypatch):
    model, answerer = trained[0] / "model.safetensors", Answerer()
    bad = {"a.jpg": b"", "b.png": b"<svg onload=alert(1)>", "c.jpg": b"\xff\xd8\xff\xe0cut", "d.png": b"\0" * 1000}
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableImage):
            answerer.answer(model, tmp_path / name)
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(2**28)
    with pytest.raises(UnreadableImage, match="larger than"):
        answerer.answer(model, huge)
    (tmp_path / "no.safetensors").write_bytes(b"{}")
    with pytest.raises(ModelFileError):
        answerer.answer(tmp_path / "no.safetensors", huge)


# the markup


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_from_outside_are_inert_in_the_markup(ground, language, short, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    folder = make_photos(ground.root / "evil", classes=(evil.replace("/", ""), "b"), count=4)
    desk = Desk()
    desk.start(lambda: Order(folder, Call(f"{evil}.zip", TINY), ground.runs))
    state = desk.wait(60)

    shown = views.progress(state, language) + views.result(state, language, ground)

    assert state.finished
    assert "<img src=x" not in shown
    assert "&lt;img" in shown


def test_an_english_sentence_on_a_korean_page_is_introduced_and_marked():
    shown = views.fault(ConvscopeError("a <b>"), "ko")

    assert '<span lang="en">a &lt;b&gt;</span>' in shown
    assert re.search("[가-힣]", shown)
    assert not re.search("[가-힣]", views.fault(ConvscopeError("a"), "en"))


def test_bars_hold_the_probabilities(trained):
    run, photos = trained
    answer = Answerer().answer(run / "model.safetensors", next((photos / "red").iterdir()))

    shown = views.answers(answer, "en", "runs/a", "my cat.jpg")

    assert shown.count("<li>") == len(answer.top) == 3
    assert "<bdi>red</bdi>" in shown
    assert "convscope predict runs/a &#x27;my cat.jpg&#x27;" in shown
