"""Waves that carry a little boat."""

from __future__ import annotations

import numpy as np

from harmony.data.world import sound
from harmony.data.world.backdrop import paint_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, WOOD, darker, mix
from harmony.data.world.types import Draft, Scene, Split

_HEIGHT = {"calm": 0.028, "rough": 0.065}
_PERIOD = {"calm": 1.7, "rough": 1.15}  # seconds from swell to swell
_LEVEL = {"calm": 0.05, "rough": 0.16}
_SEA = {"day": (0.20, 0.52, 0.78), "night": (0.12, 0.22, 0.45)}
_FOAM = (0.93, 0.97, 1.0)


@register
class Waves(SceneKind):
    """The sea swells and falls, and its rush is loudest when the water stands highest."""

    name = "waves"
    group = "ambient"
    impacts = False
    weight = 0.6
    phrasebook = Phrasebook(
        video=(
            "a boat with a {colour} sail on a {sea} sea [{place}]",
            "{sea} waves carry a boat with a {colour} sail [{place}]",
            "a {colour} sail on {sea} waves [{place}]",
            "a little boat with a {colour} sail rocks on {sea} waves [{place}]",
            "{sea} sea, a boat with a {colour} sail[, {place}]",
            "[{place}], a boat with a {colour} sail rides {sea} waves",
            "{sea} waves and a {colour} sailing boat [{place}]",
            "a {colour} sailing boat on the {sea} sea [{place}]",
            "the sea is {sea}, a boat with a {colour} sail [{place}]",
            "we see a {colour} sail on a {sea} sea [{place}]",
            "a small sailing boat, {colour} sail, {sea} waves[, {place}]",
            "{sea} water and a boat with a {colour} sail [{place}]",
            "a boat with a {colour} sail goes up and down on {sea} waves [{place}]",
        ),
        audio=(
            "{sea} waves",
            "the sound of {sea} waves [{place}]",
            "a {sea} sea",
            "waves (rush|roll), {sea}",
            "the (rush|noise) of a {sea} sea",
            "{loudness} [{sea}] waves",
            "the sea sounds {loudness}[, {sea}]",
            "{sea} waves (are heard|rush) [{place}]",
            "waves, {sea}[, {loudness}]",
            "you hear {sea} waves [rush]",
            "the [{loudness}] rush of {sea} water",
            "{loudness} rushing of the [{sea}] sea",
        ),
        phrases={"sea": {"calm": ("calm", "gentle"), "rough": ("rough", "wild")}},
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        look = rng.child("look")
        sea = look.choice(("calm", "rough"))
        attributes = {
            "colour": look.choice(("red", "orange", "yellow", "green", "purple", "pink", "white")),
            "place": look.choice(("day", "night")),
            "sea": sea,
            "loudness": {"calm": "soft", "rough": "loud"}[sea],
        }
        params = {
            "phase": round(look.uniform(), 3),
            "period": round(_PERIOD[sea] * look.uniform(0.9, 1.1), 3),
            "spray": rng.child("spray").integer(1 << 30),
        }
        return Draft(attributes, params)

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        place, height = scene.attributes["place"], _HEIGHT[scene.attributes["sea"]]
        paint_place(canvas, place)
        sea, colour = _SEA[place], COLOURS[scene.attributes["colour"]]
        swell = _swell(scene, times)
        level = 0.66 - 1.3 * height * (swell - 0.5)
        phase = 2 * np.pi * (times / scene.params["period"] + scene.params["phase"])
        canvas.box(0.5, 2.62, 4, 2, mix(sea, (1, 1, 1), 0.32 if place == "day" else 0.1))
        back = _paint_water(canvas, level - 0.05, height * 0.7, phase * 0.7, 1.4, mix(sea, _FOAM, 0.22))
        lean = 0.16 * height / 0.065 * np.cos(phase)
        _paint_boat(canvas.placed(0.5, level, angle=lean), colour)
        front = _paint_water(canvas, level + 0.06, height, phase, 1.1, sea)
        foam = _paint_foam(canvas, level + 0.06, height, phase, 1.1, swell, within=front)
        return [canvas.cover(back, front, foam)]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        swell = _swell(scene, np.arange(num_samples) / rate)
        rng = Chance(scene.params["spray"])
        deep = sound.noise(rng.child("deep"), num_samples, rate, low=150.0, high=900.0)
        hiss = sound.noise(rng.child("hiss"), num_samples, rate, low=900.0, high=5000.0)
        return _LEVEL[scene.attributes["sea"]] * (0.15 + 0.85 * swell) * (deep + (0.2 + 0.8 * swell) * hiss)


def _swell(scene: Scene, times: np.ndarray) -> np.ndarray:
    """How high the water stands, 0 to 1: rises faster than it falls."""
    turns = times / scene.params["period"] + scene.params["phase"]
    return (0.5 + 0.5 * np.cos(2 * np.pi * turns + 0.6 * np.sin(2 * np.pi * turns))) ** 1.5


def _surface(x: np.ndarray, level: np.ndarray, height: float, phase: np.ndarray, waves: float) -> np.ndarray:
    """y of the water over x, (F, 1, W)."""
    angle = 2 * np.pi * waves * x - phase.astype(np.float32)[:, None, None]
    return level.astype(np.float32)[:, None, None] + np.float32(height) * np.sin(angle)


def _paint_water(
    canvas: Canvas,
    level: np.ndarray,
    height: float,
    phase: np.ndarray,
    waves: float,
    colour: tuple[float, float, float],
) -> np.ndarray:
    return canvas.veil(lambda x, y: np.clip((y - _surface(x, level, height, phase, waves)) * 64 + 0.5, 0, 1), colour)


def _paint_foam(
    canvas: Canvas,
    level: np.ndarray,
    height: float,
    phase: np.ndarray,
    waves: float,
    swell: np.ndarray,
    *,
    within: np.ndarray,
) -> np.ndarray:
    """A crest that grows thick and white as the swell rises."""
    thick = (0.015 + 0.05 * swell).astype(np.float32)[:, None, None]
    white = (0.35 + 0.6 * swell).astype(np.float32)[:, None, None]

    def opacity(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        below = y - _surface(x, level, height, phase, waves)
        return white * np.clip((thick - below) * 48, 0, 1)

    return canvas.veil(opacity, _FOAM, within=within)


def _paint_boat(boat: Canvas, colour: tuple[float, float, float]) -> None:
    boat.line([(0, -0.46), (0, -0.05)], 0.018, darker(WOOD, 0.3))
    boat.polygon([(0.03, -0.45), (0.03, -0.1), (0.24, -0.1)], colour, corner=0.01)
    boat.polygon([(-0.03, -0.38), (-0.03, -0.1), (-0.17, -0.1)], mix(colour, (1, 1, 1), 0.45), corner=0.01)
    boat.polygon([(-0.26, -0.06), (0.28, -0.06), (0.19, 0.09), (-0.18, 0.09)], darker(WOOD, 0.1), corner=0.015)
    boat.line([(-0.26, -0.06), (0.28, -0.06)], 0.018, (0.95, 0.92, 0.85))
