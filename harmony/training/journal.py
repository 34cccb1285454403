"""The learning curve: losses per task and stream, smoothed, as lines of JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harmony.models.conditioning import Streams
from harmony.training.tasks import Task

_NAMES = tuple(f"{task.name.lower()}.{stream}" for task in Task for stream in Streams._fields)
_MADE = {
    f"{task.name.lower()}.{stream}"
    for task, stream in (
        (Task.JOINT, "video"), (Task.JOINT, "audio"),
        (Task.AUDIO_DRIVEN_VIDEO, "video"), (Task.VIDEO_DRIVEN_AUDIO, "audio"),
    )
}  # fmt: skip


class LossMeter:
    """Sums losses on the device and is read only when a line is written.

    Args:
        device: where the losses are.
        smoothing: weight of the past when two readings are combined.
    """

    def __init__(self, device: torch.device, *, smoothing: float = 0.9) -> None:
        self._sums = torch.zeros(2, len(_NAMES), device=device)
        self._smoothed: dict[str, float] = {}
        self._smoothing = smoothing

    @torch.no_grad()
    def add(self, tasks: Tensor, losses: Streams) -> None:
        """Take in the losses (B,) of both streams for clips of these tasks (B,)."""
        for column, loss in enumerate(losses):
            place = 2 * tasks + column
            self._sums[0].index_add_(0, place, loss.detach().float())
            self._sums[1].index_add_(0, place, torch.ones_like(loss, dtype=torch.float32))

    def read(self) -> dict[str, float]:
        """Smoothed means by name; starts the sums anew."""
        totals, counts = self._sums.tolist()
        self._sums.zero_()
        for name, total, count in zip(_NAMES, totals, counts, strict=True):
            if count and name in _MADE:
                mean = total / count
                past = self._smoothed.get(name, mean)
                self._smoothed[name] = self._smoothing * past + (1 - self._smoothing) * mean
        return {name: round(value, 5) for name, value in self._smoothed.items() if value}


class Journal:
    """Appends lines of JSON to a run's log.

    Args:
        path: of the file; None writes nothing (other processes).
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def write(self, **fields: Any) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(fields | {"time": round(time.time(), 1)}) + "\n")


class Stopwatch:
    """Tells when something is due again, and how fast samples go by."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._last: dict[str, float] = {}
        self._samples: tuple[float, int] | None = None

    def is_due(self, what: str, minutes: float) -> bool:
        now = time.monotonic()
        if now - self._last.get(what, self._began) < 60 * minutes:
            return False
        self._last[what] = now
        return True

    def samples_per_second(self, samples: int) -> float:
        """Since the last call; from the start it is not known yet and 0."""
        now = time.monotonic()
        before, self._samples = self._samples, (now, samples)
        return 0.0 if before is None else round((samples - before[1]) / max(now - before[0], 1e-6), 2)
