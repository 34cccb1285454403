"""The history of a visitor's clips, and settings that go back into the page."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from harmony import media
from harmony.generation import GenerationRequest
from harmony.pipeline import HarmonyPipeline
from harmony.session import Job, Knobs, run_job
from harmony.session.history import (
    KEPT,
    LONGEST,
    Kept,
    job_of_request,
    request_of_file,
    settings_words,
    with_newest,
    without_lost_files,
)
from harmony.timeline import Timeline
from harmony.ui.controls import MAX_SEED
from harmony.ui.history import _choose, _delete, _dropped, _keep, _send, _swept, _use_again
from harmony.ui.model import ModelHolder
from harmony.ui.refill import values_of
from harmony.ui.slide import Made
from harmony.ui.studio import KEEP_SECONDS, Studio

JOB = Job(
    prompt="a red drum", audio_prompt="beats", transcript="hello", knobs=Knobs("isolated", 2.0, 1.5, 3.0, 0.25, 0.75),
    steps=2, seed=11, attention=True, readout=True,
)  # fmt: skip
BOUNDS = {
    "video_scale": (0, 10),
    "audio_scale": (0, 10),
    "text_scale": (0, 10),
    "steps": (1, 100),
    "seed": (0, MAX_SEED),
}
JOINT = [
    "prompt", "audio_prompt", "transcript", "wanted_voice_start", "reference_audio", "image", "guidance", "video_scale",
    "audio_scale", "text_scale", "guidance_start", "guidance_stop", "steps", "seed", "randomize_seed",
]  # fmt: skip
FIELDS = [
    *(("joint", name, gr.Slider(*BOUNDS[name], label=name) if name in BOUNDS else gr.State()) for name in JOINT),
    *(("audio_to_video", name, gr.State()) for name in ("prompt", "wanted_start", "audio")),
    *(("video_to_audio", name, gr.State()) for name in ("audio_prompt", "wanted_start", "video")),
]


@pytest.fixture(scope="module")
def pipe() -> HarmonyPipeline:
    return HarmonyPipeline.micro()


@pytest.fixture(scope="module")
def made(pipe, tmp_path_factory) -> Path:
    return run_job(pipe, JOB, tmp_path_factory.mktemp("made") / "clip.mp4", companions=True).clip


@pytest.fixture
def studio(pipe) -> Studio:
    studio = Studio(ModelHolder("micro", load=lambda _: pipe))
    studio.holder.get()
    return studio


@pytest.fixture
def kept(made, studio) -> Kept:
    return Kept.of(made, JOB, studio.new_folder())


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What the page tells its visitor."""
    words: list[str] = []
    monkeypatch.setattr(gr, "Info", words.append)
    return words


def filled(updates: list) -> dict:
    """The values that controls get, by task and name."""
    pairs = zip(FIELDS, updates[1:], strict=True)
    return {(task, name): update["value"] for (task, name, _), update in pairs if "value" in update}


def saved(path: Path, comment: str, *, seconds: float = 1.0) -> Path:
    """A film that says ``comment`` of itself."""
    frames = np.zeros((round(8 * seconds), 32, 32, 3), np.uint8)
    metadata = {"comment": comment} if comment else None
    return media.write_clip(path, frames, None, frame_rate=8.0, sample_rate=16_000, metadata=metadata)


# -- what is kept --------------------------------------------------------------------------------


def test_every_clip_that_is_made_is_kept_once_newest_first_and_survives_its_source(made, studio) -> None:
    handed = Made(str(made), None, JOB, 1.0)
    history, gallery = _keep(studio, [handed], [])
    kept = history[0]
    assert Image.open(kept.thumbnail).size == (192, 192) and gallery["value"] == [(str(kept.thumbnail), "a red drum")]
    assert kept.clip.read_bytes() == made.read_bytes() and kept.sound.is_file() and kept.settings.is_file()
    other = made.with_name("other.mp4")
    other.write_bytes(made.read_bytes())
    variants = [Made(str(other), None, JOB, 2.0), handed._replace(at=3.0)]
    history, _ = _keep(studio, variants, history)
    assert [one.source for one in history] == [other, made] and history[1] == kept
    other.unlink()
    assert all(one.is_there for one in history)
    assert "value" not in _keep(studio, [None], history)[1] and "value" not in _keep(studio, None, history)[1]


def test_the_history_is_bounded_and_forgets_what_was_swept_away(kept, studio) -> None:
    history: list[Kept] = []
    for number in range(KEPT + 3):
        history = with_newest(history, replace(kept, source=kept.source.with_name(f"{number}.mp4")))
    assert len(history) == KEPT and history[0].source.name == f"{KEPT + 2}.mp4"
    assert with_newest(history, history[3])[0] == history[3] and len(with_newest(history, history[3])) == KEPT
    lost = Kept.of(kept.source, JOB, studio.new_folder())
    history = with_newest([], lost)
    os.utime(lost.clip.parent, (0, time.time() - KEEP_SECONDS - 1))
    assert _swept(studio, history)[0] == [] and not lost.clip.exists()
    assert "value" not in _swept(studio, [kept])[1]  # nothing to draw anew


