"""A voice to speak with: upload or record it, see which part is used, move it, and say that its owner agrees."""

from __future__ import annotations

import gradio as gr
from gradio.components import Component

from harmony import media
from harmony.conditions import REFERENCE_SECONDS
from harmony.session.part import VOICE_SEARCHED
from harmony.session.voice import FoundVoice, find_voice
from harmony.ui.events import TELLING
from harmony.ui.studio import human_errors

NO_CONSENT = "Please tick that the person who speaks agrees to have their voice cloned."
_WORDS = "One person speaking, 1 to 3 seconds. Of a longer recording the part with most speech is proposed."


def voice_controls() -> tuple[list[Component], gr.State]:
    """The recording, where it is used from, and the consent: in the endpoint's order.

    Returns:
        those; and where the next recording shall be used from, set before the recording. ``None`` finds the best part.
    """
    wanted: gr.State = gr.State(None)
    gr.Markdown(_WORDS, elem_classes="hm-note", container=False)
    voice = gr.Audio(type="filepath", sources=["upload", "microphone"], buttons=[], label="Voice (optional)")
    note = gr.Markdown(visible=False, elem_classes="hm-note", container=False)
    start = gr.Slider(
        0, 24 * 3600, value=0, step=0.05, label="Voice from", visible=False,
        info="In seconds. At most 3 s are used from here on.",
    )  # fmt: skip
    consent = gr.Checkbox(
        False, label="The person who speaks agrees to this", visible=False,
        info="Cloning somebody's voice without asking them can hurt them, and is against the law in many places.",
    )  # fmt: skip
    voice.change(_propose, inputs=[voice, wanted], outputs=[note, start, consent, wanted], **TELLING)
    start.release(_moved, inputs=[voice, start], outputs=note, **TELLING)
    return [voice, start, consent], wanted


def check_consent(voice: str | None, consent: bool) -> None:
    """Raise ``gr.Error`` where a voice is to be cloned and nobody said that its owner agrees."""
    if voice is not None and not consent:
        raise gr.Error(NO_CONSENT, print_exception=False)


def _propose(path: str | None, wanted: float | None) -> list:
    """What of a recording is used: from ``wanted`` seconds on, else its best part. Consent is asked for each anew."""
    asked = gr.update(visible=path is not None, value=False)
    if path is None:
        return [gr.update(visible=False), gr.update(visible=False, value=0), asked, None]
    with human_errors():
        found = find_voice(*media.read_audio(path, duration=min(media.probe(path).duration, VOICE_SEARCHED)))
        total = media.probe(path).duration
    room = round(total - REFERENCE_SECONDS[0], 2)
    start = found.start if wanted is None else min(wanted, max(room, 0.0))
    slider = gr.update(visible=found.usable and room > 0, value=start, maximum=max(room, 0.05))
    words = found.words if wanted is None else _moved(path, start)
    return [gr.update(visible=True, value=words), slider, asked, None]


def _moved(path: str | None, start: float) -> str:
    if path is None:
        return ""
    with human_errors():
        total = media.probe(path).duration
        length = min(REFERENCE_SECONDS[1], total - start)
        found = find_voice(*media.read_audio(path, start=start, duration=length))
    return FoundVoice(round(start, 2), round(start + length, 2), round(total, 2), found.problem, found.usable).words
