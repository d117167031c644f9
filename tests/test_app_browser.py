"""The app as a person meets it: by clicks in Chromium, in both languages, with nothing loaded from elsewhere."""

import json
import re
import shutil
from pathlib import Path

import pytest

from convscope.words import LANGUAGES, say
from tests.conftest import make_photos
from tests.test_app_served import running

WAIT_MS = 60_000


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    yield from running(tmp_path_factory.mktemp("app"))


@pytest.fixture
def visit(app, browser):
    """Open the app in a language: a page whose requests are all checked at the end."""
    opened = []

    def go(language: str, chromium=browser, **settings):
        locale = {"en": "en-GB", "ko": "ko-KR"}[language]
        page = chromium.new_context(locale=locale, viewport={"width": 1280, "height": 900}, **settings).new_page()
        page.set_default_timeout(WAIT_MS)
        asked, said = [], []
        page.context.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        opened.append((asked, said))
        page.goto(app.url)
        page.wait_for_selector("#cs-start")
        return page

    yield go
    for asked, said in opened:
        assert asked
        assert outside(asked, app.url) == []
        assert said == []


def outside(asked: list[str], url: str) -> list[str]:
    return [each for each in asked if not each.startswith((f"{url}/", "data:", "blob:"))]


def choose(page, field: str, value: str) -> None:
    page.fill(f"{field} input", value)
    page.get_by_role("option", name=value, exact=True).click()


def name(page, field: str, value: str) -> None:
    """Type what is not offered."""
    page.fill(f"{field} input", value)
    page.press(f"{field} input", "Enter")


def train(page, archive: Path) -> None:
    page.set_input_files("#cs-zip input[type=file]", archive)
    page.wait_for_selector(f"#cs-zip :text('{archive.suffix}')")
    page.click("#cs-start")
    page.wait_for_selector(".cs-result", state="detached")  # an earlier one
    page.wait_for_selector(".cs-result")


def ask(page, language: str, photo: Path) -> str:
    """The first class that the app names."""
    page.get_by_role("tab", name=say("app.try", language)).click()
    page.set_input_files("#cs-picture input[type=file]", photo)
    return page.inner_text(".cs-bars li:first-child bdi")


