"""A dog that barks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, INK, darker, lighter
from harmony.data.world.thing import ImpactScene, Look, Thing, sample_build


class Dog(Thing):
    """Small dogs bark high. The mouth is open exactly while a bark sounds, and the head bounces."""

    event = "bark"
    room = 0.8

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("brown", "white", "black", "gray", "yellow", "orange"))
        return attributes, {
            "frequency": round({"small": 480.0, "big": 190.0}[attributes["size"]] * rng.uniform(0.93, 1.07), 2)
        }

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        fur = COLOURS[look["colour"]]
        fur = lighter(fur, 0.22) if look["colour"] == "black" else fur
        mouth, bounce = motion.opening(times, hits), motion.fade(times, hits, seconds=0.12)
        dog = stage.placed(0, 0.03, scale={"small": 0.74, "big": 1.02}[look["size"]])
        dog.shadow(0, -0.03, 0.36, 0.08)
        body = dog.ellipse(0, -0.1, 0.22, 0.22, darker(fur, 0.12))
        dog.ellipse(0, -0.1, 0.12, 0.16, lighter(fur, 0.45))
        for x in (-0.13, 0.13):
            dog.ellipse(x, -0.02, 0.085, 0.05, fur)
        head = dog.placed(0, -0.48 - 0.05 * bounce)
        jaw = head.ellipse(0, 0.17 + 0.07 * mouth, 0.14, 0.1 + 0.03 * mouth, lighter(fur, 0.3))
        skull = head.ellipse(0, -0.04, 0.27, 0.25, fur)
        inside = head.ellipse(0, 0.16 + 0.055 * mouth, 0.105, 0.012 + 0.1 * mouth, (0.45, 0.10, 0.14))
        head.ellipse(0, 0.22 + 0.08 * mouth, 0.065, 0.05, (0.95, 0.50, 0.55), alpha=mouth, within=inside)
        muzzle = head.ellipse(0, 0.08, 0.165, 0.105, lighter(fur, 0.55))
        head.ellipse(0, 0.02, 0.065, 0.045, INK)
        for mirrored in (False, True):
            side = head.placed(0, 0, mirrored=mirrored)
            side.ellipse(0.27, -0.02, 0.085, 0.19, darker(fur, 0.38), angle=-0.3 - 0.25 * bounce)
            side.disc(0.105, -0.11, 0.042, INK)
            side.disc(0.118, -0.125, 0.015, (1.0, 1.0, 1.0))
        return [body, jaw, skull, inside, muzzle]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples, f = round(0.24 * rate), look["frequency"]
        t = np.arange(samples) / rate
        pitch = f * (0.85 + 0.5 * np.exp(-(((t - 0.045) / 0.05) ** 2)))
        # Harmonics are strongest near 3 times the pitch: the resonance of a dog's open throat.
        levels = [np.exp(-(((k - 2.6) / 2.2) ** 2)) + 0.05 for k in range(1, 15)]
        envelope = np.minimum(1.0, (t + 1 / rate) / 0.004) * np.clip((0.24 - t) / 0.13, 0, 1)
        throat = sound.noise(Chance(37), samples, rate, low=2 * f, high=min(9 * f, 7000.0))
        return envelope * (sound.glide(pitch, rate, amplitudes=levels) + 0.45 * throat)


@register
class DogScene(ImpactScene):
    name = "dog"
    group = "ambient"
    weight = 1.2
    thing = Dog()
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} dog barks [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {bark/barks} of a [{size}] {colour} dog [{position}] [{place}]",
            "a [{size}] {colour} dog opens its mouth [{times}] [{position}] [{place}]",
            "the [{size}] {colour} dog [{position}] (barks|is barking) [{how}] [{times}] [{tempo}]",
            "{size} {colour} dog, {count} {bark/barks}[, {place}]",
            "{colour} dog barking [{times}] [{position}] [{place}]",
            "[{place}], a [{size}] {colour} dog barks [{how}] [{times}]",
            "a [{size}] dog with {colour} fur barks [{times}] [{tempo}] [{position}] [{place}]",
            "a {colour} dog[, {size}], (barking|that barks) [{times}] [{position}] [{place}]",
            "{times} a [{size}] {colour} dog barks [{how}] [{position}] [{place}]",
            "a [{size}] {colour} dog sits [{position}] [{place}] and barks [{times}] [{tempo}]",
            "a [{size}] {colour} (dog|puppy) gives {count} {bark/barks} [{position}] [{place}]",
            "we see a [{size}] {colour} dog [{place}], it barks [{times}] [{tempo}]",
            "a dog barks [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] {bark/barks}",
            "a [{size}] dog barks [{how}] [{times}] [{tempo}]",
            "a dog barks [{how}] {times} [{tempo}][, {pitch}]",
            "{count} [{loudness}] {bark/barks} of a [{size}] dog",
            "the [{loudness}] [{pitch}] bark of a dog [{times}]",
            "[{loudness}] [{pitch}] barking, {times} [{tempo}]",
            "woof, {count} {time/times}[, {pitch}][, {loudness}]",
            "dog, {pitch} {bark/barks}[, {loudness}][, {times}]",
            "a [{pitch}] [{loudness}] bark is heard [{times}] [{place}]",
            "you hear a [{size}] dog bark [{times}] [{tempo}]",
            "a dog with a [{pitch}] voice barks {times} [{how}]",
            "{count} {bark/barks} in a [{pitch}] voice [{place}]",
            "barking dog[, {size}][, {loudness}], {times}",
            "a dog barks [{times}]",
        ),
        silent_video=(
            "a [{size}] {colour} dog keeps still [{place}]",
            "a [{size}] {colour} dog sits [{place}], nothing moves",
            "a [{size}] {colour} dog does not bark [{place}]",
            "a [{size}] {colour} dog [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "the dog does not bark", "a silent dog"),
    )
