"""Rain on an umbrella."""

from __future__ import annotations

import numpy as np

from harmony.data.world.backdrop import paint_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, WOOD, darker, lighter
from harmony.data.world.thing import FLOOR
from harmony.data.world.types import Draft, Scene, Split
from harmony.data.world.weather import INTENSITIES, paint_cloud, paint_rain, rain_sound


@register
class Rain(SceneKind):
    """Steady rain, light or heavy; the umbrella keeps the dry spot below it."""

    name = "rain"
    group = "ambient"
    impacts = False
    weight = 0.7
    phrasebook = Phrasebook(
        video=(
            "{intensity} rain falls on a {colour} umbrella [{place}]",
            "it rains [{strength}] on a {colour} umbrella [{place}]",
            "a {colour} umbrella in (the|) {intensity} rain [{place}]",
            "[{place}], {intensity} rain falls on a {colour} umbrella",
            "{colour} umbrella, {intensity} rain[, {place}]",
            "rain (falls|comes down) [{strength}] on a {colour} umbrella [{place}]",
            "a {colour} umbrella stands in {intensity} rain [{place}]",
            "an open {colour} umbrella [{place}] while it rains [{strength}]",
            "we see {intensity} rain and a {colour} umbrella [{place}]",
            "{intensity} rain [{place}], a {colour} umbrella",
            "it is raining [{strength}] [{place}], a {colour} umbrella keeps the ground dry",
            "drops of {intensity} rain fall on a {colour} umbrella [{place}]",
            "a gray cloud, {intensity} rain and a {colour} umbrella [{place}]",
        ),
        audio=(
            "{intensity} rain",
            "the sound of {intensity} rain [{place}]",
            "it rains [{strength}] [{place}]",
            "rain falls {strength}",
            "[steady] {intensity} rain [falls] [on an umbrella]",
            "the (rush|noise) of {intensity} rain",
            "{intensity} rain (is heard|falls) [{place}]",
            "rain, {intensity}[, steady]",
            "you hear {intensity} rain [on an umbrella]",
            "it is raining {strength}",
            "{intensity} rain drums on an umbrella",
            "[the] steady sound of {intensity} rain",
        ),
        phrases={
            "intensity": {"light": ("light", "soft", "gentle"), "heavy": ("heavy", "strong")},
            "strength": {"light": ("lightly", "softly", "gently"), "heavy": ("heavily", "hard")},
        },
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        look = rng.child("look")
        intensity = look.choice(INTENSITIES)
        attributes = {
            "colour": look.choice(("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")),
            "place": look.choice(("day", "night")),
            "intensity": intensity,
            "strength": intensity,
        }
        return Draft(attributes, {"drops": rng.child("drops").integer(1 << 30)})

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        place, intensity = scene.attributes["place"], scene.attributes["intensity"]
        paint_place(canvas, place)
        colour = COLOURS[scene.attributes["colour"]]
        stage = canvas.placed(0.5, FLOOR)
        stage.shadow(0, 0, 0.36, 0.07)
        roof = _paint_umbrella(stage, colour)
        dry = np.maximum(roof, stage.polygon([(-0.35, -0.4), (0.35, -0.4), (0.3, 0.1), (-0.3, 0.1)], None))
        rain = paint_rain(canvas, times, intensity=intensity, drops=scene.params["drops"], place=place, within=1 - dry)
        paint_cloud(canvas, place=place)
        return [canvas.cover(rain * 2)]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        return rain_sound(num_samples, rate, intensity=scene.attributes["intensity"], drops=scene.params["drops"])


def _paint_umbrella(stage: Canvas, colour: tuple[float, float, float]) -> np.ndarray:
    """A standing umbrella; returns the coverage of its roof."""
    stage.line([(0, -0.45), (0, -0.03)], 0.022, darker(WOOD, 0.3))
    stage.line([(0, -0.03), (0.045, 0.0), (0.085, -0.04)], 0.026, darker(WOOD, 0.4))
    stage.line([(0, -0.68), (0, -0.6)], 0.018, darker(WOOD, 0.3))
    turns = np.linspace(0, np.pi, 17)
    arc = [(float(0.37 * np.cos(a)), float(-0.34 - 0.29 * np.sin(a))) for a in turns]
    # Three panels, whose lower edges hang in bows between the ribs.
    edge = np.linspace(-0.37, 0.37, 19)[1:-1]
    bows = [(float(x), float(-0.34 - 0.05 * abs(np.sin(3 * np.pi * (x + 0.37) / 0.74)))) for x in edge]
    roof = stage.polygon([*arc, *bows], colour)
    stage.polygon([(0, -0.63), (0.123, -0.34), (0, -0.39), (-0.123, -0.34)], lighter(colour, 0.35), within=roof)
    stage.polygon([(0, -0.63), (-0.2, -0.6), (-0.45, -0.3), (-0.123, -0.34)], darker(colour, 0.15), within=roof)
    return roof
