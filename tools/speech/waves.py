# SPDX-License-Identifier: GPL-3.0-or-later
"""From the engine's samples to bank samples: resampled, trimmed, equally loud; and the pitch of a voice."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

RATE = 16_000
LOUDNESS = 0.1  # root mean square of a word's louder half
_PEAK = 0.9
_FLOOR = 0.02  # of the peak: what is softer at either end is silence
_HOP = 80  # samples: 5 ms


def to_bank_rate(samples: np.ndarray, *, rate: int, factor: float) -> np.ndarray:
    """Play ``factor`` times as fast and resample to 16 kHz: pitch and formants rise by ``factor``."""
    ratio = Fraction(RATE / (rate * factor)).limit_denominator(400)
    return resample_poly(samples.astype(np.float64) / 32768, ratio.numerator, ratio.denominator)


def envelope(wave: np.ndarray) -> np.ndarray:
    """Root mean square of every 5 ms."""
    count = len(wave) // _HOP
    return np.sqrt(np.mean(wave[: count * _HOP].reshape(count, _HOP) ** 2, axis=1))


def trimmed(wave: np.ndarray) -> tuple[np.ndarray, float]:
    """Without silent ends, faded in and out within 3 ms; also the seconds that were cut off in front.

    Raises:
        ValueError: if nothing is heard.
    """
    level = envelope(wave)
    loud = np.flatnonzero(level > _FLOOR * level.max(initial=0.0))
    if len(loud) == 0 or level.max() < 1e-4:
        raise ValueError("the voice is silent")
    start, stop = loud[0] * _HOP, min(len(wave), (loud[-1] + 1) * _HOP)
    cut = wave[start:stop].copy()
    ramp = np.linspace(0, 1, 48)
    cut[:48] *= ramp
    cut[-48:] *= ramp[::-1]
    return cut, start / RATE


def equally_loud(wave: np.ndarray) -> np.ndarray:
    level = envelope(wave)
    louder = np.sqrt(np.mean(np.sort(level)[len(level) // 2 :] ** 2))
    return wave * min(LOUDNESS / louder, _PEAK / np.abs(wave).max())


def pitch_of(wave: np.ndarray) -> float | None:
    """Median pitch in Hz by autocorrelation over voiced 40 ms frames, or None where nothing is voiced."""
    size, pitches = 640, []
    loudest = envelope(wave).max(initial=0.0)
    for start in range(0, len(wave) - size, size // 2):
        frame = wave[start : start + size] * np.hanning(size)
        if np.sqrt(np.mean(wave[start : start + size] ** 2)) < 0.25 * loudest:
            continue
        spectrum = np.abs(np.fft.rfft(frame, 2048)) ** 2
        agreement = np.fft.irfft(spectrum)[: RATE // 60]
        window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2048)) ** 2)[: RATE // 60]
        agreement = agreement / agreement[0] / (window / window[0])  # Boersma 1993: divide by the window's own
        low = RATE // 450
        lag = low + int(np.argmax(agreement[low:]))
        # The shortest lag that is nearly as good: else a voice is heard an octave too low.
        good = np.flatnonzero(agreement[low : lag + 1] > 0.9 * agreement[lag])
        if agreement[lag] > 0.5:
            first = low + int(good[0])
            while first < lag and agreement[first + 1] > agreement[first]:
                first += 1
            pitches.append(RATE / first)
    return float(np.median(pitches)) if len(pitches) >= 3 else None
