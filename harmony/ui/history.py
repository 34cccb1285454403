"""The tab *History*: this visitor's clips, and what can be done with them again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from harmony import media
from harmony.session.history import (
    TASK_WORDS,
    Kept,
    job_of_file,
    settings_words,
    with_newest,
    without_lost_files,
)
from harmony.session.job import Job
from harmony.ui.controls import MAX_SEED
from harmony.ui.result import TabFields
from harmony.ui.slide import Made
from harmony.ui.studio import human_errors

INTRO = (
    "The clips that you made since you opened this page, newest first. They and your uploads are deleted after two "
    "hours, and nobody else sees them."
)
EMPTY = "Nothing here yet. Clips appear as you make them; choose one to see it again."
PRIVATE: dict[str, Any] = dict(queue=False, show_progress="hidden", api_visibility="private")


def history_tab(tabs: gr.Tabs, fields: Mapping[str, TabFields]) -> None:
    """Lay out the tab.

    Args:
        tabs: of the page; their ids are the tasks.
        fields: of the three tasks' tabs, by task.
    """
    history: gr.State = gr.State([])
    chosen: gr.State = gr.State(None)
    gr.Markdown(INTRO, elem_classes="hm-intro")
    with gr.Row(elem_classes="hm-columns"):
        with gr.Column(scale=5, min_width=300):
            gallery = gr.Gallery(
                label="Your clips", columns=4, height=420, fit_columns=False, object_fit="contain", allow_preview=False,
                interactive=False, buttons=[], elem_classes="hm-gallery",
            )  # fmt: skip
            drop = gr.File(
                label="Or drop a clip that Harmony made, to have its settings back", file_types=[".mp4"], height=170
            )
        with gr.Column(scale=6, min_width=300):
            player = gr.Video(
                label="Clip", interactive=False, autoplay=True, buttons=["download"], height=320,
                elem_classes="hm-video",
            )  # fmt: skip
            words = gr.Markdown(EMPTY, elem_classes="hm-note", container=False)
            again, delete = _buttons(("Use these settings", "primary"), ("Delete this clip", "stop"))
            send = _buttons(*((label, "secondary") for label in _SENT.values()))

    shown = [chosen, player, words, again, delete, *send]
    for one in fields.values():
        one.result.slider.made.change(
            _keep, inputs=[one.result.slider.made, history], outputs=[history, gallery], **PRIVATE
        )
    gallery.select(_choose, inputs=history, outputs=[*shown, history, gallery], **PRIVATE)
    delete.click(_delete, inputs=[chosen, history], outputs=[*shown, history, gallery], **PRIVATE)
    drop.upload(_dropped, inputs=drop, outputs=shown, **PRIVATE)
    drop.clear(lambda: _nothing(EMPTY), outputs=shown, **PRIVATE)

    controls = [(task, name, control) for task, one in fields.items() for name, control in one.controls.items()]
    names = [(task, name) for task, name, _ in controls]
    filled = [tabs, *(control for *_, control in controls)]
    again.click(lambda kept: _use_again(kept, names), inputs=chosen, outputs=filled, **PRIVATE)
    for button, way in zip(send, _SENT, strict=True):
        button.click(lambda kept, way=way: _send(kept, way, names), inputs=chosen, outputs=filled, **PRIVATE)


_SENT = {
    ("audio_to_video", "audio"): "Its sound to Audio-driven video",
    ("video_to_audio", "video"): "Its film to Video-driven audio",
    ("joint", "image"): "Its first picture to Joint generation",
}


def _buttons(*labels: tuple[str, str]) -> list[gr.Button]:
    with gr.Row():
        return [gr.Button(label, variant=look, size="sm", interactive=False, min_width=150) for label, look in labels]


# -- what is kept and shown ----------------------------------------------------------------------


def _keep(made: Made | None, history: list[Kept]) -> tuple:
    if made is None:
        return gr.skip(), gr.skip()
    history = with_newest(history, Kept.of(Path(made.clip), made.job))
    return history, _gallery(history)


def _gallery(history: list[Kept], selected: int | None = None) -> dict:
    return gr.update(value=[(str(kept.thumbnail), kept.title) for kept in history], selected_index=selected)


def _choose(history: list[Kept], event: gr.SelectData) -> tuple:
    """Show a clip; where it was swept away meanwhile it leaves the history, too."""
    kept = history[event.index] if event.index < len(history) else None
    if kept is not None and kept.is_there:
        return (*_showing(kept), gr.skip(), gr.skip())
    left = [one for one in history if one.is_there]
    return (*_nothing("This clip is no longer kept. Clips are deleted after two hours."), left, _gallery(left))


def _showing(kept: Kept) -> tuple:
    awake = gr.update(interactive=True)
    return kept, str(kept.clip), settings_words(kept.job), awake, awake, awake, awake, awake


def _nothing(words: str) -> tuple:
    asleep = gr.update(interactive=False)
    return None, None, words, asleep, asleep, asleep, asleep, asleep


def _delete(kept: Kept | None, history: list[Kept]) -> tuple:
    """Remove a clip and all files beside it."""
    if kept is None:
        return (gr.skip(),) * 10
    for file in kept.clip.parent.glob(f"{kept.clip.stem}*"):
        file.unlink(missing_ok=True)
    left = [one for one in history if one.clip != kept.clip]
    return (*_nothing("Deleted." if left else EMPTY), left, _gallery(left))


def _dropped(path: str) -> tuple:
    """Show a clip from a file, and offer its settings."""
    with human_errors():
        job, missing = job_of_file(path)
        kept = Kept.of(Path(path), job)
    clip, *rest = _showing(kept)
    words = settings_words(job)
    if missing:
        words += f"<br>It was made with {' and '.join(missing)}: please give that again."
    player, _, again, _, *send = rest
    return clip, player, words, again, gr.update(interactive=False), *send


# -- what goes back into the tabs ------------------------------------------------------------------


def _use_again(kept: Kept | None, names: list[tuple[str, str]]) -> list:
    """Fill the tab that made the clip, and go there."""
    if kept is None:
        return [gr.skip()] * (1 + len(names))
    job, lost = without_lost_files(kept.job)
    if lost:
        gr.Info(f"No longer kept, please give again: {', '.join(lost)}.")
    values = values_of(job)
    return _filling(job.task, values, names)


def values_of(job: Job) -> dict[str, Any]:
    """A job as its tab's controls show it. The consent to a voice is asked again, each time."""
    knobs = job.knobs
    told = dict(prompt=job.prompt, audio_prompt=job.audio_prompt, transcript=job.transcript)
    given = {name: getattr(job, name) for name in ("reference_audio", "image", "audio", "video")}
    strengths = dict(
        guidance=knobs.kind, video_scale=knobs.video_scale, audio_scale=knobs.audio_scale, text_scale=knobs.text_scale,
        guidance_start=knobs.start, guidance_stop=knobs.stop, steps=job.steps,
    )  # fmt: skip
    kept = {name: value for name, value in strengths.items() if value is not None}
    return told | given | kept | dict(wanted_start=job.start, seed=min(job.seed, MAX_SEED), randomize_seed=False)


