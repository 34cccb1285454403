"""Does the place that is seen decide how a sound dies away?

Given pictures of one scene outdoors, in a hall and in a cave, and nothing else, the model makes three sounds; their
reverberation is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harmony.batch import Wish
from harmony.data.world import Clip, Scene, render
from harmony.evaluation.bench import Bench
from harmony.evaluation.clips import SAMPLE_RATE
from harmony.evaluation.figures import CannotMeasure, Figure, figure_of
from harmony.timeline import Timeline

SHORT = ("clap", "footsteps", "hammer")  # kinds whose sounds are over before a hall's answer is
ROOMS = ("day", "hall", "cave")  # from the driest to the one that answers longest
_DIRECT, _LATE = (0.0, 0.05), (0.14, 0.26)  # seconds after an event; events are at least 0.28 s apart


def rooms(bench: Bench) -> dict[str, Figure]:
    """Share of scenes whose sounds die away more slowly from place to place, in the order of ``ROOMS``."""
    cases = [case for case in bench.cases if case.kind in SHORT and case.times]
    if not cases:
        raise CannotMeasure(f"none of the requests shows one of {', '.join(SHORT)}")
    true = [[shown_in(case.scene, room, bench.timeline) for room in ROOMS] for case in cases]
    wishes = [
        (f"{case.name}-{room}", lambda clip=clip, case=case: _wish(clip, bench.timeline, seed=10_000 + case.seed))
        for case, clips in zip(cases, true, strict=True)
        for room, clip in zip(ROOMS, clips, strict=True)
    ]
    made = iter(bench.wished("rooms", wishes))
    heard = [[late_level(next(made).waveform, case.times) for _ in ROOMS] for case in cases]
    ceiling = [[late_level(clip.waveform, clip_times(clip)) for clip in clips] for clips in true]
    levels = {
        name: dict(zip(ROOMS, np.round(np.mean(rows, axis=0), 2).tolist(), strict=True))
        for name, rows in (("made_db", heard), ("true_db", ceiling))
    }
    true_clips = float(np.mean([rises(row) for row in ceiling]))
    return {"room_order": figure_of([float(rises(row)) for row in heard], true_clips=true_clips, **levels)}


def shown_in(scene: Scene, room: str, timeline: Timeline) -> Clip:
    """The same scene somewhere else."""
    return render(replace(scene, attributes=scene.attributes | {"place": room}), timeline)


def clip_times(clip: Clip) -> list[float]:
    return [event.time for event in clip.scene.events]


def late_level(waveform: NDArray, times: Sequence[float], *, rate: int = SAMPLE_RATE) -> float:
    """What is left of a sound a moment after its events, in dB of its beginning; a mean over events.

    Args:
        waveform: (S,).
        times: of the events, in seconds; one that is too near to the end is left out if another is not.
    """
    fitting = [time for time in times if round((time + _LATE[1]) * rate) <= len(waveform)] or list(times[:1])
    powers = [[_power(waveform, time, span, rate) for span in (_DIRECT, _LATE)] for time in fitting]
    return float(np.mean([10 * np.log10(late / direct) for direct, late in powers]))


def rises(levels: Sequence[float]) -> bool:
    return all(a < b for a, b in pairwise(levels))


def _power(waveform: NDArray, time: float, span: tuple[float, float], rate: int) -> float:
    part = waveform[round((time + span[0]) * rate) : round((time + span[1]) * rate)].astype(np.float64)
    return float(np.mean(part**2)) + 1e-10 if len(part) else 1e-10


def _wish(clip: Clip, timeline: Timeline, *, seed: int) -> Wish:
    return dict(video=(clip.frames, timeline.frame_rate), seed=seed)
