"""Scenes with two sources of sound: two things side by side, or a thing in the rain."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from harmony.data.world.backdrop import paint_place
from harmony.data.world.base import SceneKind
from harmony.data.world.canvas import Canvas
from harmony.data.world.chance import Chance
from harmony.data.world.thing import FLOOR, Look, Thing, look_of, play
from harmony.data.world.times import COUNT_WORDS, most_events, sample_count, sample_times, tempo_word
from harmony.data.world.types import Draft, Event, Scene, Split
from harmony.data.world.weather import INTENSITIES, paint_cloud, paint_rain, rain_sound

_SCALE = 0.66


class RainyScene(SceneKind):
    """A thing in the rain. Source 0 is the thing, source 1 the rain."""

    group = "complex"
    thing: ClassVar[Thing]

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        count = sample_count(rng.child("count"), duration=duration)
        times = sample_times(rng.child("times"), count=count, duration=duration)
        attributes, params = self.thing.decide(rng.child("look"), count)
        weather = rng.child("weather")
        intensity = weather.choice(INTENSITIES)
        attributes |= {
            "place": weather.choice(("day", "night")),
            "intensity": intensity,
            "strength": intensity,
            "loudness": weather.choice(("medium", "loud")),
            "count": COUNT_WORDS[count],
            "tempo": tempo_word(times),
        }
        params |= {"x": 0.5, "drops": rng.child("drops").integer(1 << 30)}
        return Draft(attributes, params, tuple(Event(time, 0, self.thing.event) for time in times))

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        look = look_of(scene)
        paint_place(canvas, look["place"])
        hits = [event.time for event in scene.events]
        thing = canvas.cover(*self.thing.paint(canvas.placed(look["x"], FLOOR, scale=0.85), look, times, hits))
        rain = paint_rain(
            canvas, times, intensity=look["intensity"], drops=look["drops"], place=look["place"], within=1.0 - thing
        )
        paint_cloud(canvas, place=look["place"])
        return [thing, canvas.cover(rain * 2)]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        look = look_of(scene)
        track = 0.45 * rain_sound(num_samples, rate, intensity=look["intensity"], drops=look["drops"])
        play(track, self.thing, look, [event.time for event in scene.events], rate)
        return track


class DuoScene(SceneKind):
    """Thing 0 stands on the left, mirrored so that its beater keeps clear of thing 1 on the right."""

    group = "complex"
    names: ClassVar[tuple[str, str]]
    things: ClassVar[tuple[Thing, Thing]]
    places: ClassVar[tuple[str, ...]]
    spots: ClassVar[tuple[float, float]] = (0.26, 0.74)

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        most = most_events(duration)
        total = 2 + rng.child("count").integer(max(most - 1, 1))
        times = sample_times(rng.child("times"), count=total, duration=duration)
        turns = rng.child("turns")
        sources = turns.shuffled([0, 1, *(turns.integer(2) for _ in range(total - 2))])
        attributes = {"place": rng.child("stand").choice(self.places), "order": self.names[sources[0]]}
        params = {}
        for source, (name, thing) in enumerate(zip(self.names, self.things, strict=True)):
            count = sources.count(source)
            said, numbers = thing.decide(rng.child(name), count)
            attributes |= {f"{name}_{fact}": value for fact, value in said.items()}
            attributes[f"{name}_count"] = COUNT_WORDS[count]
            params[name] = numbers
        events = [Event(time, s, self.things[s].event) for time, s in zip(times, sources, strict=True)]
        return Draft(attributes, params, tuple(events))

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        paint_place(canvas, scene.attributes["place"])
        masks = []
        for source, (name, thing) in enumerate(zip(self.names, self.things, strict=True)):
            stage = canvas.placed(self.spots[source], FLOOR, scale=_SCALE, mirrored=source == 0)
            masks.append(canvas.cover(*thing.paint(stage, self._look(scene, name), times, _hits(scene, source))))
        return masks

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        track = np.zeros(num_samples)
        for source, (name, thing) in enumerate(zip(self.names, self.things, strict=True)):
            play(track, thing, self._look(scene, name), _hits(scene, source), rate)
        return track

    @staticmethod
    def _look(scene: Scene, name: str) -> Look:
        own = {
            key.removeprefix(f"{name}_"): value for key, value in scene.attributes.items() if key.startswith(f"{name}_")
        }
        return {"place": scene.attributes["place"], "loudness": "medium", **own, **scene.params[name]}


def _hits(scene: Scene, source: int) -> list[float]:
    return [event.time for event in scene.events if event.source == source]
