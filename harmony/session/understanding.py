"""What the shipped model understands of a person's caption: the scene, its facts, and the words that it never saw.

The tiny world's own templates say which words go with which scene, so nothing here has to be kept in step by hand. The
model reads the whole caption; this only tells people what it has to go by.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from harmony.data.world import describe, sample_scene, vocabulary
from harmony.data.world.base import registered
from harmony.data.world.captions import PHRASES, words_of

# Scenes of two things, and the scenes of one thing that both must be named for.
_TOGETHER = {
    "bell_and_lamp": ("bell", "lamp"),
    "dog_and_drum": ("dog", "drum"),
    "drum_rain": ("drum", "rain"),
    "face_rain": ("face", "rain"),
}
_PAIR = {"two", "both", "other", "another", "couple", "2"}
_IN_TURN = {"then", "turn", "turns", "answer", "answers", "conversation", "begins", "dialogue"}
_TITLES = {"dialogue": "two faces in turn", "drum_rain": "drum in the rain", "face_rain": "face in the rain",
           "face": "talking face", "sing": "singing or laughing face", "fire": "campfire",
           "thunder": "thunderstorm"}  # fmt: skip
_LIKELIER = {"face": 2, "sing": 1, "clap": 1}  # where words point at several scenes alike
_SHORT = {"applause": "an audience applauds", "clap": "hands clap", "dialogue": "two faces talk in turn",
          "fire": "a campfire", "footsteps": "boots walk", "sing": "somebody sings", "thunder": "lightning strikes",
          "face": "somebody speaks", "face_rain": "somebody speaks in the rain", "knock": "a knock on a door",
          "two_faces": "two faces"}  # fmt: skip
_SAID = ("size", "colour", "count", "times", "loudness", "how", "force", "tempo", "position", "place")
_ANY_SCENE = 5  # a word of so many scenes tells none of them


@dataclass(frozen=True)
class Understanding:
    """A caption as the model can take it.

    Attributes:
        kind: name of the scene; ``None`` if no word points at one.
        facts: phrases of the caption that it knows, in their order.
        unknown: words that it never saw, in their order.
    """

    kind: str | None
    facts: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def title(self) -> str | None:
        """The scene in plain words."""
        return None if self.kind is None else scene_title(self.kind)


def scene_title(kind: str) -> str:
    """A kind of scene in plain words."""
    return _TITLES.get(kind, kind.replace("_", " "))


def understand(caption: str) -> Understanding:
    """Read a caption as the tiny world would."""
    words = words_of(caption)
    unknown = [word for word in dict.fromkeys(words) if word not in _known_words()]
    return Understanding(_kind_of(set(words)), tuple(_facts_of(words)), tuple(unknown))


def surprise(seed: int) -> tuple[str, str, str]:
    """A caption of the picture, one of the sound and a transcript ("" where nobody speaks) of a scene of the world."""
    scene = sample_scene(seed)
    captions = describe(scene, seed)
    return captions.video, captions.audio, scene.transcript or ""


def word_chips() -> dict[str, tuple[str, ...]]:
    """Words to put into a caption, by what they tell."""
    scenes = tuple(_SHORT.get(kind) or Understanding(kind, (), ()).title or "" for kind in registered())
    first = {name: tuple(p[0] for p in PHRASES[name].values() if p and p[0]) for name in ("colour", "size", "place")}
    times = tuple(p[0] for p in PHRASES["times"].values() if p)
    return {"Scenes": scenes, "Colours": first["colour"], "Sizes": first["size"], "Places": first["place"],
            "How often": times}  # fmt: skip


def _kind_of(words: set[str]) -> str | None:
    points = {kind: len(words & telling) for kind, telling in _telling_words().items() if kind not in _TOGETHER}
    for kind, parts in _TOGETHER.items():
        if all(points[part] for part in parts):
            return kind
    best = max(points, key=lambda kind: (points[kind], _LIKELIER.get(kind, 0)))
    if not points[best]:
        return None
    if best not in ("face", "two_faces", "dialogue"):
        return best
    if "dialogue" in points and words & _IN_TURN:
        return "dialogue"
    return "two_faces" if words & _PAIR else "face"


@lru_cache(maxsize=1)
def _telling_words() -> dict[str, set[str]]:
    """For each scene the words of its templates that few other scenes have."""
    facts = set(_fact_words())
    own = {
        kind: {word for template in (*scene.phrasebook.video, *scene.phrasebook.audio) for word in _literal(template)}
        for kind, scene in registered().items()
    }
    spread = Counter(word for words in own.values() for word in words)
    return {
        kind: {word for word in words if spread[word] < _ANY_SCENE and word not in facts and len(word) > 2}
        for kind, words in own.items()
    }


def _literal(template: str) -> list[str]:
    """The words that a template says itself; of {one/many} both forms, of other {facts} nothing."""
    forms = re.sub(r"\{(?:[^}:]*:)?([^}/]*)/([^}]*)\}", r" \1 \2 ", template)
    return words_of(re.sub(r"\{[^}]*\}", " ", forms))


def _fact_words() -> Iterator[str]:
    for table in PHRASES.values():
        for phrases in table.values():
            for phrase in phrases:
                yield from words_of(phrase)


def _facts_of(words: list[str]) -> Iterator[str]:
    """Known phrases in the caption, the longest first where they overlap, in the order of the caption."""
    phrases = {tuple(words_of(p)) for name in _SAID for table in PHRASES[name].values() for p in table if p}
    longest = max(map(len, phrases))
    place = 0
    while place < len(words):
        for length in range(longest, 0, -1):
            if tuple(words[place : place + length]) in phrases:
                yield " ".join(words[place : place + length])
                place += length - 1
                break
        place += 1


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    return frozenset(vocabulary())
