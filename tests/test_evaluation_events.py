"""Matching events, F1, shuffles and peak picking, against cases whose answer is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harmony.evaluation.detectors import HeardEventDetector, SeenEventDetector, event_target, find_peaks
from harmony.evaluation.events import Counts, derangement_within, f1, interval, match_events, mean_f1
from harmony.evaluation.figures import matched_gain


def test_each_event_is_paired_once():
    counts = match_events([0.50, 0.52, 1.00], [0.51, 1.05, 1.50])
    assert (counts.hits, counts.found, counts.true) == (2, 3, 3)
    assert max(abs(o) for o in counts.offsets) <= 0.05 + 1e-9
    assert match_events([], []).empty
    assert match_events([0.0], [0.0625]).hits == 1
    assert match_events([0.0], [0.0635]).hits == 0


@given(st.lists(st.floats(0, 2), max_size=6), st.floats(-0.06, 0.06))
def test_a_small_shift_keeps_spread_events_matched(times, shift):
    spread = [t for k, t in enumerate(sorted(times)) if k == 0 or t - sorted(times)[k - 1] > 0.2]
    spread = [t for k, t in enumerate(spread) if k == 0 or t - spread[k - 1] > 0.2]
    assert match_events([t + shift for t in spread], spread).hits == len(spread)


def test_f1_is_pooled_within_a_kind_and_averaged_over_kinds():
    counts = [Counts(2, 2, 2), Counts(0, 1, 1), Counts(1, 1, 1), Counts(0, 0, 0)]
    assert f1(counts[:2]) == pytest.approx(4 / 6)
    assert mean_f1(counts, ["drum", "drum", "lamp", "lamp"]) == pytest.approx((4 / 6 + 1) / 2)
    assert np.isnan(f1([Counts(0, 0, 0)]))


def test_shuffles_stay_within_a_kind_and_never_fix_a_clip():
    kinds = ["drum"] * 5 + ["lamp"] * 2
    partner = derangement_within(kinds, np.random.default_rng(0))
    assert sorted(partner) == list(range(7))
    assert all(kinds[i] == kinds[p] and i != p for i, p in enumerate(partner))
    with pytest.raises(ValueError, match="single clip"):
        derangement_within(["drum"], np.random.default_rng(0))


def test_figures_hold_what_the_plain_formulas_give():
    from harmony.evaluation.figures import gain_figure, matched_gain_figure, sync_figure

    found = [[0.5, 1.0], [0.5], [], [1.2]]
    true = [[0.5], [1.5], [], [1.2, 1.7]]
    kinds = ["drum", "drum", "lamp", "lamp"]
    counts = [match_events(f, t) for f, t in zip(found, true, strict=True)]
    figure = sync_figure(found, true, kinds)
    assert figure.value == pytest.approx(mean_f1(counts, kinds))
    assert figure.low <= figure.value <= figure.high
    assert figure.details["by_kind"] == {"drum": 2 / 5, "lamp": 2 / 3}
    assert figure.details["empty_clips"] == 1
    perfect = [match_events(t, t) for t in true]
    assert gain_figure(perfect, counts, kinds).value == pytest.approx(1 - mean_f1(counts, kinds))
    assert gain_figure(counts, counts, kinds).high == 0.0
    contrasts = [0.1, 0.2, 0.3, 0.4]
    assert matched_gain_figure(counts, counts, (contrasts, contrasts)).value == 0.0
    assert matched_gain_figure(perfect, counts, (contrasts, contrasts)).value > 0


def test_interval_covers_a_known_mean():
    values = np.random.default_rng(1).normal(3.0, 1.0, 400)
    low, high = interval(lambda index: float(values[index].mean()), 400)
    assert low < values.mean() < high
    assert 0.15 < high - low < 0.25  # 2 * 1.96 / sqrt(400) = 0.196


@given(st.lists(st.integers(2, 30), max_size=4, unique=True), st.sampled_from([16.0, 64.0]))
def test_peaks_of_a_target_are_its_events(steps, rate):
    steps = [s for k, s in enumerate(sorted(steps)) if all(s - t > 4 for t in sorted(steps)[:k])]
    times = [s / 16 for s in steps]
    found = find_peaks(event_target(times, int(2.0625 * rate), rate=rate), rate=rate, threshold=0.5)
    assert len(found) == len(times)
    assert all(abs(a - b) <= 0.51 / rate + 1e-6 for a, b in zip(found, times, strict=True))


def test_detectors_give_one_logit_a_step():
    assert SeenEventDetector()(torch.rand(2, 33, 3, 64, 64)).shape == (2, 33)
    assert HeardEventDetector()(torch.randn(2, 33_000)).shape == (2, 132)


@pytest.mark.parametrize("late", [-2, 0, 3])
def test_the_lag_of_a_mouth_is_found(late):
    from harmony.evaluation.faces import lip_sync, mouth_opening, voice_energy

    rng = np.random.default_rng(0)
    opening = np.convolve(rng.random(40) > 0.85, [0.5, 1, 0.5], "same")[:33]
    sound = np.repeat(opening, 1000) * np.sin(2 * np.pi * 700 * np.arange(33_000) / 16_000)
    frames = np.full((33, 32, 32, 3), 200, np.uint8)
    frames[:, 18:24, 12:20] = (200 - 150 * np.roll(opening, late).clip(0, 1))[:, None, None, None]
    mouth = np.zeros((32, 32), bool)
    mouth[16:28, 8:24] = True
    energy = voice_energy(sound, sample_rate=16_000, frame_rate=16.0, num_frames=33)
    result = lip_sync(mouth_opening(frames, mouth), energy)
    assert result.best_lag == late
    assert (result.correlation > 0.8) == (late == 0)


def test_pointing_is_judged_at_the_peak():
    from harmony.evaluation.pointing import louder_side, point

    left, right = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    left[20:50, 2:20], right[20:50, 44:62] = True, True
    heat = np.zeros((4, 4))
    heat[2, 0] = 1.0
    assert point(heat, left).hit
    assert not point(heat, right).hit
    assert not point(heat, left).centre_hit
    assert point(heat, np.zeros((64, 64), bool)) is None
    assert louder_side(heat, [right, left]) == 1


def test_classifier_learns_only_from_attributes_a_clip_has():
    from harmony.evaluation.classifier import SceneClassifier, classifier_loss

    classes = {"kind": ["bell", "drum"], "colour": ["blue", "red"]}
    model = SceneClassifier(classes=classes, width=4)
    frames = torch.rand(2, 33, 3, 64, 64)
    loss = classifier_loss(model(frames), [{"kind": "bell"}, {"kind": "drum"}], classes)
    loss.backward()
    assert model.heads["colour"].weight.grad is None
    assert model.heads["kind"].weight.grad.abs().sum() > 0
    assert set(model.predict(frames)[0]) == {"kind", "colour"}


def test_kinds_that_look_alike_are_seen_as_one():
    from harmony.evaluation.classifier import SceneClassifier, looks_like

    assert (looks_like("sing"), looks_like("dialogue"), looks_like("bell")) == ("face", "two_faces", "bell")
    model = SceneClassifier(classes={"kind": ["dialogue", "sing"]}, width=4)
    assert {guess["kind"] for guess in model.predict(torch.rand(2, 33, 3, 64, 64))} <= {"face", "two_faces"}


def test_bigger_events_alone_are_no_gain_and_better_sync_is() -> None:
    rng = np.random.default_rng(0)
    easy, hard = rng.uniform(0.6, 1.0, 200), rng.uniform(0.0, 0.4, 200)

    def scores(contrast: np.ndarray, plus: float = 0.0) -> list[tuple[float, float]]:
        return [(value + plus, 1.0) for value in np.where(contrast > 0.5, 2.0, 1.0)]

    mixed = np.concatenate([easy[:150], hard[:50]]), np.concatenate([easy[:50], hard[:150]])
    assert matched_gain(scores(mixed[0]), scores(mixed[1]), mixed).value == pytest.approx(0.0, abs=1e-9)
    assert matched_gain(scores(mixed[0], 3.0), scores(mixed[1]), mixed).value == pytest.approx(3.0)
