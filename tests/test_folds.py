"""K-fold: every picture judged once by a model that did not see it, and what the folds come to."""

import csv
import json
import shutil

import numpy as np
import pytest
import yaml

import convscope as cs
from convscope.data import splits
from convscope.errors import RecipeError, RunError
from convscope.models.bundle import Bundle
from convscope.training import folds as folding
from convscope.training import pooled
from convscope.training.recipe import load, parse
from convscope.training.recipes.start_from import seen_before
from tests.conftest import make_photos

QUICK = {"model": "lenet5_modern", "size": 32, "epochs": 2, "batch": 8}
FLAGS = ("--model", "lenet5_modern", "--size", 32, "--epochs", 2, "--batch", 8)


def table(file):
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    """A run of three folds on photos of which two are copies: (run, photos)."""
    root = tmp_path_factory.mktemp("folded")
    folder = make_photos(root / "photos", count=11)
    shutil.copy(folder / "red" / "000.png", folder / "red" / "copy.png")
    return cs.train(folder, cs.Recipe(folds=3, **QUICK), out=root / "runs"), folder


def test_every_picture_is_judged_once_by_a_model_that_did_not_see_it(folded):
    run, folder = folded
    runs = [run.path / f"fold-{number}" for number in (1, 2, 3)]

    judged = [row["file"] for fold in runs for row in table(fold / "predictions.csv")]
    assert sorted(judged) == sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.png"))
    for fold in runs:
        hashes = Bundle.load(fold).card.hashes
        assert not set(hashes["test"]) & (set(hashes["train"]) | set(hashes["val"]))
        assert {row.split for row in splits.read(fold / "split.csv")} == {"train", "val", "test"}
    where = {row["file"]: row["fold"] for row in table(run.path / "split.csv")}
    assert where["red/000.png"] == where["red/copy.png"]


def test_the_report_is_over_all_answers(folded):
    run, _ = folded
    report = json.loads((run.path / "report.json").read_text())
    rows = {row["file"]: row for number in (1, 2, 3) for row in table(run.path / f"fold-{number}" / "predictions.csv")}

    together = table(run.path / "predictions.csv")
    assert [row["file"] for row in together] == sorted(rows)
    for row in together:
        assert (row["true"], row["predicted"]) == (rows[row["file"]]["true"], rows[row["file"]]["predicted"])
    assert report["n"] == 34
    assert report["top1"] == np.mean([row["true"] == row["predicted"] for row in together])
    assert report["split"] == "folds"


def test_mean_and_standard_error_by_hand(folded):
    run, _ = folded
    tops = [json.loads((run.path / f"fold-{number}" / "report.json").read_text())["top1"] for number in (1, 2, 3)]
    folds = run.to_dict()["folds"]

    mean = sum(tops) / 3
    error = (sum((top - mean) ** 2 for top in tops) / 2) ** 0.5 / 3**0.5
    assert folds["top1"] == tops
    assert folds["mean"] == pytest.approx(mean)
    assert folds["standard_error"] == pytest.approx(error)
    assert json.loads((run.path / "report.json").read_text())["folds"] == folds
    assert folds["out_of_fold"] == run.report.top1
    assert cs.Report.read(run.path).top1 == run.report.top1


def test_a_k_fold_run_has_no_model_of_its_own(folded):
    with pytest.raises(RunError, match="has a model in every fold"):
        _ = folded[0].model
    assert folded[0].to_dict()["model"] is None
    assert folded[0].test_top1 is None


def test_a_fold_can_be_trained_again_from_its_own_settings(folded, tmp_path):
    fold = folded[0].path / "fold-2"

    again = cs.train(None, cs.Recipe(**yaml.safe_load((fold / "config.yaml").read_text())), out=tmp_path)

    assert (again.path / "predictions.csv").read_bytes() == (fold / "predictions.csv").read_bytes()


