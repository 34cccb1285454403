"""A fist that knocks on a door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, METAL, SKIN, darker, lighter
from harmony.data.world.props import FLASH, paint_rays
from harmony.data.world.thing import FORCE, ImpactScene, Look, Thing


class Door(Thing):
    """Wooden doors are painted and thud; metal doors are bare and clang."""

    event = "knock"
    room = 0.5

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        material = rng.choice(("wood", "metal"), weights=(0.6, 0.4))
        colour = rng.choice(("brown", "red", "green", "blue", "yellow", "purple")) if material == "wood" else "gray"
        attributes = {"material": material, "colour": colour, "sound": {"wood": "dull", "metal": "ringing"}[material]}
        return attributes, {"frequency": round({"wood": 150.0, "metal": 360.0}[material] * rng.uniform(0.92, 1.08), 2)}

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        wooden = look["material"] == "wood"
        colour = COLOURS[look["colour"]] if wooden else METAL
        knob = COLOURS["yellow"] if look["colour"] in ("red", "green", "blue", "purple") else darker(METAL, 0.6)
        reach, flash = motion.swing(times, hits), motion.fade(times, hits, seconds=0.12)
        stage.shadow(0, 0, 0.4, 0.06)
        stage.box(-0.08, -0.42, 0.3, 0.44, (0.93, 0.90, 0.84), corner=0.015)
        door = stage.box(-0.08, -0.405, 0.255, 0.405, motion.towards(colour, lighter(colour, 0.5), flash))
        if wooden:
            for x in (-0.2, 0.04):
                for y, half in ((-0.61, 0.13), (-0.23, 0.15)):
                    stage.box(x, y, 0.085, half, darker(colour, 0.2), corner=0.01)
        else:
            for y in (-0.74, -0.08):
                stage.box(-0.08, y, 0.255, 0.03, darker(colour, 0.25))
            stage.box(-0.08, -0.41, 0.02, 0.3, darker(colour, 0.12))
        stage.disc(-0.275, -0.4, 0.04, knob)
        back = 0.26 * FORCE[look["loudness"]] * (1 - reach)
        hand = stage.placed(0.12 + back, -0.5 - 0.35 * back)
        paint_rays(stage, 0.06, -0.5, level=flash, inner=0.13, outer=0.24, count=7)
        stage.glow(0.06, -0.5, 0.2, 0.2, FLASH, strength=0.5 * flash)
        hand.line([(0.1, 0.05), (0.6, 0.35)], 0.085, (0.32, 0.38, 0.55))
        fist = hand.box(0, 0, 0.09, 0.095, SKIN, corner=0.05)
        for y in (-0.04, 0.0, 0.04):
            hand.line([(-0.075, y), (-0.02, y)], 0.01, darker(SKIN, 0.25))
        hand.line([(0.0, 0.075), (0.06, 0.03)], 0.035, darker(SKIN, 0.1))
        return [door, fist]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        f, samples = look["frequency"], round(0.8 * rate)
        if look["material"] == "wood":
            ratios, times = (1.0, 1.7, 2.6, 3.9), (0.06, 0.045, 0.03, 0.02)
            levels = (1.0, 0.6, 0.4, 0.25)
        else:
            ratios, times = (1.0, 1.53, 2.41, 3.3, 4.76), (0.22, 0.2, 0.16, 0.12, 0.1)
            levels = (0.7, 1.0, 0.8, 0.6, 0.4)
        body = sound.partials(samples, rate, frequencies=[f * r for r in ratios], amplitudes=levels, times=times)
        click = sound.noise(Chance(31), samples, rate, low=700.0, high=4000.0) * sound.decay(samples, rate, 0.008)
        return body + 0.3 * click


@register
class KnockScene(ImpactScene):
    name = "knock"
    group = "ambient"
    thing = Door()
    phrasebook = Phrasebook(
        video=(
            "a (fist|hand) knocks [{force}] on a {colour} {material} door [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {knock/knocks} on a {colour} {material} door [{position}] [{place}]",
            "someone knocks [{force}] on a [{material}] {colour} door [{times}] [{tempo}] [{position}] [{place}]",
            "a {colour} door [of {stuff}] is (hit|struck) [{times}] [{position}] [{place}]",
            "{colour} {material} door, {count} {knock/knocks}[, {place}]",
            "{times} a fist (hits|knocks on) the {colour} {material} door [{position}] [{place}]",
            "a person knocks on the {colour} [{material}] door [{position}] [{times}] [{tempo}]",
            "knocking on a {colour} {material} door [{times}] [{position}] [{place}]",
            "[{place}], a hand knocks on a {colour} {material} door [{force}] [{times}]",
            "a closed {colour} {material} door [{position}], someone knocks [{times}]",
            "a fist (hits|strikes) a {colour} {material} door [{times}] [{tempo}] [{position}] [{place}]",
            "the {colour} {material} door gets {count} {knock/knocks} [{position}] [{place}]",
            "a {colour} {material} door and a (hand|fist) that knocks [{force}] [{times}] [{position}] [{place}]",
            "someone knocks on a door [{times}]",
        ),
        audio=(
            "{count} [{loudness}] {knock/knocks} on a {material} door",
            "someone knocks [{how}] on (a|the) {material} door [{times}] [{tempo}]",
            "[{loudness}] [{sound}] knocking on {stuff} [{times}]",
            "{count} [{loudness}] [{sound}] {knock/knocks}",
            "a {material} door is knocked on [{how}] {times} [{tempo}]",
            "knock, {material} door[, {loudness}][, {times}]",
            "the [{loudness}] sound of {count} {knock/knocks} on {stuff}",
            "{count} {sound} {knock/knocks} on a door [{place}]",
            "a [{loudness}] knock on a {material} door [is heard {times}]",
            "you hear {count} [{loudness}] {knock/knocks} on a {material} door [{tempo}]",
            "a fist knocks [{how}] on {stuff} {times}",
            "a hand (hits|knocks on) a {material} door [{times}] [{how}] [{tempo}]",
            "[{sound}] {knock/knocks} on {stuff}",
            "someone knocks on a door [{times}]",
        ),
        silent_video=(
            "nobody knocks on the {colour} {material} door [{place}]",
            "a {colour} {material} door and a fist [{place}], nothing moves",
            "a (fist|hand) keeps still in front of a {colour} {material} door [{place}]",
            "a {colour} {material} door [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "nobody knocks", "nobody knocks on the door, silence"),
        phrases={
            "stuff": {"wood": ("wood",), "metal": ("metal", "iron")},
            "material": {"wood": ("wooden", "wood"), "metal": ("metal", "iron")},
            "sound": {"dull": ("dull", "wooden"), "ringing": ("ringing", "metallic")},
        },
    )
