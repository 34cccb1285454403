"""Captions, words, voices, attention, speed: each measured on cases whose answer is known."""

import sys
from dataclasses import replace
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harmony.data.world import KINDS, describe, sample_scene
from harmony.data.world.captions import words_of
from harmony.data.world.times import COUNT_WORDS
from harmony.evaluation.bench import Bench, Judges
from harmony.evaluation.cases import Case, frozen_cases
from harmony.evaluation.counting import counting, told_number
from harmony.evaluation.figures import CannotMeasure, ratio_figure
from harmony.evaluation.identity import keeps_identity
from harmony.evaluation.obedience import told_attributes, unseen_phrasings
from harmony.evaluation.pointing import Pointing, middle_third, point_at_events, speaker_found
from harmony.evaluation.rooms import ROOMS, late_level, rises, shown_in
from harmony.evaluation.speed import count_operations, matmul_rate, median_figure
from harmony.evaluation.words import Recogniser, english_words, grammar, wer_figure, word_errors
from harmony.timeline import Timeline


def test_only_what_a_caption_tells_counts():
    scene = sample_scene(0, kind="bell_and_lamp")
    scene = replace(scene, attributes=scene.attributes | {"bell_material": "brass", "lamp_colour": "purple"})
    names = ["bell_material", "lamp_colour", "place", "colour"]
    assert told_attributes(scene, "a bell and a violet lamp", names) == {"lamp_colour": "purple"}
    assert told_attributes(scene, "A bell made of brass!", names) == {"bell_material": "brass"}
    assert told_attributes(scene, "a bell and a lamp", names) == {}


def test_unseen_phrasings_ask_for_what_the_world_has_in_words_that_no_template_makes():
    phrasings = unseen_phrasings()
    assert len(phrasings) >= 40
    assert {phrasing.kind for phrasing in phrasings} == set(KINDS)
    scenes = {kind: [sample_scene(seed, kind=kind) for seed in range(12)] for kind in KINDS}
    made = {tuple(words_of(t)) for some in scenes.values() for scene in some for t in _captions(scene)}
    for phrasing in phrasings:
        assert tuple(words_of(phrasing.text)) not in made
        for name, value in phrasing.attributes.items():
            more = (sample_scene(seed, kind=phrasing.kind) for seed in range(1000, 1400))
            scenes_of_kind = chain(scenes[phrasing.kind], more)
            assert any(scene.attributes.get(name) == value for scene in scenes_of_kind), (phrasing.text, name)


def _captions(scene):
    captions = describe(scene, scene.seed)
    return captions.video, captions.audio, captions.video_plain


def test_held_out_cases_differ_from_validation_cases():
    assert Case("lamp", 3).scene != Case("lamp", 3, "val").scene
    assert Case("lamp", 3).scene.split == "test"


WORDS = st.lists(st.sampled_from(["red", "ball", "hello"]), max_size=5)


@given(WORDS, WORDS, WORDS)
def test_word_errors_are_a_distance(a, b, c):
    assert word_errors(a, a) == 0
    assert word_errors(a, b) == word_errors(b, a) >= abs(len(a) - len(b))
    assert word_errors(a, c) <= word_errors(a, b) + word_errors(b, c)


def test_word_error_rate_counts_all_words():
    said = [["hello"], ["red", "red", "ball"], []]
    wanted = [["hello"], ["red", "ball"], ["ball"]]
    figure = wer_figure(said, wanted, kinds=["face", "face", "face_rain"])
    assert figure.value == pytest.approx(2 / 4)
    assert figure.details == {"by_kind": {"face": 1 / 3, "face_rain": 1.0}, "right_word_count": 1 / 3}


def test_the_grammar_allows_one_to_four_words():
    assert "<word> [<word> [<word> [<word>]]]" in grammar(["red", "ball"])
    assert "<word> = ball | red;" in grammar(["red", "ball"])


def test_spoken_words_are_recognised():
    pytest.importorskip("pocketsphinx")
    recogniser = Recogniser(english_words())
    assert recogniser.words(np.zeros(16_000, np.float32)) == []
    cases = [case for case in (Case("face", seed) for seed in range(6)) if _is_english(case)]
    clips = [case.clip(Timeline()) for case in cases]
    heard = [recogniser.words(clip.waveform) for clip in clips]
    figure = wer_figure(heard, [clip.scene.transcript.split() for clip in clips], kinds=["face"] * len(clips))
    assert figure.value < 0.7  # guessing among tens of words would be far above


def _is_english(case):
    return case.scene.transcript and case.scene.attributes["language"] == "english"


@pytest.mark.parametrize("package", ["pocketsphinx", "resemblyzer"])
def test_a_missing_package_is_said(package, monkeypatch):
    from harmony.evaluation.voices import SpeakerJudge

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CannotMeasure, match=package):
        Recogniser(["hello"]) if package == "pocketsphinx" else SpeakerJudge()


def test_ratios_pool_over_clips():
    figure = ratio_figure([1, 2, 0], [2, 2, 0], kinds=["drum", "lamp", "lamp"])
    assert figure.value == pytest.approx(3 / 4)
    assert figure.details["by_kind"] == {"drum": 0.5, "lamp": 1.0}
    assert np.isnan(ratio_figure([0], [0]).value)


def test_attention_is_read_where_and_when_the_event_is():
    timeline, case = Timeline(), Case("lamp", 0)
    clip = next(c for c in (Case("lamp", s).clip(timeline) for s in range(20)) if len(c.scene.events) == 2)
    assert case.times == [event.time for event in case.scene.events]
    looks = np.full((timeline.num_audio_latents, 16, 16), 0.1, np.float32)
    for event, right in zip(clip.scene.events, (True, False), strict=True):
        mask = clip.source_masks[event.source, timeline.frame_at(event.time)]
        cells = mask.reshape(16, 4, 16, 4).mean((1, 3))
        cell = np.unravel_index((cells if right else -cells).argmax(), cells.shape)
        looks[(timeline.audio_latent_at(event.time), *cell)] = 1.0
    results = point_at_events(looks, clip, timeline)
    assert [result.hit for result in results] == [True, False]
    assert all(isinstance(result, Pointing) for result in results)


