"""What a person sees: a run on Hangul class names, its report opened in a browser."""

import unicodedata

import convscope as cs
from tests.conftest import make_photos


def test_a_report_on_hangul_classes_shows_their_names_composed(tmp_path, browser):
    nfd = unicodedata.normalize("NFD", "강아지")
    folder = make_photos(tmp_path / "내 사진 폴더", classes=("고양이", nfd), count=12)
    settings = cs.Recipe(model="lenet5_modern", size=32, epochs=2, batch=8)
    run = cs.train(folder, settings, out=tmp_path / "runs")
    requests, dialogs = [], []
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))

    page.goto((run.path / "report.html").as_uri())
    text = page.inner_text("body")
    page.click("button:has-text('한국어')")
    korean = page.inner_text("body")

    assert {"고양이", "강아지"} <= set(text.replace(",", " ").split())
    assert nfd not in text
    assert "Confusion matrix" in text
    assert "혼동 행렬" in korean
    assert "Confusion matrix" not in korean
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert dialogs == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
