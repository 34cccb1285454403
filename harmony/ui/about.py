"""The tab *About*: what this is, what the model in use can and cannot do, and how to use it without the page."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from harmony import __version__
from harmony.session import Defaults, is_bundled

WHAT = f"""
### What this is
Harmony makes a video and its sound together, so that what you see and what you hear happen at the same instant.
It is an independent, unofficial implementation of the paper
[Harmony: Harmonizing Audio and Video Generation through Cross-Task Synergy](https://arxiv.org/abs/2511.21579).
The paper's authors have no part in it. Version {__version__}, Apache-2.0.

### Three ways to use it
- **Joint generation**: words in, picture and sound out. Add the words to be spoken, a voice, or a first picture.
- **Audio-driven video**: your sound stays as it is, the picture follows it.
- **Video-driven audio**: your pictures stay as they are, the sound follows them.

### What the pictures beside a clip mean
*Where the sound looks* is the model's own attention while it worked: for every instant of sound, the places in the
picture that its video-to-audio attention weighed most. It is not a measurement of the finished clip. *In sync?* is one:
small networks look for events in the finished picture and sound, and compare their times.
"""
TOY = """
### What the shipped model can do
It is small on purpose: it runs on any computer, and it knows only a **toy world** of twenty-eight scenes: drawn drums,
bells, guitars, xylophones, clocks, footsteps, doors, hammers, clapping hands, applause, dogs, cats, birds, lamps,
fireworks, thunder, rain, fire, waves, engines, faces that talk, answer, sing and laugh, and two things at once; by day,
at night, in a room, a hall or a cave; in clips of up to three seconds. Words from outside that world mean nothing to
it. What is seen and heard falls together in nine cases of ten, seldom for clocks; most of what a caption tells is
shown; its speakers know some hundred words, and of two who answer each other it mixes up whose turn it is. The
same code opens full-size models.
"""
ELSEWHERE = """
### Without the page
```bash
harmony generate "a purple drum is hit three times" -o clip.mp4
harmony audio-to-video song.wav --start 3
harmony video-to-audio film.mp4
```
```python
from gradio_client import Client

app = Client("http://127.0.0.1:7860")
clip, *rest = app.predict(prompt="a red lamp blinks", api_name="/generate")
```
Start the app with `--mcp` and its four endpoints are tools for language models, too.

### Kindly
Clone a voice only if its owner agrees. Every clip says in its metadata that a model made it. Uploads and clips are
deleted from the server after two hours.
"""


def about_tab(model: str, defaults: Defaults) -> None:
    """Lay out the tab."""
    knobs = defaults.knobs
    guidance = "no guidance" if knobs.kind == "none" else (
        f"{knobs.kind} guidance of {knobs.video_scale:g} for the picture and {knobs.audio_scale:g} for the sound"
    )  # fmt: skip
    name = Path(model).name if Path(model).is_dir() else model
    here = f"\n### The model in use\n`{name}`. By default it takes {defaults.steps} steps with {guidance}.\n"
    with gr.Row(elem_classes="hm-columns"):
        with gr.Column(min_width=300):
            gr.Markdown(WHAT)
        with gr.Column(min_width=300):
            gr.Markdown((TOY if is_bundled(model) else "") + here + ELSEWHERE)
