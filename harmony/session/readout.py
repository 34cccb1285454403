"""How well a clip is in sync, measured on the clip itself: what is seen and heard when, and the offset in words.

Two small networks (:mod:`harmony.evaluation.detectors`) say when something is seen to happen and when something is
heard to begin; a third, a SyncNet, compares picture and sound at every shift and so judges lips too. They know the tiny
world; of anything else their word is a hint.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch

from harmony.evaluation.events import ONE_FRAME, Counts, match_events

if TYPE_CHECKING:
    from harmony.evaluation.bench import Judges
    from harmony.evaluation.metrics.sync import SyncScore

MOST_FRAMES = 8  # that the sound is slid by, each way
_RATE, _SAMPLE_RATE = 16.0, 16_000  # what the detectors were trained on
# Sync-C of true clips of the tiny world, and with the sound of another clip (benchmarks/results/metric-sanity.json).
TRUE_SYNC_C, WRONG_SYNC_C = 48, 29
_IN_TIME = 0.010  # seconds nobody notices


@dataclass(frozen=True)
class SyncReadout:
    """Events of one clip.

    Attributes:
        seen, heard: their times in seconds.
        duration: of the clip in seconds.
        face: somebody's face is seen, in which the events are not seen one by one.
        sync: Sync-C, Sync-D and offset; ``None`` where the clip is too short for the shifts that are tried.
    """

    seen: tuple[float, ...]
    heard: tuple[float, ...]
    duration: float
    face: bool = False
    sync: SyncScore | None = None

    def counts(self, shift: float = 0.0) -> Counts:
        """Which events fall together once the sound comes ``shift`` seconds later."""
        return match_events([time + shift for time in self.heard], self.seen)

    @property
    def offset(self) -> float | None:
        """Median of heard minus seen over the pairs, in seconds; ``None`` without a pair."""
        offsets = self.counts().offsets
        return median(offsets) if offsets else None

    @property
    def words(self) -> str:
        """One line for people."""
        if self.face:
            return self.sync_words or "A face in a clip that is too short for its lips to be judged."
        if not self.seen and not self.heard:
            return "Nothing begins or strikes in this clip, so there is no offset to measure."
        return " ".join(filter(None, (self.event_words, self.sync_words)))

    @property
    def event_words(self) -> str:
        """Events, and how far they are apart."""
        told = f"{len(self.seen)} seen, {len(self.heard)} heard"
        if self.offset is None:
            return f"{told}, none of them together."
        counts = self.counts()
        together = "together" if counts.hits == counts.found == counts.true else f"{counts.hits} of them together"
        return f"{told}, {together}: {offset_words(self.offset)}."

    @property
    def sync_words(self) -> str:
        """The SyncNet's word, with what it says of true clips beside it; empty where it says nothing."""
        if self.sync is None:
            return ""
        frames = self.sync.offset
        best = "best as it is" if abs(frames) <= 1 else f"best with the sound {_moved(-frames * ONE_FRAME)}"
        if self.sync.confidence < WRONG_SYNC_C:  # any shift may be the best one of those that are all bad
            best = "no shift stands out"
        beside = f"the toy world's true clips {TRUE_SYNC_C}, wrong sounds {WRONG_SYNC_C}"
        return f"Sync-C {self.sync.confidence:.0f} ({beside}), {best}."

    def curve(self) -> list[tuple[int, float]]:
        """Sound slid by k frames of 1/16 s, and the share of events that fall together then (F1), for every k."""
        total = len(self.seen) + len(self.heard)
        frames = range(-MOST_FRAMES, MOST_FRAMES + 1)
        return [(k, 2 * self.counts(k * ONE_FRAME).hits / total if total else 0.0) for k in frames]


def _moved(seconds: float) -> str:
    return f"{abs(seconds) * 1000:.0f} ms {'later' if seconds > 0 else 'earlier'}"


def offset_words(seconds: float) -> str:
    """An offset (heard minus seen) as people say it."""
    if abs(seconds) < _IN_TIME:
        return "in time to the ear and eye"
    return f"the sound {'leads' if seconds < 0 else 'lags'} by {abs(seconds) * 1000:.0f} ms"


def read_sync(frames: np.ndarray, frame_rate: float, waveform: np.ndarray, sample_rate: int) -> SyncReadout:
    """Measure a clip.

    Args:
        frames: uint8 (F, H, W, 3); frame_rate: of them.
        waveform: float (S,) or (channels, S); sample_rate: of it.
    """
    import torchaudio

    judges = detectors()
    duration = len(frames) / frame_rate
    wanted = np.minimum(np.arange(0.5 / _RATE, duration, 1 / _RATE) * frame_rate, len(frames) - 1).astype(int)
    pictures = torch.from_numpy(np.ascontiguousarray(frames[wanted])).permute(0, 3, 1, 2)[None].float() / 255
    sound = torch.from_numpy(np.asarray(waveform, dtype=np.float32))
    sound = sound if sound.ndim == 1 else sound.mean(0)
    if sample_rate != _SAMPLE_RATE:
        sound = torchaudio.functional.resample(sound, sample_rate, _SAMPLE_RATE)
    from harmony.evaluation.cases import FACES  # imported late: it brings the world along

    sync = _sync_score(judges, pictures, sound)
    if judges.scene.predict(pictures)[0]["kind"] in FACES:
        return SyncReadout((), (), float(duration), face=True, sync=sync)
    seen, heard = judges.seen.events(pictures)[0], judges.heard.events(sound[None])[0]
    return SyncReadout(tuple(seen), tuple(heard), float(duration), sync=sync)


def _sync_score(judges: Judges, pictures: torch.Tensor, sound: torch.Tensor) -> SyncScore | None:
    try:
        return judges.sync.score(pictures, sound[None])[0]
    except ValueError:  # fewer windows than shifts
        return None


@lru_cache(maxsize=1)
def detectors() -> Judges:
    """The networks, opened when they are first asked for."""
    from harmony.evaluation.bench import Judges

    return Judges.load()