def test_a_finished_fold_is_kept_and_a_lost_one_is_trained_again(folded, tmp_path, monkeypatch):
    run, _ = folded
    copy = shutil.copytree(run.path, tmp_path / "copy")
    for file in ("report.json", "report.html", "predictions.csv", "confusion.csv"):
        (copy / file).unlink()
    shutil.rmtree(copy / "fold-2")
    (copy / "fold-3" / "config.yaml").unlink()  # ended before it could be resumed
    (copy / "fold-3" / "model.safetensors").unlink()
    kept = (copy / "fold-1" / "model.safetensors").stat().st_mtime_ns

    again = cs.train(resume=copy)

    assert (copy / "fold-1" / "model.safetensors").stat().st_mtime_ns == kept
    for file in ("predictions.csv", "confusion.csv"):
        assert (copy / file).read_bytes() == (run.path / file).read_bytes()
    assert again.folds["top1"] == run.folds["top1"]
    with pytest.raises(RunError, match="this run is finished"):
        cs.train(resume=copy)


def test_a_test_part_stays_out_of_all_folds(convscope, tmp_path):
    make_photos(tmp_path / "photos" / "train", classes=("red", "green"), count=10)
    make_photos(tmp_path / "photos" / "test", classes=("red", "green"), count=4, first_seed=50_000)

    status, out, err = convscope("train", "photos", *FLAGS, "--folds", 2, "--json")

    content = json.loads(out)
    assert (status, content["folds"]["aside"]) == (0, 8)
    assert "8 test pictures stay out of all folds" in err
    run = tmp_path / content["run"]
    for fold in ("fold-1", "fold-2"):
        assert not [row for row in splits.read(run / fold / "split.csv") if row.file.startswith("test/")]
    assert [row["fold"] for row in table(run / "split.csv") if row["split"] == "test"] == [""] * 8
    assert json.loads((run / "report.json").read_text())["n"] == 20


def test_a_test_share_that_is_asked_for_is_carved_first(tmp_path):
    folder = make_photos(tmp_path / "photos", classes=("red", "green"), count=10)

    run = cs.train(folder, cs.Recipe(folds=2, test_share=0.2, **QUICK), out=tmp_path / "runs")

    assert (run.folds["aside"], run.report.n) == (4, 16)


@pytest.mark.parametrize(
    ("folds", "sentence"),
    [(1, "--folds 1: needs at least 2"), (7, "--folds 7: class 'rare' has 6 different pictures, so at most 6 folds")],
)
def test_too_few_or_too_many_folds_are_refused_in_one_line(convscope, tmp_path, folds, sentence):
    make_photos(tmp_path / "photos", classes=("often", "rare"), count=6)
    shutil.copy(tmp_path / "photos/rare/000.png", tmp_path / "photos/rare/copy.png")  # no other picture
    make_photos(tmp_path / "photos", classes=("often",), count=9, first_seed=900)

    status, out, err = convscope("train", "photos", *FLAGS, "--folds", folds)

    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert sentence in err
    assert not (tmp_path / "runs").exists()


def test_the_command_says_what_the_number_means_in_both_languages(convscope, tmp_path):
    make_photos(tmp_path / "photos", classes=("red", "green"), count=6)

    english = convscope("train", "photos", *FLAGS, "--folds", 2)[1]
    korean = convscope("train", "photos", *FLAGS, "--folds", 2, "--lang", "ko")[1]

    assert "each picture was judged once, by a model that had not seen it" in english
    assert "out-of-fold top-1" in english
    assert english.splitlines()[-1] == "runs/lenet5_modern-2-fold-photos"
    assert "모든 사진을 그 사진을 본 적이 없는 모델이 한 번씩 평가했습니다" in korean


def test_ties_that_six_digits_hide_stay_with_the_answer(tmp_path):
    (tmp_path / "predictions.csv").write_text(
        "file,true,predicted,probability,p:a,p:b\nx,a,b,0.500000,0.500000,0.500000\n"
    )

    answers = pooled._answers(tmp_path, ("a", "b"))

    assert answers.predicted.tolist() == [1]
    assert answers.probabilities == pytest.approx(np.array([[0.5, 0.5]]), abs=1e-6)


@pytest.mark.parametrize("mode", ["frozen", "finetune"])
def test_borrowed_networks_are_folded_too(shared, tmp_path, mode):
    listing = cs.read(shared / "hymenoptera").take(range(0, 397, 8))
    file = shared.parent / "weights/mobilenet_v1_025_keras.safetensors"
    recipe = cs.Recipe(
        model="mobilenet_v1_025_same", weights=str(file), mode=mode, folds=2, size=96, epochs=1, warmup_epochs=0
    )

    run = cs.train(listing, recipe, out=tmp_path)

    assert run.report.n == 50
    assert run.folds["mean"] > 0.5


