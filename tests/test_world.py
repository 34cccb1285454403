"""The tiny world: same seed same clip, events seen and heard where they are said to be, true captions."""

import json
from functools import cache, lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmony.data import world
from harmony.data.world import sound
from harmony.data.world.base import scene_kind
from harmony.data.world.captions import Phrasebook, words_of
from harmony.data.world.chance import Chance
from harmony.data.world.sheet import draw_sheet
from harmony.data.world.thing import ImpactScene
from harmony.data.world.times import GAP, most_events, sample_times
from harmony.timeline import Timeline

TIMELINE = Timeline()
KINDS = tuple(kind for kind in world.KINDS if "face" not in kind and kind != "dialogue")
IMPACTS = tuple(kind for kind in KINDS if isinstance(scene_kind(kind), ImpactScene))
WITH_EVENTS = tuple(kind for kind in KINDS if kind in world.EVENT_KINDS)
SEEDS = st.integers(0, 999_999_999)
NUMBERS = {"once": "one", "twice": "two", "thrice": "three", "2": "two", "3": "three", "4": "four"} | {
    word: word for word in ("two", "three", "four", "five", "six")
}


@cache
def clip_of(kind: str, seed: int) -> world.Clip:
    return world.render(world.sample_scene(seed, kind=kind), TIMELINE)


def eventful(kind: str) -> world.Clip:
    """The kind's first clip in which something happens."""
    return next(clip for clip in (clip_of(kind, seed) for seed in range(20)) if clip.scene.events)


def test_chance_never_changes():
    """Pinned: these values decide every clip that was ever made from a seed."""
    rng = Chance(7).child("look")
    assert rng.uniform() == pytest.approx(0.9127021506010071, abs=1e-15)
    assert [rng.integer(10) for _ in range(6)] == [3, 8, 1, 4, 1, 6]
    assert Chance(7).child("look").uniform() != Chance(7).child("times").uniform()


def test_chance_draws_what_it_says():
    rng = Chance(3)
    shares = np.bincount([rng.choice((0, 1), weights=(1, 3)) for _ in range(2000)]) / 2000
    assert shares[1] == pytest.approx(0.75, abs=0.04)
    noise = rng.noise(20_001)
    assert noise.shape == (20_001,) and noise.dtype == np.float32
    assert abs(noise.mean()) < 0.03 and noise.std() == pytest.approx(1, abs=0.02)
    assert sorted(rng.shuffled(range(9))) == list(range(9))


@given(seed=SEEDS, duration=st.floats(1.0, 6.0))
@settings(max_examples=60, deadline=None)
def test_times_fit_and_are_irregular(seed, duration):
    count = most_events(duration)
    times = sample_times(Chance(seed), count=count, duration=duration)
    assert len(times) == count and times[0] >= 0.16 - 1e-6 and times[-1] <= duration - 0.2 + 1e-6
    assert np.all(np.diff(times) >= GAP - 1e-5)


def test_first_onset_and_gaps_vary():
    scenes = [world.sample_scene(seed, kind="drum") for seed in range(150)]
    firsts = [scene.events[0].time for scene in scenes if scene.events]
    gaps = np.concatenate([np.diff([e.time for e in scene.events]) for scene in scenes if len(scene.events) > 1])
    assert np.std(firsts) > 0.15 and np.std(gaps) > 0.1
    assert {len(scene.events) for scene in scenes} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_keeps_its_promises(kind):
    clip = clip_of(kind, 1)
    sources = len(clip.source_masks)
    assert clip.frames.shape == (33, 64, 64, 3) and clip.frames.dtype == np.uint8
    assert clip.waveform.shape == (33_000,) and clip.waveform.dtype == np.float32
    assert np.abs(clip.waveform).max() <= 0.95
    assert clip.source_masks.shape == (sources, 33, 64, 64) and clip.source_masks.dtype == bool
    assert clip.source_masks.any(axis=(1, 2, 3)).all()
    assert all(event.source < sources and event.time < TIMELINE.duration for event in clip.scene.events)
    assert json.loads(json.dumps(clip.scene.params)) == clip.scene.params


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_clip(kind):
    first, again = clip_of(kind, 2), world.render(world.sample_scene(2, kind=kind), TIMELINE)
    assert first.scene == again.scene and first.captions == again.captions
    assert np.array_equal(first.frames, again.frames) and np.array_equal(first.waveform, again.waveform)
    assert clip_of(kind, 3).scene.params != first.scene.params or clip_of(kind, 3).scene.events != first.scene.events


