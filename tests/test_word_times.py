"""When each word is said: as text, as a job, and moved on the page."""

from __future__ import annotations

import re
from types import SimpleNamespace

import gradio as gr
import pytest
from browser import chromium_page
from hypothesis import given, settings
from hypothesis import strategies as st

from harmony.models.schedule import sample_schedule
from harmony.pipeline import HarmonyPipeline
from harmony.session import Job, Knobs, run_job
from harmony.session.history import job_of_request, request_of_file, settings_words
from harmony.session.opening import read_defaults
from harmony.session.word_times import drawn_word_times, format_word_times, parse_word_times
from harmony.timeline import Timeline
from harmony.ui.app import launch_app
from harmony.ui.refill import values_of
from harmony.ui.word_times import WordTimes, line_html

SAID = "hello blue monkey"


@settings(deadline=None)  # the first reading of Chinese opens a dictionary
@given(st.integers(0, 2**31 - 1), st.sampled_from([SAID, "你好 朋友", "no"]), st.sampled_from([33, 49]))
def test_drawn_times_as_text_are_the_schedule_to_a_hundredth(seed, said, frames):
    timeline = Timeline(num_frames=frames)
    drawn = sample_schedule(said, timeline, seed=seed)
    again = parse_word_times(format_word_times(drawn), said)
    assert [word.text for word in again] == [word.text for word in drawn]
    for a, b in zip(again, drawn, strict=True):
        assert 0 <= b.start - a.start < 0.0101 and 0 <= b.end - a.end < 0.0101
    assert again[-1].end <= timeline.duration
    assert drawn_word_times(said, timeline, seed=seed) == format_word_times(drawn)


@pytest.mark.parametrize("text", ["0.4-0.85 1.2-1.6", "0.40 - 0.85, 1.20 – 1.60", " 0.4-0.85;1.2-1.6 "])
def test_times_are_read_however_they_are_written(text):
    assert format_word_times(parse_word_times(text, "Hello, ball!")) == "0.40-0.85 1.20-1.60"


@pytest.mark.parametrize(
    ("text", "said", "sentence"),
    [
        ("soon", "hello", "must look like"),
        ("0.4-0.8 -1", "hello", "must look like"),
        ("0.4-0.8", SAID, "3 words are said but 1 time is given"),
        ("0.4-0.8 1-1.2", "hello", "1 word is said but 2 times are given"),
        ("0.4-0.8", "", "0 words are said"),
        ("0.4-0.9 0.8-1.2", "hello ball", "must end before the next one starts"),
        ("0.9-0.4", "hello", "must end after it starts"),
    ],
)
def test_times_that_cannot_be_meant_are_told_in_one_sentence(text, said, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_word_times(text, said)


def test_no_times_leave_it_to_the_seed():
    assert parse_word_times(" ", SAID) is None
    with pytest.raises(ValueError, match="no words to lay out"):
        drawn_word_times("", Timeline(), seed=0)


def test_a_clip_is_spoken_at_the_times_told_and_keeps_them_in_its_file(tmp_path):
    pipe = HarmonyPipeline.micro()
    end = pipe.timeline.duration
    times = f"{0.1 * end:.2f}-{0.3 * end:.2f} {0.5 * end:.2f}-{0.7 * end:.2f} {0.75 * end:.2f}-{0.95 * end:.2f}"
    job = Job(prompt="a face", transcript=SAID, word_times=times, knobs=Knobs("none"), steps=1, seed=3)
    clip = run_job(pipe, job, tmp_path / "clip.mp4").clip
    back = job_of_request(request_of_file(clip))
    assert back.word_times == times and times.replace("-", r"\-").replace(".", r"\.") in settings_words(back)
    assert values_of(back)["word_times"] == times
    left = run_job(pipe, Job(prompt="a face", transcript=SAID, knobs=Knobs("none"), steps=1), tmp_path / "left.mp4")
    assert job_of_request(request_of_file(left.clip)).word_times == ""
    late = Job(transcript="hello", word_times=f"0.1-{end + 1:.2f}", steps=1)
    with pytest.raises(ValueError, match="schedule ends at"):
        run_job(pipe, late, tmp_path / "late.mp4")


def test_models_that_read_one_text_have_no_times(tmp_path):
    assert read_defaults("micro").timed_words
    HarmonyPipeline.micro().guidance.save(tmp_path)
    (tmp_path / "model_index.json").write_text('{"transcript_encoder": [null, null]}')
    assert not read_defaults(str(tmp_path)).timed_words


def test_the_line_shows_each_word_where_it_is_said():
    drawn = line_html("hello ball", "0.50-1.00 1.50-1.75", 2.0)
    assert re.findall(r'data-word="(\w+)".*?left:([\d.]+)%;width:([\d.]+)%', drawn) == [
        ("hello", "25.00", "25.00"),
        ("ball", "75.00", "12.50"),
    ]
    assert "3 words are said but 1 time is given" in line_html(SAID, "0.5-1.0", 2.0)
    assert "seed decides" in line_html(SAID, "", 2.0)
    assert "ends at 1.75 s but the clip at 1.50 s" in line_html("hello", "0.50-1.75", 1.5)


def test_words_are_laid_out_as_the_seed_would_have_them():
    pipe = SimpleNamespace(timeline=Timeline(num_frames=49))
    studio = SimpleNamespace(holder=SimpleNamespace(get=lambda: pipe))
    with gr.Blocks():
        times = WordTimes.create(studio, read_defaults("micro"), gr.Textbox())
    two_seconds = pipe.timeline.with_seconds(2.0)
    assert times.choose(SAID, 2.0, 7) == format_word_times(sample_schedule(SAID, two_seconds, seed=7))
    assert times.choose(SAID, None, None) == format_word_times(sample_schedule(SAID, pipe.timeline, seed=0))
    with pytest.raises(gr.Error, match="do not fit"):
        times.choose(" ".join([SAID] * 9), 1.0, 7)


@pytest.mark.browser
def test_a_word_is_moved_with_the_keyboard_and_with_the_pointer():
    app = launch_app("micro", block=False)
    try:
        with chromium_page() as page:
            page.goto(app.local_url)
            page.get_by_label("What is said").first.fill("hello")
            page.get_by_role("button", name="When each word is said").first.click()
            page.get_by_role("button", name="Lay the words out").click()
            field, word = page.get_by_label("Times"), page.locator("[data-word=hello]")
            word.wait_for(timeout=20_000)
            start, end = times_in(field)
            word.press("ArrowRight")
            becomes(field, start + 0.05, end + 0.05)
            page.wait_for_function("() => document.activeElement.dataset.word === 'hello'")  # of the line drawn anew
            for _ in range(2):
                page.keyboard.press("Shift+ArrowLeft")
            becomes(field, start + 0.05, end - 0.05)
            box = word.bounding_box()
            page.mouse.move(box["x"] + 4, box["y"] + 10)
            page.mouse.down()
            page.mouse.move(0, box["y"] + 10, steps=4)  # as far as it goes
            page.mouse.up()
            becomes(field, 0.0, end - start - 0.1)
            page.get_by_role("button", name="Let the seed decide").click()
            word.wait_for(state="detached", timeout=20_000)
    finally:
        app.close()


def becomes(field, start: float, end: float) -> None:
    """Wait until the field holds these times: the page asks the server in between."""
    for _ in range(100):
        if times_in(field) == pytest.approx((start, end), abs=0.021):
            return
        field.page.wait_for_timeout(200)
    assert times_in(field) == pytest.approx((start, end), abs=0.021)


def times_in(field) -> tuple[float, float]:
    start, end = field.input_value().split("-")
    return float(start), float(end)
