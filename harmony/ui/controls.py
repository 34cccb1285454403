"""The pieces that tabs share: what goes in beside the words, guidance and seed, and the row of buttons."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from harmony.session import Defaults, Knobs
from harmony.ui.events import TELLING
from harmony.ui.live import Live
from harmony.ui.studio import Studio, human_errors

MAX_SEED = 2**31 - 1
SHORTEST_SECONDS = 1.0  # that a clip is asked to last
GUIDANCE_CHOICES = [
    ("SyncCFG: away from silence and a still picture", "sync"),
    ("Isolated: away from streams that do not see each other", "isolated"),
    ("None", "none"),
]
# One sentence per parameter that the endpoints share; document_endpoint() puts them into their docstrings.
SHARED_PARAMETERS = {
    "guidance": "What the clip is pushed away from so that picture and sound agree: sync (SyncCFG), isolated or none.",
    "video_scale": "Strength of the guidance for the picture, 1 is off.",
    "audio_scale": "Strength of the guidance for the sound, 1 is off.",
    "text_scale": "Strength of the text guidance, 1 is off.",
    "guidance_start": "The share of the steps, 0 to 1, from which the guidance acts.",
    "guidance_stop": "The share of the steps, 0 to 1, until which the guidance acts.",
    "steps": "Number of denoising steps.",
    "seed": "Where the noise starts, used when randomize_seed is false.",
    "randomize_seed": "Draw a new seed.",
}
SHARED_RESULTS = (
    "The clip (mp4), the clip with the attention drawn over it (mp4), the attention over time (png), the sound alone "
    "(wav), the settings (json), the seed that was used, a line of facts, how well picture and sound fit in words, and "
    "what is seen and heard on one time line (png)."
)


def document_endpoint(function: Callable) -> Callable:
    """Complete an endpoint's docstring, from which API pages and MCP tools are made, with what all of them share."""
    names = [name for name in inspect.signature(function).parameters if name in SHARED_PARAMETERS]
    shared = "\n".join(f"    {name}: {SHARED_PARAMETERS[name]}" for name in names)
    function.__doc__ = f"{inspect.getdoc(function)}\n{shared}\n\nReturns:\n    {SHARED_RESULTS}"
    return function


def chosen_seed(seed: int | None, randomize: bool) -> int:
    return random.randint(0, MAX_SEED) if randomize or seed is None else int(seed)


def chosen_knobs(kind: str, *, start: float, stop: float, **scales: float) -> Knobs:
    """The guidance that a visitor chose; ``gr.Error`` with one sentence where there is none of the kind."""
    with human_errors():
        return Knobs(kind, **scales, start=start, stop=stop)


# -- what goes in --------------------------------------------------------------------------------


def first_frame_control() -> gr.Image:
    """A picture, uploaded, photographed or pasted."""
    _note("A picture that the clip begins with. Its middle is used.")
    return gr.Image(
        type="filepath", sources=["upload", "webcam", "clipboard"], buttons=[], height=220,
        label="First frame (optional)",
    )  # fmt: skip


def length_control(defaults: Defaults) -> gr.Slider:
    """How long the clip is to be; hidden where the model knows one length."""
    longest = math.floor(2 * (defaults.longest or 0)) / 2
    known = longest > SHORTEST_SECONDS
    return gr.Slider(
        SHORTEST_SECONDS, longest if known else 60.0, value=min(defaults.seconds, longest) if known else None, step=0.5,
        label="Length", info="In seconds.", visible=known,
    )  # fmt: skip


def _note(words: str) -> None:
    gr.Markdown(words, elem_classes="hm-note", container=False)


def range_controls(upload: Component, studio: Studio) -> tuple[gr.Slider, gr.State]:
    """Which part of a long upload is used: a slider that appears when it is needed, and a line that says what happens.

    Returns:
        the slider: the start of the clip in seconds; and where the next upload shall start, set before the upload.
    """
    wanted: gr.State = gr.State(0.0)
    start = gr.Slider(
        0, 24 * 3600, value=0, step=0.05, label="Start at", visible=False,
        info="In seconds. Choose the part of your file that the clip is made from.",
    )  # fmt: skip
    note = gr.Markdown(visible=False, elem_classes="hm-note", container=False)

    def on_upload(path: str | None, first: float) -> list:
        if path is None:
            return [gr.update(visible=False, value=0, maximum=24 * 3600), gr.update(visible=False), 0.0]
        total, room = studio.lengths(path)
        last = round(max(total - room, 0.0), 2)
        first = min(first, last)
        slider = gr.update(visible=last > 0, value=first, maximum=last or 24 * 3600)
        return [slider, gr.update(visible=True, value=range_words(first, total, room)), 0.0]

    def on_move(path: str | None, seconds: float) -> str:
        return range_words(seconds, *studio.lengths(path)) if path else ""

    upload.change(on_upload, inputs=[upload, wanted], outputs=[start, note, wanted], **TELLING)
    start.release(on_move, inputs=[upload, start], outputs=note, **TELLING)
    return start, wanted


def range_words(start: float, total: float, room: float) -> str:
    """One line about the part that is used, for a file of ``total`` seconds and a clip of at most ``room``."""
    if total <= room:
        return f"All of it is used: {total:.2f} s."
    stop = min(start + room, total)
    return f"Used: **{start:.2f} s to {stop:.2f} s** of {total:.2f} s, because a clip lasts at most {room:.2f} s."


