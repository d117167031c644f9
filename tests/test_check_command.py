"""`convscope check` as it is typed, and its page as it is seen."""

import json
import re
import shutil
from dataclasses import replace
from zipfile import ZipFile

import pytest

import convscope as cs
from convscope.data.manifest import read, write
from convscope.data.samples import class_of
from convscope.errors import UnsafeArchive
from convscope.words import check_english, check_korean
from tests.conftest import make_photos
from tests.faults import clean_set, jpeg, put, resized, scene


@pytest.fixture
def faulty(tmp_path):
    """Two classes with Hangul names, an empty file, a contradiction, a leak and a near-duplicate."""
    folder = clean_set(tmp_path / "내 사진", classes=("개미", "벌"), parts=("train", "val"))
    (folder / "train/벌/빈.jpg").write_bytes(b"")
    shutil.copy(folder / "train/개미/00.jpg", folder / "train/벌/틀림.jpg")
    shutil.copy(folder / "val/개미/00.jpg", folder / "train/개미/샘.jpg")
    put(folder / "train/개미/작은 <b>.jpg", resized(scene(1), 0.7))
    return folder


def test_json_is_one_object_and_nothing_else(convscope, faulty):
    status, out, err = convscope("check", faulty, "--json")

    told = json.loads(out)
    assert status == 0
    assert (told["files"], told["classes"], told["splits"]) == (60, {"개미": 30, "벌": 30}, {"train": 32, "val": 28})
    assert [found["kind"] for found in told["findings"]] == [
        "broken", "duplicate-across-classes", "leak", "exact-duplicate", "exact-duplicate", "near-duplicate",
        "unreadable-name",
    ]  # fmt: skip
    assert all({"kind", "files", "detail"} <= found.keys() for found in told["findings"])
    assert "Traceback" not in err


def test_the_terminal_says_it_in_the_language_asked_for(convscope, faulty):
    _, english, _ = convscope("check", faulty)
    _, korean, _ = convscope("check", faulty, "--lang", "ko")

    assert "The same picture under several classes: the same file under 개미, 벌" in english
    assert "Exact copies: 2 groups, 4 pictures" in english
    assert "여러 클래스에 들어 있는 같은 사진: 같은 파일이 개미, 벌에 있음" in korean
    assert "split.csv" not in english


def test_a_clean_set_says_so(convscope, tmp_path):
    status, out, _ = convscope("check", clean_set(tmp_path / "clean"), "--quiet")

    assert (status, out.splitlines()) == (0, ["28 pictures, 2 classes", "Nothing to complain about."])


def test_fix_writes_a_manifest_and_touches_nothing_else(convscope, faulty, tmp_path):
    before = {file: file.read_bytes() for file in faulty.rglob("*") if file.is_file()}

    status, out, _ = convscope("check", faulty, "--fix")

    lines = read(tmp_path / "split.csv")
    assert status == 0
    assert sum(line.split == "drop" for line in lines) == 4
    assert f"convscope train '{faulty}' --manifest split.csv" in out
    assert {file: file.read_bytes() for file in faulty.rglob("*") if file.is_file()} == before


def test_fix_as_json_names_the_manifest(convscope, faulty, tmp_path):
    status, out, _ = convscope("check", faulty, "--fix", "--out", tmp_path / "m.csv", "--json")

    fixed = json.loads(out)["fixed"]
    assert status == 0
    assert fixed["manifest"] == str(tmp_path / "m.csv")
    assert fixed["dropped"] == {"broken": 1, "copy": 1, "contradiction": 2}
    assert fixed["train"] + fixed["val"] + fixed["test"] + 4 == 60


def test_the_manifest_is_taken_again(convscope, faulty, tmp_path):
    convscope("check", faulty, "--fix")
    _, out, _ = convscope("check", faulty, "--manifest", tmp_path / "split.csv", "--json")

    assert {found["kind"] for found in json.loads(out)["findings"]} == {"near-duplicate", "unreadable-name"}


def test_a_manifest_that_is_there_is_gone_on_from_but_not_written_over(convscope, faulty, tmp_path):
    convscope("check", faulty, "--fix")
    assert convscope("check", faulty, "--fix")[0] == 0  # the same once more
    lines = read(tmp_path / "split.csv")
    at = next(place for place, line in enumerate(lines) if line.split == "train")
    lines[at] = replace(lines[at], note="label checked")
    write(tmp_path / "split.csv", lines)
    decided = (tmp_path / "split.csv").read_bytes()

    status, out, err = convscope("check", faulty, "--fix", "--json")

    assert status == 2
    assert json.loads(out)["files"] == 60
    assert err.strip() == (
        "convscope: --out split.csv: is there already; give --manifest split.csv to go on from it, or another --out"
    )
    assert (tmp_path / "split.csv").read_bytes() == decided
    assert convscope("check", faulty, "--manifest", "split.csv", "--fix")[0] == 0
    again = {line.file: line for line in read(tmp_path / "split.csv")}
    assert again == {line.file: line for line in lines}


def test_a_manifest_inside_the_data_is_refused(convscope, faulty, tmp_path):
    status, _, err = convscope("check", faulty, "--fix", "--out", faulty / "train" / "split.csv")

    assert status == 2
    assert "lies inside DATA" in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("*.csv"))


