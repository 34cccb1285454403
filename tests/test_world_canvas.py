"""The canvas paints true areas, and what it returns is what it painted."""

import numpy as np
import pytest

from harmony.data.world import sound
from harmony.data.world.canvas import Canvas
from harmony.data.world.chance import Chance

WHITE = (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 64), (50, 80)])
def test_areas(height, width):
    canvas = Canvas(1, height=height, width=width)
    unit = min(height, width) ** 2
    areas = {
        "disc": (canvas.disc(0.5, 0.5, 0.3, None), np.pi * 0.09),
        "ring": (canvas.ring(0.5, 0.5, 0.3, 0.1, None), 2 * np.pi * 0.3 * 0.1),
        "ellipse": (canvas.ellipse(0.5, 0.5, 0.4, 0.2, None, angle=0.7), np.pi * 0.08),
        "box": (canvas.box(0.5, 0.5, 0.3, 0.2, None, angle=0.3), 0.24),
        "line": (canvas.line([(0.2, 0.3), (0.8, 0.6)], 0.05, None), 0.1 * np.hypot(0.6, 0.3) + np.pi * 0.0025),
        "polygon": (canvas.polygon([(0.2, 0.2), (0.8, 0.2), (0.2, 0.8)], None), 0.18),
    }
    for name, (coverage, area) in areas.items():
        assert coverage.sum() / unit == pytest.approx(area, rel=0.03), name
    assert not canvas.frames.any()


def test_coverage_is_what_was_painted():
    canvas = Canvas(4)
    coverage = canvas.disc(np.linspace(0.2, 0.8, 4), 0.5, 0.15, WHITE)
    assert coverage.shape == (4, 64, 64)
    np.testing.assert_allclose(canvas.frames[..., 0], coverage, atol=1e-6)
    dim = canvas.box(0.5, 0.5, 2, 2, (0, 0, 0), alpha=0.5, within=coverage)
    np.testing.assert_allclose(dim, 0.5 * coverage, atol=1e-6)


def test_numbers_and_arrays_paint_alike():
    still, moving = Canvas(3), Canvas(3)
    for canvas, lift in ((still, float), (moving, lambda value: np.full(3, value))):
        inner = canvas.placed(lift(0.4), lift(0.6), scale=lift(0.8), angle=lift(0.3), mirrored=True)
        inner.ellipse(lift(0.1), lift(0.0), lift(0.3), lift(0.1), (0.2, 0.5, 0.9), angle=lift(0.5))
        inner.polygon([(lift(-0.3), 0.1), (0.2, lift(0.1)), (0.0, 0.3)], (0.9, 0.1, 0.1))
        inner.glow(lift(0.0), lift(0.0), lift(0.3), lift(0.3), WHITE, strength=lift(0.5))
    np.testing.assert_allclose(still.frames, moving.frames, atol=1e-5)


def test_only_shown_frames_are_painted():
    canvas = Canvas(5)
    strength = np.array([0.0, 1.0, 0.0, 0.5, 0.0])
    coverage = canvas.disc(0.5, 0.5, 0.2, np.tile(WHITE, (5, 1)), alpha=strength)
    np.testing.assert_allclose(coverage[:, 32, 32], strength, atol=1e-6)
    np.testing.assert_allclose(canvas.frames[:, 32, 32, 1], strength, atol=1e-6)


def test_mirroring_and_turning():
    left, right = Canvas(1), Canvas(1)
    left.placed(0.5, 0.5, mirrored=True).box(0.2, 0.1, 0.1, 0.05, WHITE, angle=0.4)
    right.placed(0.5, 0.5).box(0.2, 0.1, 0.1, 0.05, WHITE, angle=0.4)
    np.testing.assert_allclose(left.frames, right.frames[:, :, ::-1], atol=1e-5)
    turned = Canvas(1)
    turned.placed(0.5, 0.5, angle=np.pi / 2).disc(0.3, 0.0, 0.05, WHITE)
    assert turned.frames[0, 51, 32, 0] == 1  # pointing right, turned a quarter clockwise, points down


def test_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match=r"one per frame \(5\)"):
        Canvas(5).disc(np.zeros(4), 0.5, 0.1, WHITE)


def test_sounds():
    rate = 16_000
    note = sound.partials(8000, rate, frequencies=[440.0, 9000.0], amplitudes=[1.0, 1.0], times=[0.2, 0.2])
    spectrum = np.abs(np.fft.rfft(note))
    assert np.argmax(spectrum) == pytest.approx(220, abs=1)  # 2 Hz a bin; the partial above 7.2 kHz is left out
    tone = sound.glide(np.full(8000, 200.0), rate, amplitudes=[0.0, 0.0, 1.0])
    assert np.argmax(np.abs(np.fft.rfft(tone))) == pytest.approx(300, abs=1)
    rush = np.abs(np.fft.rfft(sound.noise(Chance(1), 16_000, rate, low=1000.0, high=2000.0))) ** 2
    assert rush[900:2200].sum() > 0.8 * rush.sum()
    track = np.zeros(1000)
    sound.add(track, np.ones(900), 0.05, rate, gain=3.0)
    assert not track[:800].any() and (track[800:] == 3).all()
    assert sound.finish(track).max() == pytest.approx(0.95) and sound.finish(track).dtype == np.float32
    echo = sound.room(np.eye(1, 2000)[0], rate)
    assert echo[0] == 1 and np.abs(echo[1:176]).max() == 0 and echo[176] != 0
    with pytest.raises(ValueError, match="outside the clip"):
        sound.add(track, note, 0.07, rate)
