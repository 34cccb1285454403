"""How far a clip is, what it looks like so far, and what each part of the work cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import numpy as np
from torch import Tensor

from harmony.models.codecs.base import AudioCodec, VideoCodec
from harmony.models.conditioning import Streams
from harmony.tracks import as_frames

Cancel = Callable[[], bool] | Event


@dataclass(frozen=True, eq=False)
class Progress:
    """Handed to a pipeline's callback after every step. Pictures and levels are made only if they are asked for.

    Attributes:
        step, total: steps done, of how many.
        seconds: since the first step began.
        latents: gives the clean latents predicted at this step.
        duration: of the clip, in seconds.
    """

    step: int
    total: int
    seconds: float
    latents: Callable[[], Streams] = field(repr=False)
    video_codec: VideoCodec = field(repr=False)
    audio_codec: AudioCodec = field(repr=False)
    duration: float

    @property
    def seconds_left(self) -> float:
        """At the pace so far, denoising only."""
        return self.seconds / self.step * (self.total - self.step)

    def frames(self) -> np.ndarray:
        """A rough preview of the clip, uint8 (F, H, W, 3)."""
        return as_frames(self.video_codec.preview(self.latents().video)[0])

    def loudness(self) -> np.ndarray:
        """A rough preview of the sound: (A,) decibels relative to full scale."""
        levels: Tensor = self.audio_codec.preview(self.latents().audio)[0]
        return levels.float().cpu().numpy()


def asks_to_cancel(cancel: Cancel | None) -> Callable[[], bool] | None:
    """A cancel switch as a function: a ``threading.Event`` or any function without arguments."""
    return cancel.is_set if isinstance(cancel, Event) else cancel


class Stopwatch:
    """Seconds by name."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def timings(self) -> dict[str, float]:
        """All seconds measured, and the total since the watch was started."""
        return {**self._seconds, "total": time.perf_counter() - self._started}
