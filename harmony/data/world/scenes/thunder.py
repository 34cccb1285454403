"""Lightning that strikes behind a house."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, darker
from harmony.data.world.thing import ImpactScene, Look, Thing

_BOLT, _LIT = (1.0, 0.97, 0.75), (0.93, 0.93, 1.0)
_CLOUD = {"day": (0.48, 0.52, 0.60), "night": (0.20, 0.22, 0.32)}
# A bolt from the cloud to the ground, as it breaks: x to either side, y down.
_PATH = ((0.0, -0.66), (0.07, -0.5), (-0.03, -0.46), (0.06, -0.28), (-0.04, -0.25), (0.03, -0.05))


class Storm(Thing):
    """The storm is right overhead: flash and thunder come together. Far thunder rumbles low, near thunder cracks."""

    event = "flash"
    places = ("day", "night")
    room = 0.0

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = {
            "colour": rng.choice(("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")),
            "pitch": rng.choice(("low", "high")),
        }
        params = {"frequency": round({"low": 60.0, "high": 140.0}[attributes["pitch"]] * rng.uniform(0.93, 1.07), 2)}
        return attributes, params | {"bolts": [round(rng.uniform(-0.1, 0.36), 3) for _ in range(count)]}

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        night = look["place"] == "night"
        colour = darker(COLOURS[look["colour"]], 0.3 if night else 0.12)
        flash = motion.fade(times, hits, seconds=0.15)
        stage.box(0, -0.6, 1.5, 0.45, (0.13, 0.14, 0.24) if night else (0.55, 0.60, 0.68))
        stage.box(0, -0.6, 1.5, 0.45, _LIT, alpha=0.55 * flash)
        bolts = []
        for time, x in zip(hits, look["bolts"], strict=True):
            since = times - time
            level = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 0.17), 0.0)
            for radius, tint, strength in ((0.05, (0.72, 0.74, 1.0), 0.55), (0.022, _BOLT, 1.0)):
                points = [(x + dx, y) for dx, y in _PATH]
                bolts.append(stage.line(points, radius, tint, alpha=strength * np.minimum(1, 1.4 * level)))
        cloud = motion.towards(_CLOUD[look["place"]], (0.80, 0.82, 0.92), 0.6 * flash)
        covers = [stage.box(0, -0.95, 1.5, 0.19, cloud)]
        covers += [
            stage.disc(x, -0.76, radius, cloud)
            for x, radius in ((-0.42, 0.13), (-0.18, 0.16), (0.1, 0.14), (0.36, 0.16))
        ]
        stage.shadow(-0.24, 0.0, 0.26, 0.05)
        stage.box(-0.24, -0.11, 0.15, 0.11, colour)
        stage.polygon([(-0.44, -0.21), (-0.24, -0.39), (-0.04, -0.21)], darker(colour, 0.45), corner=0.01)
        stage.box(-0.28, -0.11, 0.045, 0.045, (0.98, 0.84, 0.45))
        stage.box(-0.15, -0.07, 0.035, 0.07, darker(colour, 0.6))
        return [*bolts, *covers]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples, f = round(1.3 * rate), look["frequency"]
        crack = sound.noise(Chance(89), samples, rate, low=900.0, high=7000.0) * sound.decay(samples, rate, 0.03)
        clap = sound.noise(Chance(97), samples, rate, low=3 * f, high=14 * f) * sound.decay(samples, rate, 0.12)
        t = np.arange(samples) / rate
        roll = 0.6 + 0.4 * np.cos(2 * np.pi * 5.0 * t)
        rumble = (
            sound.noise(Chance(101), samples, rate, low=0.5 * f, high=4 * f) * sound.decay(samples, rate, 0.4) * roll
        )
        return 0.9 * crack + clap + 1.1 * rumble


@register
class ThunderScene(ImpactScene):
    name = "thunder"
    group = "ambient"
    thing = Storm()
    phrasebook = Phrasebook(
        video=(
            "lightning strikes behind a {colour} house [{times}] [{tempo}] [{place}]",
            "{count} {flash/flashes} of lightning over a {colour} house [{place}]",
            "a {colour} house in a thunderstorm [{place}][, lightning strikes {times}]",
            "a bolt of lightning comes down [{times}] behind a {colour} house [{place}]",
            "{colour} house, thunderstorm, {count} {flash/flashes}[, {place}]",
            "[{place}], lightning flashes [{times}] over a {colour} house",
            "we see a {colour} house [{place}] and lightning [{times}] [{tempo}]",
            "dark clouds and {count} {flash/flashes} of lightning over a {colour} house [{place}]",
            "{times} lightning strikes behind the {colour} house [{place}]",
            "a storm over a {colour} house [{place}], lightning flashes {times} [{tempo}]",
            "lightning lights up a {colour} house [{times}] [{place}]",
            "a thunderstorm [{place}] over a {colour} house",
            "lightning strikes [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] {thunderclap/thunderclaps}",
            "thunder rolls [{how}] [{times}] [{tempo}]",
            "the [{loudness}] [{pitch}] rumble of thunder [{times}]",
            "it thunders [{how}] {times} [{tempo}][, {pitch}]",
            "{count} [{pitch}] {clap/claps} of thunder [{place}]",
            "thunder, {pitch}[, {loudness}][, {times}]",
            "[{loudness}] [{pitch}] thunder, {times}",
            "you hear [{loudness}] thunder {times} [{tempo}]",
            "a thunderstorm, {count} [{pitch}] {clap/claps}",
            "a [{pitch}] [{loudness}] clap of thunder is heard [{times}] [{place}]",
            "lightning strikes [{how}] {times}",
            "{count} {thunderclap/thunderclaps} [{place}][, {pitch}]",
            "thunder {times}",
        ),
        silent_video=(
            "dark clouds over a {colour} house [{place}], no lightning",
            "a {colour} house [{place}] before a storm, nothing moves",
            "dark clouds and a {colour} house [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "no thunder", "it does not thunder"),
    )
