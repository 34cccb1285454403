"""The live preview: what a clip looks and sounds like while it is being made."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from harmony.ui.studio import Studio

LOOK_SECONDS = 0.6


@dataclass(frozen=True)
class Live:
    """A place for previews, and the clock that looks for new ones while something is being made.

    The preview lies over the player of the clip before; css shows it only while Cancel is awake, so that a late
    answer leaves nothing behind.
    """

    place: gr.HTML
    clock: gr.Timer

    @classmethod
    def create(cls, studio: Studio) -> Live:
        place = gr.HTML("", padding=False, elem_classes="hm-live")
        clock = gr.Timer(LOOK_SECONDS, active=False)
        clock.tick(
            studio.preview, outputs=place, queue=False, show_progress="hidden", api_visibility="private",
            trigger_mode="once",
        )  # fmt: skip
        return cls(place, clock)
