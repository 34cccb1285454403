"""The examples that each tab offers: words here, sounds and films from the project's ``examples`` folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import gradio as gr
from gradio.components import Component

import harmony

FOLDER = Path(harmony.__file__).resolve().parents[1] / "examples"
SEED = 3  # under it the shipped weights keep the numbers that these captions name

# What is seen, what is heard, what is said, the first picture.
JOINT = [
    ["a purple drum is hit three times", "", "", None],
    ["in the dark, a small pink lamp flickers", "high buzzes", "", None],
    ["a man in a blue shirt with black hair is talking", "english speech of a man", "hello blue monkey", None],
    ["a golden bell rings twice outside", "two bright bell strokes", "", None],
    ["the yellow dog barks", "", "", "dog.png"],
    ["a big orange cat meows in a cave", "", "", None],
    ["a woman with long red hair and a green shirt sings in a hall", "", "", None],
    ["a big red bird chirps outdoors", "", "", None],
    ["lightning strikes twice behind a red house at night", "two loud thunderclaps", "", None],
]
# A sound, what is seen.
AUDIO_DRIVEN = [
    ["rhythm.wav", "a big red drum"],
    ["bark.wav", "a brown dog barks"],
    ["groove.ogg", "a red lamp blinks at night"],
    ["tabla.ogg", "a big red drum"],
    ["hello-world.ogg", "a woman with red hair is talking outdoors"],
]
# A film, what is heard.
VIDEO_DRIVEN = [
    ["drum.mp4", "a drum is struck"],
    ["bell.mp4", "a bell is struck"],
    ["cave.mp4", "boots walk in a cave"],
]
_ROWS = {"joint": JOINT, "audio": AUDIO_DRIVEN, "video": VIDEO_DRIVEN}
_FILES = (".wav", ".ogg", ".mp4", ".png")


def example_row(tab: Literal["joint", "audio", "video"], inputs: list[Component]) -> gr.Examples | None:
    """Examples that fill ``inputs``: the controls that a row names, then seed and "new seed each time".

    The seed is part of each example, so that everybody gets the same clip and the app makes it only once.

    Returns:
        ``None`` where the files that the examples need are not there.
    """
    rows = [row for row in map(_with_paths, _ROWS[tab]) if row is not None]
    if not rows:
        return None
    return gr.Examples(
        [[*row, SEED, False] for row in rows],
        inputs=inputs,
        example_labels=[_label(row) for row in rows],
        label="Examples: press one to see it made",
        api_visibility="private",
    )


def _label(row: list[str | None]) -> str:
    """An example as one short line: the file that comes with it, and its first words."""
    words = next(cell for cell in row if cell and not cell.endswith(_FILES))
    names = [Path(cell).name for cell in row if cell and cell.endswith(_FILES)]
    return " · ".join([*names, words])


def _with_paths(row: list[str | None]) -> list[str | None] | None:
    """The row with its files' whole paths; ``None`` where a file is missing."""
    paths = [str(FOLDER / cell) if cell and cell.endswith(_FILES) else cell for cell in row]
    missing = [p for p, cell in zip(paths, row, strict=True) if p != cell and not Path(p).is_file()]
    return None if missing else paths
