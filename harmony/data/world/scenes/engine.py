"""A car whose engine runs."""

from __future__ import annotations

import numpy as np

from harmony.data.world import sound
from harmony.data.world.backdrop import paint_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, INK, METAL, darker, lighter
from harmony.data.world.thing import FLOOR
from harmony.data.world.types import Draft, Scene, Split

_SHAKE = {"slow": 2.2, "fast": 5.0}  # per second, as is the throbbing of the sound
_PITCH = {"slow": 62.0, "fast": 135.0}  # Hz
_PUFF_LIFE = 0.8  # seconds


@register
class Engine(SceneKind):
    """A standing car shakes and puffs in the rhythm in which its engine throbs; a fast engine sounds high."""

    name = "engine"
    group = "ambient"
    impacts = False
    weight = 0.7
    phrasebook = Phrasebook(
        video=(
            "a {colour} car [{place}] with its engine running {speed}",
            "a {colour} car shakes [{speed}] and puffs smoke [{place}]",
            "the engine of a {colour} car runs {speed} [{place}]",
            "{colour} car, engine running {speed}[, {place}]",
            "[{place}], a {colour} car stands with a {rate} engine",
            "a {colour} car with a {rate} engine [{place}]",
            "smoke puffs [{speed}] from a {colour} car [{place}]",
            "a standing {colour} car, its engine runs {speed} [{place}]",
            "we see a {colour} car [{place}], the engine runs {speed}",
            "a {colour} car waits [{place}] with its {rate} engine on",
            "the {colour} car [{place}] has its engine on, it runs {speed}",
            "a {colour} car [{place}], shaking {speed}",
            "a {colour} car stands [{place}] with its engine on",
            "a {colour} car [{place}], smoke and a running engine",
            "we see a {colour} car [{place}] that shakes and puffs smoke",
            "a parked {colour} car shakes with its {rate} engine [{place}]",
        ),
        audio=(
            "a {rate} engine [runs]",
            "an engine runs {speed}[, {pitch}]",
            "the {pitch} hum of a {rate} engine",
            "the engine of a car runs {speed}",
            "a {rate} car engine[, {pitch}]",
            "{pitch} engine (noise|sound)[, {speed}]",
            "a {pitch} engine throbs {speed}",
            "car engine, {rate}[, {pitch}]",
            "you hear a {pitch} engine [running {speed}]",
            "the steady (sound|noise) of a {rate} engine",
            "a motor runs {speed}[, {pitch}]",
            "a {rate} motor hums [in a {pitch} tone]",
        ),
        phrases={
            "rate": {"slow": ("slow", "idling"), "fast": ("fast", "racing")},
            "speed": {"slow": ("slowly",), "fast": ("fast", "quickly")},
        },
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        look = rng.child("look")
        speed = look.choice(("slow", "fast"))
        attributes = {
            "colour": look.choice(("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")),
            "place": look.choice(("day", "night")),
            "speed": speed,
            "rate": speed,
            "pitch": {"slow": "low", "fast": "high"}[speed],
        }
        params = {
            "shake": round(_SHAKE[speed] * look.uniform(0.92, 1.08), 3),
            "frequency": round(_PITCH[speed] * look.uniform(0.92, 1.08), 2),
            "phase": round(look.uniform(), 3),
        }
        return Draft(attributes, params)

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        place, params = scene.attributes["place"], scene.params
        paint_place(canvas, place)
        canvas.box(0.5, FLOOR + 0.02, 4, 0.09, (0.42, 0.43, 0.48) if place == "day" else (0.22, 0.23, 0.30))
        turns = params["shake"] * times + params["phase"]
        stage = canvas.placed(0.54, FLOOR)
        stage.shadow(0, 0, 0.46, 0.07)
        smoke = [*_paint_puffs(stage, turns, params["shake"])]
        car = _paint_car(stage, COLOURS[scene.attributes["colour"]], 0.03 * np.cos(2 * np.pi * turns))
        return [canvas.cover(*car, *smoke)]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        params = scene.params
        t = np.arange(num_samples) / rate
        throb = 0.5 + 0.5 * np.cos(2 * np.pi * (params["shake"] * t + params["phase"]))
        levels = [1.0 / (1 + 0.35 * k) * (1.3 if k % 2 == 0 else 1.0) for k in range(1, 17)]
        tone = sound.glide(params["frequency"] * (1 + 0.06 * throb), rate, amplitudes=levels)
        return 0.5 * sound.normalised((0.4 + 0.6 * throb) * tone)


def _paint_puffs(stage: Canvas, turns: np.ndarray, shake: float) -> list[np.ndarray]:
    """Smoke leaves the exhaust once each shake (each second one of a fast engine), grows, rises and fades."""
    every = 1 if shake < 3 else 2
    first = int(np.floor((turns[0] - _PUFF_LIFE * shake) / every))
    covers = []
    for puff in range(first, int(turns[-1] // every) + 1):
        age = (turns - puff * every) / shake / _PUFF_LIFE
        alive = (age >= 0) & (age < 1)
        if alive.any():
            grown = np.clip(age, 0, 1)
            x, y = -0.4 - 0.16 * grown, -0.1 - 0.2 * grown
            alpha = alive * (1 - grown) * 0.85
            covers.append(stage.disc(x, y, 0.045 + 0.075 * grown, (0.93, 0.93, 0.95), alpha=alpha, softness=0.04))
    return covers


def _paint_car(stage: Canvas, colour: tuple[float, float, float], bounce: np.ndarray) -> list[np.ndarray]:
    body = stage.placed(0, bounce)
    stage.line([(-0.4, -0.1), (-0.3, -0.1)], 0.025, darker(METAL, 0.4))
    cabin = body.polygon([(-0.15, -0.45), (0.07, -0.45), (0.2, -0.28), (-0.25, -0.28)], colour, corner=0.03)
    body.polygon([(-0.13, -0.42), (-0.06, -0.42), (-0.06, -0.29), (-0.19, -0.29)], (0.75, 0.90, 0.97))
    body.polygon([(-0.01, -0.42), (0.05, -0.42), (0.14, -0.29), (-0.01, -0.29)], (0.75, 0.90, 0.97))
    hull = body.box(0, -0.2, 0.37, 0.11, colour, corner=0.06)
    body.box(0, -0.13, 0.36, 0.025, darker(colour, 0.25), corner=0.02)
    body.ellipse(0.34, -0.21, 0.03, 0.04, (1.0, 0.93, 0.6))
    body.line([(-0.03, -0.24), (0.02, -0.24)], 0.012, lighter(colour, 0.5))
    wheels = []
    for x in (-0.2, 0.2):
        wheels.append(stage.disc(x, -0.09, 0.1, INK))
        stage.disc(x, -0.09, 0.048, (0.78, 0.80, 0.84))
    return [cabin, hull, *wheels]
