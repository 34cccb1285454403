"""When things happen: irregular times, so that being in time can be told from being regular."""

from __future__ import annotations

from collections.abc import Sequence

from harmony.data.world.chance import Chance

FIRST = 0.16  # the earliest onset: room for a swing to be seen before its hit
LAST = 0.20  # silence kept after the last onset, so that it can be seen and heard
GAP = 0.28  # the shortest distance between two onsets
COUNT_WORDS = ("zero", "one", "two", "three", "four", "five", "six")
_ROOM_PER_EVENT = 0.45


def most_events(duration: float) -> int:
    """How many events fit well into ``duration`` seconds: 4 in 2.06 s, 6 in 3 s and more, at least 1."""
    return max(1, min(6, 1 + int((duration - FIRST - LAST) / _ROOM_PER_EVENT)))


def sample_count(rng: Chance, *, duration: float) -> int:
    """A number of events, 1 up to what fits, all about equally likely and one a little rarer."""
    counts = list(range(1, most_events(duration) + 1))
    return rng.choice(counts, weights=[0.8 if count == 1 else 1.0 for count in counts])


def sample_times(
    rng: Chance, *, count: int, duration: float, first: float = FIRST, last: float = LAST, gap: float = GAP
) -> list[float]:
    """``count`` irregular onsets in seconds, rising, at least ``gap`` apart.

    The time that is left over after all minimal gaps is shared out by Dirichlet(1), so first onset and gaps vary alike.

    Raises:
        ValueError: if they cannot fit.
    """
    if count == 0:
        return []
    free = duration - first - last - (count - 1) * gap
    if free < 0:
        raise ValueError(f"{count} events at least {gap} s apart do not fit into {duration:.2f} s")
    shares = rng.dirichlet(count + 1)
    times, now = [], first
    for share in shares[:-1]:
        now += share * free
        times.append(round(now, 6))
        now += gap
    return times


def tempo_word(times: Sequence[float]) -> str:
    """ "fast", "slow" or "medium" from the mean gap; "none" for fewer than two events."""
    if len(times) < 2:
        return "none"
    mean_gap = (times[-1] - times[0]) / (len(times) - 1)
    if mean_gap < 0.4:
        return "fast"
    return "slow" if mean_gap > 0.62 else "medium"