def test_the_middle_third_of_the_layers():
    assert list(middle_third(9)) == [3, 4, 5]
    assert list(middle_third(2)) == [0, 1]
    assert list(middle_third(30)) == list(range(10, 20))


def test_the_voice_finds_its_face():
    timeline = Timeline()
    clip = next(c.clip(timeline) for c in (Case("two_faces", s) for s in range(9)) if c.scene.transcript)
    looks = np.zeros((timeline.num_audio_latents, 8, 8), np.float32)
    speaker = clip.scene.words[0].source
    frame = timeline.frame_at(clip.scene.words[0].start)
    looks[:] = clip.source_masks[speaker, frame].reshape(8, 8, 8, 8).mean((1, 3))
    assert speaker_found(looks, clip, timeline)
    assert not speaker_found(-looks, clip, timeline)


def test_operations_and_rates():
    a, b = torch.ones(8, 16), torch.ones(16, 4)
    assert count_operations(lambda: a @ b) == 2 * 8 * 16 * 4
    assert 1e8 < matmul_rate(torch.float32, seconds=0.01) < 1e16
    figure = median_figure([3.0, 1.0, 2.0], precision="float32")
    assert figure.value == 2.0 and 1.0 <= figure.low <= 2.0 <= figure.high <= 3.0


def test_reverberation_is_heard_in_its_place():
    """True clips: the later part of a clap is louder in a hall than outdoors, and louder still in a cave."""
    timeline = Timeline()
    scene = next(s for s in (sample_scene(seed, kind="clap") for seed in range(20)) if s.events)
    times = [event.time for event in scene.events]
    clips = [shown_in(scene, room, timeline) for room in ROOMS]
    levels = [late_level(clip.waveform, times) for clip in clips]
    assert rises(levels) and levels[2] - levels[0] > 15
    assert not rises(levels[::-1])
    assert len({clip.frames[0].tobytes() for clip in clips}) == len(ROOMS)


def test_late_level_of_a_known_decay():
    """exp(-t / 0.1) in power from 1: a closed form."""
    rate = 16_000
    t = np.arange(rate) / rate
    wave = np.where(t >= 0.5, np.exp(-(t - 0.5) / 0.2), 0.0)
    direct, late = (np.mean(np.exp(-np.linspace(*span, 1000) / 0.1)) for span in ((0.0, 0.05), (0.14, 0.26)))
    assert late_level(wave, [0.5], rate=rate) == pytest.approx(10 * np.log10(late / direct), abs=0.05)


def test_a_lamp_that_changes_its_colour_at_the_end_has_lost_its_identity():
    """Lit or not at a clip's ends, a true lamp keeps its colour; one with red and blue exchanged from its last blink on
    does not."""
    case = next(
        c
        for c in (Case("lamp", seed) for seed in range(40))
        if len(c.times) > 1 and c.scene.attributes["colour"] == "red"
    )
    clip = case.clip(Timeline())
    judges = Judges.load()
    changed = clip.frames.copy()
    last = Timeline().frame_at(case.times[-1])
    changed[last:] = changed[last:, :, :, ::-1]
    assert keeps_identity(clip.frames, case.scene, judges, timeline=Timeline())
    assert not keeps_identity(changed, case.scene, judges, timeline=Timeline())


def test_a_caption_asks_for_a_number_only_where_it_is_the_number_of_events():
    bells = frozen_cases(40, ("bell",), duration=3.0625)
    asked = [told_number(case) for case in bells]
    assert {*asked} == {None, 1, 2, 3, 4, 5, 6}  # None: those that stand still in silence
    assert all(number in (None, len(case.times)) for number, case in zip(asked, bells, strict=True))
    both = [case for case in frozen_cases(40, ("bell_and_lamp",), duration=3.0625) if case.times]
    assert all(told_number(case) is None for case in both)  # each has its own number, and the clip has their sum


def test_sounds_are_counted_against_what_was_asked_for():
    """One sound too many in every clip, and three too many without SyncCFG."""
    cases = frozen_cases(8, ("bell",), duration=3.0625)
    sync, text = SimpleNamespace(kind="sync"), SimpleNamespace(kind="text")
    bench = SimpleNamespace(
        cases=cases,
        pipe=SimpleNamespace(guidance=SimpleNamespace(terms=(sync, text))),
        clips=lambda name, way, terms=(sync, text): 1 if sync in terms else 3,
        events=lambda extra: ([case.times for case in cases], [[*case.times, *[3.0] * extra] for case in cases]),
    )
    bench.without_sync_cfg = lambda: Bench.without_sync_cfg(bench)
    figures = counting(bench)
    told = sum(told_number(case) is not None for case in cases)
    assert {name: figure.value for name, figure in figures.items()} == {
        "count_exact": 0.0, "count_exact_unguided": 0.0, "count_within_one": 1.0, "count_within_one_unguided": 0.0,
    }  # fmt: skip
    details = figures["count_exact"].details
    assert figures["count_exact"].clips == told < len(cases)
    assert details["seen"] == 1.0
    assert details["mean_heard"] == pytest.approx(details["mean_asked"] + 1)
    assert all(heard == COUNT_WORDS.index(word) + 1 for word, heard in details["by_number"].items())
    bench.cases = [case for case in cases if told_number(case) is None]
    with pytest.raises(CannotMeasure, match="none of the requests"):
        counting(bench)