@pytest.mark.parametrize(("height", "width"), [(96, 64), (64, 112), (128, 128)])
def test_size_changes_nothing_but_size(height, width):
    for kind in ("lamp", "waves") if width < 128 else ("bell_and_lamp",):
        clip = world.render(world.sample_scene(2, kind=kind), TIMELINE, height=height, width=width)
        assert clip.frames.shape == (33, height, width, 3)
        assert np.array_equal(clip.waveform, clip_of(kind, 2).waveform)
        # The same picture: averaged over 8 x 8 blocks of the common square it agrees with the small one.
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = clip.frames[:, top : top + side, left : left + side].astype(float)
        blocks = square.reshape(33, 8, side // 8, 8, side // 8, 3).mean(axis=(2, 4))
        small = clip_of(kind, 2).frames.astype(float).reshape(33, 8, 8, 8, 8, 3).mean(axis=(2, 4))
        assert np.abs(blocks - small).max() < 12


def test_other_lengths_and_rates():
    timeline = Timeline(num_frames=49, frame_rate=24.0, sample_rate=24_000)
    clip = world.render(world.sample_scene(5, kind="bell", duration=timeline.duration), timeline)
    assert len(clip.frames) == 49 and len(clip.waveform) == timeline.num_samples
    with pytest.raises(ValueError, match="sample it again"):
        world.render(world.sample_scene(1, kind="drum", duration=6.0), Timeline(num_frames=17))


@pytest.mark.parametrize("kind", IMPACTS)
def test_sound_begins_exactly_at_the_event(kind):
    clip = eventful(kind)
    first = TIMELINE.sample_at(clip.scene.events[0].time)
    assert not clip.waveform[:first].any()
    assert np.abs(clip.waveform[first : first + 160]).max() > 0.05


@pytest.mark.parametrize("kind", WITH_EVENTS)
def test_energy_rises_at_every_event(kind):
    for seed in range(3):
        clip = clip_of(kind, seed)
        power = np.square(clip.waveform.astype(float))
        for event in clip.scene.events:
            start = TIMELINE.sample_at(event.time)
            assert power[start : start + 500].mean() > 1.5 * power[start - 500 : start].mean() + 1e-6


@pytest.mark.parametrize("kind", WITH_EVENTS)
def test_pixels_change_at_the_source_when_it_sounds(kind):
    clip = eventful(kind)
    change = np.abs(np.diff(clip.frames.astype(float), axis=0)).max(axis=-1)
    for event in clip.scene.events:
        frame = TIMELINE.frame_at(event.time)
        near = clip.source_masks[event.source, max(frame - 1, 0) : frame + 3].any(axis=0)
        assert (change[max(frame - 1, 0) : frame + 2, near].max(axis=0) > 40).sum() >= 30


def test_silent_scenes_are_still_and_say_so():
    seed = next(seed for seed in range(200) if not world.sample_scene(seed, kind="drum").events)
    clip = clip_of("drum", seed)
    assert clip.scene.attributes["count"] == "zero" and not clip.waveform.any()
    assert (clip.frames == clip.frames[:1]).all()
    assert not set(words_of(clip.captions.video)) & set(NUMBERS)


@given(seed=SEEDS, kind=st.sampled_from(KINDS), phrasing=SEEDS)
@settings(max_examples=80, deadline=None)
def test_captions_are_true_and_in_the_vocabulary(seed, kind, phrasing):
    scene = world.sample_scene(seed, kind=kind)
    captions = world.describe(scene, phrasing)
    counts = {value for name, value in scene.attributes.items() if name.endswith("count")}
    for text in (captions.video, captions.audio, captions.video_plain):
        words = words_of(text)
        assert words and set(words) <= set(all_words())
        assert len(words) <= 48
        said = {NUMBERS[word] for word in words if word in NUMBERS}
        allowed = counts | ({"two"} if kind == "clap" else set())
        assert said <= allowed
    assert not set(words_of(captions.video_plain)) & (set(NUMBERS) - {"two"})
    colours = {value for name, value in scene.attributes.items() if name.endswith(("colour", "shirt", "hair"))}
    for other in {"green", "blue", "orange", "pink", "brown"} - colours:
        assert kind == "xylophone" or other not in words_of(captions.video)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_words_run_together(kind):
    for seed in range(150):
        captions = world.describe(world.sample_scene(seed, kind=kind), seed)
        for text in (captions.video, captions.audio, captions.video_plain):
            assert set(words_of(text)) <= set(all_words()), text


@lru_cache(maxsize=1)
def all_words() -> tuple[str, ...]:
    return tuple(world.vocabulary())


def test_vocabulary_is_small_and_sorted():
    words = all_words()
    assert list(words) == sorted(set(words)) and 150 < len(words) < 600


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_many_phrasings(kind):
    book = scene_kind(kind).phrasebook
    assert len(book.video) >= 12 and len(book.audio) >= 12
    scene = eventful(kind).scene if kind in WITH_EVENTS else world.sample_scene(0, kind=kind)
    said = [world.describe(scene, seed) for seed in range(60)]
    assert len({captions.video for captions in said}) > 25 and len({captions.audio for captions in said}) > 10


def test_a_clock_is_regular():
    scene = next(s for s in (world.sample_scene(seed, kind="clock", duration=3.0625) for seed in range(20)) if s.events)
    gaps = np.diff([event.time for event in scene.events])
    assert len(gaps) >= 2 and np.ptp(gaps) < 1e-5 and 0.45 < gaps[0] < 0.95


def test_a_singer_opens_the_mouth_for_every_note():
    clip = eventful("sing")
    singing = {TIMELINE.frame_at(event.time + 0.06) for event in clip.scene.events}
    chin = [np.flatnonzero(mask.any(axis=1)).max() for mask in clip.source_masks[0]]
    before = chin[max(TIMELINE.frame_at(clip.scene.events[0].time) - 2, 0)]
    assert all(chin[frame] > before for frame in singing)


@pytest.mark.parametrize("place", ["hall", "cave"])
def test_a_reverberant_place_answers_later_and_not_before(place):
    wave = np.zeros(4000)
    wave[100] = 1.0
    heard = sound.answered(wave, 16_000, place)
    assert len(heard) > len(wave) and np.abs(heard[:100]).max() < 1e-9 and heard[100] == pytest.approx(1.0)
    assert np.abs(heard[101:290]).max() < 1e-9 and np.abs(heard[300:8000]).max() > 0.02
    assert np.abs(heard[-1600:]).max() < 0.1 * np.abs(heard[300:3000]).max()
    assert np.array_equal(sound.answered(wave, 16_000, "day"), wave)


def test_splits_share_no_scene():
    scenes = {
        split: [world.sample_scene(seed, split=split) for seed in range(30)] for split in ("train", "val", "test")
    }
    times = {split: {tuple(e.time for e in s.events) for s in found if s.events} for split, found in scenes.items()}
    assert not times["train"] & times["val"] and not times["val"] & times["test"] and not times["train"] & times["test"]


def test_kinds_and_groups_agree():
    assert set(world.KINDS) == {kind for members in world.GROUPS.values() for kind in members}
    assert set(world.EVENT_KINDS) <= set(world.KINDS)
    assert {world.sample_scene(seed).kind for seed in range(400)} == set(world.KINDS)


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="choose one of"):
        world.sample_scene(0, kind="piano")
    with pytest.raises(ValueError, match="from 0 to 999999999"):
        world.sample_scene(-1)
    with pytest.raises(ValueError, match="train, val or test"):
        world.sample_scene(0, split="holdout")
    with pytest.raises(ValueError, match="at least 16 x 16"):
        world.render(world.sample_scene(0), TIMELINE, height=8)
    with pytest.raises(ValueError, match="do not fit"):
        sample_times(Chance(0), count=9, duration=1.0)
    with pytest.raises(ValueError, match="no caption template"):
        Phrasebook(video=("{colour}",), audio=("x",)).describe({}, Chance(0))
    with pytest.raises(ValueError, match="misses its"):
        Phrasebook(video=("a [red",), audio=("x",)).words()


def test_references_are_for_speakers_only():
    assert world.render_reference(world.sample_scene(0, kind="drum"), 1, seconds=1.0, same_clip=False) is None


def test_contact_sheets_hold_every_clip():
    one, two = (
        draw_sheet([clip_of("lamp", 1)], columns=4),
        draw_sheet([clip_of("lamp", 1), clip_of("rain", 1)], columns=4),
    )
    assert two.width == one.width and two.height == 2 * one.height
    assert np.asarray(one).std() > 20
