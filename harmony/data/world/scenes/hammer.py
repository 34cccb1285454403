"""A hammer that strikes glowing iron on an anvil."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, SKIN, WOOD, darker, lighter
from harmony.data.world.props import paint_rays
from harmony.data.world.thing import FORCE, ImpactScene, Look, Thing, sample_build

_SPARK = (1.0, 0.72, 0.2)
_STEEL = (0.33, 0.35, 0.41)


class Hammer(Thing):
    """The hammer's head has a colour and a size; a big one sounds low. Sparks fly at each blow."""

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "yellow", "green", "blue", "gray", "purple"))
        return attributes, {
            "frequency": round({"small": 1250.0, "big": 560.0}[attributes["size"]] * rng.uniform(0.93, 1.07), 2)
        }

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        blow, flash = motion.swing(times, hits), motion.fade(times, hits, seconds=0.14)
        colour, size = COLOURS[look["colour"]], {"small": 0.78, "big": 1.1}[look["size"]]
        stage.shadow(0, 0, 0.36, 0.07)
        anvil = [
            stage.box(0, -0.05, 0.22, 0.055, darker(_STEEL, 0.2), corner=0.02),
            stage.polygon([(-0.12, -0.28), (0.12, -0.28), (0.17, -0.06), (-0.17, -0.06)], darker(_STEEL, 0.12)),
            stage.polygon([(-0.22, -0.37), (-0.42, -0.35), (-0.22, -0.25)], _STEEL, corner=0.01),
            stage.box(0.02, -0.31, 0.26, 0.075, _STEEL, corner=0.015),
        ]
        stage.box(0.02, -0.37, 0.25, 0.012, lighter(_STEEL, 0.3))
        iron = motion.towards((0.93, 0.42, 0.15), (1.0, 0.95, 0.6), flash)
        anvil.append(stage.box(-0.03, -0.41, 0.15, 0.032, iron, corner=0.02))
        paint_rays(stage, -0.03, -0.44, level=flash, inner=0.14, outer=0.28, count=7, colour=_SPARK, arc=(3.3, 6.1))
        stage.glow(-0.03, -0.44, 0.34, 0.28, _SPARK, strength=0.7 * flash)
        turn = 0.78 * FORCE[look["loudness"]] * (1 - blow)
        reach, height = 0.36, 0.115 * size
        arm = stage.placed(-0.03 + reach, -0.44 - height, angle=turn)
        stage.line([(reach + 0.4, -0.28), (reach + 0.0, -0.44 - height)], 0.07, (0.32, 0.38, 0.55))
        handle = arm.line([(0, 0), (-reach, 0)], 0.028, WOOD)
        head = arm.box(-reach, 0, 0.07 * size, height, colour, corner=0.015)
        arm.box(-reach, 0.7 * height, 0.07 * size, 0.3 * height, darker(colour, 0.3), corner=0.01)
        arm.disc(0, 0, 0.075, SKIN)
        return [*anvil, handle, head]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        f, samples = look["frequency"], round(0.9 * rate)
        ping = sound.partials(
            samples,
            rate,
            frequencies=[f * ratio for ratio in (1.0, 1.36, 2.07, 2.91, 4.3)],
            amplitudes=(0.6, 0.4, 1.0, 0.7, 0.4),
            times=(0.2, 0.16, 0.14, 0.1, 0.06),
        )
        click = sound.noise(Chance(41), samples, rate, low=2000.0) * sound.decay(samples, rate, 0.007)
        return ping + 0.6 * click


@register
class HammerScene(ImpactScene):
    name = "hammer"
    group = "ambient"
    thing = Hammer()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} hammer (hits|strikes) an anvil [{force}] [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {blow/blows} of a [{size}] {colour} hammer on an anvil [{position}] [{place}]",
            "a smith (strikes|hits) hot iron with a [{size}] {colour} hammer [{times}] [{position}] [{place}]",
            "sparks fly as a [{size}] {colour} hammer hits an anvil [{times}] [{tempo}]",
            "{size} {colour} hammer, anvil, {count} {blow/blows}[, {place}]",
            "someone hammers [{force}] on an anvil with a [{size}] {colour} hammer [{times}]",
            "a {colour} hammer comes down [{force}] on an anvil [{times}] [{position}] [{place}]",
            "[{place}], a [{size}] {colour} hammer strikes an anvil [{times}] [{tempo}]",
            "{times} the [{size}] {colour} hammer hits the anvil [{position}] [{place}]",
            "an anvil [{position}] is (hit|struck) by a [{size}] {colour} hammer [{times}] [{place}]",
            "a hand with a [{size}] {colour} hammer (hits|strikes) glowing iron [{times}] [{tempo}]",
            "{count} {hit/hits} on an anvil with a [{size}] {colour} hammer [{force}]",
            "hammering on an anvil, [{size}] {colour} hammer[, {times}][, {place}]",
            "a hammer hits an anvil [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] hammer {blow/blows} [on metal]",
            "a hammer (hits|strikes) an anvil [{how}] [{times}] [{tempo}]",
            "{count} [{loudness}] [{pitch}] metallic {clang/clangs}",
            "the [{loudness}] [{pitch}] clang of an anvil [{times}]",
            "a [{size}] hammer (clangs|rings) on iron [{how}] {times}",
            "metal is struck [{how}] {times} [{tempo}][, {pitch}]",
            "hammer on anvil, {pitch}[, {loudness}][, {times}]",
            "[{loudness}] [{pitch}] hammering, {times} [{tempo}]",
            "{count} {blow/blows} on an anvil[, {pitch}] [{place}]",
            "a [{loudness}] [{pitch}] clang is heard [{times}] [{tempo}]",
            "you hear a hammer on an anvil [{times}][, {pitch}]",
            "an anvil (clangs|rings) [{how}] {times}[, {pitch}]",
            "{pitch} ringing {blow/blows} on iron, {times}",
            "a hammer hits metal [{times}]",
        ),
        silent_video=(
            "a [{size}] {colour} hammer keeps still over an anvil [{place}]",
            "nobody hits the anvil with the [{size}] {colour} hammer [{place}]",
            "a [{size}] {colour} hammer and an anvil [{place}], nothing moves",
            "an anvil and a [{size}] {colour} hammer [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "a silent anvil", "nobody hits the anvil, silence"),
    )