def test_files_are_swept_on_schedule_though_nobody_comes(studio, monkeypatch) -> None:
    monkeypatch.setattr("harmony.ui.studio.SWEEP_SECONDS", 0.05)
    studio.sweep_on_schedule()
    folder = studio.new_folder()
    os.utime(folder, (0, time.time() - KEEP_SECONDS - 1))
    young = studio.new_folder()
    deadline = time.monotonic() + 5
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists() and young.exists()


def test_deleting_is_for_one_visitor_and_choosing_a_lost_clip_says_so(made, studio) -> None:
    mine, yours = (_keep(studio, [Made(str(made), None, JOB, 1.0)], [])[0] for _ in range(2))
    event = SimpleNamespace(index=0)
    assert _choose(mine, event)[1] == str(mine[0].clip) != str(yours[0].clip)
    *_, left, _ = _delete(mine[0], mine)
    assert left == [] and not mine[0].clip.parent.exists()
    assert yours[0].is_there and made.is_file()
    found = _choose(mine, event)
    assert "no longer kept" in found[2] and found[-2] == []
    assert _keep(studio, [Made(str(made), None, JOB, 2.0)], left)[0][0].is_there  # made again, kept again


def test_words_of_a_visitor_are_no_markup() -> None:
    words = settings_words(replace(JOB, prompt="**a** <b>drum</b> [x](y) " + "long " * 200))
    assert "<b>" not in words and "\\*\\*a" in words and "seed 11" in words and len(words) < 700


# -- settings used again -------------------------------------------------------------------------


def test_settings_go_back_into_the_tab_that_made_the_clip(kept, told) -> None:
    voice = replace(kept, job=replace(JOB, reference_audio=str(kept.sound), reference_start=0.4))
    updates = _use_again(voice, FIELDS)
    assert updates[0].selected == "joint" and told == ["The settings are in the tab Joint generation."]
    values = filled(updates)
    assert set(values) == {("joint", name) for name in JOINT}
    assert {name: value for (_, name), value in values.items()} == dict(
        prompt="a red drum", audio_prompt="beats", transcript="hello", wanted_voice_start=0.4,
        reference_audio=str(kept.sound), image=None, guidance="isolated", video_scale=2.0, audio_scale=1.5,
        text_scale=3.0, guidance_start=0.25, guidance_stop=0.75, steps=2, seed=11, randomize_seed=False,
    )  # fmt: skip
    assert all("value" not in update for update in _use_again(None, FIELDS))


def test_a_driven_clip_comes_back_with_its_sound_and_where_it_starts(kept, told) -> None:
    sound = str(kept.part("audio"))
    job = replace(JOB, task="audio_to_video", audio=sound, start=0.25, audio_prompt="", transcript="")
    values = filled(_use_again(replace(kept, job=job), FIELDS))
    assert values["audio_to_video", "audio"] == sound and values["audio_to_video", "wanted_start"] == 0.25
    Path(sound).unlink()
    assert without_lost_files(job) == (replace(job, audio=None), ("the sound",))
    assert filled(_use_again(replace(kept, job=job), FIELDS))["audio_to_video", "audio"] is None
    assert told[-1].endswith("Please give again: the sound.")


def test_numbers_beyond_the_page_are_brought_to_its_ends_and_named(kept, told) -> None:
    far = replace(JOB, steps=700, seed=2**40, knobs=replace(JOB.knobs, text_scale=30.0))
    values = filled(_use_again(replace(kept, job=far), FIELDS))
    assert [values["joint", name] for name in ("steps", "seed", "text_scale", "video_scale")] == [100, MAX_SEED, 10, 2]
    assert "steps 700 became 100" in told[0] and "text_scale 30 became 10" in told[0] and "video" not in told[0]


def test_parts_of_a_clip_go_to_other_tabs(kept, told) -> None:
    assert media.read_image(kept.part("image")).shape == (64, 64, 3)
    np.testing.assert_array_equal(media.read_image(kept.part("image")), media.read_video(kept.clip)[0][0])
    assert media.probe(kept.part("audio")).duration == pytest.approx(33 / 16, abs=0.01)
    assert filled(_send(kept, ("video_to_audio", "video"), FIELDS)) == {("video_to_audio", "video"): str(kept.clip)}
    sent = filled(_send(kept, ("audio_to_video", "audio"), FIELDS))
    assert sent == {("audio_to_video", "audio"): str(kept.sound), ("audio_to_video", "prompt"): "a red drum"}
    kept.delete()
    with pytest.raises(gr.Error, match="no longer kept"):
        _send(kept, ("joint", "image"), FIELDS)


