"""The three places where scenes happen: indoors, outdoors by day, outdoors at night."""

from __future__ import annotations

from harmony.data.world.canvas import Canvas
from harmony.data.world.chance import Chance

PLACES = ("indoors", "day", "night")
GROUND = 0.74  # y where the wall or the sky meets the ground


def sample_place(rng: Chance) -> str:
    return rng.choice(PLACES)


def paint_place(canvas: Canvas, place: str) -> None:
    """Fill the canvas with a calm background; things may stand on the ground around y = 0.75 to 0.9."""
    painters = {"indoors": _indoors, "day": _day, "night": _night}
    if place not in painters:
        raise ValueError(f"there is no place '{place}'; choose one of {', '.join(PLACES)}")
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
