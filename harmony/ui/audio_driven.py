"""The tab *Audio-driven video*: a sound in, a picture that follows it out. The sound itself is not touched."""

from __future__ import annotations

import gradio as gr

from harmony.session import Defaults, Job
from harmony.ui.controls import (
    ButtonRow,
    chosen_knobs,
    chosen_seed,
    document_endpoint,
    fine_controls,
    first_frame_control,
    named_fine_controls,
    range_controls,
)
from harmony.ui.examples import example_row
from harmony.ui.result import ResultPanel, TabFields
from harmony.ui.studio import Studio
from harmony.ui.tap import tap_pad

TOY = "The shipped model knows beats, strokes, barks, rain and single voices. Music and noise it follows loosely."
INTRO = "Give a sound, get a picture that follows it. Your sound stays in the clip exactly as you gave it."


def audio_driven_tab(studio: Studio, defaults: Defaults, *, toy: bool = False) -> TabFields:
    """Lay out the tab and publish ``/audio_to_video``. ``toy``: the model knows the tiny world's sounds alone."""
    gr.Markdown(INTRO, elem_classes="hm-intro")
    with gr.Row(elem_classes="hm-columns"):
        with gr.Column(scale=5, min_width=300):
            audio = gr.Audio(type="filepath", sources=["upload", "microphone"], label="Your sound", buttons=[])
            start, wanted_start = range_controls(audio, studio)
            if toy:
                gr.Markdown(TOY, elem_classes="hm-note", container=False)
            prompt = gr.Textbox(
                value="", label="What is seen", info="Optional. Who or what makes the sound, and where.", lines=2,
                max_lines=6, placeholder="a green drum is hit",
            )  # fmt: skip
            transcript = gr.Textbox(
                value="", label="What is said", info="Optional. If somebody speaks in your sound, their words.",
                lines=1, max_lines=6,
            )  # fmt: skip
            tap_pad(studio, sound=audio, prompt=prompt)
            buttons = ButtonRow.create("Make the picture")
            with gr.Accordion("A first picture", open=False):
                image = first_frame_control()
            fine = fine_controls(defaults, audio=False)
        with gr.Column(scale=6, min_width=300, elem_classes="hm-result"):
            result = ResultPanel.create(studio)

    @document_endpoint
    def audio_to_video(
        audio: str | None = None,
        start: float = 0.0,
        prompt: str = "",
        transcript: str = "",
        image: str | None = None,
        guidance: str = "sync",
        video_scale: float = 1.0,
        text_scale: float = 1.0,
        guidance_start: float = 0.0,
        guidance_stop: float = 1.0,
        steps: int = 8,
        seed: int = 0,
        randomize_seed: bool = True,
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> tuple:
        """Make a picture that follows a given sound; the clip carries the sound unchanged.

        Args:
            audio: The sound file. Whatever ffmpeg opens.
            start: Where in a longer sound the clip begins, in seconds.
            prompt: What is seen.
            transcript: The words that are spoken in the sound, if any.
            image: A picture file, the first frame of the clip.
        """
        if audio is None:
            raise gr.Error("Please upload or record a sound first.", print_exception=False)
        scales = dict(video_scale=video_scale, text_scale=text_scale)
        knobs = chosen_knobs(guidance, **scales, start=guidance_start, stop=guidance_stop)
        job = Job(
            task="audio_to_video",
            audio=audio,
            start=start,
            prompt=prompt,
            transcript=transcript,
            image=image,
            knobs=knobs,
            steps=steps,
            seed=chosen_seed(seed, randomize_seed),
            attention=True,
            readout=True,
        )
        return ResultPanel.values(studio.make(job, request, progress))

    inputs = [audio, start, prompt, transcript, image, *fine]
    examples = example_row("audio", [audio, prompt, *fine[-2:]])
    buttons.connect(
        audio_to_video,
        inputs=inputs,
        outputs=result.outputs(seed=fine[-2]),
        api_name="audio_to_video",
        studio=studio,
        examples=examples,
        live=result.live,
    )
    told = dict(prompt=prompt, transcript=transcript, image=image, wanted_start=wanted_start, audio=audio)
    return TabFields(told | named_fine_controls(fine, audio=False), result)