def test_consent_to_a_voice_is_never_filled_in() -> None:
    assert "voice_consent" not in values_of(replace(JOB, reference_audio="voice.wav"))


# -- a clip's file dropped in ----------------------------------------------------------------------


def test_a_clip_carries_its_settings_and_they_give_it_again(pipe, made, studio, tmp_path) -> None:
    upload = tmp_path / "from my disk.mp4"
    upload.write_bytes(made.read_bytes())
    cleared, kept, player, words, *_, history, gallery = _dropped(studio, str(upload), [])
    assert cleared is None and history == [kept] and gallery["selected_index"] == 0 and player == str(kept.clip)
    assert (
        kept.job == replace(JOB, duration=2.0625) and kept.asked == () and "differs" not in words and "seed 11" in words
    )
    assert list(tmp_path.iterdir()) == [upload]  # nothing is left beside the upload, where nobody would sweep it
    assert GenerationRequest.from_json(kept.settings.read_text()) == request_of_file(made)
    assert media.probe(kept.sound).duration == pytest.approx(33 / 16, abs=0.1)
    again = run_job(pipe, kept.job, tmp_path / "again.mp4").clip
    np.testing.assert_array_equal(media.read_video(again)[0], media.read_video(made)[0])
    np.testing.assert_array_equal(media.read_audio(again)[0], media.read_audio(made)[0])


def test_uploads_and_another_model_are_named(pipe, made, studio, told, tmp_path) -> None:
    picture = tmp_path / "first.png"
    Image.fromarray(media.read_video(made)[0][0]).save(picture)
    clip = run_job(pipe, replace(JOB, image=str(picture)), tmp_path / "with-picture.mp4").clip
    _, kept, _, words, *_ = _dropped(studio, str(clip), [])
    assert kept.asked == ("the first picture",) and "the first picture: please give that again" in words
    assert filled(_use_again(kept, FIELDS))["joint", "image"] is None
    assert told[-1].endswith("Please give again: the first picture.")
    request = request_of_file(made).model_copy(update={"model": "some<b>body/big"})
    other = _dropped(studio, str(saved(tmp_path / "other.mp4", request.to_json())), [])
    assert "some&lt;b>body/big made it" in other[3]
    sound, settings = other[6 + 1], other[6 + 2]
    assert not sound["interactive"] and settings["interactive"]  # a silent film has no sound to take home
    with pytest.raises(gr.Error, match="has no sound"):
        _send(other[1], ("audio_to_video", "audio"), FIELDS)


@pytest.mark.parametrize(
    "change",
    ['"steps"', '"video_scale":31', '"video_scale":NaN', '"video_scale":"much"', '"task":"hack"', '"seed":-1', "{"],
)
def test_settings_that_do_not_hold_are_refused_with_a_sentence(made, studio, tmp_path, change) -> None:
    written = request_of_file(made).to_json()
    name, _, value = change.partition(":")
    start = written.find(name + ":") if value else -1
    stop = written.find(",", start)
    bad = f"{written[:start]}{change}{written[stop:]}" if start >= 0 else change + written
    file = saved(tmp_path / "bad.mp4", bad)
    with pytest.raises(gr.Error, match="'bad.mp4' carries no settings of Harmony, so there is nothing to restore"):
        _dropped(studio, str(file), [])


def test_foreign_broken_silent_and_endless_files_are_a_sentence(made, studio, tmp_path) -> None:
    foreign = saved(tmp_path / "foreign.mp4", "")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    endless = saved(tmp_path / "endless.mp4", request_of_file(made).to_json(), seconds=LONGEST + 2)
    sound = media.write_wav(tmp_path / "sound.mp4.wav", np.zeros(16_000, np.float32), 16_000)
    for file, words in (
        (foreign, "'foreign.mp4' carries no settings of Harmony"),
        (broken, "cannot be read"),
        (endless, "longer than any clip of Harmony"),
        (sound, "holds no moving pictures"),
    ):
        with pytest.raises(gr.Error, match=words):
            _dropped(studio, str(file), [])
    assert not [file for file in studio.folder.rglob("*") if file.is_file()]


def test_a_request_knows_no_more_than_its_job(made) -> None:
    assert job_of_request(request_of_file(made)) == JOB


def test_a_clip_of_full_length_comes_back_within_the_sliders_ends() -> None:
    lengths = {
        seconds: values_of(replace(JOB, duration=seconds))["duration"] for seconds in (33 / 16, 37 / 16, 49 / 16)
    }
    assert lengths == {33 / 16: 2.0, 37 / 16: 2.25, 49 / 16: 3.0}
    for clip, asked in lengths.items():
        assert Timeline().with_seconds(asked).duration == clip, "and gives the same length again"
    assert "duration" not in values_of(replace(JOB, task="audio_to_video", audio="a.wav", duration=2.0))
