"""The app's door: what it lets through, what it refuses, how a page is dressed, which language it is in."""

import asyncio
import json

import pytest

from convscope.errors import ConvscopeError
from convscope.ui.app.dress import Dress, dressed
from convscope.ui.app.guard import MOST_SPOKEN, Guard
from convscope.ui.app.server import LOCAL, address, listening, preferred

HOST = "127.0.0.1:7860"
HERE = f"http://{HOST}"


@pytest.fixture
def ask(tmp_path):
    """Send a request through a guard: (status, headers, what the app behind it got of the body)."""
    uploads = tmp_path / "uploads"
    (uploads / "ab").mkdir(parents=True)
    (uploads / "ab" / "cat.png").touch()
    got = []

    async def behind(scope, receive, send):
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        got.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOW")]})
        await send({"type": "http.response.body", "body": b"behind"})

    def send_one(method, path, body=b"", hosts=LOCAL, **headers):
        got.clear()
        sent = []
        fields = {"host": HOST, **headers}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(key.encode(), value.encode()) for key, value in fields.items()],
        }
        halves = [body[: len(body) // 2], body[len(body) // 2 :]]

        async def receive():
            piece = halves.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(halves)}

        async def send(message):
            sent.append(message)

        asyncio.run(Guard(behind, hosts=hosts, uploads=uploads)(scope, receive, send))
        return sent[0]["status"], dict(sent[0]["headers"]), b"".join(got)

    send_one.uploads = uploads
    return send_one


@pytest.mark.parametrize(
    "path",
    ["/", "/en", "/ko/", "/en/theme.css", "/en/assets/a/b.js", "/ko/static/js/x.js", "/report/my run",
     "/en/gradio_api/heartbeat/abc123", "/en/gradio_api/queue/data", "/en/gradio_api/startup-events"],
)  # fmt: skip
def test_what_the_page_reads_is_let_through(ask, path):
    assert ask("GET", path)[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/en/gradio_api/proxy=http://a.b", "/en/gradio_api/info", "/en/gradio_api/openapi.json", "/en/config", "/docs",
     "/en/gradio_api/deep_link", "/en/gradio_api/runs", "/en/monitoring", "/en/gradio_api/vibe-code", "/fr/", "/en/x",
     "/en/gradio_api/stream/a/b/c/playlist.m3u8", "/report/a/b", "/report/", "/openapi.json", "/en/svelte/x.js",
     "/en/gradio_api/custom_component/a/b/c/d", "/gradio_api/queue/data", "/en/login_check", "/en/gradio_api/file/x"],
)  # fmt: skip
def test_what_it_does_not_read_is_not(ask, path):
    assert ask("GET", path)[0] == 404


@pytest.mark.parametrize("path", ["run/predict", "api/predict", "call/x", "process_recording", "vibe-edit", "login"])
def test_functions_cannot_be_run_by_name(ask, path):
    assert ask("POST", f"/en/gradio_api/{path}", b"{}")[0] == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_unknown(ask, method):
    assert ask(method, "/en/gradio_api/queue/join")[0] == 404


def test_only_uploads_are_given_out(ask):
    inside = f"{ask.uploads}/ab/cat.png"
    (ask.uploads / "link").symlink_to("/etc")

    assert ask("GET", f"/en/gradio_api/file={inside}")[0] == 200
    for file in (
        "/etc/passwd", "http://a.b/c", "https://a.b", "file:///etc/passwd", "etc/passwd", "\0", "x" * 5000, "~/.ssh",
        f"{ask.uploads}/../secret", f"{ask.uploads}/ab/../../secret", f"{ask.uploads}/%2e%2e/secret",
        f"{ask.uploads}/link/passwd", f"{ask.uploads}x/cat.png", f"/{ask.uploads}/../../etc/passwd", "..", ".",
    ):  # fmt: skip
        assert ask("GET", f"/en/gradio_api/file={file}")[0] == 403, file


