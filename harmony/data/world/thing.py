"""Things that make a sound at an instant, and scenes that show one of them.

A ``Thing`` knows how it looks and what one event of it sounds like; an ``ImpactScene`` decides when the events happen
and where the thing stands. So a thing can also join another one in a complex scene.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from harmony.data.world import sound
from harmony.data.world.backdrop import PLACES, paint_place
from harmony.data.world.base import SceneKind
from harmony.data.world.canvas import Canvas
from harmony.data.world.chance import Chance
from harmony.data.world.times import COUNT_WORDS, sample_count, sample_times, tempo_word
from harmony.data.world.types import Draft, Event, Scene, Split

Look = Mapping[str, Any]  # a thing's attributes and numbers together

FLOOR = 0.9  # y at which things stand
SILENT_SHARE = 0.05
POSITIONS = {"left": -0.14, "centre": 0.0, "right": 0.14}
LOUDNESS = {"soft": 0.28, "medium": 0.5, "loud": 0.85}
FORCE = {"soft": 0.75, "medium": 0.9, "loud": 1.0}  # how far a stroke swings out


class Thing(ABC):
    """Something whose events are seen and heard.

    Class attributes:
        event: what an event of it is called.
        places: where it may stand.
        room: how far it may stand from the middle; 1 is ordinary, less for wide things, 0 keeps it there.
        one_voice: True if all its events sound the same.
    """

    event: ClassVar[str] = "strike"
    places: ClassVar[tuple[str, ...]] = PLACES
    room: ClassVar[float] = 1.0
    one_voice: ClassVar[bool] = True

    @abstractmethod
    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        """Its attributes (what captions say) and its numbers, for ``count`` events."""

    @abstractmethod
    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        """Paint it standing at the stage's origin, about 0.8 high and wide; returns the coverages of its mask."""

    @abstractmethod
    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        """The sound of event number ``index``, peak about 1, beginning at sample 0."""


class ImpactScene(SceneKind):
    """One thing and its events at irregular times, or, now and then, none: it stands still in silence."""

    impacts = True
    thing: ClassVar[Thing]

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        silent = rng.child("silence").flip(SILENT_SHARE)
        times = [] if silent else self.lay_out(rng, duration=duration)
        count = len(times)
        attributes, params = self.thing.decide(rng.child("look"), count)
        stand = rng.child("stand")
        position = stand.choice(tuple(POSITIONS), weights=(1, 3, 1)) if self.thing.room else "centre"
        attributes |= {
            "place": stand.choice(self.thing.places),
            "loudness": rng.child("loudness").choice(tuple(LOUDNESS), weights=(1, 2, 1)),
            "count": COUNT_WORDS[count],
            "tempo": tempo_word(times),
        }
        if self.thing.room:
            attributes["position"] = position
        params |= {"x": round(0.5 + self.thing.room * POSITIONS[position] + stand.uniform(-0.02, 0.02), 4)}
        return Draft(attributes, params, tuple(Event(time, 0, self.thing.event) for time in times))

    def lay_out(self, rng: Chance, *, duration: float) -> list[float]:
        """When the events happen: irregularly."""
        count = sample_count(rng.child("count"), duration=duration)
        return sample_times(rng.child("times"), count=count, duration=duration)

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        paint_place(canvas, scene.attributes["place"])
        stage = canvas.placed(scene.params["x"], FLOOR)
        return [canvas.cover(*self.thing.paint(stage, look_of(scene), times, [event.time for event in scene.events]))]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        track = np.zeros(num_samples)
        play(track, self.thing, look_of(scene), [event.time for event in scene.events], rate)
        return track


def sample_build(rng: Chance, colours: Sequence[str]) -> dict[str, str]:
    """What captions say of most things: a colour, a size, and the pitch that goes with it. Small things sound high."""
    size = rng.choice(("small", "big"))
    return {"colour": rng.choice(colours), "size": size, "pitch": {"small": "high", "big": "low"}[size]}


def look_of(scene: Scene) -> Look:
    return {**scene.attributes, **scene.params}


def play(track: np.ndarray, thing: Thing, look: Look, times: Sequence[float], rate: int) -> None:
    """Mix all events of ``thing`` into ``track``, as the place answers to them."""
    gain = LOUDNESS[look.get("loudness", "medium")]
    wave = None
    for index, time in enumerate(times):
        if wave is None or not thing.one_voice:
            wave = sound.tapered(sound.normalised(thing.hit(look, index, rate)), rate)
            wave = sound.answered(wave, rate, look["place"])
        sound.add(track, wave, time, rate, gain=gain)
