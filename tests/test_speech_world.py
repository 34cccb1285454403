"""Faces that speak: lips follow the voice, words fit the clip, the right mouth moves; all with the small bank."""

import itertools
import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmony.data import world
from harmony.data.world import speech, talk
from harmony.data.world.captions import words_of
from harmony.data.world.chance import Chance
from harmony.data.world.scenes.dialogue import said_by
from harmony.data.world.visemes import CLOSED_LIPS, TimedPhoneme, mouth_track, visemes_of
from harmony.evaluation.faces import lip_sync, mouth_opening, takes_turns, voice_energy
from harmony.pacing import GAP, place_words
from harmony.timeline import Timeline

TIMELINE = Timeline()
FRAME_TIMES = np.asarray(TIMELINE.frame_times())
KINDS = ("face", "two_faces", "face_rain")


@pytest.fixture(autouse=True)
def _small_bank(monkeypatch, tmp_path):
    monkeypatch.setenv("HARMONY_CACHE", str(tmp_path))


@cache
def clip_of(kind: str, seed: int) -> world.Clip:
    return world.render(world.sample_scene(seed, kind=kind), TIMELINE)


def speaking(kind: str, count: int) -> list[world.Clip]:
    """The first ``count`` clips of a kind in which at least two words are said."""
    seeds = (seed for seed in range(99) if len(world.sample_scene(seed, kind=kind).words) > 1)
    return [clip_of(kind, next(seeds)) for _ in range(count)]


def silent(kind: str) -> world.Clip:
    return clip_of(kind, next(s for s in range(300) if not world.sample_scene(s, kind=kind).words))


def energy_of(scene: world.Scene) -> np.ndarray:
    wave = talk.talk_sound(scene, TIMELINE.num_samples, TIMELINE.sample_rate)
    return voice_energy(wave, sample_rate=TIMELINE.sample_rate, frame_rate=16, num_frames=TIMELINE.num_frames)


@pytest.mark.parametrize("kind", [*KINDS, "dialogue"])
def test_same_seed_same_clip(kind):
    first, again = clip_of(kind, 3), world.render(world.sample_scene(3, kind=kind), TIMELINE)
    assert first.scene == again.scene
    assert (first.frames == again.frames).all() and (first.waveform == again.waveform).all()
    assert json.loads(json.dumps(first.scene.params)) == first.scene.params
    assert first.scene.params["bank"] == "mini"


@pytest.mark.parametrize("kind", KINDS)
def test_lips_follow_the_voice(kind):
    clips = speaking(kind, 5)
    energies = [energy_of(clip.scene) for clip in clips]
    openings = []
    for clip in clips:
        mouth = clip.source_masks[clip.scene.words[0].source].any(0)
        openings.append(mouth_opening(clip.frames, mouth))
    paired = [lip_sync(o, e).correlation for o, e in zip(openings, energies, strict=True)]
    mixed = [lip_sync(o, e).correlation for o, e in zip(openings, energies[1:] + energies[:1], strict=True)]
    assert np.mean(paired) > 0.65
    assert np.mean(mixed) < 0.35
    assert all(abs(lip_sync(o, e).best_lag) <= 1 for o, e in zip(openings, energies, strict=True))


def test_lips_close_for_m_b_p():
    bank = speech.speech_bank()
    for voice in bank.voices_of("train"):
        for text in ("monkey", "apple", "blue", "朋友"):
            spoken = bank.word(voice, text).phonemes
            closed = [p for p in spoken if p.name in CLOSED_LIPS]
            assert closed, text
            middles = np.array([(p.start + p.end) / 2 for p in closed])
            assert mouth_track([spoken], middles)[:, 0] == pytest.approx(0, abs=1e-6)


@given(offset=st.floats(0, 1 / 16))
@settings(max_examples=30, deadline=None)
def test_a_closure_is_seen_wherever_the_frames_fall(offset):
    """Lips that close in the middle of a word stay closed for more than one frame at 16 per second."""
    word = [TimedPhoneme("æ", 0.5, 0.7), TimedPhoneme("p", 0.7, 0.74), TimedPhoneme("əl", 0.74, 0.95)]
    frames = offset + np.arange(20) / 16
    inside = (frames > 0.6) & (frames < 0.85)
    assert mouth_track([word], frames)[inside, 0].min() < 1e-6


def test_every_sound_of_the_bank_has_a_shape():
    bank = speech.speech_bank()
    names = {p.name for voice in bank.voices.values() for word in voice.words.values() for p in word.phonemes}
    assert all(visemes_of(name) for name in names)


