"""A network on one page: rows that open, two languages, nothing loaded."""

import re

import pytest

from convscope.explanation.draw.tower_page import page
from convscope.models import zoo
from tests.test_tower import NASTY, SEVERAL


@pytest.mark.parametrize("name", SEVERAL)
def test_every_box_of_the_page_leads_to_a_row(name):
    html = page(zoo.describe(name))

    led = set(re.findall(r'href="#(row-\d+)"', html))
    assert led
    assert led <= set(re.findall(r'<details id="(row-\d+)"', html))


def test_the_page_says_what_is_lost_and_what_is_left_out():
    resnet, mobile = page(zoo.describe("resnet18")), page(zoo.describe("mobilenet_v3_small"))

    assert "⌊(224 − 7 + 2·3)/2 + 1⌋ = 112" in resnet
    assert "no window reaches: 1 rows, 1 columns" in resnet
    assert "Squeeze-and-excite is left out" in mobile
    assert "Squeeze-and-excite is left out" not in resnet


@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_opens_rows_switches_language_and_loads_nothing(browser, tmp_path, width):
    file = tmp_path / "tower.html"
    file.write_text(page(zoo.describe("lenet5"), NASTY), encoding="utf-8")
    requests, complaints = [], []
    tab = browser.new_page(viewport={"width": width, "height": 800})
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))

    tab.goto(file.as_uri())
    closed = tab.inner_text("body")
    tab.click("details summary >> nth=0")
    opened = tab.inner_text("body")
    tab.click("text=한국어")
    korean = tab.inner_text("body")

    assert "(32 − 5 + 2·0)/1 + 1 = 28" not in closed
    assert "(32 − 5 + 2·0)/1 + 1 = 28" in opened
    assert "(5·5·1 + 1)·6 = 156" in opened
    assert "receptive field" in opened
    assert "receptive field" not in korean
    assert "수용 영역" in korean
    assert "합성곱" in tab.text_content("svg tspan:visible >> text=합성곱")
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    assert complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_box_of_the_drawing_opens_its_row(browser, tmp_path):
    file = tmp_path / "tower.html"
    file.write_text(page(zoo.describe("googlenet")), encoding="utf-8")
    tab = browser.new_page(viewport={"width": 1280, "height": 900})

    tab.goto(file.as_uri())
    tab.click("svg.tower a:has-text('5×5, 32') >> nth=0")

    assert tab.eval_on_selector_all("details[open] .layer", "found => found.map(each => each.textContent)") == [
        "features.inception_3a.branch3.conv.conv"
    ]
