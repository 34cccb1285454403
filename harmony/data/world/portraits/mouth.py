"""A mouth that opens, puckers, spreads and shows its teeth."""

from __future__ import annotations

import numpy as np

from harmony.data.world.canvas import Canvas
from harmony.data.world.palette import RGB

_INSIDE, _TONGUE, _TEETH = (0.33, 0.06, 0.10), (0.90, 0.45, 0.47), (1.0, 1.0, 0.97)
HALF_WIDTH = 0.125  # at rest; 18 of 64 pixels from corner to corner where a face fills the picture
HALF_HEIGHT = 0.08  # wide open


def half_width(shape: np.ndarray, *, size: float = 1.0) -> np.ndarray:
    """(F,): from 0.6 of the resting width (puckered) to 1.2 (spread), the full width at rest."""
    return size * HALF_WIDTH * np.interp(shape[:, 1], (0.0, 0.5, 1.0), (0.6, 1.0, 1.2))


def paint_mouth(
    stage: Canvas, shape: np.ndarray, *, lips: RGB, y: float, size: float = 1.0, lip: float = 0.03
) -> list[np.ndarray]:
    """Lips, and what is seen between them.

    Args:
        shape: (F, 3) opening, width, teeth.
        lips: their colour; a closed mouth is a line in a darker one.
        y: of the closed mouth; it opens downwards more than upwards.
        size: 1 is a human mouth.
        lip: thickness of the lips.

    Returns:
        Coverages of lips and inside.
    """
    opening, teeth = shape[:, 0], shape[:, 2]
    wide, high = half_width(shape, size=size), size * HALF_HEIGHT * opening
    middle = y + 0.4 * high
    outer = stage.ellipse(0, middle, wide + 0.5 * lip, high + lip, lips)
    smile = [(-wide, y - 0.022), (-0.5 * wide, y + 0.008), (0.5 * wide, y + 0.008), (wide, y - 0.022)]
    stage.line(smile, 0.011, tuple(0.45 * c for c in lips), alpha=np.clip(1 - 5 * opening, 0, 1))
    inside = stage.ellipse(0, middle, wide - 0.1 * lip, high, _INSIDE, alpha=np.clip(12 * opening, 0, 1))
    tongue = np.clip(3 * opening - 0.9, 0, 1)
    stage.ellipse(0, middle + 0.85 * high, 0.62 * wide, 0.6 * high, _TONGUE, within=inside, alpha=tongue)
    shown = np.clip(teeth + 0.55 * opening, 0, 1)
    edge = 0.018 * size + 0.18 * high
    stage.box(0, middle - high, 0.8 * wide, edge, _TEETH, corner=0.008, within=inside, alpha=shown)
    return [outer, inside]
