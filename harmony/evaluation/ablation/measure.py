"""One trained row on the held-out scenes: what is kept of every clip, so that intervals can be drawn over clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harmony.evaluation.ablation.rows import IMPACTS, Way
from harmony.evaluation.bench import Judges, file_name
from harmony.evaluation.cases import Case, frozen_cases
from harmony.evaluation.clips import events_of, make_clips, read_back, wish_of
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
    """

    kind: str
    hits: int = 0
    found: int = 0
    true: int = 0
    contrast: float | None = None
    correlation: float | None = None
    lag: int | None = None


def cases_of(per_kind: int) -> list[Case]:
    """Held-out scenes with events, and faces that speak."""
    return frozen_cases(per_kind, IMPACTS) + [c for c in frozen_cases(per_kind, ["face"]) if c.scene.transcript]


def score(
    pipe: HarmonyPipeline, judges: Judges, way: Way, cases: Sequence[Case], *, folder: Path, batch_size: int = 14
) -> list[dict]:
    """Make the clips of one way and score each of them.

    Args:
        folder: where the clips go; those that are there are kept.

    Returns:
        The fields of a :class:`ClipScore` for each case.
    """
    task = "audio_to_video" if way.driven else "joint"
    wishes = [(file_name(case), lambda case=case: wish_of(case, task, pipe.timeline)) for case in cases]
    paths = make_clips(pipe, wishes, folder=folder, terms=way.terms, batch_size=batch_size)
    clips = [read_back(path) for path in paths]
    seen, heard = events_of(clips, seen=judges.seen, heard=judges.heard)
    scores = []
    for case, clip, seen_at, heard_at in zip(cases, clips, seen, heard, strict=True):
        if case.kind in IMPACTS:
            counts = match_events(seen_at, case.times) if way.driven else match_events(heard_at, seen_at)
            contrast = event_contrast(clip.frames, seen_at) if seen_at else None
            scores.append(ClipScore(case.kind, counts.hits, counts.found, counts.true, contrast))
        else:
            lips = lips_of(clip.frames, clip.waveform, true=case.clip(pipe.timeline), timeline=pipe.timeline)
            scores.append(ClipScore(case.kind, correlation=lips.correlation, lag=lips.best_lag))
    return [asdict(one) for one in scores]