def in_another_language(page, language: str, ours: set[str]) -> set[str]:
    """Words that do not belong on a page of that language, seen or only heard."""
    heard = """[...document.querySelectorAll("[aria-label],[title],[placeholder],[alt]")].flatMap(
        (e) => ["aria-label", "title", "placeholder", "alt"].map((a) => e.getAttribute(a) ?? ""))"""
    text = " ".join([page.inner_text("body"), *page.evaluate(heard)])
    known = {"en": "한국어|언어", "ko": "English|Language|convscope|zip|GB|Python"}[language]
    words = re.findall("[가-힣]+" if language == "en" else "[A-Za-z]{2,}", text)
    return {word for word in words if not re.fullmatch(known, word)} - ours


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_zip_is_trained_and_a_photo_classified_by_clicks(app, visit, tmp_path, language):
    archive = Path(shutil.make_archive(str(tmp_path / "colours"), "zip", make_photos(tmp_path / "c", count=14)))
    page = visit(language)
    page.click("#cs-options button")
    choose(page, "#cs-model", "lenet5_modern")
    choose(page, "#cs-mode", say("app.mode.scratch", language))
    page.click("#cs-options button")

    train(page, archive)
    figures = page.inner_text("#cs-result")
    with page.expect_popup() as popup:
        page.click(f"text={say('app.report.open', language)}")
    title = popup.value.title()
    answer = ask(page, language, next((app.root / "photos" / "green").iterdir()))

    assert "convscope train colours.zip --model lenet5_modern --mode scratch" in figures
    assert say("report.title", language, model="lenet5_modern") == title
    assert answer == "green"
    code = f"lenet modern colours red green blue png predict import as cs print top runs {app.root}"
    ours = set(re.findall("[A-Za-z]+", code))
    page.wait_for_timeout(200)
    assert in_another_language(page, language, ours) == set()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not list(app.root.parent.glob("convscope-app-*/taken/*"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_photos_of_insects_are_learned_from_a_zip_with_borrowed_weights(app, visit, shared, tmp_path, language):
    weights = shared.parent / "weights" / "mobilenet_v2_tf.safetensors"
    if not weights.is_file():
        pytest.skip("no borrowed weights beside the checkout")
    shutil.copy(weights, app.root)
    archive = Path(shutil.make_archive(str(tmp_path / "hymenoptera"), "zip", shared / "hymenoptera"))
    page = visit(language)
    page.click("#cs-options button")
    choose(page, "#cs-model", "mobilenet_v2_same")
    name(page, "#cs-weights", weights.name)

    train(page, archive)
    answer = ask(page, language, shared / "hymenoptera" / "val" / "bees" / "1032546534_06907fe3b3.jpg")

    run = max((app.root / "runs").glob("*hymenoptera*"), key=lambda folder: folder.stat().st_mtime)
    assert json.loads((run / "report.json").read_text())["top1"] > 0.9
    assert answer == "bees"


def test_a_mistake_is_a_sentence_where_it_happened_and_a_training_can_be_stopped(app, visit, tmp_path):
    page, other = visit("en"), visit("ko")
    page.click("#cs-start")
    assert page.inner_text(".cs-fault") == say("app.no_zip", "en")
    page.get_by_label(say("app.source.folder", "en")).click()
    name(page, "#cs-folder", "/etc")
    page.click("#cs-start")
    page.wait_for_selector(f".cs-fault:has-text('{app.root}')")

    make_photos(app.root / "many", count=400)
    name(page, "#cs-folder", "many")
    page.click("#cs-start")
    page.wait_for_selector(".cs-lines li:has-text('val_loss')")
    other.get_by_label(say("app.source.folder", "ko")).click()
    choose(other, "#cs-folder", "photos")
    other.click("#cs-start")
    assert other.inner_text(".cs-fault") == say("app.busy", "ko")
    page.click("#cs-stop")
    page.wait_for_selector(f"text={say('app.stopped', 'en')}")
    page.wait_for_selector("#cs-start:enabled")

    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    page.get_by_role("tab", name=say("app.try", "en")).click()
    page.set_input_files("#cs-picture input[type=file]", tmp_path / "broken.jpg")
    page.wait_for_selector("#cs-answers .cs-fault")
    assert "Traceback" not in page.inner_text("body")


def test_an_app_that_is_gone_is_missed_in_words(app, browser):
    page = browser.new_context(locale="ko-KR").new_page()
    page.goto(app.url)
    page.wait_for_selector("#cs-start")
    page.context.set_offline(True)
    page.click("#cs-start")

    assert page.inner_text(".cs-lost") == say("app.gradio.lost", "ko")


def test_the_webcam_is_answered_live_and_leaves_no_file(app, visit, browser, trained):
    shutil.copytree(trained[0], app.root / "runs" / "colours", dirs_exist_ok=True)
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    ]
    camera = browser.browser_type.launch(executable_path=shutil.which("chromium"), args=arguments)
    page = visit("ko", camera)
    page.get_by_role("tab", name=say("app.try", "ko")).click()
    choose(page, "#cs-trained", "colours")
    page.get_by_role("tab", name=say("app.webcam", "ko")).click()
    page.click(f"#cs-webcam >> text={say('app.gradio.access', 'ko')}")
    page.click(f"#cs-webcam button[aria-label='{say('app.gradio.capture', 'ko')}']")

    assert page.inner_text(".cs-bars li:first-child bdi") == "green"  # as the picture of Chromium's camera is
    first = page.get_attribute(".cs-seen img", "src")
    page.wait_for_function("first => document.querySelector('.cs-seen img').src !== first", arg=first)

    assert not [file for file in app.root.parent.glob("convscope-app-*/uploads/*/*") if file.name.startswith("image")]
    camera.close()


def test_the_browser_itself_refuses_what_is_not_from_here(app, browser):
    page = browser.new_page()
    asked, stopped = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: stopped.append((request.url, request.failure)))
    page.goto(app.url)
    page.wait_for_selector("#cs-start")
    reach = """async () => {
        const refused = [];
        addEventListener("securitypolicyviolation", (event) => refused.push(event.blockedURI));
        new Image().src = "http://127.0.0.1:9/a.png";
        await fetch("http://127.0.0.1:9/b").catch(() => {});
        await new Promise((done) => setTimeout(done, 200));
        return refused;
    }"""

    assert set(page.evaluate(reach)) == {"http://127.0.0.1:9/a.png", "http://127.0.0.1:9/b"}
    assert set(outside(asked, app.url)) <= {url for url, why in stopped if why == "csp"}  # asked for, not sent
    asked.clear()
    page.goto("about:blank")
    page.set_content("<img src='http://127.0.0.1:9/planted.png'>")
    assert outside(asked, app.url) == ["http://127.0.0.1:9/planted.png"]
