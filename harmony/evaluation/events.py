"""Do events that are seen and events that are heard fall together? Matching, F1 and intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

ONE_FRAME = 1 / 16  # the trial's and the tolerance: 62.5 ms


@dataclass(frozen=True)
class Counts:
    """Hits, misses and false alarms of one clip, with the offsets (found - true, seconds) of its hits."""

    hits: int
    found: int
    true: int
    offsets: tuple[float, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing happened on either side: such clips are counted but left out of F1."""
        return self.found == 0 and self.true == 0


def match_events(found: Sequence[float], true: Sequence[float], *, tolerance: float = ONE_FRAME) -> Counts:
    """Pair events one to one, nearest pairs first, no pair further apart than ``tolerance`` seconds.

    Nearest-first is optimal in count on a line when events of one side are more than ``2 * tolerance`` apart.
    """
    pairs = sorted((abs(f - t), i, j) for i, f in enumerate(found) for j, t in enumerate(true))
    used_found: set[int] = set()
    used_true: set[int] = set()
    offsets = []
    for distance, i, j in pairs:
        if distance > tolerance + 1e-9:
            break
        if i not in used_found and j not in used_true:
            used_found.add(i)
            used_true.add(j)
            offsets.append(float(found[i] - true[j]))
    return Counts(len(offsets), len(found), len(true), tuple(offsets))


def f1(counts: Sequence[Counts]) -> float:
    """Pooled F1 = 2 hits / (found + true) over clips; NaN when nothing happened anywhere."""
    total = sum(c.found + c.true for c in counts)
    return 2 * sum(c.hits for c in counts) / total if total else float("nan")


def mean_f1(counts: Sequence[Counts], kinds: Sequence[str]) -> float:
    """F1 pooled within each kind, then averaged over kinds (so that no kind outweighs another)."""
    per_kind = f1_by_kind(counts, kinds)
    values = [v for v in per_kind.values() if np.isfinite(v)]
    return float(np.mean(values)) if values else float("nan")


def f1_by_kind(counts: Sequence[Counts], kinds: Sequence[str]) -> dict[str, float]:
    return {kind: f1([c for c, k in zip(counts, kinds, strict=True) if k == kind]) for kind in sorted(set(kinds))}


def derangement_within(kinds: Sequence[str], rng: np.random.Generator) -> list[int]:
    """A partner of the same kind for every clip, never itself: a rotation of a shuffled order within each kind.

    Raises:
        ValueError: if a kind has only one clip.
    """
    partner = list(range(len(kinds)))
    for kind in sorted(set(kinds)):
        members = rng.permutation([i for i, k in enumerate(kinds) if k == kind])
        if len(members) < 2:
            raise ValueError(f"kind '{kind}' has a single clip; shuffling within a kind needs two")
        for here, there in zip(members, np.roll(members, 1), strict=True):
            partner[int(here)] = int(there)
    return partner


def interval(
    statistic: Callable[[np.ndarray], float], size: int, *, samples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval: ``statistic`` gets indices of clips drawn with replacement."""
    rng = np.random.default_rng(seed)
    values = [statistic(rng.integers(0, size, size)) for _ in range(samples)]
    values = [v for v in values if np.isfinite(v)]
    if not values:
        return float("nan"), float("nan")
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
