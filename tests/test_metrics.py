"""Metrics against closed forms and clips whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from harmony.data.world import Word, render, sample_scene
from harmony.evaluation.bench import JUDGES, Judges
from harmony.evaluation.examples import render_examples
from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.metrics.av_align import intersection_over_union, picture_peaks, sound_peaks
from harmony.evaluation.metrics.frechet import frechet_distance
from harmony.evaluation.metrics.loudness import loudness
from harmony.evaluation.metrics.motion import flicker, mean_flow
from harmony.evaluation.metrics.published_syncnet import PublishedSyncNet, face_windows
from harmony.evaluation.metrics.shape import shape_variation
from harmony.evaluation.metrics.sync import shift_distances, sync_scores
from harmony.evaluation.metrics.syncnet_training import moved, recovered
from harmony.evaluation.metrics.world_words import WorldRecogniser, spoken_at, syllables
from harmony.evaluation.words import word_errors
from harmony.timeline import Timeline


@pytest.mark.parametrize("shift", [-8, -1, 0, 3, 8])
def test_a_late_sound_has_a_positive_offset(shift) -> None:
    picture = torch.randn(1, 29, 16, generator=torch.Generator().manual_seed(0))
    sound = torch.roll(picture, shift, dims=1)
    score = sync_scores(shift_distances(picture, sound, max_shift=10))[0]
    assert score.offset == shift and score.distance == pytest.approx(0.0, abs=1e-6) and score.confidence > 4


def test_too_short_a_clip_is_refused() -> None:
    with pytest.raises(ValueError, match="longer clip"):
        shift_distances(torch.zeros(1, 8, 4), torch.zeros(1, 8, 4), max_shift=10)


def test_frechet_distance_of_moved_points_is_the_way_they_moved() -> None:
    points = np.random.default_rng(0).normal(size=(200, 3))
    assert frechet_distance(points, points) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(points, points + np.array([3.0, 0.0, 4.0])) == pytest.approx(25.0, abs=1e-6)


def test_peaks_that_fall_together_count_once() -> None:
    assert intersection_over_union([0.5, 1.0], [0.52, 1.4], tolerance=1 / 16) == pytest.approx(1 / 3)
    assert intersection_over_union([0.5], [0.5], tolerance=1 / 16) == 1.0
    assert intersection_over_union([0.49, 0.5, 0.51], [0.5], tolerance=1 / 16) == pytest.approx(1 / 3)
    assert picture_peaks(np.array([0.0, 0.5, 0.2, 0.05, 0.09]), frame_rate=10.0) == [0.2]


def test_onsets_are_heard_where_clicks_are() -> None:
    pytest.importorskip("librosa")
    sound = np.zeros(32_000, np.float32)
    for second in (0.5, 1.2):
        start = int(second * 16_000)
        sound[start : start + 800] = np.random.default_rng(0).normal(size=800) * np.linspace(1, 0, 800)
    found = sound_peaks(sound, sample_rate=16_000)
    assert {min((0.5, 1.2), key=lambda click: abs(click - onset)) for onset in found} == {0.5, 1.2}
    assert all(min(abs(onset - 0.5), abs(onset - 1.2)) < 0.06 for onset in found)


def test_half_the_amplitude_is_six_decibels_softer() -> None:
    pytest.importorskip("pyloudnorm")
    tone = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(32_000) / 16_000)).astype(np.float32)
    loud, soft = loudness(tone, sample_rate=16_000), loudness(tone / 2, sample_rate=16_000)
    assert loud - soft == pytest.approx(20 * np.log10(2), abs=0.01)
    with pytest.raises(CannotMeasure, match="silent"):
        loudness(np.zeros(32_000, np.float32), sample_rate=16_000)
    with pytest.raises(CannotMeasure, match="shorter"):
        loudness(tone[:1000], sample_rate=16_000)


def test_a_still_part_that_shimmers_flickers_and_a_moving_part_does_not() -> None:
    frames = np.full((9, 16, 16, 3), 100, np.uint8)
    for k in range(9):
        frames[k, :4, k : k + 4] = 250
    assert flicker(frames) == 0.0
    frames[::2, 8:] += 6
    assert flicker(frames) > 1.0


def test_flow_is_as_long_as_the_way() -> None:
    pytest.importorskip("cv2")
    texture = np.kron(np.random.default_rng(0).integers(0, 255, (16, 16, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    frames = np.stack([np.roll(texture, 2 * k, axis=1) for k in range(4)])
    assert mean_flow(frames) == pytest.approx([2.0] * 3, abs=0.5) and mean_flow(frames[[0, 0]])[0] < 0.01


def test_published_weights_open_from_both_formats_and_nothing_else(tmp_path) -> None:
    state = PublishedSyncNet().state_dict()
    torch.save(state, tmp_path / "syncnet_v2.model")
    save_file(state, tmp_path / "syncnet.safetensors")
    for name in ("syncnet_v2.model", "syncnet.safetensors"):
        assert torch.equal(PublishedSyncNet.load(tmp_path / name).netfcaud[0].weight, state["netfcaud.0.weight"])
    (tmp_path / "other.model").write_bytes(b"not a model")
    with pytest.raises(CannotMeasure, match="does not hold"):
        PublishedSyncNet.load(tmp_path / "other.model")
    with pytest.raises(CannotMeasure, match="no SyncNet weights"):
        PublishedSyncNet.load(tmp_path / "missing.model")


def test_the_published_layers_take_the_published_windows() -> None:
    model = PublishedSyncNet().eval()
    windows = face_windows(np.zeros((5, 32, 32, 3), np.uint8), frame_rate=25.0)
    with torch.no_grad():
        assert model.embed_picture(windows.float()).shape == (1, 1024)
        assert model.embed_sound(torch.zeros(2, 1, 13, 20)).shape == (2, 1024)
    assert len(face_windows(np.zeros((16, 8, 8, 3), np.uint8), frame_rate=16.0)) == 25 - 4


@pytest.mark.parametrize("shift", [-2, 0, 3])
def test_moved_sound_loses_what_leaves_the_clip(shift) -> None:
    sound = torch.arange(1.0, 11.0)[None]
    found = moved(sound, [shift], samples=2)[0].tolist()
    by = 2 * shift
    assert found == [k + 1 - by if 0 <= k - by < 10 else 0 for k in range(10)]


@pytest.mark.skipif(not (JUDGES / "sync").is_dir(), reason="the judges do not ship with this checkout")
def test_the_shipped_syncnet_finds_a_drum_that_is_late() -> None:
    model = Judges.load().sync
    examples = render_examples(range(12), Timeline(), split="test", kinds=("drum", "lamp", "hammer"))
    for shift in (-4, 0, 4):
        near = [abs(found - shift) <= 1 for found in recovered(model, examples, shift=shift)]
        assert np.mean(near) > 0.9


def test_words_are_counted_as_long_as_they_last_and_pauses_part_them() -> None:
    model = WorldRecogniser(vocabulary=["hello", "你好"], width=4)
    silence, hello, chinese = [0.0, 0.0, 9.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0]
    scores = [silence] * 3 + [hello] * 6 + [silence] * 2 + [hello] * 5 + [chinese] * 2 + [silence] + [chinese] * 4
    model.forward = lambda waveform: torch.tensor([scores])
    assert model.words(torch.zeros(1, 10)) == [["hello", "hello", "你好"]]  # two scores are too short for a word
    assert syllables(["你好", "猫"]) == ["你", "好", "猫"]


def test_what_is_said_is_marked_at_its_time() -> None:
    model = WorldRecogniser(vocabulary=["hello", "bye"], width=4)
    said = spoken_at(model, [Word("bye", 0.1, 0.3, 0)], num_samples=16_000)
    assert said.shape == (51,) and (said == 1).nonzero()[[0, -1], 0].tolist() == [5, 14]
    assert set(said[said != 1].tolist()) == {model.silence}


def test_the_shipped_recogniser_understands_true_clips() -> None:
    said, wanted = 0, 0
    for scene in (sample_scene(seed, kind="face", split="test") for seed in range(20)):
        if scene.words:
            clip = render(scene, Timeline())
            heard = Judges.load().words.words(torch.from_numpy(clip.waveform).float()[None])[0]
            said += word_errors(heard, [word.text for word in scene.words])
            wanted += len(scene.words)
    assert said / wanted < 0.3


# -- shape ---------------------------------------------------------------------------------------


def moving_disc(radii) -> np.ndarray:
    """A bright disc that crosses a dark picture, one radius a frame."""
    y, x = np.mgrid[:64, :64]
    frames = np.zeros((len(radii), 64, 64, 3), np.uint8)
    for k, radius in enumerate(radii):
        frames[k, np.hypot(x - (8 + 3 * k), y - 32) < radius] = 255
    return frames


def test_a_disc_that_only_moves_keeps_its_shape() -> None:
    pytest.importorskip("cv2")
    still, swelling = shape_variation(moving_disc([6] * 16)), shape_variation(moving_disc([4, 8] * 8))
    assert still.area < 0.05 and still.roundness < 0.05
    # Radii 4 and 8 in turn: areas 1 and 4, so a deviation of 1.5 over a mean of 2.5.
    assert swelling.area == pytest.approx(0.6, abs=0.05) and swelling.roundness < 0.15


def test_where_nothing_moves_no_shape_varies() -> None:
    pytest.importorskip("cv2")
    assert shape_variation(np.full((9, 32, 32, 3), 90, np.uint8)) is None
