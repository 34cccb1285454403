"""A campfire that crackles."""

from __future__ import annotations

import numpy as np

from harmony.data.world import sound
from harmony.data.world.backdrop import paint_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import ROOMY, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, WOOD, darker, lighter
from harmony.data.world.thing import FLOOR
from harmony.data.world.types import Draft, Scene, Split

_HIGH = {"small": 0.3, "big": 0.52}
_POPS = {"small": 9.0, "big": 20.0}  # crackles per second
_ROAR = {"small": 0.012, "big": 0.06}  # rms
# Flames from back to front: x, half width, share of the height, colour.
_FLAMES = (
    (-0.1, 0.1, 0.72, (0.90, 0.32, 0.12)),
    (0.11, 0.1, 0.68, (0.90, 0.32, 0.12)),
    (0.0, 0.14, 1.0, (0.96, 0.48, 0.12)),
    (-0.05, 0.075, 0.66, (0.99, 0.72, 0.20)),
    (0.06, 0.07, 0.58, (0.99, 0.72, 0.20)),
    (0.0, 0.055, 0.4, (1.0, 0.94, 0.62)),
)


@register
class Fire(SceneKind):
    """Flames lick over logs before a tent; a big fire roars and crackles more."""

    name = "fire"
    group = "ambient"
    impacts = False
    weight = 0.7
    phrasebook = Phrasebook(
        video=(
            "a {size} campfire burns before a {colour} tent [{place}]",
            "a {size} fire (burns|flickers) [{place}], behind it a {colour} tent",
            "a {colour} tent and a {size} campfire [{place}]",
            "[{place}], a {size} fire flickers before a {colour} tent",
            "{size} campfire, {colour} tent[, {place}]",
            "flames of a {size} fire before a {colour} tent [{place}]",
            "we see a {size} campfire and a {colour} tent [{place}]",
            "logs burn in a {size} fire [{place}], a {colour} tent behind",
            "the flames of a {size} campfire flicker [{place}] near a {colour} tent",
            "a {size} fire of logs [{place}] with a {colour} tent",
            "a {size} campfire burns [{place}], there is a {colour} tent",
            "a {colour} tent stands behind a {size} fire [{place}]",
            "a {size} fire and a {colour} tent [{place}]",
        ),
        audio=(
            "a {size} fire crackles",
            "the crackling of a {size} fire [{place}]",
            "a {size} campfire burns [{place}]",
            "fire, {size}[, crackling]",
            "the sound of a {size} campfire",
            "you hear a {size} fire [crackle]",
            "a {size} fire burns and crackles [{place}]",
            "logs crackle in a {size} fire",
            "a {size} crackling fire [{place}]",
            "[the] crackle of a {size} campfire",
            "flames of a {size} fire [crackle]",
            "a {size} fire (is heard|burns) [{place}]",
        ),
        phrases=ROOMY,
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        look = rng.child("look")
        attributes = {
            "colour": look.choice(("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")),
            "size": look.choice(("small", "big")),
            "place": look.choice(("day", "night", "cave")),
        }
        return Draft(attributes, {"sparks": rng.child("sparks").integer(1 << 30)})

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        paint_place(canvas, scene.attributes["place"])
        colour, high = COLOURS[scene.attributes["colour"]], _HIGH[scene.attributes["size"]]
        stage = canvas.placed(0.5, FLOOR)
        stage.polygon([(-0.4, -0.1), (0.0, -0.62), (0.4, -0.1)], colour, corner=0.015)
        stage.polygon([(-0.1, -0.1), (0.0, -0.5), (0.1, -0.1)], darker(colour, 0.5), corner=0.01)
        stage.line([(0.0, -0.62), (-0.4, -0.1)], 0.012, lighter(colour, 0.4))
        stage.glow(0, -0.15, 0.5, 0.42, (1.0, 0.62, 0.2), strength=0.45)
        rng = Chance(scene.params["sparks"])
        flames = [
            _paint_flame(stage, x, half, share * high, tint, times, phase=rng.uniform(0, 2 * np.pi))
            for x, half, share, tint in _FLAMES
        ]
        logs = [
            stage.line([(-0.22, -0.02), (0.18, -0.09)], 0.045, darker(WOOD, 0.45)),
            stage.line([(-0.18, -0.09), (0.22, -0.02)], 0.045, darker(WOOD, 0.3)),
        ]
        return [canvas.cover(*flames, *logs)]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        size, rng = scene.attributes["size"], Chance(scene.params["sparks"])
        roar = sound.noise(rng.child("roar"), num_samples, rate, low=80.0, high=700.0)
        track = _ROAR[size] * roar
        pops, now = rng.child("pops"), 0.0
        pop = sound.noise(Chance(103), round(0.03 * rate), rate, low=900.0, high=6500.0)
        pop = sound.normalised(pop * sound.decay(len(pop), rate, 0.006))
        while True:
            now -= np.log1p(-pops.uniform()) / _POPS[size]
            if round(now * rate) >= num_samples:
                break
            sound.add(track, pop, now, rate, gain=0.06 + 0.4 * pops.uniform() ** 3)
        return track if scene.attributes["place"] != "cave" else sound.answered(track, rate, "cave")[:num_samples]


def _paint_flame(
    stage: Canvas, x: float, half: float, high: float, colour: tuple, times: np.ndarray, *, phase: float
) -> np.ndarray:
    """A tongue of fire whose tip sways and jumps."""
    tall = high * (
        0.85 + 0.15 * np.sin(2 * np.pi * 2.3 * times + phase) + 0.07 * np.sin(2 * np.pi * 5.1 * times + 2 * phase)
    )
    tip = x + 0.3 * half * np.sin(2 * np.pi * 1.7 * times + phase)
    return stage.polygon(
        [
            (tip, -tall),
            (x + 0.75 * half, -0.5 * tall),
            (x + half, -0.04),
            (x - half, -0.04),
            (x - 0.75 * half, -0.5 * tall),
        ],
        colour,
        corner=0.015,
    )
