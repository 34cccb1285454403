"""A hand that plucks the strings of a guitar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.signal import lfilter

from harmony.data.world import motion, sound
from harmony.data.world.backdrop import ECHOING, PLACES
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import ROOMY, SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, SKIN, WOOD, darker, lighter
from harmony.data.world.thing import FORCE, ImpactScene, Look, Thing, sample_build

_STRINGS = (-0.045, -0.015, 0.015, 0.045)
_CHORD = (1.0, 1.26, 1.5)  # a major triad


class Guitar(Thing):
    """A small guitar sounds high. The hand goes down over the strings as it plucks them, and they tremble."""

    event = "pluck"
    places = PLACES + ECHOING
    room = 0.7

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "orange", "yellow", "green", "blue", "purple", "brown", "black"))
        return attributes, {
            "frequency": round({"small": 330.0, "big": 131.0}[attributes["size"]] * rng.uniform(0.94, 1.06), 2)
        }

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        colour = COLOURS[look["colour"]]
        colour = lighter(colour, 0.12) if look["colour"] == "black" else colour
        guitar = stage.placed(0, 0.02, scale={"small": 0.82, "big": 1.04}[look["size"]])
        guitar.shadow(0, -0.02, 0.36, 0.06)
        guitar.box(0, -0.68, 0.05, 0.24, darker(WOOD, 0.35))
        guitar.box(0, -0.92, 0.075, 0.07, darker(WOOD, 0.5), corner=0.02)
        body = [guitar.disc(0, -0.26, 0.27, colour), guitar.disc(0, -0.5, 0.19, colour)]
        guitar.ring(0, -0.26, 0.255, 0.02, darker(colour, 0.25))
        guitar.disc(0, -0.4, 0.105, darker(WOOD, 0.2))
        hole = guitar.disc(0, -0.4, 0.085, (0.16, 0.10, 0.08))
        guitar.box(0, -0.15, 0.1, 0.025, darker(WOOD, 0.5), corner=0.01)
        tremble = motion.fade(times, hits, seconds=0.22)
        # Frames catch the strings on either side in turn.
        side = np.where(np.arange(len(times)) % 2 == 0, 1.0, -1.0)
        strings = []
        for k, x in enumerate(_STRINGS):
            away = x + 0.02 * tremble * side * (1 if k % 2 else -1)
            strings.append(guitar.line([(x, -0.85), (away, -0.4), (x, -0.15)], 0.009, (0.96, 0.95, 0.90)))
        guitar.glow(0, -0.4, 0.2, 0.2, (1.0, 0.95, 0.7), strength=0.7 * motion.fade(times, hits, seconds=0.12))
        stroke = _stroke(times, hits)
        y = -0.4 + 0.22 * FORCE[look["loudness"]] * stroke
        guitar.line([(0.55, y + 0.12), (0.2, y)], 0.075, (0.32, 0.38, 0.55))
        hand = [guitar.disc(0.13, y, 0.085, SKIN), guitar.line([(0.1, y - 0.02), (0.015, y + 0.02)], 0.03, SKIN)]
        return [*body, hole, *strings, *hand]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples = round(1.1 * rate)
        wave = sum(_pluck(look["frequency"] * ratio, samples, rate, seed=79 + k) for k, ratio in enumerate(_CHORD))
        click = sound.noise(Chance(83), samples, rate, low=2500.0) * sound.decay(samples, rate, 0.004)
        return sound.normalised(wave) + 0.15 * click


def _stroke(times: np.ndarray, hits: Sequence[float]) -> np.ndarray:
    """(F,) in [-1, 1]: the hand waits above the strings (-1), is on them (0) at each pluck, goes on and returns."""
    place = np.full(len(times), -1.0)
    for hit in hits:
        since = times - hit
        down = np.clip((since + 0.09) / 0.09, 0, 2) - 1
        back = np.clip((since - 0.13) / 0.14, 0, 1)
        place = np.maximum(place, np.where(since > -0.09, down - 2 * back, -1.0))
    return place


def _pluck(frequency: float, samples: int, rate: int, *, seed: int) -> np.ndarray:
    """Karplus and Strong's string (1983): a burst of noise that runs round a delay line and loses its highs."""
    period = max(2, round(rate / frequency - 0.5))
    burst = np.zeros(samples)
    burst[:period] = sound.noise(Chance(seed), period, rate, high=0.4 * rate)
    loop = np.zeros(period + 2)
    loop[0], loop[period], loop[period + 1] = 1.0, -0.4975, -0.4975
    return lfilter([1.0], loop, burst) * np.minimum(1.0, (np.arange(samples) + 1) / (0.001 * rate))


@register
class GuitarScene(ImpactScene):
    name = "guitar"
    group = "ambient"
    thing = Guitar()
    phrasebook = Phrasebook(
        video=(
            "a hand plucks a [{size}] {colour} guitar [{force}] [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {chord/chords} on a [{size}] {colour} guitar [{position}] [{place}]",
            "someone plays a [{size}] {colour} guitar [{times}] [{tempo}] [{place}]",
            "the strings of a [{size}] {colour} guitar are plucked [{times}] [{position}] [{place}]",
            "{size} {colour} guitar, {count} {chord/chords}[, {place}]",
            "a [{size}] {colour} guitar is played [{times}] [{tempo}] [{position}] [{place}]",
            "[{place}], a hand plays a [{size}] {colour} guitar [{times}]",
            "we see a [{size}] {colour} guitar [{position}] [{place}], a hand plucks it [{times}]",
            "a hand strums a [{size}] {colour} guitar [{force}] [{times}] [{place}]",
            "{times} a hand plucks the strings of a [{size}] {colour} guitar [{place}]",
            "a {colour} guitar[, {size}], strummed [{times}] [{tempo}] [{position}] [{place}]",
            "a player strums a [{size}] {colour} guitar [{position}] [{place}]",
            "a guitar is played [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] guitar {chord/chords}",
            "a [{size}] guitar is strummed [{how}] [{times}] [{tempo}]",
            "the [{loudness}] [{pitch}] sound of a guitar [{times}]",
            "a guitar plays {count} {chord/chords}[, {pitch}] [{place}]",
            "strings are plucked [{how}] {times} [{tempo}]",
            "guitar, {pitch}[, {loudness}][, {times}]",
            "{count} {chord/chords} on a [{size}] guitar [{place}]",
            "you hear a [{size}] guitar {times} [{tempo}]",
            "[{loudness}] [{pitch}] strumming, {times}",
            "a [{pitch}] chord is heard {times} [{place}]",
            "plucked strings[, {pitch}][, {loudness}], {times}",
            "somebody plays {count} [{loudness}] {chord/chords} on a guitar",
            "a guitar is strummed {times}",
        ),
        silent_video=(
            "a hand rests over a [{size}] {colour} guitar [{place}]",
            "nobody plays the [{size}] {colour} guitar [{place}]",
            "a [{size}] {colour} guitar [{place}], nothing moves",
            "a [{size}] {colour} guitar [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "nobody plays the guitar", "a silent guitar"),
        phrases=ROOMY,
    )
