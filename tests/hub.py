"""A server on this machine that speaks as much of the Hugging Face hub's language as a download needs."""

import hashlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Hub:
    """What is served, what is to go wrong, and what was asked.

    Attributes:
        files: content by path.
        sums: by path, where another checksum is announced than the content's.
        cuts: how many bytes of the next answers are sent before the line breaks, first one first.
        down: the status of every GET, while it is not None.
        ranges: whether a part of a file can be asked for.
        elsewhere: files lie on another host, and the hub points there.
        asked: (method, path, Range or None) of every request.
        headers: of every request.
    """

    def __init__(self):
        self.files, self.sums, self.cuts, self.asked, self.headers = {}, {}, [], [], []
        self.down, self.ranges, self.elsewhere, self.address = None, True, False, ""

    def put(self, name, content):
        self.files[f"/timm/{name}/resolve/main/model.safetensors"] = content


def handler(hub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            path = urlsplit(self.path).path
            hub.asked.append((self.command, path, self.headers.get("Range")))
            hub.headers.append({key.lower(): value for key, value in self.headers.items()})
            away = path.removeprefix("/elsewhere")
            content = hub.files.get(away)
            if content is None:
                self.send(404, {"X-Error-Code": "EntryNotFound"}, b"")
                return
            if body and hub.down:
                self.send(hub.down, {}, b"")
                return
            headers = {
                "ETag": '"somewhere"', "X-Repo-Commit": COMMIT, "X-Linked-Size": str(len(content)),
                "X-Linked-Etag": f'"{hub.sums.get(path, sha256(content))}"',
            }  # fmt: skip
            if hub.elsewhere and away == path:
                other = f"http://localhost:{self.server.server_port}/elsewhere{path}"
                self.send(302, {**headers, "Location": other}, b"")
                return
            start, status = 0, 200
            if hub.ranges and (wanted := self.headers.get("Range")):
                start, status = int(wanted.removeprefix("bytes=").partition("-")[0]), 206
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send(status, headers, content[start:] if body else None, length=len(content) - start)

        def send(self, status, headers, content, length=0):
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content) if content is not None else length))
            self.end_headers()
            if content and hub.cuts:
                self.wfile.write(content[: hub.cuts.pop(0)])
                self.close_connection = True
            elif content:
                self.wfile.write(content)

    return Handler


@contextmanager
def serving():
    """A hub that runs, at its `address`."""
    hub = Hub()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(hub)) as running:
        thread = Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        hub.address = f"http://127.0.0.1:{running.server_port}"
        yield hub
        running.shutdown()
        thread.join()
