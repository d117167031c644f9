"""The app as it is served: by the command, in a process of its own, to a browser and to strangers."""

import http.client
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.conftest import make_photos

START_S = 120


def need_gradio():
    if importlib.util.find_spec("gradio") is None:
        if os.environ.get("CI"):
            pytest.fail("no gradio: pip install -e '.[dev]'")
        pytest.skip("no gradio: pip install -e '.[app]'")


class Answer(NamedTuple):
    status: int
    location: str | None
    content: bytes


class App:
    """A running app."""

    def __init__(self, root: Path, *arguments: str, code: str = "") -> None:
        # CI makes some libraries quieter, and a proxy would swallow what leaves the machine
        environment = {
            key: value for key, value in os.environ.items() if key not in {"CI", "HTTP_PROXY", "HTTPS_PROXY"}
        }
        environment |= {
            "CONVSCOPE_CACHE": str(root.parent / "cache"),
            "TMPDIR": str(root.parent),
            "OMP_NUM_THREADS": "1",
        }
        start = f"{code}\nfrom convscope.ui.cli.main import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", start, "app", "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root, env=environment,
        )  # fmt: skip
        line = self.process.stdout.readline()
        self.url = json.loads(line)["url"] if line else ""
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

    def end(self, how: int = signal.SIGINT) -> tuple[int, str]:
        """Ask it to leave: (exit status, what it printed on standard error)."""
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    need_gradio()
    root = tmp_path_factory.mktemp("app") / "root"
    make_photos(root / "photos", count=14)
    app = App(root)
    yield app
    code, errors = app.end()
    assert (code, errors) == (0, "")
    assert not list(root.parent.glob("convscope-app-*"))


# strangers


def test_nothing_of_this_machine_is_given_out(app):
    secret = app.root.parent / "secret.txt"
    secret.write_text("top secret")
    paths = [
        f"/{language}{start}{target}"
        for language in ("en", "ko")
        for start in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/", "/static/../")
        for target in (
            str(secret), "/etc/passwd", "../../../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd",
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


@pytest.mark.parametrize(
    ("query", "wish", "language"),
    [("", "ko-KR", "ko"), ("", "de", "en"), ("?lang=ko", "en", "ko"), ("?lang=xx", "en", "en")],
)
def test_the_page_comes_in_the_browsers_language_or_the_one_asked_for(app, query, wish, language):
    answer = app.get(f"/{query}", **{"Accept-Language": wish})

    assert answer.location == f"/{language}/"
    page = app.get(f"/{language}/").content.decode()
    assert re.search(rf'<html\s+lang="{language}"', page)
    assert not re.search("googleapis|gstatic|cdnjs|jsdelivr|unpkg|api.gradio.app|gradio.live", page)


# the command


def test_without_gradio_the_way_to_get_it_is_one_line(tmp_path):
    code = (
        "import sys; sys.modules['gradio'] = None; from convscope.ui.cli.main import main; main(['app', '--port', '0'])"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert result.returncode == 2
    assert result.stderr == "convscope: the app needs gradio: pip install 'convscope[app]'\n"


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


def test_the_port_of_a_running_app_is_taken_and_said_so(app):
    port = str(urlsplit(app.url).port)
    command = [sys.executable, "-m", "convscope", "app", "--port", port]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=app.root)

    assert result.returncode == 2
    assert re.fullmatch(rf"convscope: --port {port}: cannot be listened at .*\n", result.stderr)


WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("REACHED", event, arguments[-1] if event == "socket.connect" else arguments[0], file=sys.stderr)
sys.addaudithook(watch)
"""
PLANTED = (
    WATCH
    + """
import atexit, urllib.request
def reach():
    try: urllib.request.urlopen("http://127.0.0.1:9/", timeout=1)
    except OSError: pass
atexit.register(reach)
"""
)


@pytest.mark.parametrize("code", [WATCH, PLANTED])
def test_the_app_connects_to_nothing(tmp_path, code):
    need_gradio()
    root = tmp_path / "root"
    root.mkdir()
    app = App(root, "--lang", "ko", code=code)
    assert app.get("/").location == "/ko/"
    assert app.get("/ko/").status == 200
    time.sleep(1)

    status, errors = app.end(signal.SIGTERM)

    assert status == 0
    reached = [line for line in errors.splitlines() if line != "REACHED socket.getaddrinfo 127.0.0.1"]
    assert (reached == []) == (code == WATCH), reached
    assert all("('127.0.0.1', 9)" in line for line in reached)
