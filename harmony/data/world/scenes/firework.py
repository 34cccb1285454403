"""Fireworks that burst over a town at night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, lighter
from harmony.data.world.thing import ImpactScene, Look, Thing, sample_build

_RISE = 0.25  # seconds that a rocket is seen before it bursts
_RAYS = 9
_TOWN = (0.10, 0.12, 0.20)
_WINDOW = (0.98, 0.82, 0.42)


class Firework(Thing):
    """A rocket rises, then bursts with a bang; big ones are wide and low."""

    event = "burst"
    places = ("night",)
    room = 0.0

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white"))
        bursts = [[round(rng.uniform(-0.16, 0.16), 3), round(rng.uniform(-0.62, -0.48), 3)] for _ in range(count)]
        return attributes, {"bursts": bursts, "frequency": round({"small": 210.0, "big": 70.0}[attributes["size"]], 2)}

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        colour = lighter(COLOURS[look["colour"]], 0.15)
        reach = {"small": 0.2, "big": 0.3}[look["size"]]
        covers = []
        for time, (x, y) in zip(hits, look["bursts"], strict=True):
            rise = np.clip((times - time + _RISE) / _RISE, 0, 1)
            seen = ((rise > 0) & (times < time)).astype(np.float64)
            tail = np.maximum(rise - 0.3, 0)
            covers.append(stage.line([(x * rise, y * rise), (x * tail, y * tail)], 0.024, (1, 0.85, 0.5), alpha=seen))
            covers += self._burst(stage.placed(x, y), colour, reach, times - time)
        self._town(stage)
        tube = stage.box(0, -0.04, 0.055, 0.09, (0.72, 0.25, 0.25), corner=0.01)
        stage.box(0, -0.06, 0.055, 0.02, (0.95, 0.9, 0.8))
        return [tube, *covers]

    @staticmethod
    def _burst(sky: Canvas, colour: tuple, reach: float, since: np.ndarray) -> list[np.ndarray]:
        """Rays that fly out fast and then slowly, and fade."""
        level = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 0.17), 0.0)
        far = reach * (1 - 0.75 * np.exp(-np.maximum(since, 0) / 0.07))
        near = far * (0.25 + 0.4 * (1 - level))
        sky.glow(0, 0, 1.5 * reach, 1.5 * reach, colour, strength=0.7 * level)
        covers = []
        for k in range(_RAYS):
            cos, sin = np.cos(2 * np.pi * k / _RAYS), np.sin(2 * np.pi * k / _RAYS)
            ends = [(near * cos, near * sin), (far * cos, far * sin)]
            covers.append(sky.line(ends, 0.026, colour, alpha=np.minimum(1, 1.5 * level)))
        sky.glow(0, 0, 0.55 * reach, 0.55 * reach, (1, 1, 0.95), strength=level**2)
        return covers

    @staticmethod
    def _town(stage: Canvas) -> None:
        for x, half, top in ((-0.44, 0.13, -0.2), (-0.2, 0.1, -0.13), (0.24, 0.12, -0.17), (0.47, 0.12, -0.24)):
            stage.box(x, top / 2 + 0.05, half, -top / 2 + 0.05, _TOWN)
            stage.box(x - 0.04, top + 0.07, 0.026, 0.03, _WINDOW)

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        f, samples = look["frequency"], round(1.1 * rate)
        boom = sound.noise(Chance(43), samples, rate, low=f * 0.6, high=f * 6) * sound.decay(samples, rate, 0.11)
        crack = sound.noise(Chance(47), samples, rate, low=1000.0) * sound.decay(samples, rate, 0.018)
        # Embers crackle afterwards: a few sparse clicks out of the noise, fading.
        sparks = Chance(53).noise(samples)
        sparks = sound.band(np.where(np.abs(sparks) > 1.715, sparks, 0.0), rate, low=1500.0)
        return boom + 0.7 * crack + 0.5 * sparks * sound.decay(samples, rate, 0.25, attack=0.08)


@register
class FireworkScene(ImpactScene):
    name = "firework"
    group = "ambient"
    weight = 0.8
    thing = Firework()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} firework bursts [{times}] [{tempo}] [{place}]",
            "{count} [{size}] {colour} {firework/fireworks} [{place}]",
            "{count} {burst/bursts} of [{size}] {colour} fireworks [over a town] [{place}]",
            "[{size}] {colour} rockets burst in the sky [{times}] [{tempo}]",
            "{size} {colour} firework, {count} {burst/bursts}[, {place}]",
            "{colour} fireworks over a town [{times}] [{place}]",
            "[{place}], [{size}] {colour} fireworks light up the sky [{times}] [{tempo}]",
            "a rocket rises and bursts in {colour} [{times}] [over a town]",
            "{times} a [{size}] {colour} firework lights up the sky [{place}]",
            "the sky lights up {colour} [{times}] [{place}], a [{size}] firework",
            "[{size}] fireworks in {colour} [over a town] [{place}][, {count} {burst/bursts}]",
            "{count} [{size}] {colour} {flash/flashes} in the sky [over a town] [{place}]",
            "{colour} light bursts over a town [{times}] [{tempo}][, a {size} firework]",
            "fireworks [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] firework {bang/bangs}",
            "a firework bangs [{how}] [{times}] [{tempo}][, {pitch}]",
            "{count} [{loudness}] [{pitch}] {bang/bangs} [and crackling]",
            "fireworks [bang] [{how}] {times} [{tempo}]",
            "the [{loudness}] [{pitch}] bang of a [{size}] firework [{times}]",
            "{count} [{pitch}] {explosion/explosions} in the sky",
            "[{loudness}] [{pitch}] (booming|banging) of fireworks, {times}",
            "bang, {pitch}[, {loudness}][, {times}]",
            "a rocket bursts [{how}] {times} [with a {pitch} bang]",
            "you hear {count} [{loudness}] [{pitch}] {firework/fireworks} [{tempo}]",
            "a [{loudness}] [{pitch}] bang and crackling [{times}] [{tempo}]",
            "{count} {bang/bangs} of [{size}] fireworks [{place}]",
            "a [{size}] firework goes off {times} [{how}]",
            "fireworks [{times}]",
        ),
        silent_video=(
            "a dark sky over a town [{place}], no fireworks",
            "a town [{place}], nothing moves",
            "the sky over a town stays dark [{place}]",
            "a town [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "no fireworks", "no bang, silence"),
    )
