"""A cat that meows."""

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
from harmony.data.world.palette import COLOURS, INK, darker, lighter
from harmony.data.world.thing import ImpactScene, Look, Thing, sample_build

_MEOW = 0.34  # seconds


class Cat(Thing):
    """Sits sideways with its tail up. Small cats meow high; the mouth is open exactly while a meow sounds."""

    event = "meow"
    places = PLACES + ECHOING
    room = 0.7

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("orange", "white", "black", "gray", "brown"))
        return attributes, {
            "frequency": round({"small": 720.0, "big": 400.0}[attributes["size"]] * rng.uniform(0.94, 1.06), 2)
        }

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        fur = COLOURS[look["colour"]]
        fur = lighter(fur, 0.2) if look["colour"] == "black" else fur
        mouth = motion.opening(times, hits, hold=0.2)
        wag = motion.sway(times, hits, frequency=2.0, seconds=0.4)
        cat = stage.placed(0, 0.02, scale={"small": 0.78, "big": 1.04}[look["size"]])
        cat.shadow(0.02, -0.02, 0.36, 0.07)
        tail = cat.placed(0.22, -0.08, angle=0.25 * wag)
        tail.line([(0, 0), (0.14, -0.06), (0.17, -0.26), (0.1, -0.4)], 0.04, darker(fur, 0.3))
        body = cat.ellipse(0.05, -0.17, 0.23, 0.2, darker(fur, 0.1))
        cat.ellipse(-0.05, -0.15, 0.1, 0.14, lighter(fur, 0.5))
        for x in (-0.14, 0.0):
            cat.ellipse(x, -0.03, 0.075, 0.045, lighter(fur, 0.2))
        head = cat.placed(-0.06, -0.48 - 0.03 * mouth)
        for mirrored in (False, True):
            side = head.placed(0, 0, mirrored=mirrored)
            side.polygon([(0.06, -0.16), (0.24, -0.1), (0.22, -0.36)], darker(fur, 0.15), corner=0.01)
            side.polygon([(0.12, -0.17), (0.2, -0.14), (0.19, -0.28)], (0.95, 0.62, 0.62))
        jaw = head.ellipse(0, 0.12 + 0.06 * mouth, 0.12, 0.09 + 0.03 * mouth, lighter(fur, 0.3))
        skull = head.ellipse(0, 0, 0.26, 0.21, fur)
        inside = head.ellipse(0, 0.13 + 0.045 * mouth, 0.085, 0.01 + 0.085 * mouth, (0.55, 0.14, 0.18))
        for mirrored in (False, True):
            side = head.placed(0, 0, mirrored=mirrored)
            muzzle = side.ellipse(0.06, 0.075, 0.075, 0.055, lighter(fur, 0.6))
            side.ellipse(0.11, -0.045, 0.05, 0.06, (0.62, 0.80, 0.32))
            side.ellipse(0.11, -0.045, 0.018, 0.05, INK)
            side.line([(0.13, 0.07), (0.3, 0.045)], 0.008, lighter(fur, 0.75))
            side.line([(0.13, 0.09), (0.3, 0.11)], 0.008, lighter(fur, 0.75))
        head.polygon([(-0.035, 0.02), (0.035, 0.02), (0, 0.055)], (0.90, 0.45, 0.50), corner=0.008)
        return [body, jaw, skull, inside, muzzle]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples, f = round(_MEOW * rate), look["frequency"]
        t = np.arange(samples) / rate
        share = t / _MEOW
        pitch = f * (0.9 + 0.35 * np.sin(np.pi * share**0.7))
        envelope = np.minimum(1.0, (t + 1 / rate) / 0.012) * np.clip((1 - share) / 0.45, 0, 1)
        # From "mi" to "aow": the upper resonance sinks as the mouth opens.
        bright = sound.glide(pitch, rate, amplitudes=[np.exp(-(((k - 4) / 1.8) ** 2)) for k in range(1, 10)])
        dark = sound.glide(pitch, rate, amplitudes=[np.exp(-(((k - 1.8) / 1.3) ** 2)) for k in range(1, 10)])
        return envelope * ((1 - share) * bright + (0.4 + share) * dark)


@register
class CatScene(ImpactScene):
    name = "cat"
    group = "ambient"
    thing = Cat()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} cat meows [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {meow/meows} of a [{size}] {colour} cat [{position}] [{place}]",
            "a [{size}] {colour} cat opens its mouth [{times}] [{position}] [{place}]",
            "the [{size}] {colour} cat [{position}] (meows|is meowing) [{how}] [{times}] [{tempo}]",
            "{size} {colour} cat, {count} {meow/meows}[, {place}]",
            "{colour} cat meowing [{times}] [{position}] [{place}]",
            "[{place}], a [{size}] {colour} cat meows [{how}] [{times}]",
            "a [{size}] cat with {colour} fur meows [{times}] [{tempo}] [{position}] [{place}]",
            "{times} a [{size}] {colour} cat meows [{how}] [{position}] [{place}]",
            "a [{size}] {colour} cat sits [{position}] [{place}] and meows [{times}] [{tempo}]",
            "a [{size}] {colour} (cat|kitten) gives {count} {meow/meows} [{position}] [{place}]",
            "we see a [{size}] {colour} cat [{place}], it meows [{times}] [{tempo}]",
            "a cat meows [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] {meow/meows}",
            "a [{size}] cat meows [{how}] [{times}] [{tempo}]",
            "a cat meows [{how}] {times} [{tempo}][, {pitch}]",
            "{count} [{loudness}] {meow/meows} of a [{size}] cat",
            "the [{loudness}] [{pitch}] meow of a cat [{times}]",
            "[{loudness}] [{pitch}] meowing, {times} [{tempo}]",
            "cat, {pitch} {meow/meows}[, {loudness}][, {times}]",
            "a [{pitch}] [{loudness}] meow is heard [{times}] [{place}]",
            "you hear a [{size}] cat meow [{times}] [{tempo}]",
            "{count} [{pitch}] {meow/meows} [{place}]",
            "meowing cat[, {size}][, {loudness}], {times}",
            "a kitten meows {times} [{how}]",
            "a cat meows [{times}]",
        ),
        silent_video=(
            "a [{size}] {colour} cat keeps still [{place}]",
            "a [{size}] {colour} cat sits [{place}], nothing moves",
            "a [{size}] {colour} cat does not meow [{place}]",
            "a [{size}] {colour} cat [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "the cat does not meow", "a silent cat"),
        phrases=ROOMY,
    )
