"""A report as a person meets it: by clicks in Chromium, in both languages, with nothing loaded from elsewhere."""

import csv
import re
from collections import defaultdict
from dataclasses import replace
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from convscope.data.sources import read
from convscope.evaluation.page.texts import percent
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.publish import asked_evaluate, publish
from convscope.evaluation.report import Report
from convscope.models.bundle import Bundle
from convscope.words import report_english, report_korean

CLASSES = ("고양이", "</script><b>강아지", 'a "dog" & {co}', "قطة")
FOUND = [
    {
        "kind": "labels-shuffled", "severity": "ill", "epoch": 3, "layer": None,
        "values": {"train": 0.9, "val": 0.3, "chance": 0.25},
    }
]  # fmt: skip
CURVES = [{"epoch": epoch, "train_loss": 1 / epoch, "val_loss": 1 / epoch, "val_top1": 0.5} for epoch in (1, 2, 3)]


def judged(count=60, classes=CLASSES, accuracy=0.7, seed=0) -> Report:
    random = np.random.default_rng(seed)
    truth = random.integers(0, len(classes), count)
    scores = random.normal(size=(count, len(classes))).astype(np.float32)
    right = random.random(count) < accuracy
    scores[np.arange(count), np.where(right, truth, random.integers(0, len(classes), count))] += 3
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    files = tuple(f"{classes[label].replace('/', '')}/사진 {row} <i>'&\".jpg" for row, label in enumerate(truth))
    told = Predictions(files, truth, chances, tuple(classes))
    facts = {"views": "centre", "split": "test", "model": "lenet5", "precision": "f32", "data": "digits"}
    return Report.of(told, seconds_per_image=0.01, temperature=1.3, threshold=0.5, **facts)


def jpeg(row: int) -> bytes:
    from io import BytesIO

    file = BytesIO()
    Image.new("RGB", (16, 12), (row % 256, 90, 160)).save(file, "JPEG")
    return file.getvalue()


def written(folder, report, **shown):
    told = {"picture": jpeg, "heatmap": lambda row: (jpeg(row), jpeg(row + 1)), "heatmaps": 5, "curves": CURVES}
    extra = {"found": FOUND, "command": "convscope evaluate a b", "python": "cs.evaluate('a', 'b')"}
    report.write(folder, **{**told, **extra, **shown})
    return folder / "report.html"


@pytest.fixture
def visit(browser):
    """Open a report; at the end, nothing was asked of the network, and nothing complained."""
    tabs, requests, complaints = [], [], []

    def go(file, **settings):
        usual = {"viewport": {"width": 1200, "height": 900}, "reduced_motion": "reduce"}
        tab = browser.new_page(**{**usual, **settings})
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        tab.goto(file.as_uri())
        tabs.append(tab)
        return tab

    yield go
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


def by_cell(predictions_csv) -> dict[tuple[str, str], list[str]]:
    """Files of every cell, from the table that stands beside the report."""
    cells = defaultdict(list)
    with predictions_csv.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            cells[row["true"], row["predicted"]].append(normalize("NFC", row["file"]))
    return {cell: sorted(files) for cell, files in cells.items()}


def shown(tab) -> list[str]:
    """Files of the pictures that stand there, after asking for the rest."""
    while tab.is_visible("[data-more]"):
        tab.click("[data-more]")
    return sorted(tab.locator("#pictures .card .file bdi, #pictures .names .file").all_inner_texts())


def wrong_cells(tab, folder) -> list[str]:
    """Cells whose click does not show exactly the pictures of the table."""
    classes = tab.evaluate("report.classes")
    expected = by_cell(folder / "predictions.csv")
    faults = []
    cells = tab.locator(".matrix [data-cell]").all()
    for cell in cells:
        cell.click()
        true, predicted = (classes[int(index)] for index in cell.get_attribute("data-cell").split(","))
        files = expected.pop((true, predicted), [])
        if shown(tab) != files or int(cell.inner_text().split()[0].replace(",", "")) != len(files):
            faults.append(f"{true} taken for {predicted}")
    return faults + [f"no cell for {cell}" for cell in expected]


