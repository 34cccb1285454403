"""The five places where scenes happen: a room, outdoors by day, outdoors at night, a hall and a cave.

What is seen of a place decides how it answers to a sound, see :func:`harmony.data.world.sound.answered`.
"""

from __future__ import annotations

import numpy as np

from harmony.data.world.canvas import Canvas

PLACES = ("indoors", "day", "night")
ECHOING = ("hall", "cave")  # so far only for kinds that the shipped model has still to learn
GROUND = 0.74  # y where the wall or the sky meets the ground


def paint_place(canvas: Canvas, place: str) -> None:
    """Fill the canvas with a calm background; things may stand on the ground around y = 0.75 to 0.9."""
    painters = {"indoors": _indoors, "day": _day, "night": _night, "hall": _hall, "cave": _cave}
    if place not in painters:
        raise ValueError(f"there is no place '{place}'; choose one of {', '.join(PLACES + ECHOING)}")
    painters[place](canvas)


def _indoors(canvas: Canvas) -> None:
    canvas.gradient((0.95, 0.88, 0.76), (0.91, 0.80, 0.66))
    canvas.box(0.5, GROUND + 1, 4, 1, (0.69, 0.50, 0.36))
    canvas.box(0.5, GROUND, 4, 0.018, (0.98, 0.94, 0.87))


def _day(canvas: Canvas) -> None:
    canvas.gradient((0.52, 0.77, 0.95), (0.86, 0.95, 0.98), stop=0.8)
    canvas.ellipse(0.14, GROUND + 0.12, 0.5, 0.22, (0.58, 0.80, 0.47))
    canvas.box(0.5, GROUND + 1, 4, 1, (0.49, 0.74, 0.38))


def _night(canvas: Canvas) -> None:
    canvas.gradient((0.07, 0.09, 0.22), (0.20, 0.22, 0.42), stop=0.8)
    canvas.disc(0.16, 0.15, 0.075, (0.97, 0.94, 0.78))
    canvas.box(0.5, GROUND + 1, 4, 1, (0.13, 0.20, 0.24))


def _hall(canvas: Canvas) -> None:
    """Pale stone, tall windows with round heads between columns, and a floor that shines."""
    canvas.gradient((0.62, 0.60, 0.70), (0.80, 0.78, 0.84), stop=0.8)
    for x in (0.0, 0.5, 1.0):
        for colour, grown in (((0.52, 0.50, 0.60), 0.02), ((0.93, 0.90, 0.72), 0.0)):
            canvas.box(x, 0.36, 0.11 + grown, 0.22 + grown, colour)
            canvas.disc(x, 0.14, 0.11 + grown, colour)
    for x in (0.25, 0.75):
        canvas.box(x, 0.36, 0.05, 0.5, (0.90, 0.88, 0.91))
        canvas.box(x, GROUND - 0.02, 0.075, 0.03, (0.84, 0.82, 0.87))
    canvas.box(0.5, GROUND + 1, 4, 1, (0.53, 0.41, 0.47))
    canvas.box(0.5, GROUND + 0.03, 4, 0.03, (0.66, 0.54, 0.60))


def _cave(canvas: Canvas) -> None:
    """Brown rock with light from an opening; stalactites hang from above."""
    canvas.gradient((0.20, 0.15, 0.13), (0.37, 0.28, 0.23), stop=0.8)
    canvas.ellipse(0.5, 0.42, 0.5, 0.38, (0.34, 0.26, 0.22), softness=0.1)
    canvas.ellipse(0.9, 0.5, 0.13, 0.22, (0.60, 0.72, 0.74), softness=0.03)
    for x, length, half in (
        (0.04, 0.34, 0.09),
        (0.22, 0.2, 0.07),
        (0.42, 0.13, 0.06),
        (0.62, 0.18, 0.07),
        (0.82, 0.26, 0.08),
    ):
        canvas.polygon(
            [(x - half, -0.4), (x + half, -0.4), (x + 0.3 * half, length * 0.6), (x, length)], (0.14, 0.10, 0.09)
        )
    canvas.box(0.5, GROUND + 1, 4, 1, (0.25, 0.18, 0.15))
    for x in np.linspace(0.05, 0.95, 5):
        canvas.ellipse(float(x), GROUND + 0.005, 0.11, 0.035, (0.25, 0.18, 0.15))
