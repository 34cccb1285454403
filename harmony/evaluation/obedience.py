"""Was the caption obeyed? What a caption tells of its scene, and phrasings that no template knows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harmony.data.world import Scene
from harmony.data.world.base import scene_kind
from harmony.data.world.captions import PHRASES, words_of
from harmony.evaluation.classifier import looks_like

UNSEEN = Path(__file__).with_name("unseen_phrasings.jsonl")
_OTHER_FORMS = {"material": "stuff"}  # "made of wood" says what "wooden" says


@dataclass(frozen=True)
class Phrasing:
    """A caption written by hand, and what its clip must show: a kind, and values of visible attributes.

    ``transcript`` is what is said, where somebody speaks.
    """

    text: str
    kind: str
    attributes: Mapping[str, str]
    transcript: str | None = None

    @property
    def wanted(self) -> dict[str, str]:
        return {"kind": looks_like(self.kind), **self.attributes}


def unseen_phrasings(path: Path = UNSEEN) -> list[Phrasing]:
    """The committed list, one JSON object a line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Phrasing(**json.loads(line)) for line in lines if line.strip()]


def told_attributes(scene: Scene, caption: str, names: Iterable[str]) -> dict[str, str]:
    """Those of the scene's attributes ``names`` that the caption puts into words (one may leave out the colour).

    Where two things of a scene share a value ("big") and the caption says it once, it counts for both.
    """
    said = f" {' '.join(words_of(caption))} "
    own = scene_kind(scene.kind).phrasebook.phrases
    told = {}
    for name in names:
        value = scene.attributes.get(name)
        phrasings = (phrase for table in _tables(name, own) for phrase in table.get(value, ()))
        if any(phrase and f" {' '.join(words_of(phrase))} " in said for phrase in phrasings):
            told[name] = value
    return told


def _tables(name: str, own: Mapping[str, Mapping]) -> Iterator[Mapping[str, tuple[str, ...]]]:
    last = name.rpartition("_")[2]
    for form in (name, last, _OTHER_FORMS.get(last)):
        for book in (own, PHRASES):
            if form in book:
                yield book[form]
