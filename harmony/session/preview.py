"""What a clip looks and sounds like while it is being made: a small moving picture and the sound's level.

Both come from the clean latents that a step predicts, through the codecs' linear maps; no decoder runs.
"""

from __future__ import annotations

import base64
import io
import itertools
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from harmony.progress import Progress

EVERY_SECONDS = 0.5  # at most so often, so that a preview costs a small share of the time
MOST_FRAMES = 12
LARGEST_SIDE = 192  # pixels
QUIETEST_DB = -60.0


class PreviewWriter:
    """Writes the latest preview into a file, for whoever looks, in this process or another.

    Args:
        path: of the html snippet; it is whole at any time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last = -EVERY_SECONDS

    def __call__(self, progress: Progress) -> None:
        """Called after every step; nothing is drawn too often, and nothing for the last step, which is the clip."""
        now = time.monotonic()
        if now - self._last < EVERY_SECONDS or progress.step == progress.total:
            return
        self._last = now
        unfinished = self.path.with_suffix(".part")
        unfinished.write_text(preview_html(progress), encoding="utf-8")
        unfinished.replace(self.path)


def preview_html(progress: Progress) -> str:
    """The picture so far, moving, above the level of the sound so far."""
    left, frames = progress.seconds_left, progress.frames()
    told = f"Step {progress.step} of {progress.total}" + (f" · about {left:.0f} s left" if left >= 1 else "")
    # Some codecs have no linear map to colours; theirs is grey all over, and better not shown.
    picture = (
        f'<img alt="The picture so far" src="{moving_picture(frames, seconds=progress.duration)}">'
        if frames.std() > 0
        else ""
    )
    return (
        f'<figure class="hm-preview">{picture}{level_meter(progress.loudness())}<figcaption>So far, roughly. {told}'
        "</figcaption></figure>"
    )


def moving_picture(frames: np.ndarray, *, seconds: float) -> str:
    """Frames uint8 (F, H, W, 3) as a small animated WebP in a data URI that lasts as long as the clip."""
    chosen = frames[np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).round().astype(int)]
    pictures = [Image.fromarray(frame) for frame in chosen]
    for picture in pictures:
        picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    file, milliseconds = io.BytesIO(), round(1000 * seconds / len(pictures))
    pictures[0].save(
        file, "WEBP", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0, quality=70, method=0
    )
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def level_meter(decibels: np.ndarray, *, bars: int = 48) -> str:
    """Levels (A,), in decibels relative to full scale, as bars over time (svg)."""
    heights = np.clip((np.asarray(decibels, float) - QUIETEST_DB) / -QUIETEST_DB, 0.0, 1.0)
    edges = np.linspace(0, len(heights), bars + 1).astype(int)
    loudest = [float(heights[a : max(b, a + 1)].max(initial=0.0)) for a, b in itertools.pairwise(edges)]
    drawn = "".join(
        f'<rect x="{4 * k}" y="{24 - 24 * height:.1f}" width="3" height="{max(24 * height, 0.5):.1f}"/>'
        for k, height in enumerate(loudest)
    )
    return f'<svg viewBox="0 0 {4 * bars} 24" role="img" aria-label="The sound so far">{drawn}</svg>'
