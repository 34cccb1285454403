"""The page: header, tabs, and how it is started."""

from __future__ import annotations

import functools
import html
import os
from typing import Any

import gradio as gr

from harmony.memory.card import has_card, on_zero_gpu
from harmony.session import (
    MICRO,
    check_opening,
    chosen_model,
    is_bundled,
    load_pipeline,
    read_defaults,
    read_license,
    read_prompt_family,
)
from harmony.ui.about import about_tab
from harmony.ui.audio_driven import audio_driven_tab
from harmony.ui.compare import compare_tab
from harmony.ui.history import history_tab
from harmony.ui.joint import joint_tab
from harmony.ui.model import ModelHolder
from harmony.ui.studio import KEEP_SECONDS, SWEEP_SECONDS, Studio
from harmony.ui.theme import CSS_PATH, HEAD, harmony_theme, header, header_html
from harmony.ui.video_driven import video_driven_tab


def badge(model: str) -> str:
    """One plain line about what the model in use can do, and what its licence forbids."""
    if model == MICRO:
        return "Random weights: they make noise, for trying the app"
    if is_bundled(model):
        return "The shipped model draws a toy world"
    license = read_license(model) or ""
    name = html.escape(model)
    if "-NC" not in license.upper():
        return name
    return f'{name} · <span title="{html.escape(license)}">for non-commercial use only</span>'


def badge_when_open(holder: ModelHolder) -> Any:
    """The header once the model is there, with how it was opened for this card; nothing new where that is as ever."""
    try:
        words = holder.get().opened_as
    except ValueError:  # whoever wants a clip will read why
        return gr.skip()
    return header_html(f"{badge(holder.model)} · {html.escape(words)}") if words else gr.skip()


def build_app(holder: ModelHolder, *, tell_opening: bool = False) -> gr.Blocks:
    """The whole page. It asks the holder for its model when somebody wants a clip, not before.

    ``tell_opening``: the header waits for the model, to tell how it was opened (:mod:`harmony.memory`).
    """
    defaults = read_defaults(holder.model)
    studio = Studio(holder)
    studio.sweep_on_schedule()
    with gr.Blocks(title="Harmony", delete_cache=(SWEEP_SECONDS, KEEP_SECONDS), analytics_enabled=False) as app:
        head = header(badge(holder.model))
        if tell_opening:
            tell = functools.partial(badge_when_open, holder)
            app.load(tell, outputs=head, show_progress="hidden", api_visibility="private")
        fields, toy = {}, holder.model == MICRO or is_bundled(holder.model)
        with gr.Tabs(elem_classes="hm-tabs") as tabs:
            with gr.Tab("Joint generation", id="joint"):
                fields["joint"] = joint_tab(studio, defaults, toy=toy, family=read_prompt_family(holder.model))
            with gr.Tab("Audio-driven video", id="audio_to_video"):
                fields["audio_to_video"] = audio_driven_tab(studio, defaults, toy=toy)
            with gr.Tab("Video-driven audio", id="video_to_audio"):
                fields["video_to_audio"] = video_driven_tab(studio, defaults)
            with gr.Tab("Compare guidance", id="compare"):
                compared = compare_tab(studio, defaults)
            with gr.Tab("History", id="history") as history:
                history_tab(studio, tabs, history, fields, compared=compared)
            with gr.Tab("About", id="about"):
                about_tab(holder.model, defaults)
        app.unload(studio.cancel)
    return app.queue(max_size=32, default_concurrency_limit=4)


def launch_app(
    model: str | None = None,
    *,
    opening: dict[str, str] | None = None,
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
        opening: ``quantize``, ``offload`` and ``compile``, of :func:`~harmony.session.load_pipeline`.
        host, port: where to listen; by default this machine only, at 7860 or the next free port.
        share: also offer a public link through Gradio.
        mcp: also serve the endpoints as MCP tools.
        open_browser: open the page in a browser.
        block: stay until it is stopped.

    Raises:
        ValueError: there is no such model, or it cannot be opened so; the sentence says what to give.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    usual = {"quantize": "auto", "offload": "auto", "compile": False}
    opening = usual | (opening or {})
    check_opening(**opening)
    holder = ModelHolder(chosen_model(model), load=functools.partial(load_pipeline, **opening))
    app = build_app(holder, tell_opening=has_card() or opening != usual)
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
