"""The command line as a contract: results, files, one-line errors and exit statuses."""

import csv
import json
import subprocess
import sys

import pytest

from convscope.ui.cli.main import COMMANDS, usage_sentence
from tests.conftest import make_photos

RUN_FILES = {
    "model.safetensors", "config.yaml", "split.csv", "metrics.csv", "env.json", "checkpoint", "log.jsonl",
    "report.html", "report.json", "predictions.csv", "confusion.csv", "doctor.json",
}  # fmt: skip


QUICK = ("--model", "lenet5_modern", "--size", 32, "--epochs", 2, "--batch", 8)


def test_training_ends_with_the_path_of_a_run_that_holds_everything(convscope, photos, tmp_path):
    status, out, _ = convscope("train", photos, *QUICK)

    run = tmp_path / out.splitlines()[-1]
    assert status == 0
    assert {path.name for path in run.iterdir()} == RUN_FILES
    assert "epoch 2/2" in out
    assert "split: 30 train, 3 val, 3 test" in out  # of 12 a class, 1.2 rounded to one each


def test_a_second_run_gets_a_number_of_its_own(convscope, photos):
    names = [convscope("train", photos, *QUICK, "--name", "mine")[1].splitlines()[-1] for _ in range(2)]

    assert names == ["runs/mine", "runs/mine-2"]


def test_json_is_one_object_and_nothing_else(convscope, photos):
    status, out, err = convscope("train", photos, *QUICK, "--json")

    result = json.loads(out)
    assert status == 0
    assert {"run", "model", "epochs", "seconds", "val_top1", "test_top1"} <= result.keys()
    assert "epoch 2/2" in err


def test_quiet_prints_the_result_only(convscope, photos):
    _, out, err = convscope("train", photos, *QUICK, "--quiet")

    assert "epoch" not in out
    assert err == ""
    assert out.splitlines()[-1].startswith("runs/")


def test_korean_is_spoken_when_asked_for_or_when_the_locale_says_so(convscope, photos, monkeypatch):
    asked = convscope("train", photos, *QUICK, "--lang", "ko")[1]
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    located = convscope("train", photos, *QUICK)[1]

    assert "에포크 2/2" in asked
    assert "에포크 2/2" in located


def test_evaluate_gives_the_report_of_the_runs_own_test(convscope, trained):
    run, photos = trained

    status, out, _ = convscope("evaluate", run, photos, "--json")

    report = json.loads(out)
    assert status == 0
    assert report["n"] == 6
    assert report == {
        **json.loads((run / "report.json").read_text()),
        "data": str(photos),
        "seconds_per_image": report["seconds_per_image"],
    }
    assert report["own_split"] is True
    low, high = report["top1_interval"]
    assert low <= report["top1"] <= high


def test_evaluate_keeps_its_report_where_it_is_told(convscope, trained, tmp_path):
    run, photos = trained

    convscope("evaluate", run / "model.safetensors", photos, "--split", "val", "--out", "kept")

    names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert names == {"report.html", "report.json", "predictions.csv", "confusion.csv"}


def test_predict_names_classes_whose_probabilities_add_up_to_one(convscope, trained):
    run, photos = trained

    status, out, _ = convscope("predict", run, photos / "red/000.png", "--json")

    (row,) = json.loads(out)
    assert status == 0
    assert row["label"] == "red"
    assert sum(entry["probability"] for entry in row["top"]) == pytest.approx(1, abs=1e-6)
    assert row["error"] is None


def test_predict_answers_the_good_ones_and_names_the_broken(convscope, trained, tmp_path):
    run, photos = trained
    (tmp_path / "bad.jpg").write_text("no picture")

    status, out, _ = convscope("predict", run, tmp_path / "bad.jpg", photos / "blue", "--csv", "a.csv", "--top", 1)

    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert status == 0
    assert "bad.jpg: not a picture" in out
    assert [row["label"] for row in rows] == ["", *["blue"] * 20]
    assert rows[0]["error"]


def test_models_lists_every_network_with_its_figures(convscope):
    _, out, _ = convscope("models", "--json")

    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["lenet5"] == {
        "name": "lenet5", "paper": rows["lenet5"]["paper"], "venue": "Proc. IEEE 86(11)", "year": 1998,
        "parameters": 60_000, "macs": 325_680, "input": [1, 32, 32], "receptive_field": 32, "weights": [],
        "errors": [
            {"protocol": "MNIST test", "top1": 0.95, "top5": None},
            {"protocol": "MNIST test, 540,000 distorted digits added", "top1": 0.8, "top5": None},
        ],
    }  # fmt: skip
    assert rows["lenet5_modern"]["macs"] == 416_520
    assert rows["lenet5_modern"]["receptive_field"] == 16
    assert rows["course_cnn"]["parameters"] == 3_218_314
    assert rows["resnet50"]["weights"] == ["resnet50.tv_in1k", "resnet50.tv2_in1k"]
    assert "60,000" in convscope("models")[1]