def _send(kept: Kept | None, way: tuple[str, str], names: list[tuple[str, str]]) -> list:
    """Give a part of the clip to another tab, and go there."""
    if kept is None:
        return [gr.skip()] * (1 + len(names))
    task, name = way
    with human_errors():
        return _filling(task, {name: part_of(kept.clip, name), "prompt": kept.job.prompt}, names)


def part_of(clip: Path, name: str) -> str:
    """The clip's ``audio`` (wav), ``video`` (itself) or ``image`` (its first picture), as a file beside it.

    Raises:
        FileNotFoundError: the clip was swept away meanwhile.
    """
    if not clip.is_file():
        raise FileNotFoundError("this clip is no longer kept; make it again")
    if name == "video":
        return str(clip)
    if name == "audio":
        sound = clip.with_name(f"{clip.stem}-sound.wav")
        media.write_wav(sound, *media.read_audio(clip))
        return str(sound)
    picture = clip.with_name(f"{clip.stem}-first.png")
    Image.fromarray(media.read_video(clip)[0][0]).save(picture)
    return str(picture)


def _filling(task: str, values: Mapping[str, Any], names: list[tuple[str, str]]) -> list:
    """Updates for the tabs and all of their controls: those of ``task`` that have a value get it, and it is shown."""
    updates = [gr.update(value=values[name]) if of == task and name in values else gr.skip() for of, name in names]
    gr.Info(f"The settings are in the tab {TASK_WORDS[task]}.")
    return [gr.Tabs(selected=task), *updates]
