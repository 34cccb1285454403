"""A drum that a stick strikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, WOOD, darker, lighter
from harmony.data.world.props import FLASH, paint_beater
from harmony.data.world.thing import FORCE, ImpactScene, Look, Thing, sample_build


class Drum(Thing):
    """Size decides the pitch; the skin dips and lights up at each stroke."""

    room = 0.8

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white"))
        return attributes, {
            "frequency": round({"small": 210.0, "big": 85.0}[attributes["size"]] * rng.uniform(0.93, 1.07), 2)
        }

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        colour = COLOURS[look["colour"]]
        drum = stage.placed(0, 0, scale={"small": 0.72, "big": 1.0}[look["size"]])
        stroke, flash = motion.swing(times, hits), motion.fade(times, hits)
        top = -0.36 + 0.035 * flash
        drum.shadow(0, 0, 0.46, 0.1)
        body = [
            drum.ellipse(0, -0.03, 0.3, 0.075, darker(colour, 0.15)),
            drum.box(0, (top - 0.04) / 2, 0.3, (-0.04 - top) / 2, colour),
        ]
        drum.polygon([(-0.3, -0.3), (-0.2, -0.3), (-0.2, 0.03), (-0.3, -0.03)], darker(colour, 0.18))
        for x in (-0.12, 0.12):
            drum.line([(x - 0.1, top + 0.08), (x, -0.02), (x + 0.1, top + 0.08)], 0.014, lighter(colour, 0.6))
        rim = drum.ellipse(0, top, 0.325, 0.095, darker(colour, 0.35))
        skin = drum.ellipse(0, top - 0.01, 0.285, 0.07, (0.97, 0.95, 0.88))
        drum.glow(0, top - 0.02, 0.42, 0.2, FLASH, strength=0.9 * flash)
        angle = np.pi - 0.4 + 0.85 * FORCE[look["loudness"]] * (1 - stroke)
        stick = paint_beater(
            drum,
            grip=(0.37, -0.54),
            length=0.4,
            angle=angle,
            head=0.055,
            head_colour=lighter(WOOD),
            sleeve=darker(colour),
        )
        return [*body, rim, skin, *stick]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        f, samples = look["frequency"], round(0.7 * rate)
        seconds = np.arange(samples) / rate
        # The skin is stretched by the stroke, so its pitch falls a little in the first moments.
        tone = sound.glide(f * (1 + 0.35 * np.exp(-seconds / 0.025)), rate, amplitudes=(1.0,))
        ring = sound.partials(
            samples,
            rate,
            frequencies=(1.59 * f, 2.14 * f, 2.3 * f),
            amplitudes=(0.45, 0.3, 0.2),
            times=(0.1, 0.07, 0.06),
        )
        slap = sound.noise(Chance(11), samples, rate, low=800.0, high=5000.0) * sound.decay(samples, rate, 0.012)
        return tone * sound.decay(samples, rate, 0.17) + ring + 0.25 * slap


@register
class DrumScene(ImpactScene):
    name = "drum"
    group = "ambient"
    weight = 1.4
    thing = Drum()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} drum is (hit|struck|beaten) [{force}] [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {hit/hits} on a [{size}] {colour} drum [{position}] [{place}]",
            "someone (hits|strikes|beats) a [{size}] {colour} drum [{times}] [{tempo}] [{position}] [{place}]",
            "a (stick|drumstick) (hits|strikes) a [{size}] {colour} drum [{position}] [{times}] [{place}]",
            "{size} {colour} drum, {count} {beat/beats}[, {place}]",
            "the [{size}] {colour} drum [{position}] gets {count} {stroke/strokes} [{place}]",
            "a hand (plays|beats) the [{size}] {colour} drum with a stick [{times}]",
            "[{place}], a [{size}] {colour} drum is (played|struck) [{force}] [{times}] [{tempo}]",
            "{colour} drum [{times}] [{position}] [{place}]",
            "a (player|drummer) (hits|plays) a [{size}] {colour} drum [{force}] [{times}] [{position}] [{place}]",
            "[a] {size} {colour} drum [stands {place}] and is (hit|struck) [{times}]",
            "{times} a stick comes down on a [{size}] {colour} drum [{position}] [{place}]",
            "a [{size}] {colour} drum [{position}], (beaten|hit) with a stick [{times}] [{tempo}]",
            "{count} {beat/beats} on the {colour} drum [{tempo}] [{position}] [{place}]",
            "a [{size}] {colour} drum [{position}] [{place}]",
            "a drum is hit [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] drum {beat/beats}",
            "a [{loudness}] [{pitch}] drum sounds [{times}] [{tempo}]",
            "{count} [{loudness}] [{pitch}] ({thud/thuds}|{boom/booms}) of a drum",
            "a drum is (hit|beaten) [{how}] {times} [, {pitch}]",
            "the [{loudness}] [{pitch}] sound of a drum [{times}] [{tempo}]",
            "{count} {stroke/strokes} on a [{pitch}] drum",
            "a [{size}] drum (booms|sounds) [{times}] [{how}]",
            "drum, {pitch}[, {loudness}][, {times}]",
            "{count} {beat/beats} of a [{loudness}] [{pitch}] drum [{place}]",
            "[{loudness}] drum (beats|hits)[, {pitch}][, {times}]",
            "someone beats a [{pitch}] drum [{how}] [{times}] [{tempo}]",
            "you hear {count} [{loudness}] [{pitch}] ({boom/booms}|drum {hit/hits})",
            "a {pitch} drum, [{how}] [{times}]",
            "a drum (is heard|sounds) [{times}]",
        ),
        silent_video=(
            "a [{size}] {colour} drum stands still [{place}]",
            "nobody plays the [{size}] {colour} drum [{place}]",
            "a [{size}] {colour} drum [{place}], nothing moves",
            "a [{size}] {colour} drum [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "a silent drum", "nobody plays the drum, silence"),
    )
