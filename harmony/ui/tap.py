"""Tap a rhythm: what is tapped on the page becomes the sound that drives a clip."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np

from harmony import media
from harmony.data.world import sample_scene
from harmony.data.world.base import scene_kind
from harmony.data.world.sound import finish
from harmony.timeline import Timeline
from harmony.ui.events import TELLING
from harmony.ui.studio import Studio, human_errors

INSTRUMENTS = {"Drum": "drum", "Lamp": "lamp", "Bell": "bell", "Dog": "dog"}
CAPTIONS = {
    "drum": "a big red drum",
    "lamp": "a green lamp blinks",
    "bell": "a golden bell",
    "dog": "a brown dog barks",
}
FIRST_TAP = 0.15  # seconds into the clip, so that nothing is cut off at its beginning
_SHORTEST_GAP = 0.14  # seconds; faster than the world plays, two taps are one

# The first tap starts the clock. Kept in the page: no tap has to wait for the server.
_TAP = """() => {
  const now = performance.now() / 1000, taps = (window.hmTaps ||= []);
  if (!taps.length) window.hmTapStart = now;
  taps.push(now - window.hmTapStart);
  return `${taps.length} tapped`;
}"""
_TAKE = "(taps, kind) => { const told = window.hmTaps || []; window.hmTaps = []; return [told, kind]; }"


def tap_pad(studio: Studio, *, sound: gr.Audio, prompt: gr.Textbox) -> None:
    """A pad, the instrument, and a button that puts the rhythm into ``sound`` and a caption into ``prompt``."""
    with gr.Accordion("Tap a rhythm", open=False):
        gr.Markdown(
            "Press the pad (or the space bar on it) in a rhythm: the first tap starts the clip.",
            elem_classes="hm-note", container=False,
        )  # fmt: skip
        pad = gr.Button("Tap here", size="lg", elem_classes="hm-pad")
        with gr.Row(equal_height=True):
            kind = gr.Radio(list(INSTRUMENTS.items()), value="drum", label="Played by", min_width=220)
            use = gr.Button("Use this rhythm", min_width=140)
        told = gr.Markdown("Nothing tapped yet.", elem_classes="hm-note", container=False)
        taps: gr.JSON = gr.JSON(visible=False)
    pad.click(None, outputs=told, js=_TAP, show_progress="hidden", api_visibility="private")
    use.click(studio_rhythm(studio), inputs=[taps, kind], outputs=[sound, prompt, told], js=_TAKE, **TELLING)


def studio_rhythm(studio: Studio):
    """What the button does: a sound file of the taps in the studio's folder, a caption, and a line about both."""

    def use(taps: list[float] | None, kind: str) -> tuple:
        if not taps:
            return gr.skip(), gr.skip(), "Nothing tapped yet."
        with human_errors():
            seconds = studio.holder.get().timeline.duration
            times = tidy(taps, seconds)
            folder = Path(tempfile.mkdtemp(prefix="rhythm-", dir=studio.folder))
            path = media.write_wav(folder / f"{kind}-rhythm.wav", rhythm(times, kind, seconds), Timeline().sample_rate)
        return str(path), CAPTIONS[kind], f"{len(times)} beats in {seconds:.1f} s, played by a {kind}."

    return use


def tidy(taps: list[float], seconds: float) -> list[float]:
    """Times of the taps in the clip: from its beginning on, those that fit, no two nearer than the world plays."""
    times: list[float] = []
    for tap in sorted(taps):
        time = round(tap - min(taps) + FIRST_TAP, 4)
        if time < seconds - 0.1 and (not times or time - times[-1] >= _SHORTEST_GAP):
            times.append(time)
    return times


def rhythm(times: list[float], kind: str, seconds: float) -> np.ndarray:
    """The sound (seconds * 16000,) of a scene of this kind in which something happens at these times."""
    clock = Timeline()
    scene = next(s for s in (sample_scene(seed, kind=kind) for seed in range(100)) if s.events)
    played = replace(scene, events=tuple(replace(scene.events[0], time=time) for time in times))
    return finish(scene_kind(kind).sound(played, round(seconds * clock.sample_rate), clock.sample_rate))
