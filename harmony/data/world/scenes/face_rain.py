"""A face that speaks in the rain."""

from __future__ import annotations

import numpy as np

from harmony.data.world import talk
from harmony.data.world.backdrop import paint_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.portraits import breath_of, paint_portrait, sample_look
from harmony.data.world.portraits.phrases import PHRASES, portrait_of
from harmony.data.world.scenes.face import MIDDLE
from harmony.data.world.types import Draft, Scene, Split
from harmony.data.world.weather import INTENSITIES, paint_cloud, paint_rain, rain_sound

_FACE = portrait_of()
_SCALE = 0.95  # smaller than a face alone, so that the rain beside it is seen
_RAIN_LEVEL = 0.35  # quieter than rain alone, so that words are understood
_RAIN = {
    "intensity": {"light": ("light", "soft", "gentle"), "heavy": ("heavy", "strong")},
    "strength": {"light": ("lightly", "softly", "gently"), "heavy": ("heavily", "hard")},
}


@register
class FaceInRain(SceneKind):
    """Speech and steady rain at once. Sources: 0 is the mouth, 1 is the rain."""

    name = "face_rain"
    group = "complex"
    impacts = False
    weight = 1.5
    phrasebook = Phrasebook(
        video=(
            f"{_FACE} (speaks|talks) in (the|) {{intensity}} rain [{{place}}]",
            f"{_FACE} says {{count}} {{word/words}} [in {{language}}] while it rains [{{strength}}] [{{place}}]",
            f"{_FACE} is talking [{{place}}], {{intensity}} rain falls",
            f"{{intensity}} rain [{{place}}], {_FACE} (talks|speaks) [{{language}}]",
            f"it rains [{{strength}}] [{{place}}] and {_FACE} (talks|says {{count}} {{word/words}})",
            f"{_FACE} stands in the [{{intensity}}] rain and (speaks|talks|says {{count}} {{word/words}}) [{{place}}]",
            f"[{{place}}], {_FACE} (speaks|talks) in the {{intensity}} rain",
            f"we see {_FACE} (speak|talk) in {{intensity}} rain [{{place}}]",
        ),
        audio=(
            "a {speaker} says {count} {word/words} [in {language}] in {intensity} rain",
            "a [{pitch}] {voice} and {intensity} rain",
            "{intensity} rain, a {speaker} (speaks|talks) [{language}]",
            "a {speaker} (speaks|talks) [{language}] while it rains [{strength}]",
            "[{language}] speech of a {speaker} with {intensity} rain in the background",
            "it rains {strength}, a [{pitch}] {voice} says {count} {word/words}",
            "somebody (speaks|talks) [{language}] [in a {pitch} voice] in {intensity} rain",
            "{count} {language} {word/words} by a {speaker} and the sound of {intensity} rain",
            "the (noise|sound) of {intensity} rain and a [{pitch}] {voice}",
            "{intensity} rain and [{language}] speech[, {count} {word/words}]",
            "you hear a {speaker} (talk|say {count} {word/words}) and {intensity} rain",
        ),
        silent_video=(
            f"{_FACE} says nothing in the {{intensity}} rain [{{place}}]",
            f"{_FACE} keeps silent while it rains [{{strength}}] [{{place}}]",
            f"{{intensity}} rain [{{place}}], {_FACE} does not speak",
        ),
        silent_audio=(
            "{intensity} rain, nobody speaks",
            "only {intensity} rain",
            "the sound of {intensity} rain, no voice",
            "it rains {strength}",
        ),
        phrases=PHRASES | _RAIN,
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        said = talk.sample_talk(rng.child("talk"), duration=duration, split=split)
        look = sample_look(rng.child("look"), said.voice.kind)
        weather = rng.child("weather")
        intensity = weather.choice(INTENSITIES)
        attributes = look | said.facts | {"place": weather.choice(("day", "night"))}
        attributes |= {"intensity": intensity, "strength": intensity}
        params = said.params | breath_of(rng.child("breath"), duration=duration)
        params |= {"drops": rng.child("drops").integer(1 << 30)}
        return Draft(attributes, params, said.events, said.words, said.transcript, said.speaker)

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        place, intensity = scene.attributes["place"], scene.attributes["intensity"]
        paint_place(canvas, place)
        rain = paint_rain(canvas, times, intensity=intensity, drops=scene.params["drops"], place=place)
        paint_cloud(canvas, place=place)
        behind = canvas.frames
        stage = canvas.placed(0.5, MIDDLE + 0.05, scale=_SCALE)
        mouth = talk.talk_mouth(scene, times)
        face = canvas.cover(*paint_portrait(stage, scene.attributes, scene.params, mouth, times))
        unchanged = canvas.frames == behind
        seen = unchanged[..., 0] & unchanged[..., 1] & unchanged[..., 2]  # where the portrait does not hide the rain
        return [face, canvas.cover(rain * seen)]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        rain = rain_sound(num_samples, rate, intensity=scene.attributes["intensity"], drops=scene.params["drops"])
        return talk.talk_sound(scene, num_samples, rate) + _RAIN_LEVEL * rain

    def reference(self, scene: Scene, rng: Chance, *, seconds: float, same_clip: bool) -> np.ndarray | None:
        return talk.talk_reference(scene, rng, seconds=seconds, same_clip=same_clip)