def test_a_click_on_any_cell_shows_exactly_its_pictures(tmp_path, visit):
    tab = visit(written(tmp_path, judged()))

    assert tab.locator(".matrix [data-cell]").count() > 8
    assert wrong_cells(tab, tmp_path) == []


def test_a_cell_that_shows_the_wrong_pictures_is_noticed(tmp_path, visit):
    """Planted: one answer in the page's data is another class."""
    file = written(tmp_path, judged())
    page = file.read_text(encoding="utf-8")
    broken = re.sub(r'"best":\[(\d),(\d),', lambda pair: f'"best":[{pair[2]},{pair[1]},', page)
    assert broken != page
    file.write_text(broken, encoding="utf-8")

    assert len(wrong_cells(visit(file), tmp_path)) >= 1


def test_pictures_without_room_are_named_all_the_same(tmp_path, visit, monkeypatch):
    monkeypatch.setattr("convscope.evaluation.page.answers.MOST_PICTURES", 25)
    tab = visit(written(tmp_path, judged(count=200)))

    assert wrong_cells(tab, tmp_path) == []
    assert tab.locator("#pictures .names li").count() > 0


def test_keys_alone_reach_a_cell_and_come_back(tmp_path, visit):
    tab = visit(written(tmp_path, judged()))
    report = judged()

    tab.locator(".matrix [tabindex='0']").focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    cell = tab.evaluate("document.activeElement.dataset.cell")
    tab.keyboard.press("Enter")

    assert cell == "1,1"
    assert len(shown(tab)) == report.confusion[1][1]
    assert tab.evaluate("document.activeElement.tagName") == "H2"
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.activeElement.dataset.cell") == "1,1"


def chances(report, rows):
    return [float(report.predictions.probabilities[row].max()) for row in rows]


@pytest.mark.parametrize("order", ["worst", "unsure", "class", "name"])
def test_mistakes_are_sorted_as_asked(tmp_path, visit, order):
    report = judged(count=90)
    tab = visit(written(tmp_path, report))

    tab.select_option("[data-order]", order)

    shown(tab)
    rows = [int(card.get_attribute("data-row")) for card in tab.locator("#pictures .card").all()]
    told, wrong = report.predictions, report.predictions.mistakes().tolist()
    assert sorted(rows) == sorted(wrong)
    if order in {"worst", "unsure"}:
        assert chances(report, rows) == sorted(chances(report, rows), reverse=order == "worst")
    elif order == "class":
        pairs = [(told.truth[row], told.predicted[row]) for row in rows]
        assert pairs == sorted(pairs)
    else:
        numbers = [int(re.search(r"사진 (\d+)", told.files[row])[1]) for row in rows]
        per_class = [told.truth[row] for row in rows]
        for label in set(per_class):
            of_class = [n for n, c in zip(numbers, per_class, strict=True) if c == label]
            assert of_class == sorted(of_class)


def test_the_lists_above_the_pictures_filter_them(tmp_path, visit):
    report = judged()
    tab = visit(written(tmp_path, report))

    tab.click("[data-list=all]")
    tab.select_option("[data-class=true]", "2")

    told = report.predictions
    assert shown(tab) == sorted(normalize("NFC", told.files[row]) for row in np.flatnonzero(told.truth == 2))
    tab.select_option("[data-class=answer]", "2")
    tab.click("[data-list=wrong]")
    assert tab.inner_text(".found") == report_english.TEXTS["report.pictures.nothing"]


def test_a_card_tells_what_the_model_answered_and_what_it_saw(tmp_path, visit):
    report = judged()
    tab = visit(written(tmp_path, report))
    worst = int(report.predictions.mistakes()[0])
    row = report.predictions.probabilities[worst]

    best = np.argsort(-row, kind="stable")
    loaded = "[...document.querySelectorAll('#pictures .card img')].every((each) => each.naturalWidth)"
    for orders in ([], ["unsure", "worst"]):  # as it stands there, and as the script makes it
        for order in orders:
            tab.select_option("[data-order]", order)
        card = tab.locator("#pictures .card").first
        assert card.locator(".answers .class bdi").all_inner_texts() == [CLASSES[index] for index in best]
        assert card.locator(".answers .chance").all_inner_texts() == [percent(float(row[index])) for index in best]
        assert card.locator(".heat").count() == 2
        assert card.locator(".heat.miss bdi").inner_text() == CLASSES[best[0]]
        assert card.locator(".heat.hit bdi").inner_text() == CLASSES[report.predictions.truth[worst]]
        tab.wait_for_function(loaded)


