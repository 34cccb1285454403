"""Parts that several scenes share: an arm with a stick, a fist, and the rays of an impact."""

from __future__ import annotations

import numpy as np

from harmony.data.world.canvas import Canvas, Colour, Value
from harmony.data.world.palette import SKIN, WOOD

FLASH = (1.0, 0.96, 0.72)


def paint_beater(
    stage: Canvas,
    *,
    grip: tuple[Value, Value],
    length: float,
    angle: Value,
    head: float,
    head_colour: Colour,
    stick_colour: Colour = WOOD,
    sleeve: Colour = (0.32, 0.38, 0.55),
    elbow: tuple[float, float] = (0.5, 0.22),
) -> list[np.ndarray]:
    """A hand that holds a stick with a round head.

    Args:
        grip: where the hand is.
        length: from the hand to the head's middle.
        angle: of the stick, radians clockwise from pointing right.
        head: radius of the stick's head.
        elbow: where the arm comes from, seen from the hand.

    Returns:
        The coverages of stick and head.
    """
    x, y = grip
    tip = (x + length * np.cos(angle), y + length * np.sin(angle))
    stage.line([(x + elbow[0], y + elbow[1]), (x + 0.12 * elbow[0], y + 0.12 * elbow[1])], 0.07, sleeve)
    stick = stage.line([grip, tip], 0.024, stick_colour)
    ball = stage.disc(*tip, head, head_colour)
    stage.disc(x, y, 0.075, SKIN)
    return [stick, ball]


def paint_rays(
    stage: Canvas,
    x: Value,
    y: Value,
    *,
    level: Value,
    inner: float = 0.12,
    outer: float = 0.22,
    count: int = 6,
    colour: Colour = FLASH,
    arc: tuple[float, float] = (0.0, 2 * np.pi),
) -> None:
    """Short rays around a point where something just hit; they fly out and fade as ``level`` falls from 1 to 0."""
    level = np.asarray(level)
    out = (1 - level) * 0.05
    stage.glow(x, y, outer * 1.1, outer * 1.1, colour, strength=0.6 * level)
    step = (arc[1] - arc[0]) / (count if arc[1] - arc[0] > 6.2 else count - 1)
    for k in range(count):
        cos, sin = np.cos(arc[0] + k * step), np.sin(arc[0] + k * step)
        ends = [(x + (r + out) * cos, y + (r + out) * sin) for r in (inner, outer)]
        stage.line(ends, 0.02, colour, alpha=np.minimum(1, 1.6 * level))
