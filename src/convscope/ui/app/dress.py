"""The page of gradio, given our head: in its language from the first byte on, and without links to other sites."""

import re
from collections.abc import Mapping

from convscope.ui.app.guard import App, Message, Receive, Scope, Send


class Dress:
    """Puts a head into the pages of an app.

    Args:
        app: serves the pages.
        heads: path of a page to its language and what goes to the front of its head.
    """

    def __init__(self, app: App, heads: Mapping[str, tuple[str, str]]) -> None:
        self._app = app
        self._heads = heads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; a page is held back until it is whole."""
        if scope["type"] != "http" or scope["path"] not in self._heads or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        language, head = self._heads[scope["path"]]
        scope["headers"] = [(key, value) for key, value in scope["headers"] if key != b"accept-encoding"]
        start: list[Message] = []
        body: list[bytes] = []

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            body.append(message.get("body", b""))
            if message.get("more_body"):
                return
            page = dressed(b"".join(body).decode("utf-8"), language, head).encode("utf-8")
            kept = [(key, value) for key, value in start[0]["headers"] if key.lower() != b"content-length"]
            start[0]["headers"] = [*kept, (b"content-length", str(len(page)).encode())]
            await send(start[0])
            await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, hold)


def dressed(page: str, language: str, head: str) -> str:
    """A page with our head.

    >>> dressed('<html lang="en"><head><meta property="og:image" content="https://a.b"><p>', "ko", "<style></style>")
    '<html lang="ko"><head><style></style><p>'
    """
    page = re.sub(r'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>', "", page)
    page = re.sub(r'(<html\s+)lang="\w+"', rf'\1lang="{language}"', page, count=1)
    before, opening, after = page.partition("<head>")
    return f"{before}{opening}{head}{after}"
