"""The app's look: two quiet accents, iris for the picture and amber for the sound, in light and in dark."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.base import Base
from gradio.themes.utils import colors, sizes

CSS_PATH = Path(__file__).with_name("style.css")

IRIS = colors.Color(
    name="iris",
    c50="#f2f3fd", c100="#e6e8fb", c200="#d0d4f7", c300="#b0b6f0", c400="#8c93e6", c500="#6b72da",
    c600="#565bc6", c700="#484ba6", c800="#3d4085", c900="#36396b", c950="#22233f",
)  # fmt: skip
AMBER = colors.Color(
    name="amber",
    c50="#fdf6ec", c100="#faead2", c200="#f4d2a2", c300="#edb46a", c400="#e79a43", c500="#dd7f26",
    c600="#c2651c", c700="#a14c1a", c800="#833d1c", c900="#6c341a", c950="#3c190b",
)  # fmt: skip
STONE = colors.Color(
    name="stone",
    c50="#f8f8fa", c100="#f1f1f5", c200="#e4e5eb", c300="#d0d2db", c400="#9a9eac", c500="#6d7181",
    c600="#535766", c700="#3f4351", c800="#272a35", c900="#1a1c25", c950="#111219",
)  # fmt: skip

# Two waves that meet: the page's mark, drawn once, used in the header and as the icon in the browser's tab.
MARK = (
    '<svg viewBox="0 0 40 40" fill="none" aria-hidden="true" xmlns="http://www.w3.org/2000/svg">'
    '<path d="M3 20C8 6 14 6 20 20S32 34 37 20" stroke="#6b72da" stroke-width="3.6" stroke-linecap="round"/>'
    '<path d="M3 20C8 34 14 34 20 20S32 6 37 20" stroke="#e79a43" stroke-width="3.6" stroke-linecap="round"/></svg>'
)
HEAD = (
    '<link rel="icon" type="image/svg+xml" href="data:image/svg+xml,'
    + MARK.replace('"', "'").replace("#", "%23").replace("<", "%3C").replace(">", "%3E")
    + '"><meta name="color-scheme" content="light dark">'
)


def harmony_theme() -> Base:
    """The one theme. System fonts only, so that the page needs nothing from outside."""
    theme = Base(
        primary_hue=IRIS,
        secondary_hue=AMBER,
        neutral_hue=STONE,
        radius_size=sizes.radius_lg,
        spacing_size=sizes.spacing_md,
        text_size=sizes.text_md,
        font=("Inter", "ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "sans-serif"),
        font_mono=("ui-monospace", "SF Mono", "Consolas", "monospace"),
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        block_label_background_fill="white",
        block_label_background_fill_dark="*neutral_900",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_label_text_weight="500",
        block_title_text_weight="600",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        block_info_text_size="*text_sm",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_200",
        input_border_color_dark="*neutral_800",
        input_border_color_focus="*primary_400",
        input_border_color_focus_dark="*primary_500",
        input_shadow_focus="0 0 0 3px *primary_100",
        input_shadow_focus_dark="0 0 0 3px *primary_900",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
        link_text_color_hover="*primary_700",
        link_text_color_hover_dark="*primary_200",
        link_text_color_visited="*primary_600",
        link_text_color_visited_dark="*primary_300",
        slider_color="*primary_500",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_200",
        button_secondary_border_color_dark="*neutral_700",
        button_border_width="1px",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        button_large_text_weight="600",
        button_transition="background-color 0.15s ease",
        panel_background_fill="white",
        panel_background_fill_dark="*neutral_900",
    )


def header(badge: str) -> gr.HTML:
    """The page's name, what it does, and one plain line about the model in use."""
    return gr.HTML(header_html(badge), padding=False)


def header_html(badge: str) -> str:
    """What :func:`header` shows; ``badge`` is HTML."""
    return (
        f'<header class="hm-header"><span class="hm-mark">{MARK}</span>'
        "<div><h1>Harmony</h1><p>A video and its sound, made together.</p></div>"
        f'<span class="hm-badge">{badge}</span></header>'
    )


# Players that start together, see players.py; in the page's head, because Gradio's HTML runs no scripts.
HEAD += f"<script>{Path(__file__).with_name('players.js').read_text(encoding='utf-8')}</script>"
