"""Where a clip appears: the player, how well it fits, what the sound looked at, the files to take home."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from harmony.session import Outcome
from harmony.ui.attention import LABELS, attention_choices
from harmony.ui.live import Live
from harmony.ui.slide import Made, Slider
from harmony.ui.studio import Studio


@dataclass(frozen=True)
class ResultPanel:
    """The right half of every tab."""

    clip: gr.Video
    attention: gr.Video
    sync: gr.Markdown
    timeline: gr.Image
    slider: Slider
    matrix: gr.Image
    sound_file: gr.DownloadButton
    settings_file: gr.DownloadButton
    facts: gr.Markdown
    live: Live

    @classmethod
    def create(cls, studio: Studio) -> ResultPanel:
        player = dict(interactive=False, buttons=[], height=320, min_width=240, elem_classes="hm-video")
        with gr.Row(equal_height=True):
            clip = gr.Video(label="Your clip", autoplay=True, **player)
            with gr.Column(min_width=240, elem_classes="hm-stage"):
                attention = gr.Video(label=LABELS["looks"], **player)
                live = Live.create(studio)
        sync = gr.Markdown("Your clip appears here.", label="In sync", elem_classes="hm-sync", container=False)
        facts = gr.Markdown(label="Facts", elem_classes="hm-note", container=False)
        with gr.Row(elem_classes="hm-downloads"):
            files = [
                gr.DownloadButton(label, size="sm", interactive=False, min_width=100)
                for label in ("Video (mp4)", "Sound (wav)", "Settings (json)")
            ]
        with gr.Accordion("Seen and heard on one time line", open=False):
            gr.Markdown(
                "Found on the clip itself by two small networks that know the toy world; elsewhere they are a hint.",
                elem_classes="hm-note",
            )
            timeline = _picture("Seen and heard")
            slider = Slider.create(studio, clip)
        with gr.Accordion("Attention", open=False):
            # The matrix is drawn below its choices, which draw into it.
            matrix = gr.Image(
                label="Attention over time", show_label=False, interactive=False, buttons=["download"], format="png",
                height=320, render=False, elem_classes="hm-plot",
            )  # fmt: skip
            attention_choices(slider.made, attention, matrix)
            matrix.render()
        # The buttons follow the clip, whether it came from the button or from an example.
        clip.change(
            _wake_downloads, inputs=clip, outputs=files, queue=False, show_progress="hidden", api_visibility="private"
        )
        return cls(clip, attention, sync, timeline, slider, matrix, files[1], files[2], facts, live)

    def outputs(self, *, seed: Component) -> list[Component]:
        """What an endpoint returns, in the order of :meth:`values`; the seed goes back into its own control."""
        files = [self.clip, self.attention, self.matrix, self.sound_file, self.settings_file]
        return [*files, seed, self.facts, self.sync, self.timeline, self.slider.made]

    @staticmethod
    def values(outcome: Outcome | None) -> tuple:
        """What an endpoint hands to :meth:`outputs`; a cancelled job leaves everything as it is."""
        if outcome is None:
            return (gr.skip(),) * 10
        files = (outcome.clip, outcome.attention_clip, outcome.attention_picture, outcome.sound, outcome.settings)
        return (
            *(str(path) if path else None for path in files),
            outcome.seed,
            "<br>".join(outcome.facts),
            f"**In sync?** {_explained(outcome.readout.words)}" if outcome.readout else "",
            str(outcome.timeline) if outcome.timeline else None,
            Made(str(outcome.clip), outcome.readout, outcome.job, time.time()),
        )


SYNC_C = (
    "How much better picture and sound fit at the best shift than at others, judged by a SyncNet trained on the toy "
    "world. Higher is better."
)


@dataclass(frozen=True)
class TabFields:
    """A tab for others: its controls by the names of its endpoint's parameters, and where its clips appear."""

    controls: Mapping[str, Component]
    result: ResultPanel


def _explained(words: str) -> str:
    """The paper's term with what it means, where the pointer rests on it."""
    return words.replace("Sync-C", f'<abbr title="{SYNC_C}">Sync-C</abbr>', 1)


def _picture(label: str) -> gr.Image:
    return gr.Image(
        label=label, show_label=False, interactive=False, buttons=["download"], format="png", height=320,
        elem_classes="hm-plot",
    )  # fmt: skip


def _wake_downloads(clip: str | None) -> list:
    there = clip is not None
    return [gr.update(value=clip, interactive=there), gr.update(interactive=there), gr.update(interactive=there)]
