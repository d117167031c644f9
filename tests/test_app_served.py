"""The app as it is served: by the command, in a process of its own, to strangers."""

import http.client
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from convscope.ui.app import server
from convscope.ui.app.server import listening
from convscope.words import LANGUAGES
from tests.conftest import make_photos


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
        self.process.send_signal(signal.SIGINT)
        errors = self.process.communicate(timeout=60)[1]
        return self.process.returncode, errors


def running(folder: Path) -> Iterator[App]:
    """An app among some photos; at its end it has reached nothing and left nothing."""
    need_gradio()
    make_photos(folder / "root" / "photos", count=14)
    app = App(folder / "root")
    yield app
    status, errors = app.end()
    told = [line for line in errors.splitlines() if line != "REACHED socket.getaddrinfo 127.0.0.1"]  # its own door
    assert status == 0
    assert told == ["REACHED socket.connect ('127.0.0.1', 9)"]
    assert not list(folder.glob("convscope-app-*"))


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    yield from running(tmp_path_factory.mktemp("app"))


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


def test_it_leaves_at_ctrl_c_having_reached_nothing_and_leaving_nothing(tmp_path):
    app = running(tmp_path)
    assert next(app).get("/en/").status == 200

    with pytest.raises(StopIteration):
        next(app)
