"""The page of a report: one inert file in two languages."""

import json
import re
from html import escape
from pathlib import Path
from string import Formatter
from unicodedata import normalize

import numpy as np
import pytest

from convscope.evaluation.page.answers import wanted
from convscope.evaluation.page.render import render
from convscope.evaluation.page.shown import Shown
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


def page_of(report, curves=(), facts=(), language="en", **shown):
    told = {"picture": lambda row: JPEG if row % 2 else None, "curves": curves, "facts": facts}
    return render(report, Shown(**{**told, **shown}), language)


def main_of(page):
    """What is read, without styles and scripts."""
    return page.partition("<main>")[2].partition("</main>")[0]


def training_of(page):
    return main_of(page).partition('<div class="charts">')[2].partition("</section>")[0]


def data_of(page):
    return json.loads(page.partition('<script type="application/json" id="data">')[2].partition("</script>")[0])


def placeholders(text):
    return sorted(field for _, field, _, _ in Formatter().parse(text) if field)


def test_both_languages_have_the_same_keys_with_the_same_placeholders():
    english = {key: placeholders(text) for key, text in report_english.TEXTS.items()}
    korean = {key: placeholders(text) for key, text in report_korean.TEXTS.items()}

    assert english == korean
    assert all(key.startswith(("report.", "stage.")) for key in english)


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

    assert page.count("<script") == page.count("</script>") == 2
    assert data_of(page)["classes"] == list(NASTY)
    assert not re.search(r"<(b|i)>(net|why)", page)
    assert all(escape(name) in page for name in NASTY)


def test_every_mistake_is_shown_with_its_file_and_picture():
    report = make_report(("cat", "dog"), wrong=7)

    page = page_of(report)

    cards = page.partition('<ol class="cards">')[2].partition("<template>")[0]
    assert all(escape(report.predictions.files[row]) in cards for row in report.predictions.mistakes())
    assert cards.count('<li class="card"') == 7
    assert cards.count("data:image/jpeg;base64,/9j/2Q==") == 3


def test_no_more_than_24_mistakes_stand_there_and_every_picture_is_in_the_data():
    report = make_report(("cat", "dog"), count=60, wrong=40)

    page = page_of(report)

    assert page.partition("<template>")[0].count('<li class="card"') == 24
    assert "24 of 40" in page
    data = data_of(page)
    assert data["files"] == list(report.predictions.files)
    assert data["truth"] == report.predictions.truth.tolist()
    assert data["best"][:: data["top"]] == report.predictions.predicted.tolist()
    there = [int(row) for row in re.findall(r'data-row="(\d+)"', page)]
    assert there == report.predictions.mistakes()[:24].tolist()
    assert sorted(there + [int(row) for row in data["pictures"]]) == list(range(60))


def test_a_page_has_room_for_mistakes_first_then_for_the_least_sure_of_every_class():
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.8, 0.2]], np.float32)
    told = Predictions(tuple("abcdef"), np.array([0, 0, 0, 1, 1, 1]), chances, ("x", "y"))

    # wrong: 5. Right, from the least sure: of x 1, 2, 0; of y 4, 3
    assert wanted(told).tolist() == [5, 1, 4, 2, 3, 0]


def test_heatmaps_are_asked_of_the_worst_mistakes_only_and_stand_beside_them():
    report = make_report(("cat", "dog"), count=60, wrong=40)
    asked = []

    page = page_of(report, heatmap=lambda row: asked.append(row) or (b"answer", b"truth"), heatmaps=3)

    assert asked == report.predictions.mistakes()[:3].tolist()
    shown = page.partition("<template>")[0]
    assert shown.count('<li class="card heated"') == 3
    assert shown.index("YW5zd2Vy") < shown.index("dHJ1dGg=")  # "answer" and "truth" in base64
    assert "Grad-CAM" in page
    assert "Grad-CAM" not in page_of(report)


def test_chances_are_written_as_certain_only_where_they_are():
    chances = np.array([[1.0, 0.0], [0.9999999, 1e-7], [0.5, 0.5]], np.float32)
    told = Predictions(("a", "b", "c"), np.array([0, 0, 0]), chances, ("x", "y"))
    report = Report.of(told, views="centre", seconds_per_image=1.0, split="test", model="m", precision="f32", data="d")

    assert data_of(page_of(report))["chances"] == [100_000, 0, 99_999, 1, 50_000, 50_000]


