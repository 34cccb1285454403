"""Signed distances of plane shapes: negative inside, positive outside, in the units of the coordinates.

All arguments are numbers or arrays that broadcast with the coordinates ``x`` (1, 1, W) and ``y`` (1, H, 1).
After Inigo Quilez, "2D distance functions" (iquilezles.org).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def disc(x: np.ndarray, y: np.ndarray, cx, cy, radius) -> np.ndarray:
    return _norm(x - cx, y - cy) - radius


def ring(x: np.ndarray, y: np.ndarray, cx, cy, radius, half) -> np.ndarray:
    """A circle drawn with a line that is 2 * ``half`` thick."""
    return np.abs(_norm(x - cx, y - cy) - radius) - half


def ellipse(x: np.ndarray, y: np.ndarray, cx, cy, a, b, angle) -> np.ndarray:
    """First-order distance to an ellipse with half axes ``a`` and ``b`` (exact on its edge, which is what shows)."""
    u, v = _turned(x - cx, y - cy, angle)
    u, v = u / a, v / b
    inner = _norm(u, v)
    return inner * (inner - 1) / np.maximum(_norm(u / a, v / b), 1e-6)


def box(x: np.ndarray, y: np.ndarray, cx, cy, half_width, half_height, corner, angle) -> np.ndarray:
    u, v = _turned(x - cx, y - cy, angle)
    u, v = np.abs(u) - (half_width - corner), np.abs(v) - (half_height - corner)
    return _norm(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0) - corner


def line(x: np.ndarray, y: np.ndarray, radius, *corners) -> np.ndarray:
    """A round-ended line through ``corners`` = x0, y0, x1, y1, ..."""
    points = list(zip(corners[::2], corners[1::2], strict=True))
    nearest = None
    for (x0, y0), (x1, y1) in pairwise(points):
        away = _squared_distance_to_segment(x - x0, y - y0, x1 - x0, y1 - y0)
        nearest = away if nearest is None else np.minimum(nearest, away)
    return np.sqrt(nearest) - radius


def polygon(x: np.ndarray, y: np.ndarray, radius, *corners) -> np.ndarray:
    """Any filled polygon with ``corners`` = x0, y0, x1, y1, ..., swollen by ``radius``."""
    points = list(zip(corners[::2], corners[1::2], strict=True))
    nearest, outside = None, None
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        ex, ey, ux, uy = x0 - x1, y0 - y1, x - x1, y - y1
        away = _squared_distance_to_segment(ux, uy, ex, ey)
        above, below, side = y >= y1, y < y0, ex * uy > ey * ux
        crosses = (above & below & side) | ~(above | below | side)
        nearest = away if nearest is None else np.minimum(nearest, away)
        outside = ~crosses if outside is None else outside ^ crosses
    return np.where(outside, 1, -1) * np.sqrt(nearest) - radius


def falloff(x: np.ndarray, y: np.ndarray, cx, cy, a, b) -> np.ndarray:
    """Not a distance but an opacity: 1 in the middle, falling smoothly to 0 on the ellipse with half axes a and b."""
    u, v = (x - cx) / a, (y - cy) / b
    return np.maximum(1 - u * u - v * v, 0) ** 2


def _squared_distance_to_segment(ux: np.ndarray, uy: np.ndarray, ex, ey) -> np.ndarray:
    """Of the point (ux, uy) to the segment from the origin to (ex, ey)."""
    along = np.clip((ux * ex + uy * ey) / np.maximum(ex * ex + ey * ey, 1e-12), 0, 1)
    ux, uy = ux - ex * along, uy - ey * along
    return ux * ux + uy * uy


def _norm(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """sqrt(u^2 + v^2); numpy's hypot takes several times as long."""
    return np.sqrt(u * u + v * v)


def _turned(u: np.ndarray, v: np.ndarray, angle) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates seen from a shape that is turned by ``angle``."""
    if angle.ndim == 0 and abs(angle) < 1e-9:
        return u, v
    cos, sin = np.cos(angle), np.sin(angle)
    return u * cos + v * sin, v * cos - u * sin