def test_the_command_for_a_split_without_a_test_carves_none(convscope, tmp_path):
    clean_set(tmp_path / "pictures")

    _, without, _ = convscope("check", "pictures", "--fix", "--test-share", "0")
    _, usual, _ = convscope("check", "pictures", "--fix", "--out", "usual.csv")

    assert "convscope train pictures --manifest split.csv --test-share 0\n" in without
    assert "convscope train pictures --manifest usual.csv\n" in usual


def test_a_class_of_which_nothing_is_left_is_printed(convscope, tmp_path):
    clean_set(tmp_path / "pictures")
    (tmp_path / "pictures/fly").mkdir()
    (tmp_path / "pictures/fly/0.jpg").write_bytes(b"")

    _, out, _ = convscope("check", "pictures", "--fix")

    assert "classes of which no picture is left: fly" in out


REFUSED = {
    "nothing there": (("nowhere",), "no such file or folder"),
    "a manifest without --fix": (("digits", "--out", "a.csv"), "--out a.csv: a manifest is written with --fix"),
    "an unknown form": (("digits", "--out", "a.txt"), "--out a.txt: give a file name that ends in .html"),
    "a share that is none": (("digits", "--test-share", "1"), "--test-share 1.0: allowed"),
    "a manifest that is not there": (("digits", "--manifest", "none.csv"), "none.csv: the manifest cannot be read"),
    "embeddings without weights": (("digits", "--embeddings"), "--embeddings needs the weights of a network"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_command_is_one_line(case, convscope, monkeypatch, tmp_path):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "empty"))
    arguments, sentence = REFUSED[case]

    status, out, err = convscope("check", *arguments)

    assert (status, out) == (2, "")
    assert err.startswith("convscope: ")
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_a_page_that_cannot_be_written_is_one_line(convscope, tmp_path):
    (tmp_path / "page.html").mkdir()

    status, _, err = convscope("check", clean_set(tmp_path / "c"), "--out", tmp_path / "page.html", "--quiet")

    assert status == 2
    assert "cannot be written" in err


def test_both_languages_have_the_same_keys():
    assert check_english.TEXTS.keys() == check_korean.TEXTS.keys()


def test_the_page_shows_every_finding_in_both_languages(convscope, faulty, tmp_path, browser):
    convscope("check", faulty, "--out", tmp_path / "passport.html", "--quiet")
    requests, trouble = [], []
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))

    page.goto((tmp_path / "passport.html").as_uri())
    english = page.inner_text("body")
    page.click("button:has-text('한국어')")
    korean = page.inner_text("body")

    for word in ("Data passport", "개미", "train/벌/틀림.jpg", "작은 <b>.jpg", "the file is empty", "Near-duplicates"):
        assert word in english
    assert "데이터 여권" in korean
    assert page.title().startswith("데이터 여권: ")
    assert [line for line in korean.splitlines() if re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", line)] == []
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.locator(".card img").count() == 2 + 2 + 4 + 2 + 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size({"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert trouble == []


def test_a_page_of_many_findings_stays_small(tmp_path):
    folder = clean_set(tmp_path / "many", count=60)
    for number in range(60):
        shutil.copy(folder / f"ant/{number:02d}.jpg", folder / f"bee/copy{number:02d}.jpg")

    page = cs.check(folder).page("en")

    assert page.count("<img") == 2 * 2 * 12  # under several classes, and as copies
    assert "and 48 more groups" in page
    assert len(page) < 1_000_000


def zipped(file, contents):
    file.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def test_zips_of_samples_are_class_folders(tmp_path):
    zipped(tmp_path / "Class 1-samples.zip", {f"{n}.jpg": jpeg(scene(n)) for n in range(3)})
    zipped(tmp_path / "고양이-samples.zip", {f"{n}.jpg": jpeg(scene(10 + n)) for n in range(2)})
    zipped(tmp_path / "고양이-samples (1).zip", {"9.jpg": jpeg(scene(30)), "note.txt": b"x"})

    listing = cs.read(tmp_path)

    assert listing.classes == ("Class 1", "고양이")
    assert [listing.classes[label] for label in listing.labels].count("고양이") == 3
    assert listing.picture(0).shape == (3, 120, 160)
    assert listing.ignored == ("고양이-samples (1).zip/note.txt",)
    assert cs.check(tmp_path).of("broken") == []


def test_zips_beside_pictures_are_no_samples(tmp_path):
    folder = make_photos(tmp_path / "photos")
    zipped(folder / "a-samples.zip", {"1.jpg": b"x"})
    zipped(folder / "b-samples.zip", {"1.jpg": b"x"})

    assert cs.read(folder).classes == ("blue", "green", "red")


def test_a_sample_zip_that_leads_outside_is_refused(tmp_path):
    zipped(tmp_path / "a-samples.zip", {"../1.jpg": b"x"})
    zipped(tmp_path / "b-samples.zip", {"1.jpg": b"x"})

    with pytest.raises(UnsafeArchive):
        cs.read(tmp_path)


def test_a_class_called_samples_keeps_its_name():
    assert class_of("samples.zip") == "samples"
    assert class_of("wood_samples(2).zip") == "wood"
