"""The tab *History*: this visitor's clips, and what can be done with them again."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import gradio as gr

from harmony.session.history import Kept, settings_words, with_newest, without_lost_files
from harmony.ui.events import SILENT, TELLING
from harmony.ui.refill import Field, fill, nothing, values_of
from harmony.ui.result import TabFields
from harmony.ui.slide import Made
from harmony.ui.studio import Studio, human_errors

INTRO = (
    "The clips that you made since you opened this page, newest first. They and your uploads are deleted after two "
    "hours, and nobody else sees them."
)
EMPTY = "Nothing here yet. Clips appear as you make them; choose one to see it again."
GONE = "This clip is no longer kept. Clips are deleted after two hours."
DELETED = "Deleted here; copies that the page still shows go within two hours."
FILES = ("Video (mp4)", "Sound (wav)", "Settings (json)")
# Which part of a clip goes where: the task and the parameter of its tab.
SENT = {
    ("audio_to_video", "audio"): "Its sound to\nAudio-driven video",
    ("video_to_audio", "video"): "Its film to\nVideo-driven audio",
    ("joint", "image"): "Its first picture to\nJoint generation",
}


def history_tab(
    studio: Studio, tabs: gr.Tabs, tab: gr.Tab, fields: Mapping[str, TabFields], *, compared: gr.State
) -> None:
    """Lay out the tab.

    Args:
        studio: where the clips' files are kept.
        tabs: of the page; their ids are the tasks. tab: this one.
        fields: of the three tasks' tabs, by task.
        compared: the variants of a comparison, as :class:`~harmony.ui.slide.Made`.
    """
    history: gr.State = gr.State([])
    chosen: gr.State = gr.State(None)
    gr.Markdown(INTRO, elem_classes="hm-intro")
    with gr.Row(elem_classes="hm-columns"):
        with gr.Column(scale=5, min_width=300):
            gallery = gr.Gallery(
                label="Your clips", columns=3, height=540, fit_columns=False, object_fit="contain",
                allow_preview=False, interactive=False, buttons=[], elem_classes="hm-gallery",
            )  # fmt: skip
        with gr.Column(scale=6, min_width=300):
            player = gr.Video(
                label="Clip", interactive=False, autoplay=True, buttons=[], height=320, elem_classes="hm-video"
            )
            words = gr.Markdown(EMPTY, elem_classes=["hm-note", "hm-settings"], container=False)
            again, delete = _buttons(("Use these settings again", "primary"), ("Delete this clip", "stop"))
            with gr.Row(elem_classes="hm-downloads"):
                files = [gr.DownloadButton(label, size="sm", interactive=False, min_width=100) for label in FILES]
            send = _buttons(*((label, "secondary") for label in SENT.values()))
    drop = gr.File(
        label="Restore settings from a Harmony clip", file_types=[".mp4"], height=150, elem_classes="hm-drop",
    )  # fmt: skip

    shown = [chosen, player, words, again, delete, *files, *send]
    everything = [*shown, history, gallery]
    keep = functools.partial(_keep, studio)
    for one in fields.values():
        made = one.result.slider.made
        made.change(lambda made, past: keep([made], past), inputs=[made, history], outputs=[history, gallery], **SILENT)
    compared.change(keep, inputs=[compared, history], outputs=[history, gallery], **SILENT)
    tab.select(functools.partial(_swept, studio), inputs=history, outputs=[history, gallery], **SILENT)
    gallery.select(_choose, inputs=history, outputs=everything, **SILENT)
    delete.click(_delete, inputs=[chosen, history], outputs=everything, **SILENT)
    dropped = drop.upload(
        functools.partial(_dropped, studio), inputs=[drop, history], outputs=[drop, *everything], **TELLING
    )
    dropped.failure(lambda: None, outputs=drop, **SILENT)  # the next one can be dropped at once

    controls: list[Field] = [(task, name, c) for task, one in fields.items() for name, c in one.controls.items()]
    filled = [tabs, *(control for *_, control in controls)]
    again.click(lambda kept: _use_again(kept, controls), inputs=chosen, outputs=filled, **TELLING)
    for button, way in zip(send, SENT, strict=True):
        button.click(lambda kept, way=way: _send(kept, way, controls), inputs=chosen, outputs=filled, **TELLING)


def _buttons(*labels: tuple[str, str]) -> list[gr.Button]:
    with gr.Row(elem_classes="hm-lines"):
        return [gr.Button(label, variant=look, size="sm", interactive=False, min_width=150) for label, look in labels]


# -- what is kept and shown ----------------------------------------------------------------------


def _keep(studio: Studio, made: Sequence[Made | None] | None, history: list[Kept]) -> tuple:
    """The history with clips that were just made, the first of them at its head."""
    made = [one for one in made or () if one is not None]
    if not made:
        return gr.skip(), gr.skip()
    for one in reversed(made):
        source = Path(one.clip)
        known = next((kept for kept in history if kept.source == source and kept.is_there), None)
        history = with_newest(history, known or Kept.of(source, one.job, studio.new_folder()))
    return history, _gallery(history)


def _swept(studio: Studio, history: list[Kept]) -> tuple:
    """The history without clips whose time is over."""
    studio.sweep()
    left = [kept for kept in history if kept.is_there]
    return (left, _gallery(left)) if len(left) < len(history) else (gr.skip(), gr.skip())


def _gallery(history: list[Kept], selected: int | None = None) -> dict:
    return gr.update(value=[(str(kept.thumbnail), kept.title) for kept in history], selected_index=selected)


def _choose(history: list[Kept], event: gr.SelectData) -> tuple:
    """Show a clip; where it was swept away meanwhile it leaves the history, too."""
    kept = history[event.index] if event.index < len(history) else None
    if kept is not None and kept.is_there:
        return (*_showing(kept), gr.skip(), gr.skip())
    left = [one for one in history if one.is_there]
    return (*_nothing(GONE), left, _gallery(left))


def _showing(kept: Kept) -> tuple:
    asked = f"It was made with {' and '.join(kept.asked)}: please give that again." if kept.asked else ""
    words = "<br>".join(filter(None, [settings_words(kept.job), asked, kept.note]))
    files = [
        gr.update(value=str(file) if file.is_file() else None, interactive=file.is_file())
        for file in (kept.clip, kept.sound, kept.settings)
    ]
    awake = gr.update(interactive=True)
    return kept, str(kept.clip), words, awake, awake, *files, *[awake] * len(SENT)


def _nothing(words: str) -> tuple:
    asleep = gr.update(interactive=False)
    return None, None, words, *[asleep] * (2 + len(FILES) + len(SENT))


def _delete(kept: Kept | None, history: list[Kept]) -> tuple:
    """Remove a clip and all files beside it."""
    if kept is not None:
        kept.delete()
    left = [one for one in history if one.is_there]
    return (*_nothing(DELETED if left else f"{DELETED} {EMPTY}"), left, _gallery(left))


def _dropped(studio: Studio, path: str, history: list[Kept]) -> tuple:
    """Take a clip from a file into the history, and show it."""
    with human_errors():
        kept = Kept.from_file(Path(path), studio.new_folder(), model=studio.model_id)
    history = with_newest(history, kept)
    return (None, *_showing(kept), history, _gallery(history, selected=0))


# -- what goes back into the tabs ------------------------------------------------------------------


def _use_again(kept: Kept | None, fields: Sequence[Field]) -> list:
    """Fill the tab that made the clip, and go there."""
    if kept is None:
        return nothing(fields)
    job, lost = without_lost_files(kept.job)
    missing = (*lost, *kept.asked)
    words = f"Please give again: {', '.join(missing)}." if missing else ""
    return fill(job.task, values_of(job), fields, words=words)


def _send(kept: Kept | None, way: tuple[str, str], fields: Sequence[Field]) -> list:
    """Give a part of the clip to another tab, and go there."""
    if kept is None:
        return nothing(fields)
    task, name = way
    with human_errors():
        return fill(task, {name: str(kept.part(name)), "prompt": kept.job.prompt}, fields)
