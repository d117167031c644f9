"""From nothing to a served page: the socket, gradio behind its guard, and a clean end."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from convscope.errors import ConvscopeError, MissingExtra
from convscope.ui.app.ground import Ground
from convscope.words import LANGUAGES, Language

if TYPE_CHECKING:
    from fastapi import FastAPI

    from convscope.ui.app.workshop import Workshop

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 (only where the user asks for it)
PATIENCE_S = 1  # for open connections when the app ends: every page holds one


def serve(ground: Ground, *, host: str, port: int, language: Language | None, ready: Callable[[str], None]) -> None:
    """Serve the app until it is interrupted.

    Args:
        ground: what may be reached.
        host: address to listen at.
        port: the same; 0 takes a free one.
        language: of a page that is asked for without one; None takes the browser's.
        ready: hears the address once it answers.

    Raises:
        MissingExtra: gradio is not installed.
        ConvscopeError: the address cannot be had.
    """
    if find_spec("gradio") is None:
        raise MissingExtra("the app", "gradio", "app")
    with listening(host, port) as door, private_folder() as folder:
        settle_gradio(folder)
        import uvicorn

        from convscope.ui.app.workshop import Workshop

        shop = Workshop(ground, folder)
        app = assemble(shop, host=host, language=language)
        _tell_when_started(app, lambda: ready(address(host, door.getsockname()[1])))
        settings = uvicorn.Config(
            guarded(app, shop, host), log_level="critical", timeout_graceful_shutdown=PATIENCE_S, ws="none"
        )
        with suppress(KeyboardInterrupt), _ended_by_sigterm():
            uvicorn.Server(settings).run(sockets=[door])
        shop.desk.close()


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for what comes in, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="convscope-app-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settle_gradio(folder: Path) -> None:
    """Tell gradio, before it is imported, to stay at home and to keep its files in `folder`."""
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]  # a share link, a served folder or a tool server is not what this app is started for
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "GRADIO_EXAMPLES_CACHE": str(folder / "examples"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
    }


def _tell_when_started(app: "FastAPI", tell: Callable[[], None]) -> None:
    start = app.router.lifespan_context

    @asynccontextmanager
    async def started(app: "FastAPI") -> AsyncIterator[Any]:
        async with start(app) as state:
            tell()
            yield state

    app.router.lifespan_context = started


def assemble(shop: "Workshop", *, host: str, language: Language | None) -> "FastAPI":
    """The application: a page in each language, the reports, and the way from the root to a page."""
    import gradio as gr
    from fastapi import FastAPI, Request
    from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, Response

    from convscope.ui.app import page

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/")
    def enter(request: Request, lang: str = "") -> Response:
        chosen = lang if lang in LANGUAGES else language or preferred(request.headers.get("accept-language", ""))
        others = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
        return RedirectResponse(
            f"/{chosen}/" + (f"?{urlencode(others)}" if others else ""), headers={"Vary": "Accept-Language"}
        )

    @app.get("/report/{run}")
    def report(run: str) -> Response:
        file = shop.ground.report(run)
        return FileResponse(file) if file else PlainTextResponse("no such report", status_code=404)

    for each in LANGUAGES:
        gr.mount_gradio_app(app, page.build(shop, each), path=f"/{each}", server_name=host, **page.mounting())
    return app


def guarded(app: "FastAPI", shop: "Workshop", host: str) -> Any:  # noqa: ANN401 (an ASGI application)
    """The application behind its guard, its pages in their language from the first byte on."""
    from convscope.ui.app.dress import Dress
    from convscope.ui.app.guard import Guard
    from convscope.ui.app.page import head

    heads = {f"/{each}/": (each, head(each)) for each in LANGUAGES}
    hosts = None if host in EVERYWHERE else LOCAL | {host}
    return Guard(Dress(app, heads), hosts=hosts, uploads=shop.uploads)


def preferred(accepted: str) -> Language:
    """The language of an Accept-Language header that we have.

    >>> preferred("fr;q=0.9, ko-KR;q=0.8, en;q=0.5"), preferred("en-GB,ko;q=0.3"), preferred("")
    ('ko', 'en', 'en')
    """
    wishes = []
    for place, item in enumerate(accepted.split(",")[:20]):
        tag, _, quality = item.partition(";q=")
        with suppress(ValueError):
            wishes.append((-float(quality or 1), place, tag.strip().lower().split("-")[0]))
    return next(("ko" if tag == "ko" else "en" for _, _, tag in sorted(wishes) if tag in LANGUAGES), "en")


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConvscopeError: it cannot be had.
    """
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        door = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConvscopeError(f"--host {host}: no address of this machine ({_reason(error)})") from None
    try:
        if sys.platform != "win32":  # there it would let two apps share a port
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(128)
    except (OSError, OverflowError) as error:
        door.close()
        raise ConvscopeError(
            f"--port {port}: cannot be listened at on {host} ({_reason(error)}); "
            f"end the program that has it, or give another, such as --port {port + 1}"
        ) from None
    return door


def address(host: str, port: int) -> str:
    """What to type into a browser on this machine.

    >>> address("127.0.0.1", 7860), address("0.0.0.0", 80), address("::1", 7860)
    ('http://127.0.0.1:7860', 'http://127.0.0.1:80', 'http://[::1]:7860')
    """
    shown = "127.0.0.1" if host in EVERYWHERE else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """While it lasts, SIGTERM ends the app as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
