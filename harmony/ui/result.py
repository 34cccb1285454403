"""Where a clip appears: the player, what the sound looked at, what was used, and the files to take home."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from harmony.session import Outcome


@dataclass(frozen=True)
class ResultPanel:
    """The right half of every tab."""

    clip: gr.Video
    attention: gr.Video
    matrix: gr.Image
    sound_file: gr.DownloadButton
    settings_file: gr.DownloadButton
    facts: gr.Markdown

    @classmethod
    def create(cls) -> ResultPanel:
        with gr.Row(equal_height=True):
            clip, attention = (
                gr.Video(
                    label=label, interactive=False, autoplay=autoplay, buttons=[], height=320, min_width=240,
                    elem_classes="hm-video",
                )
                for label, autoplay in (("Your clip", True), ("Where the sound looks (attention)", False))
            )  # fmt: skip
        facts = gr.Markdown("Your clip appears here.", label="Facts", elem_classes="hm-note", container=False)
        with gr.Row(elem_classes="hm-downloads"):
            files = [
                gr.DownloadButton(label, size="sm", interactive=False, min_width=100)
                for label in ("Video (mp4)", "Sound (wav)", "Settings (json)")
            ]
        with gr.Accordion("Attention over time", open=False):
            gr.Markdown("Which moment of the sound each moment of the picture listens to.", elem_classes="hm-note")
            matrix = gr.Image(
                label="Attention over time", show_label=False, interactive=False, buttons=["download"],
                format="png", height=320,
            )  # fmt: skip
        # The buttons follow the clip, whether it came from the button or from an example.
        clip.change(
            _wake_downloads, inputs=clip, outputs=files, queue=False, show_progress="hidden", api_visibility="private"
        )
        return cls(clip, attention, matrix, files[1], files[2], facts)

    def outputs(self, *, seed: Component) -> list[Component]:
        """What an endpoint returns, in the order of :meth:`values`; the seed goes back into its own control."""
        return [self.clip, self.attention, self.matrix, self.sound_file, self.settings_file, seed, self.facts]

    @staticmethod
    def values(outcome: Outcome | None) -> tuple:
        """What an endpoint hands to :meth:`outputs`; a cancelled job leaves everything as it is."""
        if outcome is None:
            return (gr.skip(),) * 7
        files = (outcome.clip, outcome.attention_clip, outcome.attention_picture, outcome.sound, outcome.settings)
        return (*(str(path) if path else None for path in files), outcome.seed, "<br>".join(outcome.facts))


def _wake_downloads(clip: str | None) -> list:
    there = clip is not None
    return [gr.update(value=clip, interactive=there), gr.update(interactive=there), gr.update(interactive=there)]
