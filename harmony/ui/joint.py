"""The tab *Joint generation*: words in, a picture and its sound out."""

from __future__ import annotations

import gradio as gr

from harmony.prompts import PromptFamily
from harmony.session import Defaults, Job
from harmony.ui.controls import (
    ButtonRow,
    chosen_knobs,
    chosen_seed,
    document_endpoint,
    fine_controls,
    first_frame_control,
    length_control,
    named_fine_controls,
)
from harmony.ui.examples import example_row
from harmony.ui.result import ResultPanel, TabFields
from harmony.ui.studio import Studio
from harmony.ui.voice import check_consent, voice_controls
from harmony.ui.word_times import WordTimes
from harmony.ui.words import compiled_line, surprise_button, word_buttons, words_line

INTRO = "Describe what is seen and heard. Picture and sound are made together, step by step, so that they fit."


def joint_tab(studio: Studio, defaults: Defaults, *, toy: bool, family: PromptFamily | None = None) -> TabFields:
    """Lay out the tab and publish ``/generate``. ``toy``: the model knows the tiny world's words alone."""
    gr.Markdown(INTRO, elem_classes="hm-intro")
    with gr.Row(elem_classes="hm-columns"):
        with gr.Column(scale=5, min_width=300):
            prompt = gr.Textbox(
                label="What is seen", info="One or two plain sentences.", lines=2, max_lines=6, autofocus=True,
                placeholder="a purple drum is hit three times",
            )  # fmt: skip
            audio_prompt = gr.Textbox(
                value="", label="What is heard", info="Optional. Left empty, the sentence above serves both.",
                lines=1, max_lines=6, placeholder="three deep drum beats",
            )  # fmt: skip
            transcript = gr.Textbox(
                value="", label="What is said", info="Optional. The words of a speaker, in English or Chinese.",
                lines=1, max_lines=6, placeholder="hello blue monkey",
            )  # fmt: skip
            if toy:
                words_line(prompt)
                surprise_button([prompt, audio_prompt, transcript])
                word_buttons(prompt)
            times = WordTimes.create(studio, defaults, transcript)
            if family is not None:
                compiled_line(family, [prompt, audio_prompt, transcript])
            buttons = ButtonRow.create("Generate")
            with gr.Accordion("A voice, a first picture, the length", open=False):
                voice, wanted_voice = voice_controls()
                image = first_frame_control()
                length = length_control(defaults)
            fine = fine_controls(defaults)
            times.connect(length=length, seed=fine[-2])
        with gr.Column(scale=6, min_width=300, elem_classes="hm-result"):
            result = ResultPanel.create(studio)

    @document_endpoint
    def generate(
        prompt: str,
        audio_prompt: str = "",
        transcript: str = "",
        reference_audio: str | None = None,
        reference_start: float = 0.0,
        voice_consent: bool = False,
        image: str | None = None,
        duration: float = 0.0,
        word_times: str = "",
        guidance: str = "sync",
        video_scale: float = 1.0,
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
        """Make a short video and its sound together from a description.

        Args:
            prompt: What is seen, in one or two plain sentences.
            audio_prompt: What is heard. Empty: the prompt serves both.
            transcript: What a speaker says, in English or Chinese. Empty: nobody speaks by request.
            reference_audio: A sound file with 1 to 3 seconds of the voice to speak with.
            reference_start: Where in that file the voice is taken from, in seconds.
            voice_consent: True says that the person who speaks agrees; without it no voice is cloned.
            image: A picture file, the first frame of the clip.
            duration: Length of the clip in seconds. 0 is the model's own.
            word_times: When each word is said, "0.40-0.85 1.20-1.60". Empty: the seed decides.
        """
        check_consent(reference_audio, voice_consent)
        scales = dict(video_scale=video_scale, audio_scale=audio_scale, text_scale=text_scale)
        knobs = chosen_knobs(guidance, **scales, start=guidance_start, stop=guidance_stop)
        job = Job(
            task="joint",
            prompt=prompt,
            audio_prompt=audio_prompt,
            transcript=transcript,
            word_times=word_times if defaults.timed_words else "",
            reference_audio=reference_audio,
            reference_start=None if reference_audio is None else reference_start,
            image=image,
            duration=duration if defaults.longest and duration else None,
            knobs=knobs,
            steps=steps,
            seed=chosen_seed(seed, randomize_seed),
            attention=True,
            readout=True,
        )
        return ResultPanel.values(studio.make(job, request, progress))

    inputs = [prompt, audio_prompt, transcript, *voice, image, length, times.text, *fine]
    examples = example_row("joint", [prompt, audio_prompt, transcript, image, *fine[-2:]])
    buttons.connect(
        generate,
        inputs=inputs,
        outputs=result.outputs(seed=fine[-2]),
        api_name="generate",
        studio=studio,
        examples=examples,
        live=result.live,
    )
    told = dict(prompt=prompt, audio_prompt=audio_prompt, transcript=transcript, word_times=times.text)
    given = dict(wanted_voice_start=wanted_voice, reference_audio=voice[0], image=image, duration=length)
    return TabFields(told | given | named_fine_controls(fine), result)
