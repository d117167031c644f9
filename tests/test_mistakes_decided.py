"""Decisions about labels: by page, by table and by flags, into a manifest, with every picture where it was."""

import csv
import json

import pytest

from convscope.data import manifest
from convscope.data.sources import read
from convscope.errors import DataError
from convscope.evaluation.mistakes.decisions import Decision, decide
from convscope.evaluation.mistakes.finder import mistakes
from tests.conftest import make_photos, paint


@pytest.fixture
def doubtful(tmp_path):
    """Three classes, and three pictures under a wrong name."""
    folder = make_photos(tmp_path / "photos", count=15)
    paint(folder / "red" / "in, fact blue.png", (40, 60, 220), seed=77)
    paint(folder / "red" / "초록.png", (40, 200, 60), seed=78)
    paint(folder / "blue" / "grün.png", (40, 200, 60), seed=79)
    return folder


def state(folder):
    return {file: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_decisions_become_a_manifest_and_training_sees_it(convscope, doubtful, tmp_path):
    before = state(doubtful)
    flags = ("--relabel", "red/in, fact blue.png=blue", "--drop", "red/초록.png", "--accept", "blue/grün.png")

    status, out, _ = convscope("mistakes", "photos", *flags, "--manifest", "split.csv", "--json")

    assert status == 0
    assert json.loads(out) == {"manifest": "split.csv", "pictures": 48, "accept": 1, "relabel": 1, "drop": 1}
    assert state(doubtful) == before
    listing = manifest.apply(read(doubtful), manifest.read(tmp_path / "split.csv"))
    labels = dict(zip(listing.files, [listing.classes[label] for label in listing.labels], strict=True))
    assert labels["red/in, fact blue.png"] == "blue"
    assert labels["blue/grün.png"] == "blue"
    assert "red/초록.png" not in labels
    assert len(labels) == 47

    status, out, _ = convscope("mistakes", "photos", "--weights", "none", "--manifest", "split.csv", "--json")
    again = json.loads(out)
    assert (again["files"], again["checked"]) == (47, 2)
    assert not {"red/in, fact blue.png", "red/초록.png", "blue/grün.png"} & {each["file"] for each in again["ranked"]}

    quick = ("--model", "lenet5_modern", "--size", 32, "--batch", 8, "--epochs", 1, "--test-share", 0)
    status, out, _ = convscope("train", "photos", *quick, "--manifest", "split.csv", "--json")
    run = tmp_path / json.loads(out)["run"]
    with (run / "split.csv").open(newline="", encoding="utf-8") as lines:
        rows = {row["file"]: row["label"] for row in csv.DictReader(lines)}
    assert rows == labels


def test_a_manifest_is_changed_in_place_and_a_drop_can_be_taken_back(doubtful):
    listing = read(doubtful)
    first = decide(listing, None, [Decision("red/초록.png", "drop"), Decision("red/001.png", "relabel", "green")])
    second = decide(listing, first, [Decision("red/초록.png", "accept")])

    line = {each.file: each for each in second}
    assert line["red/초록.png"].split == ""
    assert line["red/001.png"].label == "green"
    assert line["red/001.png"].note == "label checked: was red"
    assert [each.file for each in second] == [each.file for each in manifest.entries(listing)]


def test_a_name_in_pieces_is_the_same_name(doubtful):
    import unicodedata

    spelt = unicodedata.normalize("NFD", "red/초록.png")

    assert next(e for e in decide(read(doubtful), None, [Decision(spelt, "drop")]) if e.split == "drop").file.endswith(
        "초록.png"
    )


@pytest.mark.parametrize(
    ("decisions", "sentence"),
    [
        ([Decision("red/none.png", "drop")], "red/none.png: no such picture"),
        ([Decision("red/001.png", "relabel", "gren")], "no class is called 'gren'; did you mean green"),
        ([Decision("red/001.png", "drop"), Decision("red/001.png", "accept")], "two decisions, drop and accept"),
        ([Decision("red/001.png", "drop", sha256="0" * 64)], "not the picture that was decided about"),
    ],
)
def test_decisions_that_cannot_be_are_one_clear_error(doubtful, decisions, sentence):
    with pytest.raises(DataError, match=sentence):
        decide(read(doubtful), None, decisions)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--drop", "red/001.png"], "decisions need --manifest"),
        (["--relabel", "red/001.png", "--manifest", "s.csv"], "expected FILE=LABEL"),
        (["--apply", "none.csv", "--manifest", "s.csv"], "--apply none.csv: cannot be read"),
        (["--apply", "odd.csv", "--manifest", "s.csv"], "no decisions: expected the columns"),
        (["--apply", "bad.csv", "--manifest", "s.csv"], "line 2: decision 'delete': allowed: accept, relabel, drop"),
        (["--manifest", "none.csv"], "--manifest none.csv: no such file"),
        (["--out", "list.txt"], "give a file name that ends in .html"),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(convscope, doubtful, tmp_path, arguments, sentence):
    (tmp_path / "odd.csv").write_text("name,what\na,b\n")
    (tmp_path / "bad.csv").write_text("file,decision,label\nred/001.png,delete,\n")

    status, out, err = convscope("mistakes", doubtful, *arguments)

    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert sentence in err
    assert not (tmp_path / "s.csv").exists()


def test_the_list_filled_in_by_a_spreadsheet_is_read(convscope, doubtful, tmp_path):
    convscope("mistakes", "photos", "--weights", "none", "--csv", "list.csv")
    with (tmp_path / "list.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    rows[0] |= {"decision": "Relabel", "label": rows[0]["suggested"]}
    with (tmp_path / "korean.csv").open("w", newline="", encoding="utf-8-sig") as lines:
        table = csv.DictWriter(lines, rows[0].keys(), delimiter=";")
        table.writeheader()
        table.writerows(rows)

    status, out, _ = convscope("mistakes", "photos", "--apply", "korean.csv", "--manifest", "split.csv", "--json")

    assert (status, json.loads(out)["relabel"]) == (0, 1)


def test_a_browser_decides_by_buttons_and_keys_and_saves_a_file(browser, convscope, doubtful, tmp_path):
    assert convscope("mistakes", "photos", "--weights", "none", "--top", 5, "--out", "list.html")[0] == 0
    found = mistakes(doubtful, weights="none", top=5)
    tab = browser.new_page(viewport={"width": 1000, "height": 800})
    requests, complaints = [], []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto((tmp_path / "list.html").as_uri())

    assert [each.get_attribute("data-file") for each in tab.query_selector_all("#mistakes .card")] == [
        each.file for each in found.pictures
    ]
    assert tab.is_disabled("[data-save]")
    cards = tab.locator("#mistakes .card")
    cards.nth(0).locator("[data-do=relabel]").click()  # to what is suggested
    cards.nth(1).locator("select").select_option("green")
    cards.nth(2).locator("[data-do=drop]").click()
    cards.nth(2).locator("[data-do=drop]").click()  # and back
    cards.nth(2).focus()
    tab.keyboard.press("d")  # and goes on to the next
    tab.keyboard.press("a")
    tab.keyboard.press("d")
    tab.keyboard.press("ArrowLeft")
    cards.nth(4).focus()
    tab.keyboard.press("u")
    assert tab.inner_text(".decide output") == "4"
    tab.reload()  # nothing is lost
    assert cards.nth(0).locator("[data-do=relabel]").get_attribute("aria-pressed") == "true"
    with tab.expect_download() as saving:
        tab.click("[data-save]")
    saving.value.save_as(tmp_path / "decisions.csv")

    with (tmp_path / "decisions.csv").open(newline="", encoding="utf-8") as lines:
        rows = [tuple(row.values())[:3] for row in csv.DictReader(lines)]
    files, suggested = [each.file for each in found.pictures], found.pictures[0].suggested
    assert rows == [
        (files[0], "relabel", suggested),
        (files[1], "relabel", "green"),
        (files[2], "drop", ""),
        (files[3], "accept", ""),
    ]
    english = tab.inner_text("body")
    tab.click("text=한국어")
    assert "레이블이 맞음" in tab.inner_text("main")
    assert "Label is right" in english
    assert "Label is right" not in tab.inner_text("body")
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [
        (tmp_path / "list.html").as_uri()
    ] * 2
    assert complaints == []
    tab.set_viewport_size({"width": 400, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    status, _, _ = convscope("mistakes", "photos", "--apply", "decisions.csv", "--manifest", "split.csv")
    assert status == 0


def test_a_nasty_name_stays_a_name_on_the_page(tmp_path):
    folder = make_photos(tmp_path / "photos", classes=('<b>"x"', "green"), count=6)
    page = mistakes(folder, weights="none").page()

    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_a_table_that_is_none_is_one_line(doubtful, convscope, tmp_path):
    (tmp_path / "big.csv").write_text("x" * 200_000)

    status, _, err = convscope("mistakes", "photos", "--apply", "big.csv", "--manifest", "split.csv")

    assert (status, err.count("\n")) == (2, 1)
    assert "big.csv" in err and "not a table" in err