def test_the_page_says_so_when_there_is_no_mistake():
    page = page_of(make_report(("cat", "dog")))

    assert report_english.TEXTS["report.mistakes.none"].format(n=30) in page
    assert report_korean.TEXTS["report.pairs.none"] in page
    assert '<li class="card"' not in page.partition("<template>")[0]


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
    counts = [int(count) for count in re.findall(r"<td class=\"(?:hit|miss)[^>]*>(?:<button[^>]*>)?(\d+)", table)]
    assert counts == [count for row in report.confusion for count in row]


def test_many_classes_get_a_matrix_of_the_most_confused_and_thirty_pairs():
    report = make_report([f"class {index}" for index in range(120)], count=480, wrong=100)

    page = page_of(report)

    table = page[page.index('<table class="matrix') : page.index("</table>")]
    assert table.count('<th scope="row">') == 24
    assert "There are 120 classes; shown are the 24" in page
    pairs = page[page.index('<table class="list pairs">') : page.index('id="pictures"')]
    assert pairs.count("</tr>") == 1 + 30


def test_a_thousand_classes_do_not_make_a_million_cells():
    report = make_report([f"class {index}" for index in range(1000)], count=2000, wrong=500)

    assert len(page_of(report)) < 1_500_000


def test_the_curves_mark_the_epoch_of_the_lowest_validation_loss():
    page = page_of(make_report(("cat", "dog")), CURVES)

    assert training_of(page).count('<svg class="chart"') == 2
    assert "best: epoch 2<" in page


def test_a_single_epoch_is_no_curve():
    assert training_of(page_of(make_report(("cat", "dog")), CURVES[:1])) == ""


def test_without_curves_there_is_no_section_of_training():
    assert "How training went" not in page_of(make_report(("cat", "dog")))


def test_every_picture_drawn_has_words_for_those_who_cannot_see_it():
    page = page_of(make_report([str(index) for index in range(50)], count=100, wrong=9), CURVES, language="ko")

    drawn = re.findall(r"<svg[^>]*>", page)
    assert len(drawn) == 5
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

    page = main_of(page_of(report))

    assert "Confusion matrix" in page
    assert 'id="pictures"' not in page
    assert "data-cell" not in page


def test_a_report_of_an_older_version_can_be_shown():
    report = make_report(("cat", "dog"), wrong=3)
    for field, empty in (("averages", {}), ("calibration", None), ("ranking", {}), ("threshold", None)):
        object.__setattr__(report, field, empty)

    page = main_of(page_of(report))

    assert "Class by class" in page
    assert not any(text in page for text in ("<tfoot>", "reliability", 'id="threshold"', "AUC"))


def test_what_made_the_page_is_told_as_a_command_and_in_python():
    page = page_of(make_report(("a", "b")), command="convscope evaluate 'my <model>' d", python="cs.evaluate(1)")

    assert "<pre>convscope evaluate &#x27;my &lt;model&gt;&#x27; d</pre>" in page
    assert "<pre>cs.evaluate(1)</pre>" in page


def test_the_layers_are_told_with_what_they_cost():
    from convscope.models.zoo import describe

    page = page_of(make_report(("a", "b")), layers=describe("lenet5_modern"))

    assert "12 layers with 61,706 trained numbers; one picture takes 416,520 multiply-accumulates" in page
    assert "<code>features.c3</code>" in page
    assert "16 × 10 × 10" in page


def test_the_averages_of_the_classes_stand_below_them():
    report = make_report(("cat", "dog"), wrong=3)

    foot = page_of(report).partition("<tfoot>")[2].partition("</tfoot>")[0]

    for which in ("macro", "weighted"):
        assert f"{report.averages[which]['f1']:.1%}".replace("%", "\N{NO-BREAK SPACE}%") in foot


@pytest.mark.parametrize(("sure", "said"), [(0.99, "too sure"), (0.6, "not sure enough"), (0.75, "It is: on average")])
def test_the_reliability_diagram_says_in_words_whether_the_model_is_too_sure(sure, said):
    """Three of four answers are right."""
    truth = np.array([0, 0, 0, 1] * 10)
    chances = np.tile(np.array([[sure, 1 - sure]], np.float32), (40, 1))
    told = Predictions(tuple(map(str, range(40))), truth, chances, ("x", "y"))
    report = Report.of(told, views="centre", seconds_per_image=1.0, split="test", model="m", precision="f32", data="d")

    assert said in page_of(report)


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

    assert training_of(page).count('class="chart"') == 2
    assert "nan" not in page
