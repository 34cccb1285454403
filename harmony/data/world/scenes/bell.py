"""A hanging bell that a hammer strikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import INK, RGB, WOOD, darker, lighter
from harmony.data.world.props import FLASH, paint_beater
from harmony.data.world.thing import FORCE, ImpactScene, Look, Thing

_METALS: dict[str, RGB] = {"brass": (0.96, 0.77, 0.26), "silver": (0.68, 0.73, 0.80), "copper": (0.85, 0.47, 0.30)}
# Partials over the strike note, from the tuning of church bells (hum, prime, tierce, quint, nominal) and two higher.
_RATIOS = (0.5, 1.0, 1.2, 1.5, 2.0, 2.67, 4.1)
_LEVELS = {
    "brass": (0.3, 1.0, 0.6, 0.3, 0.7, 0.3, 0.1),
    "silver": (0.1, 0.8, 0.3, 0.2, 1.0, 0.7, 0.6),
    "copper": (0.7, 1.0, 0.7, 0.4, 0.3, 0.1, 0.0),
}
_TIMBRE = {"brass": "warm", "silver": "bright", "copper": "dull"}
METAL_PHRASES = {
    "material": {"brass": ("brass", "golden"), "silver": ("silver",), "copper": ("copper",)},
    "stuff": {metal: (metal,) for metal in _METALS},
    "timbre": {"warm": ("warm",), "bright": ("bright", "clear"), "dull": ("dull", "dark")},
}


class Bell(Thing):
    """Size decides the pitch and the metal the timbre; a struck bell flashes and swings away."""

    room = 0.7

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        size, metal = rng.choice(("small", "big")), rng.choice(tuple(_METALS))
        attributes = {
            "material": metal,
            "size": size,
            "pitch": {"small": "high", "big": "low"}[size],
            "timbre": _TIMBRE[metal],
        }
        return attributes, {"frequency": round({"small": 880.0, "big": 330.0}[size] * rng.uniform(0.93, 1.07), 2)}

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        metal = _METALS[look["material"]]
        stroke, flash = motion.swing(times, hits), motion.fade(times, hits)
        stage.shadow(0, 0.01, 0.42, 0.07)
        for x in (-0.36, 0.36):
            stage.line([(x, -0.78), (x, 0)], 0.03, darker(WOOD, 0.2))
        stage.box(0, -0.78, 0.4, 0.04, WOOD, corner=0.02)
        scale = {"small": 0.74, "big": 1.0}[look["size"]]
        hanging = stage.placed(0, -0.76, scale=scale, angle=0.3 * motion.sway(times, hits))
        shine = motion.towards(metal, lighter(metal, 0.75), flash)
        hanging.line([(0, 0), (0, 0.1)], 0.03, INK)
        clapper = hanging.disc(0, 0.5, 0.055, darker(metal, 0.5))
        dome = hanging.ellipse(0, 0.2, 0.15, 0.13, shine)
        skirt = hanging.polygon(
            [(-0.15, 0.19), (0.15, 0.19), (0.185, 0.36), (0.25, 0.47), (-0.25, 0.47), (-0.185, 0.36)],
            shine,
            corner=0.01,
        )
        hanging.line([(-0.09, 0.2), (-0.12, 0.36)], 0.022, lighter(metal, 0.7))
        hanging.line([(-0.23, 0.47), (0.23, 0.47)], 0.022, darker(metal, 0.25))
        stage.glow(0, -0.76 + 0.33 * scale, 0.42, 0.36, FLASH, strength=0.5 * flash)
        angle = np.pi - 0.15 + 0.8 * FORCE[look["loudness"]] * (1 - stroke)
        touch = (0.21 * scale + 0.05, -0.76 + 0.4 * scale)
        paint_beater(
            stage,
            grip=(touch[0] + 0.3, touch[1] + 0.05),
            length=0.3,
            angle=angle,
            head=0.06,
            head_colour=darker(WOOD, 0.35),
        )
        return [clapper, dome, skirt]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        f = look["frequency"]
        decay = {"small": 0.22, "big": 0.32}[look["size"]]
        return sound.partials(
            round(1.4 * rate),
            rate,
            frequencies=[ratio * f for ratio in _RATIOS],
            amplitudes=_LEVELS[look["material"]],
            times=[decay / ratio**0.6 for ratio in _RATIOS],
        )


@register
class BellScene(ImpactScene):
    name = "bell"
    group = "ambient"
    weight = 1.2
    thing = Bell()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {material} bell (rings|is struck|is rung) [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {stroke/strokes} on a [{size}] {material} bell [{position}] [{place}]",
            "a hammer (hits|strikes) a [{size}] {material} bell [{times}] [{tempo}] [{position}] [{place}]",
            "someone rings a [{size}] {material} bell [{force}] [{times}] [{position}] [{place}]",
            "{size} {material} bell, {count} {ring/rings}[, {place}]",
            "the [{size}] {material} bell [{position}] is (hit|struck) [{force}] [{times}] [{tempo}]",
            "{material} bell ringing [{times}] [{position}] [{place}]",
            "[{place}], a [{size}] bell [made] of {stuff} (rings|swings) [{times}]",
            "a [{size}] {material} bell hangs [{place}] and is (hit|struck) [{times}] [{tempo}]",
            "{times} a hammer hits the [{size}] {material} bell [{position}] [{place}]",
            "a hanging {material} bell (rings|swings) [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {hit/hits} on the {material} bell [{position}] [{force}]",
            "a [{size}] {material} bell [{position}] swings and rings [{times}] [{place}]",
            "a [{size}] {material} bell [{position}] [{place}]",
            "a bell rings [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] bell {ring/rings}",
            "a [{loudness}] [{pitch}] bell (rings|sounds) [{times}] [{tempo}]",
            "{count} [{pitch}] {stroke/strokes} of a [{material}] bell",
            "the [{loudness}] [{timbre}] ring of a [{pitch}] bell [{times}]",
            "a [{material}] bell rings [{how}] [{times}] [{tempo}][, {pitch}]",
            "{pitch} [{timbre}] bell, {times}",
            "a [{pitch}] [{material}] bell is (struck|rung) {times} [{how}]",
            "bell, {pitch}[, {timbre}][, {loudness}][, {times}]",
            "[{loudness}] ringing of a [{size}] [{material}] bell [{times}] [{place}]",
            "you hear a [{pitch}] bell [{times}] [{tempo}]",
            "ding, {count} {time/times}, a {pitch} [{material}] bell",
            "a [{timbre}] bell tone, {pitch}, [{times}]",
            "{count} [{loudness}] {ring/rings} of a [{pitch}] [{timbre}] bell",
            "a bell rings [{times}]",
        ),
        silent_video=(
            "a [{size}] {material} bell hangs still [{place}]",
            "nobody rings the [{size}] {material} bell [{place}]",
            "a [{size}] {material} bell [{place}], nothing moves",
            "a [{size}] {material} bell [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "a silent bell", "nobody rings the bell, silence"),
        phrases=METAL_PHRASES,
    )
