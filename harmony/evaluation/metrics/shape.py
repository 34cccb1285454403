"""Do things keep their shape while they move? Area and roundness of the moving part, frame by frame.

A thing that is drawn alike in every frame still varies (a stick is seen from several sides, a lamp grows brighter), so
the number means something beside that of true clips only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmony.evaluation.figures import CannotMeasure

CHANGED = 26  # of 255: a pixel so far from its median over the clip moves, as in the codecs' reports
LEAST_AREA, LEAST_FRAMES = 12, 4  # pixels of a part that counts, and frames in which one is seen


@dataclass(frozen=True)
class ShapeVariation:
    """Standard deviation over mean, over the frames in which a part moves: of its area, and of its roundness."""

    area: float
    roundness: float


def shape_variation(frames: NDArray) -> ShapeVariation | None:
    """How the largest moving part of a clip varies; ``None`` where hardly anything moves.

    Roundness is 4 pi A / P^2, 1 for a disc.

    Args:
        frames: uint8 (F, H, W, 3).

    Raises:
        CannotMeasure: if OpenCV is not installed.
    """
    x = frames.astype(np.int16)
    moving = (np.abs(x - np.median(x, axis=0)) > CHANGED).any(-1)
    parts = [part for mask in moving if (part := _largest_part(mask)) is not None]
    if len(parts) < LEAST_FRAMES:
        return None
    area, roundness = np.array(parts).T
    return ShapeVariation(float(area.std() / area.mean()), float(roundness.std() / roundness.mean()))


def _largest_part(mask: NDArray) -> tuple[float, float] | None:
    """Area in pixels and roundness of the largest connected part of (H, W); ``None`` where it is too small."""
    try:
        import cv2
    except ImportError as error:
        raise CannotMeasure("opencv-python-headless is not installed; pip install 'harmony[metrics]'") from error
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]  # the first is what stands still
    if not len(areas) or areas.max() < LEAST_AREA:
        return None
    part = (labels == 1 + int(areas.argmax())).astype(np.uint8)
    outlines, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    perimeter = max(cv2.arcLength(outlines[0], True), 1.0)
    area = float(areas.max())
    return area, 4 * np.pi * area / perimeter**2