@given(seed=st.integers(0, 10_000), duration=st.sampled_from((1.1, 2.0625, 3.0625)), kind=st.sampled_from(KINDS))
@settings(max_examples=40, deadline=None)
def test_words_fit_into_the_clip(seed, duration, kind):
    scene = world.sample_scene(seed, kind=kind, duration=duration)
    ends = [0.0, *(word.end for word in scene.words)]
    starts = [*(word.start for word in scene.words), duration]
    assert all(start - end >= GAP - 1e-5 for start, end in zip(starts, ends, strict=True))
    assert scene.transcript == (" ".join(word.text for word in scene.words) or None)
    assert [event.time for event in scene.events] == [word.start for word in scene.words]
    assert (scene.speaker is None) == (not scene.words)


def test_words_stand_at_irregular_times():
    """The law: first onset and inner gaps have the same distribution, GAP + share * free time."""
    placed = np.array([place_words([0.3, 0.4], 2.0, Chance(seed).dirichlet(3)) for seed in range(1500)])
    free = 2.0 - 0.7 - 3 * GAP
    first, gap = placed[:, 0], placed[:, 1] - placed[:, 0] - 0.3
    assert first.mean() == pytest.approx(GAP + free / 3, abs=0.02)
    assert gap.mean() == pytest.approx(GAP + free / 3, abs=0.02)
    assert first.std() == pytest.approx(free / np.sqrt(18), rel=0.08)  # Dirichlet(1, 1, 1)
    with pytest.raises(ValueError, match="do not fit"):
        place_words([0.6, 0.6], 1.3, Chance(0).dirichlet(3))


def test_sound_is_where_the_words_are():
    for clip in speaking("face", 4):
        wave, rate = (
            talk.speech(
                bank := speech.speech_bank(),
                bank.voice(clip.scene.speaker),
                clip.scene.words,
                num_samples=33_000,
                rate=16_000,
            ),
            16_000,
        )
        said = np.zeros(len(wave), bool)
        for word in clip.scene.words:
            said[round(word.start * rate) : round(word.end * rate) + 1] = True
            assert np.abs(wave[round(word.start * rate) : round(word.end * rate)]).max() > 0.05
        assert not wave[~said].any()


def test_only_the_speaker_moves_the_mouth():
    for clip in speaking("two_faces", 3):
        side = clip.scene.words[0].source
        assert clip.scene.attributes["side"] == ("left", "right")[side]
        still = clip.frames.astype(int) - np.median(clip.frames, axis=0)
        # Heads sway by less than a pixel; only a mouth changes a pixel's colour altogether.
        moved = [(np.abs(still[:, mask.all(0)]) > 80).mean() for mask in clip.source_masks]
        assert moved[side] > 4 * moved[1 - side]
        middles = [np.argwhere(mask.any(0))[:, 1].mean() for mask in clip.source_masks]
        assert middles[0] < 24 and middles[1] > 40


def test_faces_speak_in_turn_with_voices_of_their_own():
    for clip in speaking("dialogue", 3):
        scene, sides = clip.scene, ("left", "right")
        begins = sides.index(scene.attributes["first_side"])
        turns = [[word for word in scene.words if word.source == source] for source in (begins, 1 - begins)]
        assert turns[0] and turns[1] and turns[0][-1].end <= scene.duration / 2 <= turns[1][0].start
        bank = speech.speech_bank()
        first, second = (bank.voice(scene.params["voices"][source]) for source in (begins, 1 - begins))
        assert first.id == scene.speaker and first.kind != second.kind
        for words, source in zip(turns, (begins, 1 - begins), strict=True):
            now = [any(word.start + 0.05 < t < word.end - 0.05 for word in words) for t in FRAME_TIMES]
            openings = [talk.talk_mouth(said_by(scene, s), FRAME_TIMES)[now, 0] for s in (source, 1 - source)]
            assert openings[0].max() > 0.2 and not openings[1].any()


def test_two_turns_take_two_seconds():
    for seed in range(150):
        assert len(world.sample_scene(seed, kind="dialogue", duration=2.0).words) >= 2
    with pytest.raises(ValueError, match="'dialogue' lasts at least 2 seconds, got 1.0625"):
        world.sample_scene(0, kind="dialogue", duration=1.0625)
    assert {world.sample_scene(seed, duration=1.0625).kind for seed in range(300)} == set(world.KINDS) - {"dialogue"}


