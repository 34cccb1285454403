"""Which word is said when: the schedule that people can see and move, and its frame-aligned rendering."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from harmony.models.transcript import FILLER, spoken_words, word_ids
from harmony.pacing import GAP, place_words
from harmony.timeline import Timeline


@dataclass(frozen=True)
class ScheduledWord:
    """One word (in spoken units, see :func:`spoken_words`) from ``start`` to ``end``, in seconds."""

    text: str
    start: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"'{self.text}' must end after it starts, got {self.start:.2f} s to {self.end:.2f} s")


Schedule = tuple[ScheduledWord, ...]


def sample_schedule(transcript: str, timeline: Timeline, *, seed: int) -> Schedule:
    """Draw times for the words of ``transcript``: lengths from their letters, gaps as the small world has them.

    The lengths are squeezed together when the words would not fit; a schedule always fits its clip.
    """
    words = spoken_words(transcript)
    if not words:
        return ()
    rng = np.random.Generator(np.random.PCG64([seed, zlib.crc32(" ".join(words).encode())]))
    speed = float(np.exp(rng.normal(0, 0.11)))  # a voice is quick or slow throughout its clip
    durations = [speed * expected_duration(word) * float(np.exp(rng.normal(0, 0.10))) for word in words]
    room = timeline.duration - GAP * (len(words) + 1)
    if room <= 0:
        raise ValueError(
            f"{len(words)} words do not fit into {timeline.duration:.1f} s; say fewer words or make the clip longer"
        )
    squeeze = min(1.0, room / sum(durations))
    # A millionth less, so that rounded times never reach beyond the clip.
    durations = [d * squeeze - 1e-6 for d in durations]
    starts = place_words(durations, timeline.duration, rng.dirichlet(np.ones(len(words) + 1)).tolist())
    return tuple(ScheduledWord(w, s, s + d) for w, s, d in zip(words, starts, durations, strict=True))


def expected_duration(word: str) -> float:
    """Seconds that a word usually takes: regressions on the speech bank's training voices.

    English by letters (residual deviation 0.06 s), Mandarin, known by its tone digits, by letters of its pinyin
    (0.10 s).
    """
    tones = sum(c.isdigit() for c in word)
    letters = len(word) - tones
    return 0.195 + 0.051 * letters if tones else 0.253 + 0.030 * letters


def render_timing_track(schedule: Sequence[ScheduledWord], timeline: Timeline) -> Tensor:
    """The unit that sounds in each audio latent, (A,) long: a word's units share its time evenly, else filler."""
    track = torch.full((timeline.num_audio_latents,), FILLER, dtype=torch.long)
    midpoints = torch.tensor(timeline.audio_latent_midpoints())
    for word in schedule:
        ids = word_ids(word.text)
        if not ids:
            continue
        inside = (midpoints >= word.start) & (midpoints < word.end)
        unit = ((midpoints - word.start) / (word.end - word.start) * len(ids)).long().clamp(0, len(ids) - 1)
        track[inside] = torch.tensor(ids)[unit[inside]]
    return track