def words_of(tab) -> str:
    """Everything that can be read or heard, names and code aside."""
    return tab.evaluate(
        """() => {
          const aside = document.head.appendChild(document.createElement("style"));
          aside.textContent = "bdi, pre, code { display: none }";
          for (const closed of document.querySelectorAll("details")) closed.open = true;
          const heard = [...document.querySelectorAll("[aria-label]")].map((each) => each.getAttribute("aria-label"));
          const offered = [...document.querySelectorAll("option")].map((each) => each.textContent);
          const read = document.body.innerText;
          aside.remove();
          return [document.title, read, ...heard, ...offered].join("\\n");
        }"""
    )


# names and terms that are the same in both languages
SAME = (
    "convscope lenet5 digits scikit learn Top AUC ROC F1 ECE Grad CAM MAC MACs csv confusion f32 ms Python "
    "Conv2d ReLU MaxPool2d Flatten Linear"
)


def in_another_language(tab, language) -> set[str]:
    """Words that do not belong on a page of that language, names and code aside."""
    text = words_of(tab)
    for name in (*CLASSES, "강아지"):
        text = text.replace(name, " ")
    known = {"en": {"한국어", "언어"}, "ko": {"English", "Language", *SAME.split()}}[language]
    words = re.findall("[가-힣]+" if language == "en" else "[A-Za-z][A-Za-z0-9]+", text)
    return set(words) - known


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_word_of_the_other_language_is_left(tmp_path, visit, language):
    from convscope.models.zoo import describe

    report = replace(
        judged(), data="digits", broken=({"file": "나쁜.png", "reason": "잘림"},) if language == "ko" else ()
    )
    tab = visit(written(tmp_path, report, layers=describe("lenet5_modern"), python="", command=""))
    if language == "ko":
        tab.click("text=한국어")
    assert tab.get_attribute("html", "lang") == language

    tab.locator(".matrix [data-cell]").nth(1).click()
    tab.click("[data-curves='0']")
    assert in_another_language(tab, language) == set()
    tab.click("[data-list=wrong]")
    tab.select_option("[data-class=true]", "")
    tab.select_option("[data-class=answer]", "0")
    tab.click("[data-list=right]")
    assert in_another_language(tab, language) == set()


def test_a_text_that_was_forgotten_would_be_noticed(tmp_path, visit):
    file = written(tmp_path, judged())
    page = file.read_text(encoding="utf-8")
    file.write_text(page.replace(report_korean.TEXTS["report.pictures.copy"], "Copy file names"), encoding="utf-8")
    tab = visit(file)

    tab.click("text=한국어")

    assert in_another_language(tab, "ko") == {"Copy", "file", "names"}


# whether two syllables look different, in the font of the page
DIFFERENT = """() => {
  const [one, other] = ["고", "양"].map((syllable) => {
    const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
    pen.font = `40px ${getComputedStyle(document.body).fontFamily}`;
    pen.fillText(syllable, 10, 60);
    return canvas.toDataURL();
  });
  return one !== other;
}"""


def test_hangul_and_right_to_left_names_are_drawn_composed(tmp_path, visit):
    classes = (normalize("NFD", "고양이"), normalize("NFD", "강아지"), "قطة")
    tab = visit(written(tmp_path, judged(classes=classes)))

    text = tab.inner_text("body")

    assert "고양이" in text
    assert classes[0] not in text
    assert "고양이" in tab.inner_text("[data-class=true]")
    assert tab.evaluate(DIFFERENT) is True


