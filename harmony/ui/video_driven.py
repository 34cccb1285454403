"""The tab *Video-driven audio*: a film in, the sound that belongs to it out. The picture itself is not touched."""

from __future__ import annotations

import gradio as gr

from harmony.session import Defaults, Job
from harmony.ui.controls import (
    ButtonRow,
    chosen_knobs,
    chosen_seed,
    document_endpoint,
    fine_controls,
    named_fine_controls,
    range_controls,
)
from harmony.ui.examples import example_row
from harmony.ui.result import ResultPanel, TabFields
from harmony.ui.studio import Studio
from harmony.ui.voice import check_consent, voice_controls

INTRO = "Give a film, get the sound that belongs to it. Your pictures keep their size and frame rate."


def video_driven_tab(studio: Studio, defaults: Defaults) -> TabFields:
    """Lay out the tab and publish ``/video_to_audio``."""
    gr.Markdown(INTRO, elem_classes="hm-intro")
    with gr.Row(elem_classes="hm-columns"):
        with gr.Column(scale=5, min_width=300):
            video = gr.Video(sources=["upload"], label="Your film", height=300, buttons=[], elem_classes="hm-video")
            start, wanted_start = range_controls(video, studio)
            audio_prompt = gr.Textbox(
                value="", label="What is heard", info="Optional. What kind of sound belongs to the picture.", lines=2,
                max_lines=6, placeholder="dull wooden knocks",
            )  # fmt: skip
            transcript = gr.Textbox(
                value="", label="What is said", info="Optional. If somebody speaks in your film, their words.",
                lines=1, max_lines=6,
            )  # fmt: skip
            buttons = ButtonRow.create("Make the sound")
            with gr.Accordion("A voice", open=False):
                voice, wanted_voice = voice_controls()
            fine = fine_controls(defaults, video=False)
        with gr.Column(scale=6, min_width=300, elem_classes="hm-result"):
            result = ResultPanel.create(studio)

    @document_endpoint
    def video_to_audio(
        video: str | None = None,
        start: float = 0.0,
        audio_prompt: str = "",
        transcript: str = "",
        reference_audio: str | None = None,
        reference_start: float = 0.0,
        voice_consent: bool = False,
        guidance: str = "sync",
        audio_scale: float = 1.0,
        text_scale: float = 1.0,
        guidance_start: float = 0.0,
        guidance_stop: float = 1.0,
        steps: int = 8,
        seed: int = 0,
        randomize_seed: bool = True,
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> tuple:
        """Make the sound that belongs to a given film; the clip keeps the film's own pictures.

        Args:
            video: The film. Whatever ffmpeg opens.
            start: Where in a longer film the clip begins, in seconds.
            audio_prompt: What is heard.
            transcript: The words that somebody speaks in the film, if any.
            reference_audio: A sound file with 1 to 3 seconds of the voice to speak with.
            reference_start: Where in that file the voice is taken from, in seconds.
            voice_consent: True says that the person who speaks agrees; without it no voice is cloned.
        """
        if video is None:
            raise gr.Error("Please upload a film first.", print_exception=False)
        check_consent(reference_audio, voice_consent)
        scales = dict(audio_scale=audio_scale, text_scale=text_scale)
        knobs = chosen_knobs(guidance, **scales, start=guidance_start, stop=guidance_stop)
        job = Job(
            task="video_to_audio",
            video=video,
            start=start,
            audio_prompt=audio_prompt,
            transcript=transcript,
            reference_audio=reference_audio,
            reference_start=None if reference_audio is None else reference_start,
            knobs=knobs,
            steps=steps,
            seed=chosen_seed(seed, randomize_seed),
            attention=True,
            readout=True,
        )
        return ResultPanel.values(studio.make(job, request, progress))

    inputs = [video, start, audio_prompt, transcript, *voice, *fine]
    examples = example_row("video", [video, audio_prompt, *fine[-2:]])
    buttons.connect(
        video_to_audio,
        inputs=inputs,
        outputs=result.outputs(seed=fine[-2]),
        api_name="video_to_audio",
        studio=studio,
        examples=examples,
        live=result.live,
    )
    told = dict(audio_prompt=audio_prompt, transcript=transcript)
    given = dict(wanted_start=wanted_start, video=video, wanted_voice_start=wanted_voice, reference_audio=voice[0])
    return TabFields(told | given | named_fine_controls(fine, video=False), result)