# -- guidance, steps, seed -----------------------------------------------------------------------


def fine_controls(defaults: Defaults, *, video: bool = True, audio: bool = True) -> list[Component]:
    """Guidance, steps and seed, folded away. A given stream needs no guidance, so it gets no slider.

    Returns:
        guidance kind, the strengths, where it starts and stops, steps, seed, randomize: in the endpoints' order.
    """
    knobs = defaults.knobs
    strengths = [
        ("Picture strength", knobs.video_scale, "How closely the picture follows the sound. 1 is off.", video),
        ("Sound strength", knobs.audio_scale, "How closely the sound follows the picture. 1 is off.", audio),
        ("Text strength", knobs.text_scale, "How closely the clip follows your words. 1 is off.", True),
    ]
    with gr.Accordion("Guidance, steps and seed", open=False):
        with gr.Group():
            kind = gr.Radio(
                GUIDANCE_CHOICES, value=knobs.kind, label="Guidance",
                info="What the clip is pushed away from, so that picture and sound agree more.",
            )  # fmt: skip
            sliders = [
                gr.Slider(0, 10, value=value, step=0.1, label=label, info=info)
                for label, value, info, wanted in strengths
                if wanted
            ]
            with gr.Row():
                start, stop = (
                    gr.Slider(0, 1, value=value, step=0.05, label=label, info=info, min_width=200)
                    for label, value, info in (
                        ("Acts from", knobs.start, "Share of the steps. Early steps lay out the clip."),
                        ("Acts until", knobs.stop, "Share of the steps. Late steps draw its details."),
                    )
                )
        with gr.Group():
            steps = gr.Slider(
                1, 100, value=defaults.steps, step=1, label="Steps", info="More steps take longer and look cleaner."
            )
            with gr.Row(equal_height=True):
                seed = gr.Number(
                    0, minimum=0, maximum=MAX_SEED, precision=0, label="Seed", min_width=150,
                    info="The same seed, the same clip.",
                )  # fmt: skip
                randomize = gr.Checkbox(
                    True, label="New seed each time", info="Untick it to keep the seed.", min_width=150
                )
    return [kind, *sliders, start, stop, steps, seed, randomize]


def named_fine_controls(fine: list[Component], *, video: bool = True, audio: bool = True) -> dict[str, Component]:
    """What :func:`fine_controls` returned, by the names of the endpoints' parameters."""
    strengths = [*(["video_scale"] if video else []), *(["audio_scale"] if audio else []), "text_scale"]
    names = ["guidance", *strengths, "guidance_start", "guidance_stop", "steps", "seed", "randomize_seed"]
    return dict(zip(names, fine, strict=True))


# -- the buttons ---------------------------------------------------------------------------------

# For the buttons Generate and Cancel, and for the clock and the place of the live preview.
_BUSY = """() => [{__type__: 'update', interactive: false}, {__type__: 'update', interactive: true},
    {__type__: 'update', active: true}, '']"""
_IDLE = """() => [{__type__: 'update', interactive: true}, {__type__: 'update', interactive: false},
    {__type__: 'update', active: false}, '']"""


@dataclass(frozen=True)
class ButtonRow:
    """Generate and Cancel; Cancel wakes up only while something is being made."""

    make: gr.Button
    cancel: gr.Button

    @classmethod
    def create(cls, label: str) -> ButtonRow:
        with gr.Row(elem_classes="hm-buttons"):
            make = gr.Button(label, variant="primary", size="lg", scale=3, min_width=160)
            cancel = gr.Button("Cancel", size="lg", scale=1, min_width=100, interactive=False, elem_classes="hm-cancel")
        return cls(make, cancel)

    def connect(
        self,
        function: Callable,
        *,
        inputs: list[Component],
        outputs: list[Component],
        api_name: str,
        studio: Studio,
        examples: gr.Examples | None,
        live: Live | None = None,
    ) -> None:
        """Publish ``function`` as the endpoint ``api_name`` behind the button, and run it for examples too.

        Everything around it stays private. The first output shows the progress, ``live`` a preview.
        """
        private = dict(queue=False, show_progress="hidden", api_visibility="private")
        # In the browser, so that the press is felt at once however busy the server is.
        places = [self.make, self.cancel, *([live.clock, live.place] if live else [])]
        busy, idle = (dict(fn=None, js=js, outputs=places, **private) for js in (_BUSY, _IDLE))
        run = dict(
            fn=function, inputs=inputs, outputs=outputs, show_progress_on=outputs[0],
            concurrency_limit=1, concurrency_id="model",
        )  # fmt: skip
        self.make.click(**busy)
        running = [self.make.click(**run, api_name=api_name)]
        if examples is not None:
            loaded = examples.load_input_event
            loaded.then(**busy)
            running.append(loaded.then(**run, api_visibility="private"))
        for event in running:
            # Not then(): the page does not run it after a failure, whatever it promises (Gradio 6.31).
            event.success(**idle)
            event.failure(**idle)
        self.cancel.click(studio.cancel, cancels=running, **private).then(**idle)
