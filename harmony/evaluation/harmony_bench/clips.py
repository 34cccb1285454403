"""The sets of clips that are judged: what the model makes, and true clips above and below it.

``model`` is made with the checkpoint's own guidance, ``plain`` without SyncCFG, ``sync-2`` with SyncCFG at scale 2 in
both streams. ``true`` is the scene as the world draws it, ``codecs`` the same through the model's codecs, ``shuffled``
the true picture with the sound of another case of its kind, ``others`` true clips of other scenes, for Fréchet
distances. All of them are judged from an mp4 file of the same kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harmony import media
from harmony.batch import Wish, generate_batch
from harmony.evaluation.clips import Judged, through_codecs
from harmony.evaluation.harmony_bench.cases import BenchCase
from harmony.evaluation.harmony_bench.tiny import sibling
from harmony.generation import Generation
from harmony.guidance import GuidanceConfig, GuidanceTerm
from harmony.pipeline import HarmonyPipeline
from harmony.timeline import Timeline

BOUNDS = ("true", "codecs", "shuffled", "others")  # sets that need the tiny world's true clips
_SCALED = "sync-"


def check_set(name: str) -> None:
    """Raises ``ValueError`` with one sentence if there is no such set."""
    if name not in ("model", "plain", *BOUNDS) and scale_of(name) is None:
        raise ValueError(
            f"there is no set of clips '{name}'; choose model, plain, {', '.join(BOUNDS)}, "
            "or sync-2 for SyncCFG at scale 2"
        )


def scale_of(name: str) -> float | None:
    """The SyncCFG scale that a set's name tells, if it tells one."""
    try:
        return float(name.removeprefix(_SCALED)) if name.startswith(_SCALED) else None
    except ValueError:
        return None


def guidance_of(name: str, own: GuidanceConfig) -> GuidanceConfig:
    """A checkpoint's guidance with SyncCFG left alone, off, or at the set's scale; text guidance stays."""
    scale = scale_of(name)
    if name == "model":
        return own
    others = tuple(term for term in own.terms if term.kind != "sync")
    if scale in (None, 1.0):
        return replace(own, terms=others)
    return replace(own, terms=(GuidanceTerm("sync", scale, scale), *others))


class ClipMaker:
    """Makes the clips of a set.

    Args:
        pipe: the model.
        edition: all cases: ``shuffled`` takes the other sound from among them, whichever of them are run.
        timeline: the clips' clock.
        batch_size: clips that go through the model together; with 1 the pipeline is called as a user calls it.
    """

    def __init__(
        self, pipe: HarmonyPipeline, edition: Sequence[BenchCase], *, timeline: Timeline, batch_size: int
    ) -> None:
        self.pipe, self.timeline, self.batch_size = pipe, timeline, batch_size
        self._partner = partners(edition)

    def make(self, name: str, cases: Sequence[BenchCase], path_of: Callable[[BenchCase], Path]) -> None:
        """Make and save one batch; a clip's file appears when it is whole."""
        if name not in BOUNDS:
            for case, clip in zip(cases, self._generate(name, cases), strict=True):
                clip.save(path_of(case))
            return
        for case in cases:
            self._write(self._bound(name, case), path_of(case))

    def _generate(self, name: str, cases: Sequence[BenchCase]) -> list[Generation]:
        guidance = guidance_of(name, self.pipe.guidance)
        wishes: list[Wish] = [case.wish() for case in cases]
        if len(wishes) == 1:
            return [self.pipe(**wishes[0], guidance=guidance, num_frames=self.timeline.num_frames)]
        return generate_batch(self.pipe, wishes, guidance=guidance, num_frames=self.timeline.num_frames)

    def _bound(self, name: str, case: BenchCase) -> Judged:
        timeline = self.timeline
        true = sibling(case).true_clip(timeline) if name == "others" else case.true_clip(timeline)
        if name == "codecs":
            return through_codecs(self.pipe, Judged(true.frames, true.waveform))
        if name == "shuffled":
            return Judged(true.frames, self._partner[case.id].true_clip(timeline).waveform)
        return Judged(true.frames, true.waveform)

    def _write(self, clip: Judged, path: Path) -> None:
        timeline = self.timeline
        media.write_clip(
            path, clip.frames, _fit(clip.waveform, timeline.num_samples),
            frame_rate=timeline.frame_rate, sample_rate=timeline.sample_rate,
        )  # fmt: skip


def partners(edition: Sequence[BenchCase]) -> dict[str, BenchCase]:
    """Another case of the same kind for every case: the next one in the edition, the first for the last."""
    found: dict[str, BenchCase] = {}
    for kind in {case.kind for case in edition}:
        own = [case for case in edition if case.kind == kind]
        found |= {case.id: own[(k + 1) % len(own)] for k, case in enumerate(own)}
    return found


def _fit(waveform: NDArray, length: int) -> NDArray:
    return np.pad(waveform[:length], (0, max(0, length - len(waveform))))