def test_a_message_may_name_uploads_and_nothing_else(ask):
    def say(path):
        body = json.dumps({"data": [1, [{"deep": {"path": path, "meta": {"_type": "gradio.FileData"}}}]]})
        return ask("POST", "/ko/gradio_api/queue/join", body.encode(), origin=HERE)

    good = say(f"{ask.uploads}/ab/cat.png")
    assert good[0] == 200
    assert json.loads(good[2])["data"][0] == 1
    assert say(None)[0] == 200
    for path in ("http://169.254.169.254/latest", "https://a.b", "/etc/passwd", "data:,x", f"{ask.uploads}/../x"):
        assert say(path)[0] == 403, path
    hidden = rb'{"data": [{"p\u0061th": "\u0068ttp://a.b/c.png"}]}'
    assert ask("POST", "/ko/gradio_api/queue/join", hidden)[0] == 403
    assert ask("POST", "/ko/gradio_api/queue/join", b"no json")[0] == 403
    assert ask("POST", "/ko/gradio_api/stream/ab12", b"[" * 100_000)[0] == 403
    assert ask("POST", "/ko/gradio_api/stream/ab12", b" " * (MOST_SPOKEN + 1))[0] == 413


def test_a_page_from_elsewhere_can_neither_write_nor_pretend_to_be_this_one(ask):
    join = "/en/gradio_api/queue/join"

    assert ask("POST", join, b"{}", origin=HERE)[0] == 200
    assert ask("POST", join, b"{}", origin="http://evil.example")[0] == 403
    assert ask("POST", join, b"{}", origin="null")[0] == 403
    assert ask("POST", "/en/gradio_api/upload", b"x", origin="http://127.0.0.1:1")[0] == 403
    assert ask("GET", "/en/", host="evil.example:7860")[0] == 421
    assert ask("GET", "/en/", host="")[0] == 421
    assert ask("GET", "/en/", host="localhost:7860")[0] == 200
    assert ask("GET", "/en/", host="[::1]:7860")[0] == 200
    assert ask("GET", "/en/", host="[bad")[0] == 421
    assert ask("GET", "/en/", host="my-laptop:7860", hosts=None)[0] == 200


def test_every_answer_says_that_the_browser_is_to_load_nothing_from_elsewhere(ask):
    page, report = ask("GET", "/en/")[1], ask("GET", "/report/a")[1]

    assert page[b"content-security-policy"].startswith(b"default-src 'self'")
    assert b"http:" not in page[b"content-security-policy"] and b"*" not in page[b"content-security-policy"]
    assert report[b"content-security-policy"].startswith(b"sandbox allow-scripts; default-src 'none'")
    assert page[b"x-frame-options"] == b"DENY"
    assert page[b"x-content-type-options"] == b"nosniff"


def test_a_page_is_dressed_whole_and_other_answers_pass_as_they_are():
    async def behind(scope, receive, send):
        assert not [key for key, _ in scope["headers"] if key == b"accept-encoding"] or scope["path"] != "/ko/"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        for piece, more in (("<html lang='x'><he", True), ("ad>한", True), ("</head>", False)):
            await send({"type": "http.response.body", "body": piece.encode(), "more_body": more})

    def fetch(path):
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"accept-encoding", b"br")]}
        asyncio.run(Dress(behind, {"/ko/": ("ko", "<i>")})(scope, None, send))
        return sent

    start, body = fetch("/ko/")
    assert body["body"].decode() == "<html lang='x'><head><i>한</head>"
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    assert len(fetch("/en/")) == 4


def test_foreign_addresses_leave_the_page():
    page = '<html lang="en"><head><meta property="og:url" content="https://gradio.app/" /><meta name="viewport">'

    assert dressed(page, "ko", "") == '<html lang="ko"><head><meta name="viewport">'


@pytest.mark.parametrize(
    ("header", "language"),
    [("ko", "ko"), ("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en-US,en;q=0.9,ko;q=0.8", "en"), ("fr,ko;q=0.1", "ko"),
     ("", "en"), ("de", "en"), ("ko;q=x,en", "en"), ("en;q=0.2,ko;q=0.7", "ko"), (";;,=", "en")],
)  # fmt: skip
def test_the_browsers_language_is_taken(header, language):
    assert preferred(header) == language


def test_a_port_in_use_is_one_sentence():
    with listening("127.0.0.1", 0) as door:
        port = door.getsockname()[1]

        with pytest.raises(ConvscopeError, match=f"--port {port}: cannot be listened at on 127.0.0.1"):
            listening("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_one_sentence():
    with pytest.raises(ConvscopeError, match=r"203\.0\.113\.7"):
        listening("203.0.113.7", 0)
    with pytest.raises(ConvscopeError, match=r"--host not a host"):
        listening("not a host", 0)
    assert address("::1", 80) == "http://[::1]:80"
