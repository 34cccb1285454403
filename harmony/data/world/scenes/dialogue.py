"""Two faces side by side that speak in turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harmony.data.world import talk
from harmony.data.world.backdrop import PLACES
from harmony.data.world.base import SceneKind, register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.portraits import breath_of, sample_look
from harmony.data.world.portraits.phrases import PHRASES, sketch_of
from harmony.data.world.scenes.two_faces import BOTH, SIDES, main_colour, paint_pair
from harmony.data.world.types import Draft, Scene, Split

_ONE = f"(the {{first_who}} {{first_side}}|the one {{first_side}}|{sketch_of('first_', article='the')})"
_OTHER = "(the other one|the one {second_side}|the {second_who} {second_side})"
_FIRST, _SECOND = "{first_count} {first:word/words}", "{second_count} {second:word/words}"


@register
class Dialogue(SceneKind):
    """One says something in the clip's first half, the other answers in the second, in the same language and with
    another kind of voice. A reference is the voice of the one who begins. Sources: 0 is the left mouth, 1 the right."""

    name = "dialogue"
    group = "speech"
    impacts = False
    weight = 1.5
    shortest = 2.0
    phrasebook = Phrasebook(
        video=(
            f"{BOTH}, first {_ONE} (speaks|talks), then {_OTHER} [{{place}}]",
            f"{BOTH} [{{place}}], {_ONE} says {_FIRST}, then {_OTHER} says {_SECOND}",
            f"{BOTH} (talk|speak) in turn [{{language}}] [{{place}}], {_ONE} begins",
            f"two faces [{{place}}], {BOTH}, {_ONE} says {_FIRST} and {_OTHER} answers",
            f"[{{place}}], {BOTH} (talk|speak) with each other, {_ONE} (speaks first|begins)",
            f"{_ONE} (says {_FIRST}|speaks|talks) and {_OTHER} (answers|says {_SECOND}), {BOTH} [{{place}}]",
            f"a conversation [in {{language}}] [{{place}}], {BOTH}, {_ONE} begins",
        ),
        audio=(
            f"a {{first_speaker}} says {_FIRST}, then a {{second_speaker}} says {_SECOND} [in {{language}}]",
            "a {first_speaker} (speaks|talks), then a {second_speaker} [answers] [in {language}]",
            "first a [{first_pitch}] {first_voice}, then a [{second_pitch}] {second_voice} [in {language}]",
            "a {first_speaker} and a {second_speaker} (talk|speak) in turn [{how}] [in {language}]",
            f"{{language}} speech, {_FIRST} by a {{first_speaker}}, then {_SECOND} by a {{second_speaker}}",
            "a [{loudness}] conversation [in {language}], a {first_speaker} begins and a {second_speaker} answers",
            "you hear a {first_speaker} (speak|talk) and a {second_speaker} answer [{language}] [{place}]",
        ),
        phrases=PHRASES,
    )

    def sample(self, rng: Chance, *, duration: float, split: Split) -> Draft:
        half, side = duration / 2, rng.child("side").integer(2)
        first = talk.sample_talk(rng.child("first"), duration=half, split=split, source=side, silent_share=0.0)
        second = talk.sample_talk(
            rng.child("second"), duration=half, split=split, source=1 - side, silent_share=0.0, answering=first
        )
        answer = tuple(replace(w, start=round(w.start + half, 6), end=round(w.end + half, 6)) for w in second.words)
        second = replace(second, words=answer)
        looks = {"first": sample_look(rng.child("first look"), first.voice.kind)}
        looks["second"] = sample_look(rng.child("second look"), second.voice.kind, without=main_colour(looks["first"]))
        attributes = {name: first.facts[name] for name in ("language", "loudness")}
        attributes |= {"place": rng.child("place").choice(PLACES)}
        for turn, said, where in (("first", first, side), ("second", second, 1 - side)):
            facts = {name: said.facts[name] for name in ("voice", "speaker", "pitch", "count")} | {"side": SIDES[where]}
            attributes |= {f"{turn}_{name}": value for name, value in (facts | looks[turn]).items()}
            attributes |= {f"{SIDES[where]}_{name}": value for name, value in looks[turn].items()}
        params = first.params | {
            "breaths": [breath_of(rng.child(name), duration=duration) for name in SIDES],
            "voices": [said.voice.id for said in ((first, second) if side == 0 else (second, first))],
        }
        words = first.words + answer
        transcript = " ".join(word.text for word in words)
        return Draft(attributes, params, first.events + second.events, words, transcript, first.speaker)

    def draw(self, scene: Scene, canvas: Canvas, times: np.ndarray) -> list[np.ndarray]:
        return paint_pair(scene, canvas, times, [talk.talk_mouth(said_by(scene, s), times) for s in (0, 1)])

    def sound(self, scene: Scene, num_samples: int, rate: int) -> np.ndarray:
        return sum(talk.talk_sound(said_by(scene, source), num_samples, rate) for source in range(len(SIDES)))

    def reference(self, scene: Scene, rng: Chance, *, seconds: float, same_clip: bool) -> np.ndarray | None:
        one = said_by(scene, SIDES.index(scene.attributes["first_side"]))
        return talk.talk_reference(one, rng, seconds=seconds, same_clip=same_clip)


def said_by(scene: Scene, source: int) -> Scene:
    """The scene as if only the face on one side spoke."""
    words = tuple(word for word in scene.words if word.source == source)
    return replace(scene, words=words, speaker=scene.params["voices"][source])
