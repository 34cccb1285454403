"""One trained row on the held-out scenes: what is kept of every clip, so that intervals can be drawn over clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from harmony.batch import generate_batch
from harmony.evaluation.ablation.rows import IMPACTS, Way
from harmony.evaluation.bench import Judges
from harmony.evaluation.cases import Case, frozen_cases
from harmony.evaluation.clips import Judged, events_of, wish_of
from harmony.evaluation.events import match_events
from harmony.evaluation.faces import lips_of
from harmony.evaluation.figures import event_contrast
from harmony.pipeline import HarmonyPipeline


@dataclass(frozen=True)
class ClipScore:
    """One made clip.

    Attributes:
        kind: of scene.
        hits, found, true: events heard that are seen (audio-driven: events seen at the true times), all of the
            former, all of the latter. Zero for faces.
        contrast: how easy its events are to see.
        correlation, lag: of mouth opening and voice, for faces; lag in frames.
        sync_c, sync_d, offset: of our own SyncNet; offset in frames, positive where the sound comes late.
    """

    kind: str
    hits: int = 0
    found: int = 0
    true: int = 0
    contrast: float | None = None
    correlation: float | None = None
    lag: int | None = None
    sync_c: float | None = None
    sync_d: float | None = None
    offset: int | None = None


def cases_of(per_kind: int) -> list[Case]:
    """Held-out scenes with events, and faces that speak."""
    return frozen_cases(per_kind, IMPACTS) + [c for c in frozen_cases(per_kind, ["face"]) if c.scene.transcript]


def score(
    pipe: HarmonyPipeline, judges: Judges, way: Way, cases: Sequence[Case], *, batch_size: int = 14
) -> list[dict]:
    """Make the clips of one way and score each of them, without the loss of a file between.

    Returns:
        The fields of a :class:`ClipScore` for each case.
    """
    clips = [clip for start in range(0, len(cases), batch_size)
             for clip in _made(pipe, way, cases[start : start + batch_size])]  # fmt: skip
    seen, heard = events_of(clips, seen=judges.seen, heard=judges.heard)
    scores = []
    for case, clip, seen_at, heard_at in zip(cases, clips, seen, heard, strict=True):
        sync = judges.sync.score_clip(clip.frames, clip.waveform)
        synced = dict(sync_c=sync.confidence, sync_d=sync.distance, offset=sync.offset)
        if case.kind in IMPACTS:
            counts = match_events(seen_at, case.times) if way.driven else match_events(heard_at, seen_at)
            contrast = event_contrast(clip.frames, seen_at) if seen_at else None
            scores.append(ClipScore(case.kind, counts.hits, counts.found, counts.true, contrast, **synced))
        else:
            lips = lips_of(clip.frames, clip.waveform, true=case.clip(pipe.timeline), timeline=pipe.timeline)
            scores.append(ClipScore(case.kind, correlation=lips.correlation, lag=lips.best_lag, **synced))
    return [asdict(one) for one in scores]


def _made(pipe: HarmonyPipeline, way: Way, cases: Sequence[Case]) -> list[Judged]:
    task = "audio_to_video" if way.driven else "joint"
    wishes = [wish_of(case, task, pipe.timeline) for case in cases]
    guidance = replace(pipe.guidance, terms=way.terms)
    return [Judged(clip.frames, clip.waveform) for clip in generate_batch(pipe, wishes, guidance=guidance)]
