"""Boots that walk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.backdrop import ECHOING, PLACES
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import ROOMY, SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, darker, lighter
from harmony.data.world.thing import FORCE, ImpactScene, Look, Thing, sample_build

_LIFT = 0.26  # seconds that a foot is in the air before it comes down
_TROUSERS = (0.27, 0.33, 0.50)


class Boots(Thing):
    """Two legs from the knees down step in turn, on the spot. Dust flies as a boot comes down; big boots thud low."""

    event = "step"
    places = PLACES + ECHOING
    room = 0.6

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "yellow", "green", "blue", "purple", "brown", "black"))
        params = {"frequency": round({"small": 190.0, "big": 85.0}[attributes["size"]] * rng.uniform(0.93, 1.07), 2)}
        return attributes, params | {"first": rng.integer(2)}

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        colour = COLOURS[look["colour"]]
        colour = lighter(colour, 0.12) if look["colour"] == "black" else colour
        legs = stage.placed(0, 0, scale={"small": 0.8, "big": 1.1}[look["size"]])
        legs.shadow(0, 0, 0.42, 0.07)
        covers = []
        for foot, x in enumerate((-0.17, 0.13)):
            steps = [time for k, time in enumerate(hits) if (k + look["first"]) % 2 == foot]
            high = 0.24 * FORCE[look["loudness"]] * _in_the_air(times, steps)
            leg = legs.placed(x, -high)
            leg.line([(0, -0.3), (0, -1.4)], 0.085, _TROUSERS if foot else darker(_TROUSERS, 0.2))
            shaft = leg.box(0, -0.22, 0.1, 0.15, colour, corner=0.03)
            sole = leg.box(0.07, -0.035, 0.17, 0.035, darker(colour, 0.5), corner=0.02)
            toe = leg.box(0.06, -0.1, 0.155, 0.06, colour, corner=0.05)
            leg.box(0, -0.35, 0.11, 0.025, lighter(colour, 0.4), corner=0.015)
            covers += [shaft, sole, toe]
            dust = motion.fade(times, steps, seconds=0.13)
            for side in (-1, 1):
                puff = legs.placed(x + 0.06 + side * (0.2 + 0.07 * (1 - dust)), -0.05)
                puff.disc(0, 0, 0.05 + 0.04 * (1 - dust), (0.90, 0.86, 0.78), alpha=0.9 * dust, softness=0.03)
        return covers

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples, f = round(0.3 * rate), look["frequency"]
        thud = sound.partials(
            samples, rate, frequencies=[f, 1.7 * f, 2.9 * f], amplitudes=(1.0, 0.5, 0.25), times=(0.06, 0.04, 0.025)
        )
        scuff = sound.noise(Chance(67), samples, rate, low=3.0 * f, high=5000.0) * sound.decay(samples, rate, 0.03)
        grit = sound.noise(Chance(71), samples, rate, low=1500.0) * sound.decay(samples, rate, 0.09)
        return thud + 0.35 * scuff + 0.08 * grit


def _in_the_air(times: np.ndarray, steps: Sequence[float]) -> np.ndarray:
    """(F,) in [0, 1]: a foot rises and is back on the ground, fast, at the instant of each step."""
    high = np.zeros(len(times))
    for step in steps:
        share = (times - step + _LIFT) / _LIFT
        high = np.maximum(high, np.where((share > 0) & (share < 1), np.sin(np.pi * np.clip(share, 0, 1) ** 1.4), 0))
    return high


@register
class FootstepsScene(ImpactScene):
    name = "footsteps"
    group = "ambient"
    thing = Boots()
    phrasebook = Phrasebook(
        video=(
            "[{size}] {colour} boots walk [{force}] [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {step/steps} of [{size}] {colour} boots [{position}] [{place}]",
            "someone in [{size}] {colour} boots (walks|takes {count} {step/steps}) [{tempo}] [{place}]",
            "a pair of [{size}] {colour} boots steps {times} [{force}] [{position}] [{place}]",
            "{size} {colour} boots, {count} {step/steps}[, {place}]",
            "we see [{size}] {colour} boots that walk [{tempo}] [{position}] [{place}]",
            "[{place}], [{size}] {colour} boots take {count} {step/steps}",
            "a person in {colour} boots walks [{tempo}] [{place}]",
            "the feet of somebody in [{size}] {colour} boots step [{times}] [{position}] [{place}]",
            "{times} a [{size}] {colour} boot comes down [{force}] [{place}]",
            "walking [{size}] {colour} boots[, {times}][, {place}]",
            "[{size}] {colour} boots [{position}] [{place}] step [{force}] [{times}] [{tempo}]",
            "feet in {colour} boots walk [on the spot] [{place}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] {footstep/footsteps}",
            "somebody walks [{how}] [{tempo}][, {count} {step/steps}]",
            "the [{loudness}] [{pitch}] sound of footsteps [{times}] [{tempo}]",
            "{count} {step/steps} of [{size}] boots",
            "[{size}] boots step [{how}] {times} [{tempo}]",
            "footsteps, {pitch}[, {loudness}][, {times}]",
            "{count} [{loudness}] {step/steps} [{place}]",
            "you hear {count} [{pitch}] {footstep/footsteps} [{place}]",
            "someone takes {count} [{loudness}] {step/steps} [{tempo}]",
            "[{loudness}] walking, {times}[, {pitch}]",
            "a person walks [{how}] [{tempo}] [{place}]",
            "[{pitch}] steps are heard {times} [{place}]",
            "footsteps [{times}] [{place}]",
        ),
        silent_video=(
            "[{size}] {colour} boots stand still [{place}]",
            "a pair of [{size}] {colour} boots does not move [{place}]",
            "[{size}] {colour} boots [{place}], nothing moves",
            "someone in [{size}] {colour} boots stands [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "nobody walks, silence", "no footsteps"),
        phrases=ROOMY,
    )
