"""What is let through to gradio: the few requests that its page makes, from this page, about its own uploads."""

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# the browser itself refuses what does not come from here; gradio's page makes scripts and styles as it runs
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# a report runs its own small script in a place of its own, and reaches nothing
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
}

READ = re.compile(
    r"/|/report/[^/]+|/(en|ko)|/(en|ko)/("
    r"|theme\.css|(assets|static)/.+|gradio_api/(heartbeat/\w+|queue/data|upload_progress|startup-events|file=.+))"
)
WRITE = re.compile(r"/(en|ko)/gradio_api/(upload|queue/join|cancel|reset|stream/\w+(/close)?)")
SPOKEN = re.compile(r"/(en|ko)/gradio_api/(queue/join|stream/\w+)")  # what comes in is JSON that may name files
MOST_SPOKEN = 2**24  # bytes; a frame of a webcam has some hundred thousand


class Guard:
    """Stands before the app: unknown requests, foreign pages, foreign files and addresses end here.

    gradio has endpoints that fetch addresses for a client, run functions by name, or show its source; none is needed.

    Args:
        app: what is guarded.
        hosts: names under which it may be called, against pages that point their own name here; None takes any.
        uploads: the only folder whose files may be named.
    """

    def __init__(self, app: App, *, hosts: frozenset[str] | None, uploads: Path) -> None:
        self._app = app
        self._hosts = hosts
        self._uploads = uploads.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        status = self._refusal(scope, path)
        if not status and SPOKEN.fullmatch(path):
            body = await _whole(receive)
            status = 413 if body is None else 403 if not self._spoken_well(body) else 0
            receive = _again(body or b"", receive)
        if status:
            await _answer(send, status)
            return
        policy = REPORT_POLICY if path.startswith("/report/") else POLICY

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(key, value) for key, value in message["headers"] if key.lower() not in HEADERS]
                message["headers"] = [*kept, *HEADERS.items(), (b"content-security-policy", policy.encode())]
            await send(message)

        await self._app(scope, receive, dressed)

    def _refusal(self, scope: Scope, path: str) -> int:
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get("host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return 421
        reads = scope["method"] in {"GET", "HEAD"}
        if not (READ if reads else WRITE).fullmatch(path) or scope["method"] not in {"GET", "HEAD", "POST"}:
            return 404
        origin = headers.get("origin")
        if not reads and origin is not None and urlsplit(origin).netloc != host:
            return 403
        _, marked, file = path.partition("gradio_api/file=")
        return 403 if marked and not self._is_upload(file) else 0

    def _is_upload(self, file: str) -> bool:
        try:
            spellings = (Path(file), Path(unquote(file)))
            return all(path.resolve().is_relative_to(self._uploads) for path in spellings)
        except (OSError, ValueError, RuntimeError):  # too long, a zero byte, links in a circle
            return False

    def _spoken_well(self, body: bytes) -> bool:
        """Whether the body is JSON, and every file in it an upload."""
        try:
            todo = [json.loads(body)]
        except (ValueError, RecursionError):
            return False
        while todo:
            item = todo.pop()
            if isinstance(item, dict):
                file = item.get("path")
                if isinstance(file, str) and file and not self._is_upload(file):
                    return False
                todo += item.values()
            elif isinstance(item, list):
                todo += item
        return True


def _name(host: str) -> str:
    """The name in a Host header, without the port.

    >>> _name("127.0.0.1:7860"), _name("[::1]:7860"), _name("localhost")
    ('127.0.0.1', '::1', 'localhost')
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _whole(receive: Receive) -> bytes | None:
    """A request's body, or None when it is too long."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_SPOKEN:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand over a body that was read already, then what follows."""
    left = [body]

    async def replay() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return replay


async def _answer(send: Send, status: int) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0"), *HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
