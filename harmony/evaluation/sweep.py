"""Trying SyncCFG scales on validation scenes: how a checkpoint's default guidance is chosen.

The best F1 is not the best picture: strong guidance makes events larger and burns them. So the share of burnt pixels
stands beside the figures, and a contact sheet of each scale is saved beside its clips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harmony.evaluation.bench import Bench
from harmony.evaluation.classifier import looks_like
from harmony.evaluation.clips import as_video
from harmony.evaluation.figures import Figure, sync_figure
from harmony.guidance import GuidanceTerm
from harmony.visualize import contact_sheet


@dataclass(frozen=True)
class SweepRow:
    """One scale (of both streams): joint F1, events seen per clip against true clips, the share of clips that show the
    caption's scene, and the share of pixels with a channel at its end (0 or 255)."""

    scale: float
    scene_accuracy: float
    joint_f1: Figure
    events_ratio: float
    overexposed: float


def sweep(bench: Bench, scales: Sequence[float], *, text_scale: float = 1.0) -> Iterator[SweepRow]:
    """Joint clips of validation scenes at each SyncCFG scale, ``bench.per_kind`` of each of ``bench.kinds``.

    ``text_scale`` is that of the text guidance beside it, 1 for none.
    """
    cases = bench.frozen(bench.kinds, split="val")
    kinds, true_count = [case.kind for case in cases], sum(len(case.times) for case in cases)
    for scale in scales:
        terms = (GuidanceTerm("sync", scale, scale), GuidanceTerm("text", text_scale, text_scale))
        name = f"sync-{scale:g}" + (f"-text-{text_scale:g}" if text_scale != 1 else "")
        clips = bench.clips(name, "joint", cases=cases, terms=terms)
        seen, heard = bench.events(clips)
        pictures = contact_sheet([clip.frames for clip in clips[:24]], [case.captions.video for case in cases[:24]])
        pictures.save(bench.folder / f"{name}.png")
        ends = [np.mean((clip.frames == 0) | (clip.frames == 255)) for clip in clips]
        guesses = [bench.judges.scene.predict(as_video(clip.frames[None]))[0]["kind"] for clip in clips]
        yield SweepRow(
            scale,
            float(np.mean([guess == looks_like(kind) for guess, kind in zip(guesses, kinds, strict=True)])),
            sync_figure(heard, seen, kinds),
            sum(map(len, seen)) / max(true_count, 1),
            float(np.mean(ends)),
        )
