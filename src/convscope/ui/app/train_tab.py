"""The tab that trains: pictures in, figures and worst mistakes out."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from convscope.errors import ConvscopeError
from convscope.models import zoo
from convscope.ui.app import views
from convscope.ui.app.choices import OPTIONS, WEIGHTS, Call, default_of, modes, settings_of
from convscope.ui.app.ground import Refused
from convscope.ui.app.jobs import Order
from convscope.ui.app.try_tab import offered
from convscope.ui.app.workshop import LIMIT_GB, Payload, Workshop
from convscope.words import Language, say

EVERY_S = 0.5


class Parts(NamedTuple):
    """The tab's components."""

    source: gr.Radio
    zipped: gr.File
    about: gr.HTML
    folder: gr.Dropdown
    model: gr.Dropdown
    mode: gr.Dropdown
    weights: gr.Dropdown
    start: gr.Button
    stop: gr.Button
    message: gr.HTML
    progress: gr.HTML
    result: gr.HTML
    timer: gr.Timer
    seen: gr.State


def build(shop: Workshop, language: Language) -> Parts:
    """Lay the tab out."""
    told = partial(say, language=language)
    root = shop.ground.root
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            source = gr.Radio(
                [(told("app.source.zip"), "zip"), (told("app.source.folder"), "folder")],
                value="zip",
                label=told("app.source"),
            )
            zipped = gr.File(
                file_types=[".zip"],
                label=told("app.zip", limit=LIMIT_GB),
                height=170,
                elem_id="cs-zip",
                elem_classes=["cs-widget"],
            )
            about = gr.HTML(views.hint("app.zip.info", language), apply_default_css=False)
            folder = gr.Dropdown(
                shop.ground.offered(),
                value=None,
                allow_custom_value=True,
                label=told("app.folder"),
                info=told("app.folder.info", root=root),
                visible=False,
                elem_id="cs-folder",
            )
            with gr.Accordion(told("app.options"), open=False, elem_id="cs-options"):
                model = gr.Dropdown(
                    [(told("app.automatic"), ""), *((name, name) for name in zoo.NETWORKS)],
                    value="",
                    label=told("app.model"),
                    elem_id="cs-model",
                )
                mode = gr.Dropdown(
                    _named("mode", modes(), language),
                    value=default_of("mode"),
                    label=told("app.mode"),
                    elem_id="cs-mode",
                )
                weights = gr.Dropdown(
                    _named("weights", WEIGHTS, language),
                    value=default_of("weights"),
                    allow_custom_value=True,
                    label=told("app.weights"),
                    info=told("app.weights.info", root=root),
                    elem_id="cs-weights",
                )
            with gr.Row():
                start = gr.Button(told("app.start"), variant="primary", elem_id="cs-start", scale=2, min_width=120)
                stop = gr.Button(told("app.stop"), interactive=False, elem_id="cs-stop", min_width=90)
            message = gr.HTML(apply_default_css=False)
        with gr.Column(scale=3, min_width=300):
            progress = gr.HTML(elem_id="cs-progress", apply_default_css=False)
            result = gr.HTML(elem_id="cs-result", apply_default_css=False)
    timer, seen = gr.Timer(EVERY_S, active=False), gr.State(-1)
    return Parts(
        source, zipped, about, folder, model, mode, weights, start, stop, message, progress, result, timer, seen
    )  # fmt: skip


def wire(shop: Workshop, language: Language, blocks: gr.Blocks, parts: Parts, trained: gr.Dropdown) -> None:
    """Connect what is clicked with what is done; a new run is offered to the other tab."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    shown = [parts.seen, parts.progress, parts.result, parts.start, parts.stop, parts.timer, trained]

    def switch(source: str) -> tuple[dict[str, Any], ...]:
        of_zip = gr.update(visible=source == "zip")
        return of_zip, of_zip, gr.update(visible=source == "folder", choices=shop.ground.offered())

    def begin(source: str, zipped: Payload, folder: str | None, *options: str | None) -> tuple[Any, ...]:
        try:
            settings = settings_of(options, shop.ground)
            if source == "zip":
                shop.desk.start(lambda: _of_zip(shop, language, zipped, settings))
            else:
                shop.desk.start(lambda: _of_folder(shop, language, folder, settings))
        except ConvscopeError as error:
            return views.fault(error, language), gr.skip(), *_skips(shown)
        return "", None, *follow(-1)

    def follow(seen: int) -> tuple[Any, ...]:
        state = shop.desk.state
        if state.number == seen:
            return _skips(shown)
        return (
            state.number,
            views.progress(state, language),
            views.result(state, language, shop.ground),
            gr.update(interactive=not state.running),
            gr.update(interactive=state.running and not state.stopping),
            gr.Timer(active=state.running),
            offered(shop, chosen=state.finished.folder.absolute()) if state.finished else gr.skip(),
        )

    def leave() -> tuple[Any, ...]:
        shop.desk.stop()
        return follow(-1)

    parts.source.change(switch, parts.source, [parts.zipped, parts.about, parts.folder], **quiet)
    parts.start.click(
        begin,
        [parts.source, parts.zipped, parts.folder, *(getattr(parts, field) for field in OPTIONS)],
        [parts.message, parts.zipped, *shown],
        preprocess=False,
        **quiet,
    )
    parts.stop.click(leave, None, shown, **quiet)
    parts.timer.tick(follow, parts.seen, shown, concurrency_limit=None, trigger_mode="once", **quiet)
    blocks.load(follow, parts.seen, shown, concurrency_limit=None, **quiet)


def _named(field: str, values: Sequence[str], language: Language) -> list[tuple[str, str]]:
    """The values of a setting with their names in words."""
    keys = [f"app.{field}.{value}" if value not in {"auto", "default"} else "app.automatic" for value in values]
    return [(say(key, language), value) for key, value in zip(keys, values, strict=True)]


def _of_zip(shop: Workshop, language: Language, zipped: Payload, settings: dict[str, str]) -> Order:
    if not zipped:
        raise Refused("app.no_zip")
    path, name = shop.upload(zipped)
    if path.suffix.lower() != ".zip":
        raise Refused("app.path.no_pictures", path=name)
    taken = shop.take_away(path)
    runs = shop.ground.shown(shop.ground.runs)
    return Order(taken, Call(name, settings, runs), Path(runs), language, upload=taken.parent)


def _of_folder(shop: Workshop, language: Language, folder: str | None, settings: dict[str, str]) -> Order:
    if not folder or not isinstance(folder, str):
        raise Refused("app.no_folder")
    path = shop.ground.pictures(folder)
    runs = shop.ground.shown(shop.ground.runs)
    return Order(path, Call(shop.ground.shown(path), settings, runs), Path(runs), language)


def _skips(outputs: list[Any]) -> tuple[Any, ...]:
    return tuple(gr.skip() for _ in outputs)
