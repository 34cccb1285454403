"""When each word is said: a line of words to move, the same times as text, and what the seed would choose."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.components import Component

from harmony.session import Defaults, human_sentence
from harmony.session.word_times import drawn_word_times, parse_word_times
from harmony.timeline import Timeline
from harmony.ui.events import SILENT, TELLING
from harmony.ui.studio import Studio, human_errors

_JS = Path(__file__).with_name("word_times.js").read_text(encoding="utf-8")
EMPTY = "The seed decides when each word is said. Lay the words out to see that, and to move them."


@dataclass(frozen=True)
class WordTimes:
    """The control; ``text`` holds the times, empty where the seed decides."""

    studio: Studio
    transcript: gr.Textbox
    text: gr.Textbox
    line: gr.HTML
    lay_out: gr.Button
    leave: gr.Button

    @classmethod
    def create(cls, studio: Studio, defaults: Defaults, transcript: gr.Textbox) -> WordTimes:
        """Lay it out; hidden where a model cannot be told when a word is said."""
        with gr.Accordion("When each word is said", open=False, visible=defaults.timed_words):
            line = gr.HTML(line_html("", "", 0.0), js_on_load=_JS, elem_classes="hm-line", padding=False)
            with gr.Row():
                lay_out = gr.Button("Lay the words out", size="sm", min_width=140)
                leave = gr.Button("Let the seed decide", size="sm", min_width=140)
            text = gr.Textbox(
                value="", label="Times", lines=1, max_lines=3, placeholder="0.40-0.85 1.20-1.60",
                info="Of each word, in seconds. Move the words above, or type here.",
            )  # fmt: skip
        return cls(studio, transcript, text, line, lay_out, leave)

    def connect(self, *, length: Component, seed: Component) -> None:
        """Make it follow the clip's length, and the seed when words are laid out."""
        drawn = dict(fn=self.draw, inputs=[self.transcript, self.text, length], outputs=self.line, **SILENT)
        for field in (self.transcript, self.text, length):
            field.change(**drawn, trigger_mode="always_last")
        self.line.input(_moved, outputs=self.text, **SILENT)
        self.lay_out.click(self.choose, inputs=[self.transcript, length, seed], outputs=self.text, **TELLING)
        self.leave.click(lambda: "", outputs=self.text, **SILENT)

    def draw(self, transcript: str, times: str, seconds: float | None) -> str:
        """The line as html."""
        told = (times or "").strip()  # without times there is nothing to measure, and no model has to be open
        return line_html(transcript, times, self._clip(seconds).duration) if told else _note(EMPTY)

    def choose(self, transcript: str, seconds: float | None, seed: int | None) -> str:
        """The times that this seed gives the words; ``gr.Error`` where there are none, or too many."""
        with human_errors():
            return drawn_word_times(transcript, self._clip(seconds), seed=int(seed or 0))

    def _clip(self, seconds: float | None) -> Timeline:
        usual = self.studio.holder.get().timeline
        return usual.with_seconds(seconds) if seconds else usual


def line_html(transcript: str, times: str, seconds: float) -> str:
    """Words as boxes on a line of ``seconds``; a sentence where no times, or none that fit, are told."""
    try:
        schedule = parse_word_times(times or "", transcript or "")
    except ValueError as error:
        return _note(human_sentence(error))
    if schedule is None:
        return _note(EMPTY)
    if schedule[-1].end > seconds:
        return _note(
            f"The last word ends at {schedule[-1].end:.2f} s but the clip at {seconds:.2f} s; lay the words out again."
        )
    boxes = "".join(
        f'<button type="button" data-word="{html.escape(word.text)}" data-start="{word.start:.2f}" '
        f'data-end="{word.end:.2f}" style="left:{_share(word.start, seconds)};'
        f'width:{_share(word.end - word.start, seconds)}" '
        f'aria-label="{html.escape(word.text)}, {word.start:.2f} to {word.end:.2f} seconds">'
        f"{html.escape(word.text)}</button>"
        for word in schedule
    )
    marks = "".join(f'<i style="left:{_share(second, seconds)}">{second} s</i>' for second in range(int(seconds) + 1))
    hint = (
        "Drag a word, or its right edge. With the keyboard: arrows move it, shift and arrows make it longer or shorter."
    )
    return (
        f'<div class="hm-line-words" data-seconds="{int(100 * seconds) / 100:.2f}">{boxes}</div>'
        f'<div class="hm-line-marks" aria-hidden="true">{marks}</div><span>{hint}</span>'
    )


def _share(seconds: float, of: float) -> str:
    return f"{100 * seconds / of:.2f}%"


def _note(sentence: str) -> str:
    return f"<span>{html.escape(sentence)}</span>"


def _moved(event: gr.EventData) -> str:
    """What the page tells after a word was moved: all times."""
    return str(event.times)
