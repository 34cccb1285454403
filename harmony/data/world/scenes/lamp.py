"""A table lamp that blinks with a buzz."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, WOOD, darker, mix
from harmony.data.world.thing import ImpactScene, Look, Thing, sample_build

_LIGHT = (1.0, 0.93, 0.62)


class Lamp(Thing):
    """Big lamps buzz low, small ones high; the shade lights up at once and fades with the buzz."""

    event = "blink"
    places = ("indoors", "night")
    room = 0.8

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "orange", "green", "blue", "purple", "pink", "white"))
        return attributes, {
            "frequency": round({"small": 420.0, "big": 110.0}[attributes["size"]] * rng.uniform(0.93, 1.07), 2)
        }

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        light = motion.fade(times, hits, seconds=0.2)
        colour = COLOURS[look["colour"]]
        stage.shadow(0, 0.01, 0.42, 0.08)
        for x in (-0.27, 0.27):
            stage.line([(x, -0.18), (x, 0)], 0.028, darker(WOOD, 0.35))
        stage.box(0, -0.2, 0.36, 0.035, darker(WOOD, 0.1), corner=0.02)
        lamp = stage.placed(0, -0.225, scale={"small": 0.75, "big": 1.05}[look["size"]])
        lamp.glow(0, -0.38, 0.75, 0.65, _LIGHT, strength=0.8 * light)
        lamp.ellipse(0, -0.015, 0.15, 0.04, darker(colour, 0.45))
        lamp.line([(0, -0.25), (0, -0.02)], 0.022, darker(colour, 0.45))
        bulb = lamp.disc(0, -0.25, 0.06, motion.towards((0.85, 0.84, 0.8), _LIGHT, light))
        shade = lamp.polygon(
            [(-0.13, -0.56), (0.13, -0.56), (0.25, -0.26), (-0.25, -0.26)],
            motion.towards(darker(colour, 0.3), mix(_LIGHT, colour, 0.18), light),
            corner=0.015,
        )
        lamp.glow(0, -0.34, 0.26, 0.2, (1.0, 0.98, 0.85), strength=0.9 * light)
        return [bulb, shade]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples = round(0.6 * rate)
        # A reed-like tone: odd harmonics are strong, and mains hum makes it flutter.
        harmonics = [(1.0 if k % 2 else 0.45) / k**0.7 for k in range(1, 16)]
        tone = sound.glide(np.full(samples, look["frequency"]), rate, amplitudes=harmonics)
        flutter = 1 + 0.35 * np.cos(2 * np.pi * 50 * np.arange(samples) / rate)
        return tone * flutter * sound.decay(samples, rate, 0.11)


@register
class LampScene(ImpactScene):
    name = "lamp"
    group = "ambient"
    weight = 1.2
    thing = Lamp()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} lamp (blinks|flashes|lights up) [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {flash/flashes} of a [{size}] {colour} lamp [{position}] [{place}]",
            "a {colour} lamp on a table (blinks|flashes) [{times}] [{position}] [{place}]",
            "the [{size}] {colour} lamp [{position}] goes on and off [{times}] [{tempo}]",
            "{size} {colour} lamp, {count} {blink/blinks}[, {place}]",
            "{colour} lamp blinking [{times}] [{position}] [{place}]",
            "[{place}], a [{size}] {colour} lamp (blinks|flickers) [{times}] [{tempo}]",
            "a [{size}] table lamp with a {colour} shade (lights up|blinks) [{times}] [{position}] [{place}]",
            "light {flash/flashes} {times} from a [{size}] {colour} lamp [{position}] [{place}]",
            "a [{size}] {colour} lamp [{position}] [is] (flashing|blinking) [{times}] [{tempo}] [{place}]",
            "{times} the [{size}] {colour} lamp lights up [{position}] [{place}]",
            "a [{size}] {colour} (desk|table) lamp [{place}], it blinks [{times}]",
            "{count} (short|quick) {blink/blinks} of the [{size}] {colour} lamp [{position}] [{place}]",
            "someone switches a [{size}] {colour} lamp on and off [{times}] [{tempo}] [{position}] [{place}]",
            "a [{size}] {colour} lamp [{position}] [{place}]",
            "a lamp blinks [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] {buzz/buzzes}",
            "a [{loudness}] [{pitch}] buzz (sounds|is heard) [{times}] [{tempo}]",
            "a lamp buzzes [{how}] [{times}] [{tempo}][, {pitch}]",
            "{count} [{loudness}] [{pitch}] electric {buzz/buzzes}",
            "[{loudness}] [{pitch}] buzzing of a lamp [{times}]",
            "the [{pitch}] hum of a lamp, {times}",
            "an electric [{pitch}] buzz [{times}] [{tempo}]",
            "buzz, {pitch}[, {loudness}][, {times}]",
            "{count} {pitch} {buzz/buzzes} of a [{size}] lamp [{place}]",
            "you hear {count} [{loudness}] [{pitch}] {buzz/buzzes} [{tempo}]",
            "a [{size}] lamp (buzzes|hums) {times} [{how}]",
            "a light buzzes [{times}] [in a {pitch} tone]",
            "(short|quick) {pitch} {buzz/buzzes}, {times}",
            "a lamp buzzes [{times}]",
        ),
        silent_video=(
            "a [{size}] {colour} lamp stays dark [{place}]",
            "a [{size}] {colour} lamp [{place}], nothing moves",
            "the [{size}] {colour} lamp is off [{place}]",
            "a [{size}] {colour} lamp on a table [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "a silent lamp", "the lamp is off, silence"),
    )
