"""The app as it is served: by the command, in a process of its own, to a browser and to strangers."""

import http.client
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from convscope.ui.app import server
from convscope.ui.app.server import listening
from convscope.words import LANGUAGES, say
from tests.conftest import make_photos

WAIT_MS = 60_000


def need_gradio():
    if importlib.util.find_spec("gradio") is None:
        if os.environ.get("CI"):
            pytest.fail("no gradio: pip install -e '.[dev]'")
        pytest.skip("no gradio: pip install -e '.[app]'")


class Answer(NamedTuple):
    status: int
    location: str | None
    content: bytes


# the interpreter tells of every connection, and makes one itself at its end, to show that it would tell
WATCHED = """
import atexit, sys, urllib.request
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("REACHED", event, arguments[-1] if event == "socket.connect" else arguments[0], file=sys.stderr)
def reach():
    try: urllib.request.urlopen("http://127.0.0.1:9/planted", timeout=1)
    except OSError: pass
sys.addaudithook(watch)
atexit.register(reach)
from convscope.ui.cli.main import main; main()
"""


class App:
    """A running app."""

    def __init__(self, root: Path) -> None:
        # CI makes some libraries quieter, and a proxy would swallow what leaves the machine
        left_out = {"CI", "HTTP_PROXY", "HTTPS_PROXY"}
        environment = {key: value for key, value in os.environ.items() if key not in left_out}
        environment |= {"CONVSCOPE_CACHE": str(root.parent / "cache"), "TMPDIR": str(root.parent)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WATCHED, "app", "--port", "0", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root, env=environment,
        )  # fmt: skip
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.url = json.loads(line)["url"]
        self.root = root

    def get(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> "Answer":
        """One request, its path as it is."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        with closing(connection):
            connection.putrequest(method, path, skip_host="Host" in headers)
            for key, value in {"Content-Length": str(len(body)), **headers}.items():
                connection.putheader(key, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.getheader("Location"), response.read())

    def end(self) -> tuple[int, str]:
        """Ctrl-C: (exit status, what it printed on standard error)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.errors = self.process.communicate(timeout=60)[1]
        return self.process.returncode, self.errors


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    need_gradio()
    root = tmp_path_factory.mktemp("app") / "root"
    make_photos(root / "photos", count=14)
    app = App(root)
    yield app
    app.end()


# strangers


def test_nothing_of_this_machine_is_given_out(app):
    secret = app.root.parent / "secret.txt"
    secret.write_text("top secret")
    paths = [
        f"/{language}{start}{target}"
        for language in ("en", "ko")
        for start in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/", "/static/../")
        for target in (
            str(secret), "/etc/passwd", "../../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd",
            "....//....//etc/passwd", "..\\..\\etc\\passwd", "/proc/self/environ", "%252e%252e%252fetc%252fpasswd",
            "http://127.0.0.1:9/", "file:///etc/passwd", "photos/red/000.png", str(app.root / "photos/red/000.png"),
        )
    ]  # fmt: skip
    paths += ["/report/..%2f..%2fsecret.txt", "/report/%2e%2e", "/report/..", "/../../etc/passwd", "//etc/passwd"]

    for path in paths:
        answer = app.get(path)
        assert answer.status in {307, 400, 403, 404}, path
        assert not re.search(b"top secret|root:|PNG", answer.content), path


def test_a_client_cannot_name_a_file_of_this_machine_or_an_address_as_its_upload(app):
    secret = app.root / "photos" / "red" / "000.png"
    for path in (str(secret), "http://127.0.0.1:9/x.png"):
        data = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "x.png"}
        for number in range(12):
            body = json.dumps({"data": [None, data, None], "fn_index": number, "session_hash": "x"}).encode()
            answer = app.get("/en/gradio_api/queue/join", "POST", body, **{"Content-Type": "application/json"})
            assert answer.status == 403


def test_a_foreign_name_or_page_is_refused(app):
    assert app.get("/en/", Host="evil.example").status == 421
    assert app.get("/en/gradio_api/upload", "POST", b"x", Origin="http://evil.example").status == 403


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_in_the_language_asked_for_and_names_no_other_site(app, language):
    assert app.get(f"/?lang={language}&__theme=dark").location == f"/{language}/?__theme=dark"
    assert app.get("/", **{"Accept-Language": f"{language}-XX, de;q=0.5"}).location == f"/{language}/"

    page = app.get(f"/{language}/").content.decode()

    assert re.search(rf'<html\s+lang="{language}"', page)
    assert not re.search("googleapis|gstatic|cdnjs|jsdelivr|unpkg|api.gradio.app|gradio.live", page)


# people


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
        assert {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))} == {app_host(app)}
        assert said == []


def app_host(app) -> str:
    return urlsplit(app.url).netloc


def choose(page, field: str, value: str) -> None:
    page.fill(f"{field} input", value)
    page.press(f"{field} input", "Enter")


def train(page, archive: Path) -> None:
    page.set_input_files("#cs-zip input[type=file]", archive)
    page.wait_for_selector(f"#cs-zip :text('{archive.suffix}')")
    page.click("#cs-start")
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
    ours = set(re.findall("[A-Za-z]+", "lenet modern colours red green blue png predict import as cs print top runs"))
    assert in_another_language(page, language, ours) == set()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not list(app.root.parent.glob("convscope-app-*/taken/*"))


def test_a_mistake_is_a_sentence_where_it_happened_and_a_training_can_be_stopped(app, visit, tmp_path):
    page, other = visit("en"), visit("ko")
    page.click("#cs-start")
    assert page.inner_text(".cs-fault") == say("app.no_zip", "en")
    page.get_by_label(say("app.source.folder", "en")).click()
    choose(page, "#cs-folder", "/etc")
    page.click("#cs-start")
    page.wait_for_selector(f".cs-fault:has-text('{app.root}')")

    make_photos(app.root / "many", count=400)
    choose(page, "#cs-folder", "many")
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


# the command


def test_without_gradio_the_way_to_get_it_is_one_line(convscope, monkeypatch):
    monkeypatch.setattr(server, "find_spec", lambda name: None)

    assert convscope("app") == (2, "", "convscope: the app needs gradio: pip install 'convscope[app]'\n")


def test_what_cannot_be_is_one_line(convscope):
    for arguments, sentence in (
        (["--root", "missing"], "--root missing: no such folder"),
        (["--port", "70000"], "--port 70000"),
        (["--lang", "fr"], "--lang fr: allowed: en, ko"),
    ):
        code, _, err = convscope("app", *arguments)
        assert code == 2
        assert sentence in err
        assert len(err.splitlines()) == 1


def test_a_port_in_use_is_one_line(convscope, monkeypatch):
    monkeypatch.setattr(server, "find_spec", lambda name: name)
    with listening("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        code, _, err = convscope("app", "--port", port)

    assert code == 2
    assert re.fullmatch(rf"convscope: --port {port}: cannot be listened at .*\n", err)


def test_it_leaves_at_ctrl_c_having_reached_nothing_and_leaving_nothing(app):
    status, errors = app.end()

    told = [line for line in errors.splitlines() if line != "REACHED socket.getaddrinfo 127.0.0.1"]  # its own door
    assert status == 0
    assert told == ["REACHED socket.connect ('127.0.0.1', 9)"]
    assert not list(app.root.parent.glob("convscope-app-*"))
