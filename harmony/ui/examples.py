"""The examples that each tab offers: words here, sounds and films from the project's ``examples`` folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import gradio as gr
from gradio.components import Component

import harmony

FOLDER = Path(harmony.__file__).resolve().parents[1] / "examples"
SEED = 7

# What is seen, what is heard, what is said.
JOINT = [
    ["a purple drum is hit three times", "", ""],
    ["a small red lamp blinks in a dark room", "a soft high beep with every blink", ""],
    ["a face speaks indoors", "a calm voice", "hello red ball"],
]
# File, what is seen.
AUDIO_DRIVEN = [
    ["three_knocks.wav", "a green drum is hit"],
    ["hello.wav", "a face speaks"],
]
# File, what is heard.
VIDEO_DRIVEN = [
    ["silent_drum.mp4", "a wooden drum"],
    ["silent_lamp.mp4", "a high beep"],
]


def example_row(tab: Literal["joint", "audio", "video"], inputs: list[Component]) -> gr.Examples | None:
    """Examples that fill ``inputs`` (the tab's first controls, then seed and "new seed each time").

    The seed is part of each example, so that everybody gets the same clip and the app makes it only once.

    Returns:
        ``None`` where the files that the examples need are not there.
    """
    words = JOINT if tab == "joint" else _with_files(AUDIO_DRIVEN if tab == "audio" else VIDEO_DRIVEN)
    if not words:
        return None
    shown = list(range(len(inputs) - 2))
    return gr.Examples(
        [[*row, SEED, False] for row in words],
        inputs=inputs,
        visible_columns=shown,
        label="Examples: press one to see it made",
        api_visibility="private",
    )


def _with_files(rows: list[list[str]]) -> list[list[str]]:
    return [[str(FOLDER / name), *words] for name, *words in rows if (FOLDER / name).is_file()]
