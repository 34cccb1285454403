"""The world's colours, by the names people use."""

from __future__ import annotations

RGB = tuple[float, float, float]

COLOURS: dict[str, RGB] = {
    "red": (0.88, 0.24, 0.22),
    "orange": (0.95, 0.55, 0.16),
    "yellow": (0.97, 0.82, 0.25),
    "green": (0.27, 0.66, 0.33),
    "blue": (0.22, 0.45, 0.85),
    "purple": (0.55, 0.33, 0.72),
    "pink": (0.95, 0.52, 0.68),
    "white": (0.95, 0.94, 0.91),
    "brown": (0.55, 0.35, 0.20),
    "gray": (0.58, 0.60, 0.64),
    "black": (0.16, 0.16, 0.19),
}
INK: RGB = (0.16, 0.14, 0.20)
WOOD: RGB = (0.72, 0.49, 0.27)
METAL: RGB = (0.62, 0.66, 0.71)
SKIN: RGB = (0.93, 0.72, 0.55)


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """``a`` with this share of ``b`` in it."""
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))


def darker(colour: RGB, amount: float = 0.3) -> RGB:
    """A warm shade: mixed with ink rather than with black, which would look dirty."""
    return mix(colour, INK, amount)


def lighter(colour: RGB, amount: float = 0.35) -> RGB:
    return mix(colour, (1.0, 0.99, 0.95), amount)