def test_two_k_fold_runs_are_compared_over_all_pictures(folded, tmp_path):
    run, folder = folded
    other = cs.train(folder, cs.Recipe(folds=2, split_seed=1, **QUICK), out=tmp_path)

    found = cs.compare([run.path, other.path])

    assert (found.pairs, found.split) == (33, "folds")  # the copies count once
    assert "out-of-fold" in found.paired()


def test_a_kill_while_the_report_is_written_loses_nothing(folded, tmp_path, monkeypatch):
    run, _ = folded
    copy = shutil.copytree(run.path, tmp_path / "copy")
    for file in ("report.json", "report.html"):
        (copy / file).unlink()
    with monkeypatch.context() as planted:
        planted.setattr("convscope.evaluation.page.render.render", killed)
        with pytest.raises(KeyboardInterrupt):
            cs.train(resume=copy)
    assert not (copy / "report.html").exists()

    again = cs.train(resume=copy)

    assert (copy / "report.html").is_file()
    assert json.loads((copy / "report.json").read_text())["folds"] == again.folds


def killed(*_):
    raise KeyboardInterrupt


def test_a_fold_whose_log_lost_its_end_still_counts(folded, tmp_path):
    run, _ = folded
    copy = shutil.copytree(run.path, tmp_path / "copy")
    (copy / "report.json").unlink()
    (copy / "fold-1" / "log.jsonl").write_text("")
    vals = [Bundle.load(copy / f"fold-{number}").card.scores["val_top1"] for number in (1, 2, 3)]

    assert cs.train(resume=copy).val_top1 == pytest.approx(sum(vals) / 3)


def test_its_own_settings_deal_the_same_folds(folded, tmp_path, monkeypatch):
    run, _ = folded
    monkeypatch.setattr(folding, "_run", lambda plan, *_: plan)

    plan = cs.train(None, parse(load(run.path / "config.yaml")), out=tmp_path)

    assert (plan.folder / "split.csv").read_bytes() == (run.path / "split.csv").read_bytes()
    assert sum(plan.held(number) for number in (1, 2, 3)) == run.report.n


def test_what_answers_were_before_several_temperatures_is_not_told(folded):
    told = json.loads((folded[0].path / "report.json").read_text())["calibration"]

    assert told["ece"] >= 0
    assert (told["temperature"], told["ece_uncalibrated"]) == (None, None)


def test_several_processes_are_refused_when_it_goes_on_too(folded, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")

    with pytest.raises(RecipeError, match="start without torchrun"):
        cs.train(resume=folded[0].path)


def test_a_start_from_a_run_that_saw_the_pictures_is_refused(convscope, trained, tmp_path):
    run, photos = trained

    status, out, err = convscope("train", photos, *FLAGS, "--mode", "scratch", "--folds", 2, "--start-from", run)

    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert f"--start-from {run}: that run may have trained on the pictures that a fold holds back" in err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("learned", "tested", "sentence"),
    [
        (("red", "green"), ("red", "extra"), "class 'extra' has no readable picture outside a test part"),
        ((), ("red", "green"), "has test pictures only"),
    ],
)
def test_pictures_of_a_test_part_alone_are_refused_before_training(convscope, tmp_path, learned, tested, sentence):
    make_photos(tmp_path / "photos" / "train", classes=learned, count=4)
    make_photos(tmp_path / "photos" / "test", classes=tested, count=2, first_seed=50_000)

    status, out, err = convscope("train", "photos", *FLAGS, "--folds", 2)

    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert sentence in err
    assert not (tmp_path / "runs").exists()


def test_pictures_that_the_first_run_learned_from_are_counted(trained):
    run, photos = trained
    before = {row.sha256: row.split for row in splits.read(run / "split.csv")}
    listing = cs.read(photos)
    listing.hash()
    same, other = listing.split(0, 0.1, 0.1), listing.split(1, 0.1, 0.1)

    assert seen_before(run, same) == 0
    judges = [content for content, part in zip(other.hashes, other.parts, strict=True) if part != "train"]
    assert seen_before(run, other) == [before[content] for content in judges].count("train") > 0
