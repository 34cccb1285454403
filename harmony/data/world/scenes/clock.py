"""A clock that ticks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import ROOMY, SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, INK, darker, lighter
from harmony.data.world.thing import ImpactScene, Look, Thing, sample_build
from harmony.data.world.times import FIRST, LAST

_PERIODS = (0.48, 0.9)  # seconds from tick to tick: at most six in three seconds
_BRASS = (0.93, 0.76, 0.34)
_JUMP = np.pi / 6  # of the hand at each tick
_TURN = 0.05  # seconds that a jump takes
_NAIL = -0.38  # y of what it hangs on
_JOLT = 0.17  # radians


class Clock(Thing):
    """At each tick the hand jumps, the pendulum is at its turn, and the clock jolts on its nail, to one side and the
    other in turn: without that the tick would be too small a thing to see. A big clock ticks low."""

    event = "tick"
    places = ("indoors", "hall")
    room = 0.6

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"))
        params = {"frequency": round({"small": 2600.0, "big": 1150.0}[attributes["size"]] * rng.uniform(0.93, 1.07), 2)}
        return attributes, params | {"hour": round(rng.uniform(0, 2 * np.pi), 3)}

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        colour = COLOURS[look["colour"]]
        jolt = _JOLT * (motion.fade(times, hits[::2], seconds=0.1) - motion.fade(times, hits[1::2], seconds=0.1))
        nail = stage.placed(0, -0.55, scale={"small": 0.8, "big": 1.05}[look["size"]]).placed(0, _NAIL, angle=jolt)
        clock = nail.placed(0, -_NAIL)
        clock.box(0, 0.32, 0.15, 0.2, darker(colour, 0.25), corner=0.03)
        clock.box(0, 0.32, 0.12, 0.17, (0.20, 0.16, 0.18), corner=0.02)
        swing = 0.42 * np.cos(np.pi * _ticks_done(times, hits))
        bob = clock.placed(0, 0.12, angle=swing)
        rod = bob.line([(0, 0), (0, 0.28)], 0.013, _BRASS)
        weight = bob.disc(0, 0.29, 0.06, _BRASS)
        bob.disc(-0.015, 0.275, 0.02, lighter(_BRASS, 0.7))
        clock.disc(0, -0.06, 0.29, colour)
        clock.ring(0, -0.06, 0.28, 0.02, darker(colour, 0.3))
        face = clock.disc(0, -0.06, 0.235, (0.98, 0.97, 0.92))
        for hour in range(12):
            cos, sin = np.cos(hour * _JUMP), np.sin(hour * _JUMP)
            clock.disc(0.195 * cos, -0.06 + 0.195 * sin, 0.018 if hour % 3 == 0 else 0.01, INK)
        clock.placed(0, -0.06, angle=look["hour"]).line([(0, 0), (0, -0.11)], 0.022, INK)
        turns = sum((np.clip((times - time + 0.5 * _TURN) / _TURN, 0, 1) for time in hits), np.zeros(len(times)))
        hand = clock.placed(0, -0.06, angle=2 * look["hour"] + _JUMP * turns)
        pointer = hand.line([(0, 0.05), (0, -0.18)], 0.02, (0.86, 0.18, 0.18))
        clock.disc(0, -0.06, 0.028, (0.86, 0.18, 0.18))
        return [rod, weight, face, pointer]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples, f = round(0.16 * rate), look["frequency"]
        click = sound.noise(Chance(73), samples, rate, low=f * 0.7, high=f * 2.2) * sound.decay(samples, rate, 0.008)
        case = sound.partials(
            samples, rate, frequencies=[0.35 * f, f, 1.62 * f], amplitudes=(0.5, 0.7, 0.4), times=(0.03, 0.02, 0.012)
        )
        return 0.8 * click + case


def _ticks_done(times: np.ndarray, hits: Sequence[float]) -> np.ndarray:
    """(F,): a whole number at each tick, and evenly between; a stopped clock's pendulum hangs at its middle."""
    if len(hits) == 0:
        return np.full(len(times), 0.5)
    if len(hits) == 1:
        return (times - hits[0]) / _PERIODS[1]
    period = hits[1] - hits[0]
    return (times - hits[0]) / period


@register
class ClockScene(ImpactScene):
    """Unlike other things it is regular: one period for the whole clip."""

    name = "clock"
    group = "ambient"
    thing = Clock()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} clock ticks [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {tick/ticks} of a [{size}] {colour} clock [{position}] [{place}]",
            "the pendulum of a [{size}] {colour} clock swings [{tempo}] [{position}] [{place}]",
            "a [{size}] {colour} (clock|wall clock) [{place}] ticks [{tempo}]",
            "{size} {colour} clock, {count} {tick/ticks}[, {place}]",
            "we see a [{size}] {colour} clock [{position}] [{place}], it ticks [{times}]",
            "[{place}], a [{size}] {colour} clock ticks [{tempo}]",
            "the hand of a [{size}] {colour} clock jumps [{times}] [{position}] [{place}]",
            "a {colour} clock[, {size}], ticking [{tempo}] [{position}] [{place}]",
            "{times} the hand of the [{size}] {colour} clock moves [{place}]",
            "a [{size}] {colour} clock with a pendulum [{position}] [{place}]",
            "a ticking [{size}] {colour} clock hangs [{position}] [{place}]",
            "a {colour} clock ticks [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] {tick/ticks} of a clock",
            "a [{size}] clock ticks [{how}] [{times}] [{tempo}]",
            "the [{loudness}] [{pitch}] ticking of a clock [{place}]",
            "a clock ticks [{tempo}][, {pitch}][, {loudness}]",
            "tick tock[, {tempo}][, {pitch}]",
            "{count} [{pitch}] {tick/ticks} [{place}]",
            "clock, {pitch} {tick/ticks}[, {loudness}][, {times}]",
            "you hear a [{size}] clock tick {times} [{tempo}]",
            "[{loudness}] [{pitch}] ticking, {times}",
            "the steady tick of a [{size}] clock[, {tempo}]",
            "a [{pitch}] tick is heard {times} [{place}]",
            "ticking clock[, {loudness}], {times}",
            "a clock ticks {times}",
        ),
        silent_video=(
            "a [{size}] {colour} clock stands still [{place}]",
            "a [{size}] {colour} clock has stopped [{place}]",
            "the pendulum of a [{size}] {colour} clock does not move [{place}]",
            "a [{size}] {colour} clock [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "the clock has stopped", "the clock does not tick"),
        phrases=ROOMY,
    )

    def lay_out(self, rng: Chance, *, duration: float) -> list[float]:
        beat = rng.child("times")
        period = beat.uniform(*_PERIODS)
        first = FIRST + beat.uniform() * min(period, duration - FIRST - LAST)
        count = 1 + int((duration - LAST - first) / period)
        return [round(first + k * period, 6) for k in range(count)]
