"""The page: header, tabs, and how it is started."""

from __future__ import annotations

import html
import os

import gradio as gr

from harmony.session import MICRO, chosen_model, is_bundled, read_defaults
from harmony.ui.about import about_tab
from harmony.ui.audio_driven import audio_driven_tab
from harmony.ui.joint import joint_tab
from harmony.ui.model import ModelHolder, on_zero_gpu
from harmony.ui.studio import KEEP_SECONDS, Studio
from harmony.ui.theme import CSS_PATH, HEAD, harmony_theme, header
from harmony.ui.video_driven import video_driven_tab


def badge(model: str) -> str:
    """One plain line about what the model in use can do."""
    if model == MICRO:
        return "Random weights: they make noise, for trying the app"
    return "The shipped model draws a toy world" if is_bundled(model) else html.escape(model)


def build_app(holder: ModelHolder) -> gr.Blocks:
    """The whole page. It asks the holder for its model when somebody wants a clip, not before."""
    defaults = read_defaults(holder.model)
    studio = Studio(holder)
    with gr.Blocks(title="Harmony", delete_cache=(600, KEEP_SECONDS), analytics_enabled=False) as app:
        header(badge(holder.model))
        with gr.Tabs(elem_classes="hm-tabs"):
            with gr.Tab("Joint generation"):
                joint_tab(studio, defaults)
            with gr.Tab("Audio-driven video"):
                audio_driven_tab(studio, defaults)
            with gr.Tab("Video-driven audio"):
                video_driven_tab(studio, defaults)
            with gr.Tab("About"):
                about_tab(holder.model, defaults)
        app.unload(studio.cancel)
    return app.queue(max_size=32, default_concurrency_limit=4)


def launch_app(
    model: str | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    mcp: bool = False,
    open_browser: bool = False,
    block: bool = True,
) -> gr.Blocks:
    """Build the page and serve it.

    Args:
        model: folder, hub id or ``micro``; by default ``$HARMONY_MODEL``, else the model that ships with the project.
        host, port: where to listen; by default this machine only, at 7860 or the next free port.
        share: also offer a public link through Gradio.
        mcp: also serve the endpoints as MCP tools.
        open_browser: open the page in a browser.
        block: stay until it is stopped.

    Raises:
        ValueError: there is no such model; the sentence says what to give.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    holder = ModelHolder(chosen_model(model))
    app = build_app(holder)
    if on_zero_gpu():
        holder.start()  # there the weights must be placed before the first call
    app.launch(
        server_name=host,
        server_port=port,
        share=share,
        mcp_server=mcp,
        inbrowser=open_browser,
        prevent_thread_lock=True,
        show_error=True,
        theme=harmony_theme(),
        css_paths=CSS_PATH,
        head=HEAD,
        footer_links=["api", "settings"],
    )
    holder.start()  # only now: opening a model would keep the page waiting
    if block:
        app.block_thread()
    return app
