"""Rendered clips on disk: drawn once, then read as memory maps by whoever trains on pixels and samples."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harmony.data.world import KINDS, Clip, Split, render, sample_scene
from harmony.timeline import Timeline

logger = logging.getLogger(__name__)
_PART = 100  # clips that a process draws at a time


@dataclass(frozen=True)
class PoolSpec:
    """Which clips a pool holds; two pools with equal specs are equal.

    Attributes:
        count: clips, with the world's own shares of kinds; first_seed: seed of the first one.
        split: the world's split; timeline: their clock; size: height and width in pixels.
        kinds: the kinds that the world knew, so that a pool is drawn again when the world grows.
    """

    count: int
    split: Split = "train"
    first_seed: int = 0
    timeline: Timeline = field(default_factory=Timeline)
    size: int = 64
    kinds: tuple[str, ...] = KINDS

    def describe(self) -> dict[str, object]:
        return {
            "count": self.count,
            "split": self.split,
            "first_seed": self.first_seed,
            "num_frames": self.timeline.num_frames,
            "frame_rate": self.timeline.frame_rate,
            "size": self.size,
            "kinds": list(self.kinds),
        }

    @property
    def folder_name(self) -> str:
        """Another name for every spec: a pool that a training reads is never drawn over."""
        digest = hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()
        return f"{self.split}-{self.count}-{digest[:8]}"


class ClipPool:
    """Pictures (N, F, H, W, 3) uint8 and sounds (N, S) float32, one row per clip.

    Use :meth:`open`, which draws what is missing.
    """

    def __init__(
        self, frames: np.ndarray, sounds: np.ndarray, kinds: Sequence[str], transcripts: Sequence[str]
    ) -> None:
        self.frames, self.sounds, self.kinds, self.transcripts = frames, sounds, list(kinds), list(transcripts)

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def open(cls, home: str | Path, spec: PoolSpec, *, workers: int = 1) -> ClipPool:
        """The pool of that spec below ``home``, drawn now, by ``workers`` processes, if it is not there."""
        folder = Path(home) / spec.folder_name
        index = folder / "index.json"
        if not index.exists():
            _draw(folder, spec, workers)
        clips = json.loads(index.read_text())["clips"]
        return cls(
            np.load(folder / "frames.npy", mmap_mode="r"),
            np.load(folder / "sounds.npy", mmap_mode="r"),
            [clip["kind"] for clip in clips],
            [clip["transcript"] or "" for clip in clips],
        )

    def video(self, rows: Sequence[int] | np.ndarray, *, device: torch.device | str = "cpu") -> Tensor:
        """Clips as (B, 3, F, H, W) in [-1, 1]."""
        stack = torch.from_numpy(np.ascontiguousarray(self.frames[np.sort(rows)])).to(device)
        return stack.permute(0, 4, 1, 2, 3).float() / 127.5 - 1.0

    def audio(self, rows: Sequence[int] | np.ndarray, *, device: torch.device | str = "cpu") -> Tensor:
        """Their sounds (B, S)."""
        return torch.from_numpy(np.ascontiguousarray(self.sounds[np.sort(rows)])).to(device)

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """All rows in order, ``size`` at a time."""
        for start in range(0, len(self), size):
            yield np.arange(start, min(start + size, len(self)))


def _draw(folder: Path, spec: PoolSpec, workers: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shape = (spec.count, spec.timeline.num_frames, spec.size, spec.size, 3)
    for name, dtype, size in (
        ("frames", np.uint8, shape),
        ("sounds", np.float32, (spec.count, spec.timeline.num_samples)),
    ):
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=size).flush()
    parts = [range(start, min(start + _PART, spec.count)) for start in range(0, spec.count, _PART)]
    clips: list[dict] = []
    with get_context("spawn").Pool(workers) if workers > 1 else nullcontext() as pool:
        for part in (pool.imap if pool else map)(partial(_draw_part, folder, spec), parts):
            clips += part
            logger.info("drew %d of %d clips", len(clips), spec.count)
    # Written last: a half-drawn pool is no pool.
    (folder / "index.json").write_text(json.dumps({"spec": spec.describe(), "clips": clips}))


def _draw_part(folder: Path, spec: PoolSpec, rows: range) -> list[dict]:
    """Draw some rows into the arrays that are there."""
    frames, sounds = (np.load(folder / f"{name}.npy", mmap_mode="r+") for name in ("frames", "sounds"))
    clips = []
    for row in rows:
        clip = _clip(spec, row)
        frames[row], sounds[row] = clip.frames, clip.waveform
        clips.append({"kind": clip.scene.kind, "transcript": clip.scene.transcript})
    frames.flush()
    sounds.flush()
    return clips


def _clip(spec: PoolSpec, row: int) -> Clip:
    scene = sample_scene(spec.first_seed + row, split=spec.split, duration=spec.timeline.duration)
    return render(scene, spec.timeline, height=spec.size, width=spec.size)
