"""Figures with their intervals: everything a report holds is made here from event times and clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from harmony.evaluation.events import Counts, derangement_within, f1_by_kind, interval, match_events, mean_f1

Times = Sequence[Sequence[float]]
Contrasts = tuple[Sequence[float], Sequence[float]]
Parts = Sequence[tuple[float, float]]  # a part and a total for each clip


class CannotMeasure(RuntimeError):  # noqa: N818  (what it says, not that it failed)
    """A figure cannot be measured here; the message is one sentence that says why. Reports carry it."""


@dataclass(frozen=True)
class Figure:
    """A measured number, its 95 % bootstrap interval over clips, and what stands behind it."""

    value: float
    low: float
    high: float
    clips: int
    details: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

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


def by_kind(values: Sequence[float], kinds: Sequence[str]) -> dict[str, float]:
    """The mean of the values of each kind."""
    pairs = list(zip(values, kinds, strict=True))
    return {kind: float(np.mean([v for v, k in pairs if k == kind])) for kind in sorted(set(kinds))}


def ratio_figure(
    parts: Sequence[float], totals: Sequence[float], *, kinds: Sequence[str] | None = None, **details
) -> Figure:
    """All parts over all totals (errors over words, hits over events), one pair per clip; by kind too, if asked."""
    above, below = np.asarray(parts, float), np.asarray(totals, float)

    def ratio(index: np.ndarray) -> float:
        total = below[index].sum()
        return float(above[index].sum() / total) if total else float("nan")

    if kinds is not None:
        of = np.asarray(kinds)
        details["by_kind"] = {kind: ratio(np.flatnonzero(of == kind)) for kind in sorted(set(kinds))}
    return Figure(ratio(np.arange(len(above))), *interval(ratio, len(above)), len(above), details)


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
    low, high = interval(_mean_f1_of(counts, kinds), len(counts))
    return Figure(mean_f1(counts, kinds), low, high, len(counts), details)


def _mean_f1_of(counts: Sequence[Counts], kinds: Sequence[str]) -> Callable[[np.ndarray], float]:
    """:func:`mean_f1` as a function of chosen clips, in arrays: an interval asks for it a thousand times."""
    names, kind = np.unique(np.asarray(kinds), return_inverse=True)
    hits = np.array([count.hits for count in counts], float)
    total = np.array([count.found + count.true for count in counts], float)

    def of(index: np.ndarray) -> float:
        above = np.bincount(kind[index], 2 * hits[index], len(names))
        below = np.bincount(kind[index], total[index], len(names))
        known = below > 0
        return float((above[known] / below[known]).mean()) if known.any() else float("nan")

    return of


def gain_figure(guided: Sequence[Counts], unguided: Sequence[Counts], kinds: Sequence[str]) -> Figure:
    """How much F1 guidance adds on the same requests (paired over clips)."""

    with_guidance, without = _mean_f1_of(guided, kinds), _mean_f1_of(unguided, kinds)

    def gain(index: np.ndarray) -> float:
        return with_guidance(index) - without(index)

    low, high = interval(gain, len(kinds))
    return Figure(gain(np.arange(len(kinds))), low, high, len(kinds))


def matched_gain_figure(guided: Sequence[Counts], unguided: Sequence[Counts], contrasts: Contrasts) -> Figure:
    """The gain in F1 among clips whose events are equally easy to see; see :func:`matched_gain`."""

    def parts(counts: Sequence[Counts]) -> list[tuple[float, float]]:
        return [(2 * count.hits, count.found + count.true) for count in counts]

    return matched_gain(parts(guided), parts(unguided), contrasts)


def matched_gain(guided: Parts, unguided: Parts, contrasts: Contrasts) -> Figure:
    """The gain of a ratio among clips whose events are equally easy to see.

    Guidance also makes events bigger, and bigger events are easier to detect. Clips of both sets are sorted into
    quarters of the pooled event contrast; the gain is the mean of the quarters' differences in pooled ratio.

    Args:
        guided, unguided: a part and a total for each clip: twice the hits and all events for F1, a score and 1 for a
            mean.
        contrasts: :func:`event_contrast` of the guided and of the unguided clips.
    """
    edges = np.quantile(np.concatenate(contrasts), [0.25, 0.5, 0.75])

    def ratio_of(pairs: Parts, contrast: Sequence[float]) -> Callable[[np.ndarray], np.ndarray]:
        part, total = np.asarray(pairs, float).T
        bins = np.digitize(contrast, edges)
        return lambda index: np.divide(
            np.bincount(bins[index], part[index], 4), np.bincount(bins[index], total[index], 4)
        )

    with_guidance, without = ratio_of(guided, contrasts[0]), ratio_of(unguided, contrasts[1])

    def gain(index: np.ndarray) -> float:
        with np.errstate(invalid="ignore"):
            differences = with_guidance(index) - without(index)
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
