"""Two faces side by side; one of them speaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harmony.data.world import talk
from harmony.data.world.backdrop import PLACES, paint_place
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.portraits import Look, breath_of, paint_portrait, sample_look
from harmony.data.world.portraits.phrases import PHRASES, SPOKEN, sketch_of
from harmony.data.world.types import Draft, Scene, Split
from harmony.data.world.visemes import REST

SIDES = ("left", "right")
MIDDLES, HEIGHT, SCALE = (0.26, 0.74), 0.5, 0.67
BOTH = (
    f"({sketch_of('left_')} and {sketch_of('right_')}|{sketch_of('left_')} beside {sketch_of('right_')}"
    f"|{sketch_of('left_')} on the left and {sketch_of('right_')} on the right)"
)
_ONE = f"(the {{talker_who}} {{side}}|the one {{side}}|{sketch_of('talker_', article='the')})"


@register
class TwoFaces(SceneKind):
    """Captions say who speaks by side, by shirt or colour, or by looks. Shirts and colours always differ."""

    name = "two_faces"
    group = "speech"
    impacts = False
    weight = 1.5
    phrasebook = Phrasebook(
        video=(
            f"{BOTH}, {_ONE} (speaks|talks) [{{place}}]",
            f"{BOTH} [{{place}}], {_ONE} says {{count}} {{word/words}} [in {{language}}]",
            f"[{{place}}], {BOTH}, {_ONE} is (talking|speaking)",
            f"{BOTH}, only {_ONE} (speaks|talks) [{{language}}] [{{place}}]",
            f"two faces [{{place}}], {BOTH}, {_ONE} (talks|says {{count}} {{word/words}})",
            f"we see {BOTH} [{{place}}], {_ONE} (talks|speaks) [{{how}}]",
            f"{_ONE} (speaks|talks|says {{count}} {{word/words}}) to the other one, {BOTH} [{{place}}]",
        ),
        audio=SPOKEN,
        silent_video=(
            f"{BOTH} [{{place}}], nobody speaks",
            f"{BOTH} keep silent [{{place}}]",
            f"[{{place}}], {BOTH} look at us and do not speak",
            f"two faces [{{place}}], {BOTH}, both say nothing",
        ),
        silent_audio=(*SILENCE, "nobody speaks", "no voice is heard", "both say nothing"),
        phrases=PHRASES,
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        side = rng.child("side").integer(2)
        said = talk.sample_talk(rng.child("talk"), duration=duration, split=split, source=side)
        talker = sample_look(rng.child("talker"), said.voice.kind)
        other_kind = rng.child("other kind").choice(("man", "woman", "child"))
        other = sample_look(rng.child("other"), other_kind, without=main_colour(talker))
        looks = (talker, other) if side == 0 else (other, talker)
        attributes = said.facts | {"side": SIDES[side], "place": rng.child("place").choice(PLACES)}
        for name, look in zip((*SIDES, "talker"), (*looks, talker), strict=True):
            attributes |= {f"{name}_{fact}": value for fact, value in look.items()}
        breaths = [breath_of(rng.child(name), duration=duration) for name in SIDES]
        return Draft(
            attributes, said.params | {"breaths": breaths}, said.events, said.words, said.transcript, said.speaker
        )

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        rest = np.tile(np.asarray(REST), (len(times), 1))
        speaks = talk.talk_mouth(scene, times)
        return paint_pair(scene, canvas, times, [speaks if n == scene.attributes["side"] else rest for n in SIDES])

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        return talk.talk_sound(scene, num_samples, rate)

    def reference(self, scene: Scene, rng: Chance, *, seconds: float, same_clip: bool) -> np.ndarray | None:
        return talk.talk_reference(scene, rng, seconds=seconds, same_clip=same_clip)


def paint_pair(scene: Scene, canvas: Canvas, times: np.ndarray, mouths: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Both faces in their place, each with its mouth (F, 3); one mask (F, H, W) per face."""
    paint_place(canvas, scene.attributes["place"])
    masks = []
    for name, x, breath, mouth in zip(SIDES, MIDDLES, scene.params["breaths"], mouths, strict=True):
        stage = canvas.placed(x, HEIGHT, scale=SCALE)
        masks.append(canvas.cover(*paint_portrait(stage, look_of(scene, name), breath, mouth, times)))
    return masks


def look_of(scene: Scene, name: str) -> Look:
    """The look of one face: the attributes that begin with its name."""
    return {k.removeprefix(f"{name}_"): v for k, v in scene.attributes.items() if k.startswith(f"{name}_")}


def main_colour(look: Look) -> str:
    """The colour that a caption would tell a face by."""
    return look.get("shirt", look.get("colour", ""))
