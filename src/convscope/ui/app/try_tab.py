"""The tab that tries a trained model: a picture or the webcam in, probabilities out."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from convscope.errors import ConvscopeError
from convscope.ui.app import views
from convscope.ui.app.ground import Refused
from convscope.ui.app.workshop import Payload, Workshop, frame
from convscope.words import Language, say

FRAME_EVERY_S = 0.2


class Parts(NamedTuple):
    """The tab's components."""

    model: gr.Dropdown
    refresh: gr.Button
    picture: gr.Image
    webcam: gr.Image
    answers: gr.HTML
    kept: gr.State


def build(shop: Workshop, language: Language) -> Parts:
    """Lay the tab out."""
    told = partial(say, language=language)
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            model = gr.Dropdown(
                [],
                value=None,
                allow_custom_value=True,
                label=told("app.trained"),
                info=told("app.trained.info", root=shop.ground.root),
                elem_id="cs-trained",
            )
            refresh = gr.Button(told("app.refresh"), size="sm", elem_id="cs-refresh")
            look: dict[str, Any] = {"type": "filepath", "buttons": [], "height": 320, "elem_classes": ["cs-widget"]}
            with gr.Tabs():
                with gr.Tab(told("app.picture"), id="picture"):
                    picture = gr.Image(
                        sources=["upload", "clipboard"], label=told("app.picture"), elem_id="cs-picture", **look
                    )
                with gr.Tab(told("app.webcam"), id="webcam"):
                    webcam = gr.Image(
                        sources=["webcam"], streaming=True, label=told("app.webcam"), elem_id="cs-webcam", **look
                    )
        with gr.Column(scale=3, min_width=300):
            answers = gr.HTML(views.note("app.no_picture", language), elem_id="cs-answers", apply_default_css=False)
    return Parts(model, refresh, picture, webcam, answers, gr.State(None))


def wire(shop: Workshop, language: Language, blocks: gr.Blocks, tab: gr.Tab, parts: Parts) -> None:
    """Connect what is given with what is answered."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    at_once: dict[str, Any] = {"concurrency_limit": None, **quiet}

    def ask(model: str | None, payload: Payload, kept: str | None) -> tuple[str, str | None]:
        try:
            if not payload:
                shop.remove(kept)
                return views.note("app.no_picture", language), None
            path, name = shop.upload(payload)
            if kept != str(path):
                shop.remove(kept)
            file = _model(shop, model)
            answer = shop.answerer.answer(file, path)
            return views.answers(answer, language, shop.ground.typed(file), name), str(path)
        except ConvscopeError as error:
            path_kept = payload.get("path") if payload else None
            return views.fault(error, language), path_kept

    def watch(model: str | None, payload: Payload) -> Any:  # noqa: ANN401 (markup, or gradio's "leave it as it is")
        if not payload:
            return gr.skip()
        try:
            file = _model(shop, model)
            answer = shop.answerer.answer(file, frame(payload))
            return views.answers(answer, language, shop.ground.typed(file), None)
        except ConvscopeError as error:
            return views.fault(error, language)

    def again(model: str | None) -> dict[str, Any]:
        return offered(shop, chosen=model)

    given: list[Any] = [parts.model, parts.picture, parts.kept]
    parts.picture.change(ask, given, [parts.answers, parts.kept], preprocess=False, **at_once)
    parts.model.change(ask, given, [parts.answers, parts.kept], preprocess=False, **at_once)
    parts.webcam.stream(
        watch, [parts.model, parts.webcam], parts.answers, stream_every=FRAME_EVERY_S, preprocess=False, **at_once
    )
    for event in (parts.refresh.click, tab.select, blocks.load):
        event(again, parts.model, parts.model, preprocess=False, **at_once)


def offered(shop: Workshop, chosen: str | Path | None = None) -> dict[str, Any]:
    """The finished runs to choose from; without a choice, the latest is chosen."""
    runs = [(folder.name, str(folder)) for folder in shop.ground.finished()]
    latest = runs[0][1] if runs else None
    update: dict[str, Any] = gr.update(choices=runs, value=str(chosen) if chosen else latest)
    return update


def _model(shop: Workshop, model: str | None) -> Path:
    if not model or not isinstance(model, str):
        raise Refused("app.no_runs")
    return shop.ground.model(model)
