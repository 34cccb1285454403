"""Figures with their intervals: everything a report holds is made here from event times and clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from harmony.evaluation.events import Counts, derangement_within, f1, f1_by_kind, interval, match_events, mean_f1

Times = Sequence[Sequence[float]]
Contrasts = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class Figure:
    """A measured number, its 95 % bootstrap interval over clips, and what stands behind it."""

    value: float
    low: float
    high: float
    clips: int
    details: dict = field(default_factory=dict)

    def to_dict(self) -> dict:
        return {key: _rounded(value) for key, value in asdict(self).items() if value != {}}


def _rounded(value):
    if isinstance(value, float):
        return None if not np.isfinite(value) else round(value, 4)
    return {k: _rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


def figure_of(values: Sequence[float], **details) -> Figure:
    """The mean of one number per clip."""
    array = np.asarray(values, float)
    low, high = interval(lambda index: float(array[index].mean()), len(array))
    return Figure(float(array.mean()), low, high, len(array), details)


def sync_figure(found: Times, true: Times, kinds: Sequence[str]) -> Figure:
    """F1 of found against true events, mean over kinds; with F1 by kind, the median offset and the empty clips."""
    counts = [match_events(f, t) for f, t in zip(found, true, strict=True)]
    offsets = [offset for count in counts for offset in count.offsets]
    return _f1_figure(
        counts,
        kinds,
        by_kind=f1_by_kind(counts, kinds),
        median_offset_ms=float(np.median(np.abs(offsets)) * 1000) if offsets else float("nan"),
        empty_clips=sum(count.empty for count in counts),
    )


def shuffled_figure(found: Times, true: Times, kinds: Sequence[str], *, seed: int = 0) -> Figure:
    """The same with every clip's true events taken from another clip of its kind: what chance gives."""
    partner = derangement_within(kinds, np.random.default_rng(seed))
    return _f1_figure([match_events(found[i], true[p]) for i, p in enumerate(partner)], kinds)


def _f1_figure(counts: Sequence[Counts], kinds: Sequence[str], **details) -> Figure:
    low, high = interval(_resampled(counts, kinds), len(counts))
    return Figure(mean_f1(counts, kinds), low, high, len(counts), details)


def _resampled(counts: Sequence[Counts], kinds: Sequence[str]) -> Callable[[np.ndarray], float]:
    return lambda index: mean_f1([counts[i] for i in index], [kinds[i] for i in index])


def gain_figure(guided: Sequence[Counts], unguided: Sequence[Counts], kinds: Sequence[str]) -> Figure:
    """How much F1 guidance adds on the same requests (paired over clips)."""

    def gain(index: np.ndarray) -> float:
        chosen = [kinds[i] for i in index]
        return mean_f1([guided[i] for i in index], chosen) - mean_f1([unguided[i] for i in index], chosen)

    everything = np.arange(len(kinds))
    low, high = interval(gain, len(kinds))
    return Figure(gain(everything), low, high, len(kinds))


def matched_gain_figure(guided: Sequence[Counts], unguided: Sequence[Counts], contrasts: Contrasts) -> Figure:
    """The gain among clips whose events are equally easy to see.

    Guidance also makes events bigger, and bigger events are easier to detect. Clips of both sets are sorted into
    quarters of the pooled event contrast; the gain is the mean of the quarters' differences in pooled F1.

    Args:
        contrasts: :func:`event_contrast` of the guided and of the unguided clips.
    """
    edges = np.quantile(np.concatenate(contrasts), [0.25, 0.5, 0.75])
    bins_guided, bins_unguided = (np.digitize(contrast, edges) for contrast in contrasts)

    def gain(index: np.ndarray) -> float:
        differences = [
            f1([guided[i] for i in index[bins_guided[index] == quarter]])
            - f1([unguided[i] for i in index[bins_unguided[index] == quarter]])
            for quarter in range(4)
        ]
        return float(np.nanmean(differences)) if np.isfinite(differences).any() else float("nan")

    low, high = interval(gain, len(guided))
    return Figure(gain(np.arange(len(guided))), low, high, len(guided))


def event_contrast(frames: np.ndarray, times: Sequence[float], *, frame_rate: float = 16.0) -> float:
    """How strongly the picture changes at its events: mean change over two frames, of the most changed tenth of it."""
    if not len(times):
        return 0.0
    x = frames.astype(np.float32) / 255
    changes = []
    for time in times:
        k = min(max(int(time * frame_rate), 1), len(x) - 2)
        change = np.sort(np.abs(x[k + 1] - x[k - 1]).mean(-1).ravel())
        changes.append(change[-(len(change) // 10) :].mean())
    return float(np.mean(changes))
