"""The frozen held-out requests that judge the shipped model: scenes of the test split, a fixed rule, no choice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from harmony.data.world import EVENT_KINDS, GROUPS, KINDS, Captions, Clip, Scene, Split, describe, render, sample_scene
from harmony.timeline import Timeline

FACES = tuple(kind for kind in KINDS if kind in GROUPS["speech"] or "face" in kind)
IMPACTS = tuple(kind for kind in EVENT_KINDS if kind not in FACES)


@dataclass(frozen=True)
class Case:
    """One request: scene ``seed`` of ``kind`` from a held-out split, laid out for ``duration`` seconds; its captions
    never appeared in training."""

    kind: str
    seed: int
    split: Split = "test"
    duration: float = 2.0625

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.seed:03d}"

    @cached_property
    def scene(self) -> Scene:
        return sample_scene(self.seed, kind=self.kind, split=self.split, duration=self.duration)

    @property
    def captions(self) -> Captions:
        return describe(self.scene, 3_000_000_000 + self.seed)

    def clip(self, timeline: Timeline) -> Clip:
        return render(self.scene, timeline)

    @property
    def times(self) -> list[float]:
        return [event.time for event in self.scene.events]


def frozen_cases(
    per_kind: int, kinds: Sequence[str] = IMPACTS, *, split: Split = "test", duration: float = 2.0625
) -> list[Case]:
    """The first ``per_kind`` held-out scenes of each kind, in the kinds' order, laid out for ``duration`` seconds."""
    return [Case(kind, seed, split, duration) for kind in kinds for seed in range(per_kind)]


def fingerprint(cases: Sequence[Case]) -> str:
    """A short hash of the scenes themselves: a changed world gives other numbers and must not pass for the old one."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(json.dumps(asdict(case.scene), sort_keys=True).encode())
    return digest.hexdigest()[:12]
