"""The history of a visitor's clips, settings that go back into the page, and the preview of a clip in the making."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harmony import media
from harmony.pipeline import HarmonyPipeline
from harmony.session import Job, Knobs, run_job
from harmony.session.history import KEPT, Kept, job_of_file, settings_words, with_newest, without_lost_files
from harmony.session.preview import PreviewWriter, level_meter, moving_picture
from harmony.ui.history import _choose, _delete, _dropped, _filling, _use_again, part_of, values_of

JOB = Job(
    prompt="a red drum", audio_prompt="beats", transcript="hello", knobs=Knobs("isolated", 2.0, 1.5, 3.0, 0.25, 0.75),
    steps=2, seed=11, attention=True, readout=True,
)  # fmt: skip
NAMES = [
    *(("joint", name) for name in ("prompt", "audio_prompt", "transcript", "reference_audio", "image", "guidance")),
    *(
        ("joint", name)
        for name in (
            "video_scale",
            "audio_scale",
            "text_scale",
            "guidance_start",
            "guidance_stop",
            "steps",
            "seed",
            "randomize_seed",
        )
    ),
    *(("audio_to_video", name) for name in ("prompt", "wanted_start", "audio")),
    *(("video_to_audio", name) for name in ("audio_prompt", "wanted_start", "video")),
]


@pytest.fixture(scope="module")
def pipe() -> HarmonyPipeline:
    return HarmonyPipeline.micro()


@pytest.fixture
def clip(pipe, tmp_path) -> Path:
    return run_job(pipe, JOB, tmp_path / "clip.mp4", companions=True).clip


def filled(updates: list) -> dict:
    """The values that controls get, by task and name."""
    values = [update.get("value") for update in updates[1:]]
    return {key: value for key, value, update in zip(NAMES, values, updates[1:], strict=True) if "value" in update}


def test_a_clip_carries_its_settings_and_they_give_it_again(pipe, clip, tmp_path) -> None:
    job, missing = job_of_file(clip)
    assert job == JOB and missing == ()
    again = run_job(pipe, job, tmp_path / "again.mp4").clip
    np.testing.assert_array_equal(media.read_video(again)[0], media.read_video(clip)[0])


def test_uploads_of_a_dropped_clip_are_asked_for_again(pipe, clip, tmp_path) -> None:
    picture = tmp_path / "first.png"
    Image.fromarray(media.read_video(clip)[0][0]).save(picture)
    made = run_job(pipe, replace(JOB, image=str(picture)), tmp_path / "with-picture.mp4").clip
    assert job_of_file(made)[1] == ("the first picture",)
    assert "the first picture: please give that again" in _dropped(str(made))[2]


def test_a_foreign_or_broken_file_is_a_sentence(tmp_path) -> None:
    frames = np.zeros((8, 32, 32, 3), np.uint8)
    foreign = media.write_clip(tmp_path / "foreign.mp4", frames, None, frame_rate=8.0, sample_rate=16_000)
    with pytest.raises(ValueError, match="'foreign.mp4' carries no settings of Harmony"):
        job_of_file(foreign)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    with pytest.raises(ValueError, match="cannot be read"):
        job_of_file(broken)


def test_the_history_is_bounded_and_forgets_what_was_swept_away(clip) -> None:
    kept = Kept.of(clip, JOB)
    assert Image.open(kept.thumbnail).size == (192, 192)
    history: list[Kept] = []
    for number in range(KEPT + 3):
        copy = clip.with_name(f"copy-{number}.mp4")
        copy.write_bytes(clip.read_bytes())
        history = with_newest(history, replace(kept, clip=copy))
    assert len(history) == KEPT and history[0].clip.name == f"copy-{KEPT + 2}.mp4"
    assert with_newest(history, history[3])[0] == history[3] and len(with_newest(history, history[3])) == KEPT
    history[1].clip.unlink()
    assert history[1] not in with_newest(history, history[0])


def test_settings_go_back_into_the_tab_that_made_the_clip(clip) -> None:
    updates = _use_again(Kept.of(clip, JOB), NAMES)
    assert updates[0].selected == "joint"
    values = filled(updates)
    assert {task for task, _ in values} == {"joint"}
    assert {name: value for (_, name), value in values.items()} == dict(
        prompt="a red drum", audio_prompt="beats", transcript="hello", reference_audio=None, image=None,
        guidance="isolated", video_scale=2.0, audio_scale=1.5, text_scale=3.0, guidance_start=0.25,
        guidance_stop=0.75, steps=2, seed=11, randomize_seed=False,
    )  # fmt: skip


def test_a_driven_clip_comes_back_with_its_sound_and_where_it_starts(clip, tmp_path) -> None:
    sound = part_of(clip, "audio")
    job = replace(JOB, task="audio_to_video", audio=sound, start=0.25, audio_prompt="", transcript="")
    values = filled(_use_again(Kept.of(clip, job), NAMES))
    assert values["audio_to_video", "audio"] == sound and values["audio_to_video", "wanted_start"] == 0.25
    Path(sound).unlink()
    assert without_lost_files(job) == (replace(job, audio=None), ("the sound",))


def test_parts_of_a_clip_go_to_other_tabs(clip) -> None:
    assert media.read_image(part_of(clip, "image")).shape == (64, 64, 3)
    assert part_of(clip, "video") == str(clip)
    assert media.probe(part_of(clip, "audio")).duration == pytest.approx(33 / 16, abs=0.01)
    values = filled(_filling("video_to_audio", {"video": str(clip)}, NAMES))
    assert values == {("video_to_audio", "video"): str(clip)}
    clip.unlink()
    with pytest.raises(FileNotFoundError, match="no longer kept"):
        part_of(clip, "image")


def test_deleting_removes_the_files_and_choosing_a_lost_clip_says_so(clip) -> None:
    kept = Kept.of(clip, JOB)
    event = type("Event", (), {"index": 0})()
    assert _choose([kept], event)[1] == str(clip)
    *_, history, _ = _delete(kept, [kept])
    assert history == [] and not list(clip.parent.glob("clip*"))
    found = _choose([kept], event)
    assert "no longer kept" in found[2] and found[-2] == []


def test_words_of_a_visitor_are_no_markup() -> None:
    words = settings_words(replace(JOB, prompt="**a** <b>drum</b> [x](y)"))
    assert "<b>" not in words and "\\*\\*a" in words and "seed 11" in words


def test_consent_to_a_voice_is_never_filled_in() -> None:
    assert "voice_consent" not in values_of(replace(JOB, reference_audio="voice.wav"))


# -- the preview ---------------------------------------------------------------------------------


def test_previews_are_written_while_a_clip_is_made_and_change_nothing(pipe, clip, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("harmony.session.preview.EVERY_SECONDS", 0.0)
    seen = []

    class Spy(PreviewWriter):
        def __call__(self, progress) -> None:
            super().__call__(progress)
            seen.append(self.path.read_text() if self.path.is_file() else "")

    made = run_job(pipe, replace(JOB, steps=3), tmp_path / "seen.mp4", on_preview=Spy(tmp_path / "preview.html")).clip
    plain = run_job(pipe, replace(JOB, steps=3), tmp_path / "plain.mp4").clip
    assert made.read_bytes() == plain.read_bytes()
    assert ["Step 1 of 3" in seen[0], "Step 2 of 3" in seen[1], "Step 2 of 3" in seen[2]] == [True] * 3
    assert "data:image/webp" in seen[0] and seen[0].count("<rect") == 48
    assert not list(tmp_path.glob("*.part"))


def test_previews_are_not_drawn_too_often(tmp_path) -> None:
    drawn = []

    class Step:
        step, total, seconds_left = 1, 9, 4.0

        def frames(self):
            drawn.append(time.monotonic())
            return np.zeros((4, 8, 8, 3), np.uint8)

        def loudness(self):
            return np.zeros(8)

    writer = PreviewWriter(tmp_path / "preview.html")
    for _ in range(20):
        writer(Step())
    assert len(drawn) == 1 and "<img" not in (tmp_path / "preview.html").read_text()  # a grey picture is not shown


def test_a_moving_picture_moves_and_a_meter_shows_levels() -> None:
    import base64
    import io

    frames = np.random.default_rng(0).integers(0, 255, (33, 400, 300, 3), dtype=np.uint8)
    picture = Image.open(io.BytesIO(base64.b64decode(moving_picture(frames).partition(",")[2])))
    assert picture.n_frames == 12 and max(picture.size) == 192
    quiet, loud = level_meter(np.full(66, -60.0)), level_meter(np.full(66, 0.0))
    assert 'height="0.5"' in quiet and 'height="24.0"' in loud