def test_a_font_without_hangul_would_be_noticed(tmp_path, visit):
    """Letters that no font has are all drawn as the same box."""
    tab = visit(written(tmp_path, judged()))

    assert tab.evaluate(DIFFERENT.replace("고", "\U000f0000").replace("양", "\U000f0001")) is False


def test_the_slider_tells_what_the_table_says(tmp_path, visit):
    report = judged()
    tab = visit(written(tmp_path, report))
    step, covered, right, _ = report.threshold["table"][80]

    tab.locator("#threshold input").fill("80")

    assert tab.inner_text("[data-figure=threshold]") == f"{step:g}"
    assert tab.inner_text("[data-figure=coverage]") == f"{covered:.1%}".replace("%", "\u00a0%")
    assert tab.inner_text("[data-figure=accuracy]") == f"{right:.1%}".replace("%", "\u00a0%")


def test_the_table_of_classes_is_sorted_and_draws_curves(tmp_path, visit):
    report = judged()
    tab = visit(written(tmp_path, report))

    tab.click("[data-sort=recall]")

    first = tab.locator(".classes tbody tr").all_inner_texts()[0]
    assert max(report.per_class, key=lambda name: report.per_class[name]["recall"]) in first
    tab.click("[data-curves='0']")
    area = f"{report.ranking[CLASSES[0]]['auc']:.1%}".replace("%", "\u00a0%")
    assert f"ROC curve, area {area}" in tab.inner_text(".drawer")
    assert tab.locator(".drawer path.line").count() == 2
    tab.click("[data-curves='0']")
    assert tab.locator(".drawer").count() == 0


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("size", [2, 12, 60])
def test_no_width_makes_the_page_scroll_sideways(tmp_path, visit, width, size):
    report = judged(count=200, classes=tuple(f"a rather long class name {index}" for index in range(size)))
    tab = visit(written(tmp_path, report), viewport={"width": width, "height": 800})

    tab.locator("[data-cell]").first.click()

    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_scripts_the_worst_mistakes_are_there_and_nothing_dead_to_choose(tmp_path, browser):
    report = judged()
    tab = browser.new_page(java_script_enabled=False)
    tab.goto(written(tmp_path, report).as_uri())

    wrong = len(report.predictions.mistakes())
    assert tab.locator("#pictures .card").count() == min(24, wrong)
    for hidden in (".controls", ".slider", "[data-copy]", "[data-more]", ".asks"):
        assert not any(each.is_visible() for each in tab.locator(hidden).all()), hidden


def test_a_run_has_heatmaps_of_its_mistakes_its_layers_and_what_the_doctor_said(trained, tmp_path, visit):
    run, photos = trained
    listing, bundle = read(photos), Bundle.load(run)
    random = np.random.default_rng(0)
    files = listing.files
    chances = random.dirichlet([0.3] * 3, len(files)).astype(np.float32)
    told = Predictions(files, listing.labels, chances, listing.classes)
    facts = {"views": "centre", "split": "all", "model": "lenet5_modern", "precision": "f32", "data": "photos"}
    report = Report.of(told, seconds_per_image=0.01, **facts)
    command, python = asked_evaluate([run], photos, {"split": "all"})

    publish(report, tmp_path / "out", listing, bundle, heatmaps=4, command=command, python=python)

    tab = visit(tmp_path / "out" / "report.html")
    assert tab.locator("#pictures .heated").count() == 4
    assert tab.evaluate("[...document.querySelectorAll('.heat img')].every(i => i.complete && i.naturalWidth === 160)")
    page = tab.inner_text("main")
    assert "How the run fared" in page
    assert "How training went" in page
    assert f"{bundle.card.describe().parameters:,} trained numbers" in page
    assert command in tab.inner_text("footer")
    assert wrong_cells(tab, tmp_path / "out") == []


def test_what_train_leaves_has_all_of_it(trained, visit):
    run, _ = trained

    tab = visit(run / "report.html")

    assert wrong_cells(tab, run) == []
    assert "convscope train --config config.yaml" in tab.inner_text("footer")
    assert "cs.train(" in tab.inner_text("footer")
