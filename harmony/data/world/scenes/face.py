"""A face that speaks."""

from __future__ import annotations

import numpy as np

from harmony.data.world import talk
from harmony.data.world.backdrop import PLACES, paint_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.portraits import breath_of, paint_portrait, sample_look
from harmony.data.world.portraits.phrases import PHRASES, SPOKEN, WORDLESS, portrait_of
from harmony.data.world.types import Draft, Scene, Split

MIDDLE, SCALE = 0.455, 1.14  # where a face is, and how large: it fills the picture
_FACE = portrait_of()


@register
class Face(SceneKind):
    """One large face; its lips follow the phonemes of what it says. One word in 20 clips is none: it keeps silent."""

    name = "face"
    group = "speech"
    impacts = False
    weight = 4.0
    phrasebook = Phrasebook(
        video=(
            f"{_FACE} says {{count}} {{word/words}} [in {{language}}] [{{place}}]",
            f"{_FACE} (speaks|talks) [{{language}}] [{{place}}]",
            f"{_FACE} is (talking|speaking) [{{place}}]",
            f"{_FACE} [{{place}}] (speaks|says) {{count}} {{language}} {{word/words}}",
            f"[{{place}}], {_FACE} says {{count}} {{word/words}}",
            f"(a portrait|a close-up) of {_FACE} (talking|that says {{count}} {{word/words}}) [{{place}}]",
            f"{_FACE} (looks|is looking) at us and (talks|speaks|says {{count}} {{word/words}}) [{{place}}]",
            f"we see {_FACE} (talk|speak|say {{count}} {{word/words}}) [{{place}}]",
            f"{_FACE}[, {{place}}], {{count}} spoken {{word/words}}",
            f"{_FACE} moves (the lips|the mouth) and (talks|speaks) [{{language}}] [{{place}}]",
            f"{_FACE} [{{place}}] (speaks|talks) [{{how}}] [in {{language}}]",
            f"{_FACE}, talking[, {{place}}]",
        ),
        audio=SPOKEN,
        silent_video=(
            f"{_FACE} says nothing [{{place}}]",
            f"{_FACE} (keeps silent|is silent) [{{place}}]",
            f"{_FACE} [{{place}}] with a closed mouth",
            f"{_FACE} looks at us [{{place}}] and does not speak",
        ),
        silent_audio=(*SILENCE, *WORDLESS),
        phrases=PHRASES,
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        said = talk.sample_talk(rng.child("talk"), duration=duration, split=split)
        look = sample_look(rng.child("look"), said.voice.kind)
        attributes = look | said.facts | {"place": rng.child("place").choice(PLACES)}
        params = said.params | breath_of(rng.child("breath"), duration=duration)
        return Draft(attributes, params, said.events, said.words, said.transcript, said.speaker)

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        paint_place(canvas, scene.attributes["place"])
        stage = canvas.placed(0.5, MIDDLE, scale=SCALE)
        mouth = talk.talk_mouth(scene, times)
        return [canvas.cover(*paint_portrait(stage, scene.attributes, scene.params, mouth, times))]

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        return talk.talk_sound(scene, num_samples, rate)

    def reference(self, scene: Scene, rng: Chance, *, seconds: float, same_clip: bool) -> np.ndarray | None:
        return talk.talk_reference(scene, rng, seconds=seconds, same_clip=same_clip)
