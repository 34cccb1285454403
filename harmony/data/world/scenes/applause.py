"""An audience that applauds."""

from __future__ import annotations

import numpy as np

from harmony.data.world import sound
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, SKIN, darker, lighter
from harmony.data.world.types import Draft, Scene, Split

_CROWD = {"light": 4, "heavy": 26}  # people that are heard
_RATE = {"light": 2.6, "heavy": 4.0}  # claps per second and person
_SEATS = ((0.12, 0.74), (0.38, 0.70), (0.64, 0.73), (0.89, 0.71), (0.25, 0.93), (0.52, 0.95), (0.78, 0.93))
_HAIRS = ((0.15, 0.13, 0.16), (0.46, 0.27, 0.14), (0.96, 0.80, 0.40), (0.70, 0.71, 0.74))
_SHIRTS = ((0.30, 0.36, 0.58), (0.56, 0.30, 0.33), (0.34, 0.48, 0.38), (0.50, 0.42, 0.56))


@register
class Applause(SceneKind):
    """People before a stage with a curtain, seen from behind: a few clap politely, or all of them wildly."""

    name = "applause"
    group = "ambient"
    impacts = False
    weight = 0.7
    phrasebook = Phrasebook(
        video=(
            "an audience before a {colour} curtain (gives|claps) {intensity} applause",
            "people (applaud|clap) [{strength}] before a {colour} curtain",
            "an audience applauds [{strength}] before a stage with a {colour} curtain",
            "a {colour} curtain, {intensity} applause of the audience",
            "{intensity} applause before a {colour} curtain",
            "we see people applaud [{strength}], a {colour} curtain",
            "a crowd before a {colour} curtain claps [{strength}]",
            "a {colour} stage curtain and an audience that applauds {strength}",
            "the audience claps [{strength}], the curtain is {colour}",
            "people in a hall with a {colour} curtain applaud {strength}",
            "{intensity} clapping of a crowd before a {colour} curtain",
            "a crowd in a theater with a {colour} curtain applauds {strength}",
            "an audience in front of a {colour} curtain, {intensity} applause",
        ),
        audio=(
            "{intensity} applause",
            "an audience applauds {strength}",
            "the sound of {intensity} applause",
            "people clap {strength}",
            "a crowd applauds [{strength}]",
            "{intensity} clapping of many people",
            "you hear {intensity} applause",
            "applause, {intensity}",
            "an audience claps {strength}",
            "the {intensity} applause of a crowd",
            "{intensity} applause in a hall",
            "people in a theater applaud {strength}",
        ),
        phrases={
            "intensity": {"light": ("polite", "light"), "heavy": ("wild", "loud")},
            "strength": {"light": ("politely", "a little"), "heavy": ("wildly", "loudly")},
        },
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        look = rng.child("look")
        intensity = look.choice(("light", "heavy"))
        colour = look.choice(("red", "orange", "green", "blue", "purple", "pink"))
        attributes = {"colour": colour, "intensity": intensity, "strength": intensity}
        return Draft(attributes, {"people": rng.child("people").integer(1 << 30)})

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        intensity, rng = scene.attributes["intensity"], Chance(scene.params["people"])
        _paint_stage(canvas, COLOURS[scene.attributes["colour"]])
        covers = []
        for seat, (x, y) in enumerate(_SEATS):
            joins = intensity == "heavy" or seat in (1, 5)
            hair, shirt = rng.choice(_HAIRS), rng.choice(_SHIRTS)
            turns = _RATE[intensity] * rng.uniform(0.85, 1.15) * times + rng.uniform()
            person = canvas.placed(x, y)
            person.ellipse(0, 0.24, 0.14, 0.15, shirt)
            person.disc(0, 0, 0.085, hair)
            person.ellipse(0, 0.075, 0.05, 0.03, darker(SKIN, 0.1))
            if joins:
                apart = 0.02 + 0.075 * np.abs(np.sin(np.pi * turns))
                for side in (-1, 1):
                    person.line([(side * 0.13, 0.2), (side * (apart + 0.03), -0.13)], 0.03, darker(shirt, 0.2))
                    covers.append(person.ellipse(side * apart, -0.18, 0.032, 0.06, SKIN, angle=side * 0.25))
        return [canvas.cover(*covers)]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        intensity, rng = scene.attributes["intensity"], Chance(scene.params["people"])
        track = np.zeros(num_samples)
        for person in range(_CROWD[intensity]):
            own = rng.child(f"person {person}")
            middle, gain = own.uniform(800.0, 2400.0), own.uniform(0.4, 1.0)
            samples = round(0.12 * rate)
            clap = sound.noise(own.child("clap"), samples, rate, low=0.6 * middle, high=1.8 * middle)
            clap = sound.normalised(clap * sound.decay(samples, rate, 0.018))
            period = 1 / (_RATE[intensity] * own.uniform(0.85, 1.2))
            now = own.uniform() * period
            while round(now * rate) < num_samples:
                sound.add(track, clap, now, rate, gain=gain * own.uniform(0.7, 1.0))
                now += period * own.uniform(0.9, 1.1)
        heard = sound.answered(track, rate, "hall")[:num_samples]
        return {"light": 0.25, "heavy": 0.6}[intensity] * sound.normalised(heard)


def _paint_stage(canvas: Canvas, colour: tuple[float, float, float]) -> None:
    """A curtain in folds over a wooden stage."""
    canvas.gradient(darker(colour, 0.15), darker(colour, 0.35), stop=0.6)
    for x in np.linspace(-0.5, 1.5, 17):
        canvas.box(float(x), 0.25, 0.022, 0.5, lighter(colour, 0.12))
    canvas.box(0.5, 0.0, 4, 0.05, (0.90, 0.72, 0.30))
    canvas.box(0.5, 0.58, 4, 0.05, (0.60, 0.42, 0.28))
    canvas.box(0.5, 1.63, 4, 1.0, (0.20, 0.16, 0.22))
