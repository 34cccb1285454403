"""Several clips side by side in one film."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harmony.media.errors import MediaError
from harmony.media.probe import MediaInfo, probe
from harmony.media.read import read_audio, read_video
from harmony.media.write import write_clip

_GAP = 4  # pixels between clips
_SMALLEST = 128  # pixels: smaller clips are enlarged, so that their labels can be read


def mosaic(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    labels: Sequence[str] = (),
    labels_below: bool = False,
    columns: int | None = None,
    sound: int | None = 0,
    height: int | None = None,
    frame_rate: float | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a grid of clips as one mp4, to compare them. A shorter clip waits on its last picture.

    Args:
        paths: the clips; the shape of the first one's pictures is that of every cell.
        out: the mp4 to write.
        labels: a line above each clip, or none; labels_below: a line under it instead.
        columns: of the grid; nearly square by default.
        sound: whose sound is heard; ``None`` for silence. A silent clip gives silence.
        height: of a cell in pixels; the first clip's by default, at least 128.
        frame_rate: of the film; the fastest clip's by default.
        metadata: tags.

    Raises:
        MediaError: if there is no clip, labels and clips differ in number, or one cannot be read.
    """
    if not paths:
        raise MediaError("a mosaic needs at least one clip")
    if labels and len(labels) != len(paths):
        raise MediaError(f"{len(paths)} clips have {len(labels)} labels; give one each, or none")
    if sound is not None and not 0 <= sound < len(paths):
        raise MediaError(f"there is no clip {sound} to be heard; choose one from 0 to {len(paths) - 1}")
    infos = [probe(path) for path in paths]
    size = _cell(infos[0], height)
    rate = frame_rate or max(info.frame_rate or 0 for info in infos)
    clips = [read_video(info.path, frame_rate=rate, size=size)[0] for info in infos]
    if labels:
        clips = [_labelled(clip, label, below=labels_below) for clip, label in zip(clips, labels, strict=True)]
    frames = _grid(clips, columns or math.ceil(math.sqrt(len(clips))))
    waveform, sample_rate = None, 48_000
    if sound is not None and infos[sound].has_audio:
        waveform, sample_rate = read_audio(infos[sound].path, mono=False)
    return write_clip(out, frames, waveform, frame_rate=rate, sample_rate=sample_rate, metadata=metadata)


def _cell(info: MediaInfo, height: int | None) -> tuple[int, int]:
    """(height, width) of a cell, both even."""
    if not info.has_video:
        raise MediaError(f"'{info.name}' has no moving pictures; choose a video")
    height = height or max(info.height, _SMALLEST)
    return 2 * math.ceil(height / 2), 2 * round(info.width * height / info.height / 2)


def _labelled(clip: np.ndarray, label: str, *, below: bool) -> np.ndarray:
    from harmony.visualize.sheet import label_strip  # imported late: only labels need matplotlib's fonts

    strip = label_strip(label, width=clip.shape[2])
    line = np.broadcast_to(strip, (len(clip), *strip.shape))
    return np.concatenate([clip, line] if below else [line, clip], axis=1)


def _grid(clips: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Clips (F, h, w, 3) of one size as one film (F, H, W, 3)."""
    columns = min(columns, len(clips))
    rows = math.ceil(len(clips) / columns)
    _, height, width, _ = clips[0].shape
    count = max(map(len, clips))
    grid = np.zeros(
        (count, rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3),
        np.uint8,
    )
    for k, clip in enumerate(clips):
        top, left = k // columns * (height + _GAP), k % columns * (width + _GAP)
        waiting = np.minimum(np.arange(count), len(clip) - 1)
        grid[:, top : top + height, left : left + width] = clip[waiting]
    return grid
