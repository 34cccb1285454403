"""Making sounds: partials that ring out, filtered noise, tones with a moving pitch, a light room, and the mix.

Everything is causal: a sound begins exactly at the sample it is put at, with nothing before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from harmony.data.world.chance import Chance

PEAK = 0.95
_ATTACK = 0.001  # seconds: too short to blur an onset, long enough not to click


def decay(num_samples: int, rate: int, time: float, *, attack: float = _ATTACK) -> np.ndarray:
    """Envelope (num_samples,): a rise of ``attack`` seconds, then exp(-t / time)."""
    t = np.arange(num_samples) / rate
    return np.minimum(1.0, (t + 1 / rate) / attack) * np.exp(-t / time)


def partials(
    num_samples: int,
    rate: int,
    *,
    frequencies: Sequence[float],
    amplitudes: Sequence[float],
    times: Sequence[float],
    attack: float = _ATTACK,
) -> np.ndarray:
    """A struck body: sum_k a_k exp(-t / T_k) sin(2 pi f_k t), (num_samples,). Partials above 0.45 rate are left out."""
    t = np.arange(num_samples) / rate
    wave = np.zeros(num_samples)
    for frequency, amplitude, time in zip(frequencies, amplitudes, times, strict=True):
        if frequency < 0.45 * rate:
            wave += amplitude * np.exp(-t / time) * np.sin(2 * np.pi * frequency * t)
    return wave * np.minimum(1.0, (t + 1 / rate) / attack)


def glide(frequency: np.ndarray, rate: int, *, amplitudes: Sequence[float]) -> np.ndarray:
    """A tone whose pitch moves: harmonics of ``frequency`` (num_samples,) in Hz, those that fit."""
    phase = 2 * np.pi * np.cumsum(frequency) / rate
    top = 0.45 * rate / float(np.max(frequency))
    # sin(k x) = 2 cos(x) sin((k - 1) x) - sin((k - 2) x): one multiplication a harmonic instead of one sine
    twice_cosine, before, now = 2 * np.cos(phase), np.zeros_like(phase), np.sin(phase)
    wave = np.zeros(len(frequency))
    for k, amplitude in enumerate(amplitudes, start=1):
        if k >= top:
            break
        wave += amplitude * now
        before, now = now, twice_cosine * now - before
    return wave


def noise(rng: Chance, num_samples: int, rate: int, *, low: float = 0.0, high: float | None = None) -> np.ndarray:
    """Noise between ``low`` and ``high`` Hz, (num_samples,), about unit power."""
    wave = rng.noise(num_samples).astype(np.float64)
    wave = band(wave, rate, low=low, high=high)
    return wave / max(float(np.sqrt(np.mean(wave**2))), 1e-9)


def band(wave: np.ndarray, rate: int, *, low: float = 0.0, high: float | None = None) -> np.ndarray:
    """Second-order Butterworth band (or low, or high) pass, causal."""
    high = high if high is not None and high < 0.49 * rate else None
    if low <= 0 and high is None:
        return wave
    return sosfilt(_sections(low, high, rate), wave)


@lru_cache(maxsize=256)
def _sections(low: float, high: float | None, rate: int) -> np.ndarray:
    if high is None:
        return butter(2, low, "highpass", fs=rate, output="sos")
    if low <= 0:
        return butter(2, high, "lowpass", fs=rate, output="sos")
    return butter(2, (low, high), "bandpass", fs=rate, output="sos")


# Early reflections of a small room: delay in seconds, gain, by ear and irregular so that they do not ring.
_REFLECTIONS = ((0.011, 0.32), (0.017, 0.27), (0.023, -0.23), (0.031, 0.2), (0.041, -0.16), (0.057, 0.12))


def room(wave: np.ndarray, rate: int, *, amount: float = 0.5) -> np.ndarray:
    """The same sound in a small room: a handful of fading reflections, same length."""
    heard = wave.copy()
    for seconds, gain in _REFLECTIONS:
        delay = round(seconds * rate)
        if delay < len(wave):
            heard[delay:] += amount * gain * wave[: len(wave) - delay]
    return heard


# A reverberant place: seconds until a sound has faded by 60 dB, gain of what comes back, Hz above which walls swallow.
_REVERBERANT = {"hall": (1.3, 0.35, 5500.0), "cave": (2.4, 0.5, 3000.0)}


def answered(wave: np.ndarray, rate: int, place: str) -> np.ndarray:
    """What is heard of ``wave`` (S,) in ``place``: a room answers with early reflections, a hall or a cave with a long
    reverberation, for which the sound becomes longer. Outdoors it stays as it is."""
    if place == "indoors":
        return room(wave, rate)
    if place not in _REVERBERANT:
        return wave
    seconds, gain, _ = _REVERBERANT[place]
    heard = np.concatenate([wave, np.zeros(round(0.6 * seconds * rate))])
    tail = fftconvolve(heard, _reverberation(place, rate))[: len(heard)]
    largest = float(np.max(np.abs(tail), initial=0.0))
    if largest > 0:
        heard += tail * (gain * float(np.max(np.abs(wave))) / largest)
    return tapered(heard, rate)


@lru_cache(maxsize=8)
def _reverberation(place: str, rate: int) -> np.ndarray:
    """Noise that dies away exponentially, and begins after the first reflection's way: a diffuse room's response."""
    seconds, _, high = _REVERBERANT[place]
    samples, delay = round(0.6 * seconds * rate), round(0.012 * rate)
    t = np.arange(samples) / rate
    response = noise(Chance(61), samples, rate, low=120.0, high=high) * 10 ** (-3 * t / seconds)
    response[:delay] = 0.0
    return response


def add(track: np.ndarray, wave: np.ndarray, time: float, rate: int, *, gain: float = 1.0) -> None:
    """Mix ``wave`` into ``track`` in place from ``time`` seconds on; what is past the end is cut off."""
    start = round(time * rate)
    if start < 0 or start >= len(track):
        raise ValueError(f"a sound at {time:.3f} s lies outside the clip of {len(track) / rate:.3f} s")
    stop = min(len(track), start + len(wave))
    track[start:stop] += gain * wave[: stop - start]


def normalised(wave: np.ndarray, *, peak: float = 1.0) -> np.ndarray:
    """Scaled so that its largest sample is ``peak``; silence stays silence."""
    largest = float(np.max(np.abs(wave), initial=0.0))
    return wave * (peak / largest) if largest > 0 else wave


def tapered(wave: np.ndarray, rate: int, *, seconds: float = 0.08) -> np.ndarray:
    """The same sound, led to zero over its last ``seconds`` so that it does not end with a click."""
    samples = min(len(wave), round(seconds * rate))
    wave = wave.copy()
    wave[len(wave) - samples :] *= np.linspace(1, 0, samples)
    return wave


def finish(track: np.ndarray) -> np.ndarray:
    """The clip's waveform: float32, turned down as a whole if its peak is above 0.95, never up."""
    largest = float(np.max(np.abs(track), initial=0.0))
    if largest > PEAK:
        track = track * (PEAK / largest)
    return np.clip(track, -PEAK, PEAK).astype(np.float32)
