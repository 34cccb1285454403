"""How words stand in time: one law for the world that is learnt from and for the schedules that are asked for."""

from __future__ import annotations

from collections.abc import Sequence

GAP = 0.08  # seconds of silence kept before, between and after words


def place_words(durations: Sequence[float], clip_seconds: float, shares: Sequence[float]) -> list[float]:
    """When words begin: at least ``GAP`` before, between and after them; the time that is left is shared out.

    Args:
        durations: seconds that each word takes.
        clip_seconds: length of the clip.
        shares: of the free time for each gap, one more than words, summing to 1. Drawn from Dirichlet(1, ..., 1), so
            that the first onset varies as the gaps do.

    Raises:
        ValueError: if the words do not fit.
    """
    free = clip_seconds - sum(durations) - GAP * (len(durations) + 1)
    if free < -1e-9:
        raise ValueError(f"{len(durations)} words do not fit into {clip_seconds:.2f} s")
    starts, now = [], 0.0
    for share, duration in zip(shares, durations, strict=False):
        now += GAP + share * max(free, 0.0)
        starts.append(round(now, 6))
        now += duration
    return starts
