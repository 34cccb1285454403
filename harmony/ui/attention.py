"""Attention beside the clip: which layers are drawn, in which direction, without making the clip again."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from harmony.session.attention import draw_attention, recorded_layers
from harmony.ui.events import SILENT, TELLING
from harmony.ui.slide import Made
from harmony.ui.studio import human_errors

LABELS = {"looks": "Where the sound looks (attention)", "added": "What listening changes in the picture"}
_VIEWS = [("Where the sound looks", "looks"), ("What listening changes in the picture", "added")]
_NOTES = {
    "looks": "V2A attention: how much the sound looks at each place of the picture. Below: at which moments of it; the "
    "outlined band is all that it can look at. Usual: the heads that point at sources, where they are known.",
    "added": "A2V attention: how much each place of the picture is changed by what it hears. Below: which moments of "
    "the sound it listens to; the outlined band is all that it can hear. Usual: the mean of all layers.",
}


def attention_choices(made: gr.State, film: gr.Video, matrix: gr.Image) -> None:
    """Lay out the choices, and draw what is chosen into ``film`` and ``matrix``."""
    note = gr.Markdown(_NOTES["looks"], elem_classes="hm-note", container=False)
    with gr.Row():
        view = gr.Radio(_VIEWS, value="looks", label="Direction", min_width=260)
        layer = gr.Dropdown(
            [("Usual", -1)],
            value=-1,
            label="Layer",
            filterable=False,
            min_width=200,
        )
    made.change(_start_over, inputs=made, outputs=[view, layer, note], **SILENT)
    for control in (view, layer):
        control.input(_redraw, inputs=[made, view, layer], outputs=[film, matrix, note], **TELLING)


def _start_over(made: Made | None) -> tuple:
    if made is None:
        return gr.skip(), gr.skip(), gr.skip()
    layers = [(f"Layer {layer + 1}", layer) for layer in recorded_layers(Path(made.clip))]
    return "looks", gr.update(choices=[("Usual", -1), *layers], value=-1), _NOTES["looks"]


def _redraw(made: Made | None, view: str, layer: int) -> tuple:
    """The film and the matrix for a choice; nothing where there is no clip yet."""
    if made is None:
        return gr.skip(), gr.skip(), _NOTES[view]
    with human_errors():
        files = draw_attention(Path(made.clip), view=view, layer=None if layer < 0 else int(layer))
    return gr.update(value=str(files.film), label=LABELS[view]), str(files.picture), _NOTES[view]