def test_summary_gives_the_papers_figures_layer_by_layer(convscope):
    _, out, _ = convscope("summary", "lenet5", "--json")

    summary = json.loads(out)
    assert summary["parameters"] == 60_000
    assert [n for layer in summary["layers"] if (n := layer["parameters"])] == [156, 12, 1516, 32, 48120, 10164]
    assert summary["layers"][0]["formula"] == "(32 − 5 + 2·0)/1 + 1 = 28"
    assert "60,000" in convscope("summary", "lenet5")[1]


def test_summary_knows_a_trained_model(convscope, trained):
    _, out, _ = convscope("summary", trained[0], "--json")

    assert json.loads(out)["name"] == "lenet5_modern"
    assert json.loads(out)["parameters"] > 0


def test_doctor_says_what_was_chosen_and_why(convscope):
    _, out, _ = convscope("doctor", "--json")

    facts = json.loads(out)
    assert {"convscope", "libraries", "threads", "engine", "engine_why", "bf16"} <= facts.keys()
    assert "threads" in convscope("doctor")[1]


def test_a_run_is_repeated_from_its_config(convscope, trained, tmp_path):
    run, _ = trained

    _, out, _ = convscope("train", "--config", run / "config.yaml")

    again = tmp_path / out.splitlines()[-1]
    assert (again / "metrics.csv").read_bytes() == (run / "metrics.csv").read_bytes()
    assert (again / "config.yaml").read_bytes() == (run / "config.yaml").read_bytes()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(convscope, command):
    status, out, _ = convscope(command, "--help")

    assert status == 0
    assert f"convscope {command}" in out
    assert {"--json", "--quiet", "--lang"} <= set(out.split())


def test_version_is_a_number(convscope):
    assert convscope("--version")[1].split()[1][0].isdigit()


@pytest.mark.parametrize(
    ("message", "arguments", "sentence"),
    [
        ("No such option: --epoch", ["train"], "No such option: --epoch; see convscope train --help"),
        ("Missing argument 'MODEL'.", ["predict"], "Missing argument 'MODEL'; see convscope predict --help"),
    ],
)  # fmt: skip
def test_the_parsers_complaints_are_one_line(message, arguments, sentence):
    assert usage_sentence(message, arguments) == sentence


def test_a_bug_keeps_its_traceback_and_exit_status_one(trained, tmp_path):
    code = "import convscope.data.sources as s; s.read = None; from convscope.ui.cli.main import main; main()"

    result = subprocess.run(
        [sys.executable, "-c", code, "evaluate", str(trained[0]), str(trained[1])],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_a_reader_who_leaves_early_is_no_error(trained):
    command = '"$0" -m convscope predict "$1" "$2" | head -1; exit ${PIPESTATUS[0]}'
    arguments = [sys.executable, str(trained[0]), str(trained[1])]

    result = subprocess.run(["bash", "-c", command, *arguments], capture_output=True, text=True, check=False)

    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""


def test_ctrl_c_says_how_to_resume(convscope, photos, monkeypatch):
    from convscope.training import loop

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "rate_at", interrupted)

    status, _, err = convscope("train", photos, *QUICK, "--name", "cut")

    assert status == 130
    assert "convscope train --resume runs/cut" in err


def test_names_of_classes_may_be_hangul_in_either_spelling(convscope, tmp_path):
    import unicodedata

    nfd = unicodedata.normalize("NFD", "강아지")
    folder = make_photos(tmp_path / "내 사진들", classes=("고양이", nfd), count=10)

    status, out, _ = convscope("train", folder, *QUICK, "--json")

    run = tmp_path / json.loads(out)["run"]
    assert status == 0
    assert set(json.loads((run / "report.json").read_text())["classes"]) == {"강아지", "고양이"}
    _, answers, _ = convscope("predict", run, folder / "고양이" / "000.png", "--json")
    assert {entry["label"] for entry in json.loads(answers)[0]["top"]} == {"강아지", "고양이"}


def test_no_command_at_all_shows_the_help(convscope):
    status, out, err = convscope()

    assert status == 0
    assert "Commands:" in out
    assert err == ""


def test_a_bar_is_taken_away_before_an_error_is_told(capsys, monkeypatch):
    from convscope.ui import console
    from convscope.ui.cli import main as entry

    stopped = []

    class Bar:
        def stop(self):
            stopped.append(capsys.readouterr().err)

    monkeypatch.setattr(console, "_bars", [Bar()])

    entry.complain("something is wrong")

    assert stopped == [""]
    assert capsys.readouterr().err == "convscope: something is wrong\n"


def test_the_remaining_time_of_a_resumed_run_counts_from_where_it_began(capsys, monkeypatch):
    from convscope.ui.console import Terminal

    clock = iter([0.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    terminal = Terminal()

    terminal.progress("train", 80, 100)
    terminal.progress("train", 90, 100)

    assert "90/100, ETA 20 s" in capsys.readouterr().err


def test_doctor_speaks_korean(convscope):
    assert "스레드" in convscope("doctor", "--lang", "ko")[1]
