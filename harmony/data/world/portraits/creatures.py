"""A robot and a cat that speak."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harmony.data.world.canvas import Canvas
from harmony.data.world.palette import COLOURS, INK, darker, lighter, mix
from harmony.data.world.portraits.mouth import half_width, paint_mouth
from harmony.data.world.portraits.person import paint_eye

ROBOT_COLOURS = ("gray", "blue", "orange", "purple", "white", "yellow")
CAT_COLOURS = ("orange", "gray", "black", "white", "brown")
_LIGHT, _SCREEN = (0.55, 0.95, 0.98), (0.13, 0.17, 0.24)


def paint_robot(
    stage: Canvas, head: Canvas, look: Mapping[str, str], mouth: np.ndarray, blink: np.ndarray
) -> list[np.ndarray]:
    """Its mouth is a dark slot that opens; returns the coverages of mouth and chin."""
    body = COLOURS[look["colour"]]
    stage.box(0, 0.63, 0.38, 0.25, darker(body, 0.25), corner=0.1)
    stage.box(0, 0.38, 0.1, 0.08, (0.45, 0.48, 0.53))
    head.line([(0, -0.33), (0, -0.36)], 0.018, (0.45, 0.48, 0.53))
    head.disc(0, -0.365, 0.035, (0.93, 0.30, 0.25))
    for x in (-0.34, 0.34):
        head.box(x, 0.0, 0.05, 0.09, (0.45, 0.48, 0.53), corner=0.03)
    head.box(0, 0.0, 0.33, 0.34, body, corner=0.09)
    head.box(0, -0.07, 0.27, 0.13, _SCREEN, corner=0.06)
    for x in (-0.13, 0.13):
        head.ellipse(x, -0.07, 0.07, 0.07 * np.maximum(1 - blink, 0.12), _LIGHT)
        head.ellipse(x, -0.07, 0.03, 0.03 * np.maximum(1 - blink, 0.12), (1.0, 1.0, 1.0))
    jaw = head.box(0, 0.2, 0.24, 0.12, lighter(body, 0.45), corner=0.05)
    wide, high = half_width(mouth, size=1.25), 0.012 + 0.085 * mouth[:, 0]
    slot = head.box(0, 0.2, wide, high, _SCREEN, corner=0.012)
    head.box(0, 0.2, wide, 0.45 * high, _LIGHT, corner=0.01, within=slot, alpha=np.clip(4 * mouth[:, 0], 0, 1))
    return [jaw, slot]


def paint_cat(
    stage: Canvas, head: Canvas, look: Mapping[str, str], mouth: np.ndarray, blink: np.ndarray
) -> list[np.ndarray]:
    """A cartoon cat in a shirt; returns the coverages of mouth and chin."""
    fur, shirt = COLOURS[look["colour"]], COLOURS[look["shirt"]]
    fur = lighter(fur, 0.18) if look["colour"] == "black" else fur
    pale = lighter(fur, 0.6)
    stage.ellipse(0, 0.58, 0.38, 0.3, shirt)
    for mirrored in (False, True):
        side = head.placed(0, 0, mirrored=mirrored)
        side.polygon([(0.08, -0.24), (0.31, -0.10), (0.31, -0.40)], fur, corner=0.03)
        side.polygon([(0.16, -0.23), (0.27, -0.16), (0.275, -0.33)], (0.96, 0.66, 0.68), corner=0.01)
    head.ellipse(0, 0.04, 0.36, 0.31, fur)
    jaw = head.ellipse(0, 0.21 + 0.045 * mouth[:, 0], 0.2, 0.13, pale)
    for mirrored in (False, True):
        side = head.placed(0, 0, mirrored=mirrored)
        side.line([(0.05, -0.2), (0.04, -0.14)], 0.02, darker(fur, 0.3))
        for tilt in (-0.04, 0.03):
            side.line([(0.22, 0.16 + 0.3 * tilt), (0.42, 0.14 + 1.6 * tilt)], 0.008, mix(INK, pale, 0.35))
        paint_eye(side.placed(0.03, 0.02), blink, big=1.3, lid=darker(fur, 0.5))
    lips = paint_mouth(head, mouth, lips=mix(pale, (0.85, 0.45, 0.45), 0.5), y=0.2, lip=0.022)
    head.ellipse(0, 0.115, 0.05, 0.034, (0.92, 0.46, 0.52))
    return [jaw, *lips]
