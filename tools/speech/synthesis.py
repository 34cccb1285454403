# SPDX-License-Identifier: GPL-3.0-or-later
"""One voice says one word: bank samples and when each phoneme begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from espeak import Espeak
from waves import RATE, envelope, equally_loud, to_bank_rate, trimmed

LANGUAGES = {"en": "en-us", "zh": "cmn"}
_CLOSURE = 0.06  # seconds before a stop's burst in which its silence is looked for
_STOPS = ("p", "t", "k", "tʃ", "tɕ", "ts", "ph", "th", "kh")


@dataclass(frozen=True)
class Recipe:
    """How a voice is made.

    Attributes:
        variant: of espeak-ng.
        pitch, pitch_range: espeak-ng's parameters, 0 to 100.
        rate: words per minute that are heard in the end.
        factor: how much faster the samples are played; shifts pitch and formants alike.
    """

    variant: str
    pitch: int
    pitch_range: int
    rate: int
    factor: float


@dataclass(frozen=True)
class Word:
    """Samples (float, 16 kHz) and ``[IPA name, start in ms]`` of each phoneme."""

    wave: np.ndarray
    phonemes: list[tuple[str, int]]


def synthesise(engine: Espeak, recipe: Recipe, text: str, language: str) -> Word:
    """Say ``text``, trimmed and equally loud.

    Raises:
        ValueError: if the voice stays silent.
    """
    spoken = engine.say(
        text,
        language=LANGUAGES[language],
        variant=recipe.variant,
        pitch=recipe.pitch,
        pitch_range=recipe.pitch_range,
        rate=round(recipe.rate / recipe.factor),
    )
    wave, offset = trimmed(to_bank_rate(spoken.samples, rate=engine.rate, factor=recipe.factor))
    starts = [start / recipe.factor - offset for _, start in spoken.phonemes]
    names = [name.strip("ˈˌ") for name, _ in spoken.phonemes]
    level = envelope(wave)
    for index, name in enumerate(names):
        if index and name in _STOPS:
            starts[index] = max(_closed_since(level, starts[index]), starts[index - 1] + 0.03)
    seconds = len(wave) / RATE
    phonemes = [(n, max(0, round(1000 * s))) for n, s in zip(names, starts, strict=True) if s < seconds - 0.005]
    return Word(equally_loud(wave), phonemes)


def _closed_since(level: np.ndarray, burst: float) -> float:
    """The engine times a stop at its burst; its closure begins where the sound before it died away."""
    step = 0.005
    last = min(round(burst / step), len(level) - 1)
    first = max(0, last - round(_CLOSURE / step))
    quiet = np.flatnonzero(level[first:last] < 0.1 * level.max())
    return (first + quiet[0]) * step if len(quiet) else burst
