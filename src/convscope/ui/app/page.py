"""The page in one language: two tabs, and what the browser needs before gradio starts."""

import json
from importlib.resources import files
from typing import Any

import gradio as gr

from convscope.ui.app import train_tab, try_tab
from convscope.ui.app.views import header
from convscope.ui.app.workshop import LIMIT_GB, Workshop
from convscope.words import Language, say

ACCENT = gr.themes.Color(
    c50="#f0f6fa", c100="#dcebf4", c200="#b9d7e8", c300="#8cbedb", c400="#63a9d4", c500="#3f8ab8",
    c600="#2b6c94", c700="#245b7d", c800="#1d4a66", c900="#173b52", c950="#0f2938", name="accent",
)  # fmt: skip
# what gradio says in English whatever the language, and one word of its that means something else with a camera
OWN_WORDS = {
    "Record": "record",
    "녹음": "record",
    "Click to upload or drop files": "upload",
    "이곳에 이미지 파일을 끌어다 놓으세요.": "upload",
    "Upload file": "upload_file",
    "File upload": "upload_file",
    "Empty value": "empty",
    "grant webcam access": "access",
    "Paste from clipboard": "paste",
    "Remove Image": "remove",
    "More tabs": "tabs",
    "Click to Access Webcam": "access",
    "capture photo": "capture",
    "Error": "error",
    "File(s) exceed the maximum allowed size*": "too_large",
}


def build(shop: Workshop, language: Language) -> gr.Blocks:
    """The page."""
    blocks = gr.Blocks(title="convscope", analytics_enabled=False, delete_cache=(300, 3600))
    with blocks:
        gr.HTML(header(language), apply_default_css=False)
        with gr.Tabs():
            with gr.Tab(say("app.train", language), id="train"):
                training = train_tab.build(shop, language)
            with gr.Tab(say("app.try", language), id="try") as tab:
                trial = try_tab.build(shop, language)
        train_tab.wire(shop, language, blocks, training, trial.model)
        try_tab.wire(shop, language, blocks, tab, trial)
    return blocks


def theme() -> gr.themes.Base:
    """Calm paper and one blue, as in the reports; the style sheet names the fonts of the machine that shows it."""
    return gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=gr.themes.colors.zinc,
        radius_size=gr.themes.sizes.radius_md,
        font=[gr.themes.Font("sans-serif")],
        font_mono=[gr.themes.Font("monospace")],
    ).set(
        body_background_fill="#fcfbf9",
        body_background_fill_dark="#14171b",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1b1f24",
        block_info_text_color="#5d656e",
        block_info_text_color_dark="#a0a7ae",
        block_title_text_color="#3b4249",
        block_title_text_color_dark="#c9ced3",
        block_label_text_color="#5d656e",
        block_label_text_color_dark="#a0a7ae",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )


def head(language: Language) -> str:
    """What goes before everything else in the page's head: language, style, and our own script.

    gradio speaks the browser's language; here it is told that this is the page's.
    """
    words = {theirs: say(f"app.gradio.{ours}", language, limit=LIMIT_GB) for theirs, ours in OWN_WORDS.items()}
    told = {"language": language, "words": words, "lost": say("app.gradio.lost", language)}
    settings = json.dumps(told, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<link rel="icon" href="data:,"><meta name="color-scheme" content="light dark">'
        f"<style>{_asset('app.css')}</style>"
        f"<script>window.convscope = {settings};</script><script>{_asset('app.js')}</script>"
    )


def _asset(file: str) -> str:
    return files("convscope.ui.app").joinpath(file).read_text(encoding="utf-8")


def mounting() -> dict[str, Any]:
    """How gradio is to serve a page: no links, no history, no files but uploads, no errors of its own."""
    return {
        "footer_links": [],
        "run_history": False,
        "theme": theme(),
        "max_file_size": f"{LIMIT_GB}gb",
        "show_error": False,
        "allowed_paths": [],
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
    }
