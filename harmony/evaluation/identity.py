"""Are kind and colours at a clip's end those of its beginning?

A judge of its own looks at an eighth of a clip at a time: the one that judges whole clips has never seen so little of
one. What lights up shows its colour while it is lit, so of lamps and fireworks the first flash and the last are
compared; of a lamp beside a bell nobody knows which of both an event was, and its colour is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harmony.data.world import Scene
from harmony.evaluation.bench import Bench, Judges
from harmony.evaluation.clips import as_video
from harmony.evaluation.figures import Figure, by_kind, figure_of
from harmony.timeline import Timeline

GLIMPSE = 8  # the judge sees one part in so many of a clip at a time
LIT = ("lamp", "firework")
_NOT_ASKED = "lamp_colour"


def identity(bench: Bench) -> dict[str, Figure]:
    """Share of joint clips in which the kind and all colours are judged alike at both ends; true clips beside it."""
    cases = [*bench.cases, *bench.face_cases]
    made = [clip.frames for clip in bench.joint_and_faces()]
    true = [case.clip(bench.timeline).frames for case in cases]
    kept, kept_true = (
        [
            float(keeps_identity(frames, case.scene, bench.judges, timeline=bench.timeline))
            for case, frames in zip(cases, some, strict=True)
        ]
        for some in (made, true)
    )
    kinds = [case.kind for case in cases]
    details = dict(by_kind=by_kind(kept, kinds), true_clips=float(np.mean(kept_true)))
    return {"identity_last_frame": figure_of(kept, **details)}


def keeps_identity(frames: np.ndarray, scene: Scene, judges: Judges, *, timeline: Timeline) -> bool:
    """Whether a clip, uint8 (F, H, W, 3), shows the same kind and colours in its first glimpse and in its last."""
    events = judges.seen.events(as_video(frames[None]))[0] if scene.kind in LIT else []
    starts = glimpse_starts(len(frames), scene.kind, [timeline.frame_at(time) for time in events])
    length = glimpse_length(len(frames))
    first, last = (judges.glimpse.predict(as_video(frames[None, k : k + length]))[0] for k in (starts[0], starts[-1]))
    asked = [name for name in first if name == "kind" or name in scene.attributes]
    return all(first[name] == last[name] for name in asked)


def glimpse_length(num_frames: int) -> int:
    """How many frames the judge sees at a time."""
    return max(1, num_frames // GLIMPSE)


def glimpse_starts(num_frames: int, kind: str, events: Sequence[int]) -> Sequence[int]:
    """The frames from which on a glimpse shows what a scene of this kind is, in order.

    Args:
        events: frames in which something happens; only asked of kinds that light up.
    """
    everywhere = range(num_frames - glimpse_length(num_frames) + 1)
    return [min(frame, everywhere[-1]) for frame in events if kind in LIT] or everywhere


def tells_identity(name: str) -> bool:
    """Whether an attribute of this name, or the kind, is judged at both ends."""
    return name == "kind" or (name.rpartition("_")[2] == "colour" and name != _NOT_ASKED)
