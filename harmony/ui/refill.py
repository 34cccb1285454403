"""Settings that go back into a tab: a job as its controls show it, within what they can show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from harmony.session.history import TASK_WORDS
from harmony.session.job import Job

# A control with its tab's task and the name of its parameter.
Field = tuple[str, str, Component]


def values_of(job: Job) -> dict[str, Any]:
    """A job as its tab's controls show it. The consent to a voice is asked again, each time."""
    knobs = job.knobs
    told = dict(prompt=job.prompt, audio_prompt=job.audio_prompt, transcript=job.transcript)
    told["word_times"] = job.word_times
    given = {name: getattr(job, name) for name in ("reference_audio", "image", "audio", "video")}
    strengths = dict(
        guidance=knobs.kind, video_scale=knobs.video_scale, audio_scale=knobs.audio_scale, text_scale=knobs.text_scale,
        guidance_start=knobs.start, guidance_stop=knobs.stop, steps=job.steps,
    )  # fmt: skip
    kept = {name: value for name, value in strengths.items() if value is not None}
    starts = dict(wanted_start=job.start, wanted_voice_start=job.reference_start)
    if job.driver is None and job.duration is not None:
        # A clip lasts a frame or so longer than was asked: 3.06 s come from 3 s, which is where the slider ends.
        starts["duration"] = math.floor(8 * job.duration) / 8
    return told | given | kept | starts | dict(seed=job.seed, randomize_seed=False)


def fill(task: str, values: Mapping[str, Any], fields: Sequence[Field], *, words: str = "") -> list:
    """Updates for the tabs and for all fields: those of ``task`` that have a value get it, and their tab is shown.

    Args:
        task: whose tab is filled.
        values: by parameter. A number beyond its control's ends is set to the end, and the visitor is told.
        fields: of all tabs.
        words: told to the visitor, too.
    """
    updates, beyond = [], []
    for of, name, control in fields:
        if of != task or name not in values:
            updates.append(gr.skip())
            continue
        value = fitted(control, values[name])
        if value != values[name]:
            beyond.append(f"{control.label} {values[name]:g} became {value:g}")
        updates.append(gr.update(value=value))
    ends = f"This page cannot go that far: {', '.join(beyond)}." if beyond else ""
    gr.Info(" ".join(filter(None, [f"The settings are in the tab {TASK_WORDS[task]}.", words, ends])))
    return [gr.Tabs(selected=task), *updates]


def nothing(fields: Sequence[Field]) -> list:
    """Updates that leave tabs and fields as they are."""
    return [gr.skip()] * (1 + len(fields))


def fitted(control: Component, value: Any) -> Any:
    """The value, a number brought between the control's ends."""
    low, high = getattr(control, "minimum", None), getattr(control, "maximum", None)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or low is None or high is None:
        return value
    return min(max(value, low), high)
