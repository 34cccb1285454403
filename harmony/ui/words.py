"""Under the caption: what the shipped model understood, which words it never saw, words to press, a surprise.

For models that read one compiled text, that text.
"""

from __future__ import annotations

import html
import random

import gradio as gr

from harmony.prompts import PromptFamily
from harmony.session.understanding import surprise, understand, word_chips

_ADD = "(text) => [text, {word}].filter(Boolean).join(text && !text.endsWith(' ') ? ' ' : '')"


def words_line(prompt: gr.Textbox) -> gr.HTML:
    """One line that follows what is typed."""
    line = gr.HTML(words_html(""), elem_classes="hm-words", padding=False)
    prompt.change(
        words_html, inputs=prompt, outputs=line,
        queue=False, show_progress="hidden", api_visibility="private", trigger_mode="always_last",
    )  # fmt: skip
    return line


def words_html(caption: str | None) -> str:
    """The scene and the facts that the model has to go by, then the words that it does not know."""
    if not (caption or "").strip():
        return "<span>Say what happens: the model knows a toy world of twenty-eight scenes.</span>"
    read = understand(caption)
    known = " · ".join(html.escape(fact) for fact in (read.title, *read.facts) if fact)
    parts = [f"Understood: <b>{known}</b>" if known else "Nothing in it names a scene that the model knows."]
    if read.unknown:
        marked = " ".join(f"<mark>{html.escape(word)}</mark>" for word in read.unknown)
        parts.append(f"It never saw: {marked}")
    elif known and read.title is None:
        parts.append("No scene is named, so it will choose one.")
    return "<br>".join(parts)


def word_buttons(prompt: gr.Textbox) -> None:
    """Every scene and fact that the model knows, as buttons that add it to the caption."""
    with gr.Accordion("Words it knows", open=False):
        for title, words in word_chips().items():
            gr.Markdown(title, elem_classes="hm-note", container=False)
            with gr.Row(elem_classes="hm-chips"):
                for word in words:
                    button = gr.Button(word, size="sm", min_width=0, scale=0)
                    js = _ADD.format(word=f"'{word}'")
                    button.click(
                        None, inputs=prompt, outputs=prompt, js=js, show_progress="hidden", api_visibility="private"
                    )


def surprise_button(captions: list[gr.Textbox]) -> gr.Button:
    """Fills what is seen, heard and said with a scene of the world."""
    button = gr.Button("Surprise me", size="sm", min_width=120, scale=0)
    button.click(
        lambda: surprise(random.randrange(100_000)), outputs=captions,
        queue=False, show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    return button


def compiled_line(family: PromptFamily, captions: list[gr.Textbox]) -> gr.Markdown:
    """The one text that the model will read, while the fields (seen, heard, said) are filled in."""
    line = gr.Markdown(compiled_words(family, "", "", ""), elem_classes="hm-note", container=False)
    for field in captions:
        field.change(
            lambda *texts: compiled_words(family, *texts), inputs=captions, outputs=line,
            queue=False, show_progress="hidden", api_visibility="private", trigger_mode="always_last",
        )  # fmt: skip
    return line


def compiled_words(family: PromptFamily, seen: str, heard: str, said: str) -> str:
    """The compiled text as code, or the sentence that says why it cannot be made."""
    try:
        text = family.compile(picture=seen or None, sounds=heard or None, speech=said or None)
    except ValueError as error:
        return f"This cannot be put together: {error}."
    return f"The model will read: `{text.replace('`', chr(39))}`" if text else "The model reads one text, shown here."
