"""The page of a report: one inert file in two languages."""

import os
import re
import shutil
from html import escape
from pathlib import Path
from string import Formatter
from unicodedata import normalize

import numpy as np
import pytest

from convscope.evaluation.page.render import render
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.report import Report
from convscope.words import report_english, report_korean

NASTY = ("<script>alert(1)</script>", "a\"b'c&d", "{model} %s")
CURVES = [
    {"epoch": 1, "train_loss": 2.0, "val_loss": 1.5, "val_top1": 0.5, "rate": 0.1},
    {"epoch": 2, "train_loss": 1.0, "val_loss": 1.2, "val_top1": 0.6, "rate": 0.1},
    {"epoch": 3, "train_loss": 0.5, "val_loss": 1.4, "val_top1": 0.55, "rate": 0.1},
]
JPEG = b"\xff\xd8\xff\xd9"


def make_report(classes, count=30, wrong=0, **facts):
    """`count` pictures, the first `wrong` of which are taken for the next class."""
    truth = np.arange(count) % len(classes)
    answers = (truth + (np.arange(count) < wrong)) % len(classes)
    probabilities = np.full((count, len(classes)), 0.1 / (len(classes) - 1), dtype=np.float32)
    probabilities[np.arange(count), answers] = 0.9
    files = tuple(f"folder of {classes[index]}/{row}.png" for row, index in enumerate(truth))
    predictions = Predictions(files, truth, probabilities, tuple(classes))
    known = {"views": "centre", "seconds_per_image": 0.01, "split": "test", "model": "lenet5", "precision": "f32"}
    return Report.of(predictions, **{**known, "data": "digits", **facts})


def page_of(report, curves=(), facts=(), language="en"):
    return render(report, lambda row: JPEG if row % 2 else None, curves, facts, language)


def placeholders(text):
    return sorted(field for _, field, _, _ in Formatter().parse(text) if field)


def test_both_languages_have_the_same_keys_with_the_same_placeholders():
    english = {key: placeholders(text) for key, text in report_english.TEXTS.items()}
    korean = {key: placeholders(text) for key, text in report_korean.TEXTS.items()}

    assert english == korean
    assert all(key.startswith("report.") for key in english)


def test_names_from_outside_are_inert():
    report = make_report(
        NASTY,
        wrong=9,
        model="<b>net</b>",
        data="</title><script>alert(2)</script>",
        broken=({"file": "<script>alert(3)</script>", "reason": "<i>why</i>"},),
        trained_on=("<script>alert(4)</script>",),
    )

    page = page_of(report, facts=[("report.fact.command", "<script>alert(5)</script>")])

    assert page.count("<script") == 1
    assert not re.search(r"<(b|i)>(net|why)", page)
    assert all(escape(name) in page for name in NASTY)


def test_every_mistake_is_shown_with_its_file_and_picture():
    report = make_report(("cat", "dog"), wrong=7)

    page = page_of(report)

    assert all(escape(report.predictions.files[row]) in page for row in report.predictions.mistakes())
    assert page.count('<li class="card">') == 7
    assert page.count("data:image/jpeg;base64,/9j/2Q==") == 3


def test_no_more_than_24_mistakes_are_shown_and_the_rest_counted():
    page = page_of(make_report(("cat", "dog"), count=60, wrong=40))

    assert page.count('<li class="card">') == 24
    assert "24 of 40" in page


def test_the_page_says_so_when_there_is_no_mistake():
    page = page_of(make_report(("cat", "dog")))

    assert report_english.TEXTS["report.mistakes.none"].format(n=30) in page
    assert report_korean.TEXTS["report.pairs.none"] in page


@pytest.mark.parametrize("language", ["en", "ko"])
def test_both_languages_are_there_and_the_asked_one_is_open(language):
    page = page_of(make_report(("cat", "dog")), language=language)

    assert f'<html lang="{language}" data-language="{language}">' in page
    assert "Confusion matrix" in page
    assert "혼동 행렬" in page


def test_nothing_is_loaded_from_outside_the_file():
    page = page_of(make_report(("cat", "dog"), wrong=5), CURVES)

    assert "http:" not in page
    assert "https:" not in page
    assert "url(" not in page
    assert all(target.startswith("data:") for target in re.findall(r'(?:src|href)="([^"]*)"', page))
    assert "default-src 'none'" in page


@pytest.mark.parametrize("size", [2, 10, 37])
def test_the_confusion_matrix_has_every_count(size):
    report = make_report([f"class {index}" for index in range(size)], count=size * 5, wrong=size)

    page = page_of(report)

    table = page[page.index('<table class="matrix') : page.index("</tbody>", page.index('<table class="matrix'))]
    counts = [int(count) for count in re.findall(r"<td class=\"(?:hit|miss)[^>]*>(\d+)", table)]
    assert counts == [count for row in report.confusion for count in row]


