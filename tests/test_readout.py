"""What the app tells of a clip and of a caption: offsets that are known, words that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harmony import media
from harmony.data.world import KINDS, describe, render, sample_scene, vocabulary
from harmony.evaluation.events import ONE_FRAME
from harmony.prompts import FAMILIES
from harmony.session.job import Job
from harmony.session.part import voice_part
from harmony.session.readout import MOST_FRAMES, WRONG_SYNC_C, SyncReadout, detectors, offset_words, read_sync
from harmony.session.understanding import surprise, understand, word_chips
from harmony.session.voice import find_voice
from harmony.timeline import Timeline
from harmony.ui.slide import moved, slid_clip
from harmony.ui.tap import FIRST_TAP, INSTRUMENTS, rhythm, tidy
from harmony.ui.words import compiled_words, words_html

CLOCK = Timeline()


@pytest.mark.parametrize("kind", ["bell", "drum", "lamp"])
def test_a_true_clip_is_in_time_and_a_slid_one_is_not(kind):
    clip = next(
        render(scene, CLOCK)
        for scene in (sample_scene(seed, kind=kind, split="test") for seed in range(400))
        if len(scene.events) == 2 and scene.events[0].time + 0.65 < scene.events[1].time < 1.5
    )
    true = read_sync(clip.frames, 16.0, clip.waveform, 16_000)
    assert len(true.seen) == len(true.heard) == 2 and abs(true.offset) < ONE_FRAME
    late = read_sync(clip.frames, 16.0, moved(clip.waveform, 8 * 1000), 16_000)
    assert late.offset is None and "none of them together" in late.words
    best = max(late.curve(), key=lambda point: point[1])
    assert best[1] == 1.0 and abs(best[0] + 8) <= 1
    doubled = read_sync(np.repeat(clip.frames, 2, axis=0), 32.0, clip.waveform, 16_000)
    assert doubled.seen == pytest.approx(true.seen, abs=ONE_FRAME / 2)


@pytest.mark.parametrize("kind", ["face", "two_faces"])
def test_lips_are_judged_by_the_syncnet_and_events_are_not_claimed(kind):
    clips = [render(sample_scene(seed, kind=kind, split="test"), CLOCK) for seed in range(12)]
    clips = [clip for clip in clips if clip.scene.words][:6]
    found = [read_sync(clip.frames, 16.0, clip.waveform, 16_000) for clip in clips]
    faces = [read for read in found if read.face]
    assert len(faces) >= 5 and not any(read.seen or read.heard for read in faces)
    assert sum(abs(read.sync.offset) <= 1 for read in faces) >= len(faces) - 1
    # A single short word moves the lips too little for a shift to stand out.
    clear = [read for read in faces if read.sync.confidence >= WRONG_SYNC_C]
    assert all(("no shift stands out" in read.words) == (read not in clear) for read in faces)
    assert clear and all(("best as it is" in read.words) == (abs(read.sync.offset) <= 1) for read in clear)
    sure = clips[max(range(len(found)), key=lambda k: found[k].sync.confidence)]
    late = read_sync(sure.frames, 16.0, np.concatenate([np.zeros(6000, np.float32), sure.waveform[:-6000]]), 16_000)
    assert late.sync.offset == 6 and "375 ms earlier" in late.words
    silent = read_sync(sure.frames, 16.0, np.zeros_like(sure.waveform), 16_000)
    assert "no shift stands out" in silent.words


def test_a_clip_too_short_for_shifts_has_no_sync_c():
    clip = render(sample_scene(3, kind="drum", split="test"), CLOCK)
    found = read_sync(clip.frames[:9], 16.0, clip.waveform[:9000], 16_000)
    assert found.sync is None and found.sync_words == ""


def test_offsets_are_told_in_words():
    assert offset_words(0.004) == "in time to the ear and eye"
    assert offset_words(-0.03) == "the sound leads by 30 ms" and offset_words(0.05) == "the sound lags by 50 ms"
    assert SyncReadout((), (), 2.0).words.startswith("Nothing begins")
    assert SyncReadout((1.0,), (), 2.0).words == "1 seen, 0 heard, none of them together."
    read = SyncReadout((0.5, 1.5), (0.53, 1.53), 2.0)
    assert read.words == "2 seen, 2 heard, together: the sound lags by 30 ms." and read.offset == pytest.approx(0.03)
    assert [k for k, _ in read.curve()] == list(range(-MOST_FRAMES, MOST_FRAMES + 1))


def test_a_sound_is_slid_and_the_pictures_stay(tmp_path):
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, 32_000).astype(np.float32)
    frames = rng.integers(0, 255, (32, 32, 32, 3), dtype=np.uint8)
    clip = media.write_clip(tmp_path / "clip.mp4", frames, sound, frame_rate=16.0, sample_rate=16_000)
    assert slid_clip(clip, 0) == str(clip)
    later = slid_clip(clip, 4)
    heard, rate = media.read_audio(later)
    assert np.abs(heard[: rate // 5]).max() < 0.02 and np.abs(heard[rate // 2 :]).max() > 0.1
    assert np.array_equal(media.read_video(later)[0], media.read_video(clip)[0])
    assert np.array_equal(moved(np.arange(5.0), 2), [0, 0, 0, 1, 2])
    assert np.array_equal(moved(np.arange(5.0), -2), [2, 3, 4, 0, 0]) and not moved(np.ones(5), 9).any()
    clip.unlink()
    with pytest.raises(FileNotFoundError, match="no longer kept"):
        slid_clip(clip, 5)


def test_the_worlds_own_captions_are_understood():
    right = []
    for kind in KINDS:
        for seed in range(12):
            caption = describe(sample_scene(seed, kind=kind), seed).video
            read = understand(caption)
            assert read.unknown == ()
            right.append(read.kind == kind)
    assert np.mean(right) > 0.9


def test_facts_and_unknown_words_of_a_persons_caption():
    read = understand("A wombat hits the small golden bell twice, at night!")
    assert read.kind == "bell" and read.facts == ("small", "golden", "twice", "at night")
    assert read.unknown == ("wombat",)
    assert "<mark>wombat</mark>" in words_html("a wombat and a bell") and "toy world" in words_html("  ")
    assert "&lt;script&gt;" not in words_html("<script>") and "<script>" not in words_html("<script> bell")


def test_chips_and_surprises_speak_the_worlds_language():
    known = set(vocabulary())
    assert all(word in known for words in word_chips().values() for chip in words for word in chip.split())
    for seed in range(6):
        assert understand(surprise(seed)[0]).unknown == ()


def test_a_model_that_reads_one_text_shows_it_before_the_run():
    ovi = FAMILIES["ovi-720"]
    assert "<S>hello<E>" in compiled_words(ovi, "a man talks", "rain", "hello")
    assert "cannot be put together" in compiled_words(ovi, "rain <AUDCAP>drops<ENDAUDCAP>", "wind", "")
    assert compiled_words(ovi, "", "", "") == "The model reads one text, shown here."


# -- a voice -------------------------------------------------------------------------------------


def spoken(seconds: float, *, before: float = 0.0, gain: float = 1.0) -> np.ndarray:
    """A buzz at 120 Hz that comes and goes like syllables, after some silence."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 12))
    speech = 0.2 * gain * buzz * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * time))
    return np.concatenate([np.zeros(round(before * 16_000)), speech]).astype(np.float32)


