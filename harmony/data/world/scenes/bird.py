"""A bird that chirps on a branch."""

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

_BEAK = (0.97, 0.66, 0.16)


class Bird(Thing):
    """Small birds chirp high. The beak is open exactly while a chirp sounds; head and tail jerk."""

    event = "chirp"
    places = ("day", "night", "cave")
    room = 0.7

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white"))
        return attributes, {
            "frequency": round({"small": 3300.0, "big": 1500.0}[attributes["size"]] * rng.uniform(0.93, 1.07), 1)
        }

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        feathers = COLOURS[look["colour"]]
        mouth, jerk = motion.opening(times, hits, hold=0.08), motion.fade(times, hits, seconds=0.12)
        stage.line([(-0.6, -0.06), (0.05, -0.1), (0.6, -0.03)], 0.035, (0.42, 0.29, 0.18))
        stage.line([(0.3, -0.07), (0.45, -0.2)], 0.02, (0.42, 0.29, 0.18))
        stage.ellipse(0.48, -0.24, 0.09, 0.045, (0.36, 0.62, 0.30), angle=-0.6)
        bird = stage.placed(0.02, -0.1, scale={"small": 0.85, "big": 1.15}[look["size"]])
        bird.placed(-0.18, -0.16, angle=0.3 + 0.45 * jerk).line([(0, 0), (-0.24, 0.06)], 0.05, darker(feathers, 0.35))
        for x in (-0.04, 0.05):
            bird.line([(x, -0.07), (x, 0.0)], 0.014, darker(_BEAK, 0.3))
        body = bird.ellipse(0, -0.2, 0.22, 0.16, feathers, angle=-0.35)
        bird.ellipse(0.05, -0.16, 0.13, 0.1, lighter(feathers, 0.55), angle=-0.35)
        bird.ellipse(-0.06, -0.21, 0.13, 0.085, darker(feathers, 0.28), angle=-0.15 - 0.3 * jerk)
        head = bird.placed(0.17, -0.38 - 0.05 * jerk, angle=-0.2 * mouth)
        lower = head.polygon(
            [(0.1, 0.02), (0.27, 0.035 + 0.10 * mouth), (0.1, 0.075 + 0.02 * mouth)], darker(_BEAK, 0.2), corner=0.01
        )
        inside = head.polygon(
            [(0.1, 0.0), (0.24, 0.015 - 0.03 * mouth), (0.24, 0.03 + 0.08 * mouth), (0.1, 0.05)],
            (0.62, 0.14, 0.16),
            alpha=mouth,
        )
        skull = head.disc(0, 0, 0.145, feathers)
        upper = head.polygon([(0.1, -0.05), (0.29, 0.015 - 0.06 * mouth), (0.1, 0.035)], _BEAK, corner=0.01)
        head.disc(0.045, -0.035, 0.036, (1.0, 1.0, 1.0))
        head.disc(0.055, -0.035, 0.024, INK)
        return [body, lower, inside, skull, upper]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples, f = round(0.17 * rate), look["frequency"]
        t = np.arange(samples) / rate
        pitch = f * (1.25 - 2.6 * t + 0.12 * np.sin(2 * np.pi * 28.0 * t))
        envelope = np.minimum(1.0, (t + 1 / rate) / 0.003) * np.clip((0.17 - t) / 0.09, 0, 1)
        return envelope * sound.glide(pitch, rate, amplitudes=(1.0, 0.22, 0.06))


@register
class BirdScene(ImpactScene):
    name = "bird"
    group = "ambient"
    thing = Bird()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} bird chirps [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {chirp/chirps} of a [{size}] {colour} bird [{position}] [{place}]",
            "a [{size}] {colour} bird on a branch (sings|chirps) [{times}] [{place}]",
            "a [{size}] {colour} bird opens its beak [{times}] [{position}] [{place}]",
            "{size} {colour} bird, {count} {chirp/chirps}[, {place}]",
            "{colour} bird chirping [{times}] [{position}] [{place}]",
            "[{place}], a [{size}] {colour} bird chirps [{how}] [{times}]",
            "we see a [{size}] {colour} bird [{place}], it chirps [{times}] [{tempo}]",
            "a [{size}] bird with {colour} feathers (chirps|sings) [{times}] [{tempo}] [{position}] [{place}]",
            "{times} a [{size}] {colour} bird chirps [{how}] [{position}] [{place}]",
            "a [{size}] {colour} bird sits on a branch [{position}] [{place}] and chirps [{times}]",
            "a {colour} bird[, {size}], (chirping|that sings) [{times}] [{place}]",
            "a bird chirps [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] {chirp/chirps}",
            "a [{size}] bird (chirps|sings) [{how}] [{times}] [{tempo}]",
            "the [{loudness}] [{pitch}] chirp of a bird [{times}]",
            "{count} {chirp/chirps} of a [{size}] bird [{place}]",
            "a bird sings [{how}] {times}[, {pitch}]",
            "[{loudness}] [{pitch}] chirping, {times} [{tempo}]",
            "tweet, {count} {time/times}[, {pitch}][, {loudness}]",
            "bird, {pitch} {chirp/chirps}[, {loudness}][, {times}]",
            "a [{pitch}] [{loudness}] chirp is heard [{times}] [{place}]",
            "you hear a [{size}] bird chirp [{times}] [{tempo}]",
            "birdsong[, {pitch}][, {loudness}], {times}",
            "{count} [{pitch}] {chirp/chirps} [{place}]",
            "a bird chirps [{times}]",
        ),
        silent_video=(
            "a [{size}] {colour} bird keeps still on a branch [{place}]",
            "a [{size}] {colour} bird does not sing [{place}]",
            "a [{size}] {colour} bird [{place}], nothing moves",
            "a [{size}] {colour} bird [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "the bird does not sing", "a silent bird"),
        phrases=ROOMY,
    )