def test_many_classes_get_a_small_matrix_and_twenty_pairs():
    report = make_report([f"class {index}" for index in range(120)], count=480, wrong=100)

    page = page_of(report)

    picture = page[page.index('<svg class="small-matrix"') :]
    filled = sum(1 for row in report.confusion for count in row if count)
    assert len(re.findall(r'<rect class="(?:hit|miss)"', picture[: picture.index("</svg>")])) == filled
    assert page.count("</tr>", page.index("Most confused"), page.index("Worst mistakes")) == 1 + 20


def test_the_curves_mark_the_epoch_of_the_lowest_validation_loss():
    page = page_of(make_report(("cat", "dog")), CURVES)

    assert page.count('<svg class="chart"') == 2
    assert "best: epoch 2<" in page


def test_a_single_epoch_is_no_curve():
    assert '<svg class="chart"' not in page_of(make_report(("cat", "dog")), CURVES[:1])


def test_without_curves_there_is_no_section_of_training():
    assert "How training went" not in page_of(make_report(("cat", "dog")))


def test_every_picture_drawn_has_words_for_those_who_cannot_see_it():
    page = page_of(make_report([str(index) for index in range(50)], count=100, wrong=9), CURVES, language="ko")

    drawn = re.findall(r"<svg[^>]*>", page)
    assert len(drawn) == 4
    assert all('role="img"' in tag and re.search(r'aria-label="[^"]*[가-힣]', tag) for tag in drawn)


@pytest.mark.parametrize(("wrong", "words"), [(0, "Clearly better"), (15, "Not clearly"), (28, "Worse than not")])
def test_the_verdict_compares_with_the_commonest_class(wrong, words):
    assert words in page_of(make_report(("cat", "dog"), wrong=wrong))


def test_few_pictures_are_said_to_make_the_interval_wide():
    warning = report_english.TEXTS["report.few"].split("{")[0]

    assert warning in page_of(make_report(("cat", "dog"), count=99))
    assert warning not in page_of(make_report(("cat", "dog"), count=100))


def test_pictures_that_were_trained_on_are_named_and_warned_of_only_if_judged():
    warning = report_english.TEXTS["report.warning.trained_on"].split(":")[0]
    files = ("old/1.png", "old/2.png")

    refused = page_of(make_report(("cat", "dog"), trained_on=files, refused=2))
    judged = page_of(make_report(("cat", "dog"), trained_on=files, refused=0, split="all"))

    assert all(file in page for file in files for page in (refused, judged))
    assert warning in judged
    assert warning not in refused


def test_broken_files_are_named_up_to_fifty():
    broken = tuple({"file": f"bad {index}.png", "reason": "truncated"} for index in range(53))

    page = page_of(make_report(("cat", "dog"), broken=broken))

    assert "bad 49.png" in page
    assert "bad 50.png" not in page
    assert "and 3 more" in page


def test_facts_stand_at_the_foot_in_both_languages():
    facts = [(key, f"value of {key}") for key in report_english.TEXTS if key.startswith("report.fact.")]

    foot = page_of(make_report(("cat", "dog")), facts=facts).partition("<footer>")[2]

    for key, value in facts:
        assert value in foot
        assert f'<span lang="en">{report_english.TEXTS[key]}</span><span lang="ko">{report_korean.TEXTS[key]}' in foot


def test_a_report_read_back_without_its_predictions_can_be_shown():
    report = make_report(("cat", "dog"), wrong=3)
    object.__setattr__(report, "predictions", None)

    page = page_of(report)

    assert "Confusion matrix" in page
    assert "Worst mistakes" not in page


@pytest.fixture
def browser():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        message = "no Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


def test_a_browser_shows_hangul_switches_language_and_loads_nothing(browser, tmp_path: Path):
    decomposed = [normalize("NFD", name) for name in ("고양이", "강아지")]
    file = tmp_path / "보고서.html"
    file.write_text(page_of(make_report((*decomposed, NASTY[0]), wrong=4), CURVES), encoding="utf-8")
    tab = browser.new_page()
    requests, complaints = [], []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    tab.on("console", lambda message: complaints.append(message.text))

    tab.goto(file.as_uri())
    english = tab.inner_text("body")
    tab.click("text=한국어")
    korean = tab.inner_text("body")

    assert "고양이" in english
    assert "강아지" in english
    assert "Confusion matrix" in english
    assert "혼동 행렬" not in english
    assert "혼동 행렬" in korean
    assert "Confusion matrix" not in korean
    assert tab.title() == report_korean.TEXTS["report.title"].format(model="lenet5")
    assert "신뢰 구간" in tab.get_attribute("svg.interval", "aria-label")
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    assert complaints == []


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_figure_that_never_changes_is_drawn_too(value):
    curves = [{"epoch": epoch, "train_loss": 0.0, "val_loss": 0.0, "val_top1": value} for epoch in (1, 2, 3)]

    page = page_of(make_report(("a", "b")), curves)

    assert page.count('class="chart"') == 2
    assert "nan" not in page