def test_the_speaking_part_of_a_recording_is_proposed():
    found = find_voice(np.concatenate([spoken(2.5, before=4.0), np.zeros(32_000, np.float32)]), 16_000)
    assert found.usable and found.problem is None
    assert 3.8 <= found.start <= 4.2 and 6.2 <= found.stop <= 6.7 and "of 8.50 s" in found.words
    long = find_voice(spoken(9.0), 16_000)
    assert long.stop - long.start <= 3.01


def test_what_is_wrong_with_a_recording_is_a_sentence():
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    assert "hardly sounds like speech" in find_voice(noise, 16_000).words
    assert "very quiet" in find_voice(spoken(2.0, gain=0.005), 16_000).words
    short = find_voice(spoken(0.5), 16_000)
    assert not short.usable and short.words.startswith("This lasts 0.50 s")
    assert find_voice(np.zeros(32_000, np.float32), 16_000).problem is not None


def test_a_job_takes_the_voice_from_where_it_is_told(tmp_path):
    path = str(media.write_wav(tmp_path / "voice.wav", spoken(3.0, before=5.0), 16_000))
    found = voice_part(Job(reference_audio=path))
    assert 4.8 <= found.start <= 5.2 and found.stop == pytest.approx(8.0, abs=0.1)
    chosen = voice_part(Job(reference_audio=path, reference_start=6.0))
    assert (chosen.start, chosen.stop) == (6.0, 8.0)
    with pytest.raises(ValueError, match="start earlier"):
        voice_part(Job(reference_audio=path, reference_start=7.5))


# -- a tapped rhythm -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", INSTRUMENTS.values())
def test_what_is_tapped_is_heard(kind):
    times = tidy([10.0, 10.5, 10.55, 11.1, 15.0], 2.0625)
    assert times == pytest.approx([FIRST_TAP, FIRST_TAP + 0.5, FIRST_TAP + 1.1])
    sound = rhythm(times, kind, 2.0625)
    assert sound.shape == (33_000,) and 0.05 < np.abs(sound).max() <= 1
    heard = detectors().heard.events(torch.from_numpy(sound)[None])[0]
    assert heard == pytest.approx(times, abs=ONE_FRAME)
