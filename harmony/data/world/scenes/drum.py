"""A drum that a stick strikes."""

from __future__ import annotations

import numpy as np

from harmony.data.world import sound
from harmony.data.world.backdrop import paint_place, sample_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, lighter
from harmony.data.world.times import COUNT_WORDS, sample_count, sample_times, tempo_word
from harmony.data.world.types import Draft, Event, Scene, Split


@register
class Drum(SceneKind):
    name = "drum"
    group = "ambient"
    phrasebook = Phrasebook(
        video=(
            "a [{size}] {colour} drum is (hit|struck|beaten) [{times}] [{tempo}] [{place}]",
            "{count} {hit/hits} on a [{size}] {colour} drum [{place}]",
        ),
        audio=("{count} {pitch} drum {beat/beats}", "a [{pitch}] drum sounds [{times}]"),
        silent_video=("a [{size}] {colour} drum stands still [{place}]",),
        silent_audio=("silence",),
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        look = rng.child("look")
        count = sample_count(rng.child("count"), duration=duration)
        times = sample_times(rng.child("times"), count=count, duration=duration)
        size = look.choice(("small", "big"))
        attributes = {
            "colour": look.choice(("red", "blue", "green", "yellow", "purple")),
            "size": size,
            "pitch": {"small": "high", "big": "low"}[size],
            "place": sample_place(look),
            "count": COUNT_WORDS[count],
            "tempo": tempo_word(times),
        }
        params = {"x": 0.5, "frequency": {"small": 190.0, "big": 85.0}[size] * look.uniform(0.94, 1.06)}
        return Draft(attributes, params, tuple(Event(t, 0, "strike") for t in times))

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        paint_place(canvas, scene.attributes["place"])
        colour = COLOURS[scene.attributes["colour"]]
        drum = canvas.placed(scene.params["x"], 0.9, scale={"small": 0.75, "big": 1.0}[scene.attributes["size"]])
        drum.shadow(0, 0, 0.42, 0.1)
        body = drum.box(0, -0.18, 0.3, 0.17, colour, corner=0.04)
        skin = drum.ellipse(0, -0.35, 0.3, 0.08, lighter(colour, 0.8))
        return [canvas.cover(body, skin)]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        track = np.zeros(num_samples)
        f = scene.params["frequency"]
        hit = sound.partials(
            round(0.6 * rate),
            rate,
            frequencies=(f, 1.59 * f, 2.14 * f),
            amplitudes=(1, 0.5, 0.3),
            times=(0.16, 0.1, 0.07),
        )
        for event in scene.events:
            sound.add(track, hit, event.time, rate, gain=0.5 * event.strength)
        return track