def test_turns_are_seen_in_true_clips_and_not_where_the_wrong_mouth_moves():
    for clip in speaking("dialogue", 3):
        assert takes_turns(clip.frames, true=clip, timeline=TIMELINE)
        backwards = clip.frames[::-1].copy()  # the one who answered now begins
        assert not takes_turns(backwards, true=clip, timeline=TIMELINE)


def test_two_faces_can_be_told_apart():
    for seed, kind in itertools.product(range(30), ("two_faces", "dialogue")):
        facts = world.sample_scene(seed, kind=kind).attributes
        left, right = (facts.get(f"{side}_shirt", facts.get(f"{side}_colour")) for side in ("left", "right"))
        assert left != right


def test_mandarin_is_spoken():
    clips = [clip for clip in (clip_of("face", seed) for seed in range(30)) if clip.scene.params["language"] == "zh"]
    spoken = next(clip for clip in clips if clip.scene.words)
    assert set(spoken.scene.transcript.split()) <= {"你好", "朋友", "苹果"}
    assert spoken.scene.attributes["language"] == "chinese"
    assert np.abs(spoken.waveform).max() > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_face_keeps_its_mouth_shut(kind):
    clip = silent(kind)
    assert clip.scene.transcript is None and not clip.scene.events
    assert not talk.talk_mouth(clip.scene, FRAME_TIMES)[:, 0].any()
    assert (kind == "face_rain") == bool(clip.waveform.any())
    assert world.render_reference(clip.scene, 0, seconds=1.0, same_clip=False) is None


@pytest.mark.parametrize("kind", [*KINDS, "dialogue"])
def test_captions_use_known_words_and_never_tell_the_transcript(kind):
    known = set(world.vocabulary())
    for seed in range(12):
        scene = world.sample_scene(seed, kind=kind)
        captions = world.describe(scene, seed)
        for text in (captions.video, captions.audio, captions.video_plain):
            assert set(words_of(text)) <= known
        assert not {"hello", "please", "monkey", "apple", "morning"} & set(words_of(captions.video))


def test_splits_have_their_own_voices_and_orders():
    speakers = {}
    for split in ("train", "val", "test"):
        scenes = [world.sample_scene(seed, kind="face", split=split) for seed in range(25)]
        orders = [tuple(word.text for word in scene.words) for scene in scenes if len(scene.words) > 1]
        assert all(talk.split_of_order(order) == split for order in orders) and orders
        speakers[split] = {scene.speaker for scene in scenes if scene.speaker}
        assert all(speech.speech_bank().voice(name).split == split for name in speakers[split])
    assert not speakers["train"] & speakers["val"] | speakers["train"] & speakers["test"]


def test_references_are_of_the_same_voice():
    scene = speaking("face_rain", 1)[0].scene
    own = world.render_reference(scene, 1, seconds=0.75, same_clip=True)
    other = world.render_reference(scene, 1, seconds=0.75, same_clip=False)
    assert own.shape == other.shape == (12_000,) and own.dtype == other.dtype == np.float32
    dry = talk.speech(
        bank := speech.speech_bank(), bank.voice(scene.speaker), scene.words, num_samples=33_000, rate=16_000
    ).astype(np.float32)
    assert any((dry[start : start + 12_000] == own).all() for start in range(len(dry) - 12_000 + 1))
    assert np.sqrt(np.mean(other**2)) > 0.02 and not np.array_equal(own, other)
    assert (world.render_reference(scene, 1, seconds=0.75, same_clip=False) == other).all()
    assert world.render_reference(scene, 1, seconds=9.0, same_clip=True).shape == (144_000,)


def test_a_missing_voice_is_named():
    scene = replace(speaking("face", 1)[0].scene, speaker="train-man-99")
    with pytest.raises(ValueError, match="'train-man-99' is not in the speech bank 'mini'"):
        world.render(scene, TIMELINE)
    bank = speech.speech_bank()
    with pytest.raises(ValueError, match="cannot say 'supercalifragilistic'"):
        bank.samples(next(iter(bank.voices.values())), "supercalifragilistic")


def test_any_size_and_rate():
    scene = speaking("face", 1)[0].scene
    large = world.render(scene, TIMELINE, height=96, width=160)
    assert large.frames.shape == (33, 96, 160, 3) and large.source_masks.shape == (1, 33, 96, 160)
    assert talk.talk_sound(scene, 45_478, 22_050).shape == (45_478,)
