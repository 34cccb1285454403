"""Painting: anti-aliased shapes by signed distance, all frames of a clip at once.

The unit square [0, 1] x [0, 1] (x to the right, y down) is always fully visible and centred; a picture that is not
square shows more of the world on its longer sides. Every parameter is a number or an array over frames (F,).
Distances follow Inigo Quilez, "2D distance functions" (iquilezles.org).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

Value: TypeAlias = "float | np.ndarray"
Colour: TypeAlias = "tuple[float, float, float] | np.ndarray"
Point: TypeAlias = "tuple[Value, Value]"
Distance: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]


class _Picture:
    """The pixels behind one or several canvases. One frame is kept until something moves."""

    def __init__(self, num_frames: int, height: int, width: int) -> None:
        self.num_frames, self.height, self.width = num_frames, height, width
        self.pixels_per_unit = float(min(height, width))
        scale = np.float32(1 / self.pixels_per_unit)
        self.x = (np.arange(width, dtype=np.float32) + np.float32(0.5 - width / 2)) * scale + np.float32(0.5)
        self.y = (np.arange(height, dtype=np.float32) + np.float32(0.5 - height / 2)) * scale + np.float32(0.5)
        self.planes = np.zeros((3, 1, height, width), dtype=np.float32)

    def grow(self) -> None:
        """Give every frame its own pixels, before the first thing that moves is painted."""
        if self.planes.shape[1] != self.num_frames:
            self.planes = np.repeat(self.planes, self.num_frames, axis=1)

    @staticmethod
    def window(values: Sequence[Value], far: float, axis: np.ndarray) -> slice:
        """The pixels of one axis whose centres lie within ``far`` of the span of ``values``."""
        low = min(float(np.min(value)) for value in values) - far
        high = max(float(np.max(value)) for value in values) + far
        return slice(int(np.searchsorted(axis, low)), int(np.searchsorted(axis, high, side="right")))


class Canvas:
    """All frames of a clip, painted back to front.

    Every paint call returns its *coverage*: float32 (F, H, W) in [0, 1], or (1, H, W) when nothing about it moves.
    ``cover`` joins coverages into a source's mask. The colour None leaves the picture alone and only measures coverage.

    Args:
        num_frames, height, width: of the clip, in frames and pixels.
    """

    def __init__(self, num_frames: int, *, height: int = 64, width: int = 64) -> None:
        self._picture = _Picture(num_frames, height, width)
        self._origin: tuple[Value, Value] = (0.0, 0.0)
        self._scale: Value = 1.0
        self._angle: Value = 0.0
        self._flip = 1.0

    @property
    def num_frames(self) -> int:
        return self._picture.num_frames

    @property
    def frames(self) -> np.ndarray:
        """The picture so far: float32 (F, H, W, 3) in [0, 1]."""
        self._picture.grow()
        return np.ascontiguousarray(np.moveaxis(self._picture.planes, 0, -1))

    def placed(self, x: Value, y: Value, *, scale: Value = 1.0, angle: Value = 0.0, mirrored: bool = False) -> Canvas:
        """A canvas on the same pixels whose origin sits at (x, y), enlarged, turned (radians, clockwise), mirrored."""
        inner = object.__new__(Canvas)
        inner._picture = self._picture
        inner._origin = self._point(x, y)
        inner._scale = self._scale * scale
        inner._angle = self._turn(angle)
        inner._flip = -self._flip if mirrored else self._flip
        return inner

    def cover(self, *coverages: np.ndarray) -> np.ndarray:
        """Where any of these paintings is: bool (F, H, W)."""
        picture = self._picture
        joined = np.zeros((1, picture.height, picture.width), dtype=np.float32)
        for coverage in coverages:
            joined = np.maximum(joined, coverage)
        return np.broadcast_to(joined > 0.5, (picture.num_frames, picture.height, picture.width))

    # -- backgrounds ---------------------------------------------------------------------------

    def gradient(self, top: Colour, bottom: Colour, *, start: float = 0.0, stop: float = 1.0) -> None:
        """Fill everything from ``top`` above y = start to ``bottom`` below y = stop."""
        ramp = np.clip((self._picture.y - start) / (stop - start), 0, 1)[:, None]
        for plane, c0, c1 in zip(self._picture.planes, top, bottom, strict=True):
            plane[:] = c0 + (c1 - c0) * ramp

    def veil(self, opacity: Distance, colour: Colour | None, *, within: np.ndarray | None = None) -> np.ndarray:
        """Paint everywhere with ``opacity(x, y)``, which is given (1, 1, W) and (1, H, 1) in the world's units and
        returns [0, 1] of shape (F, H, W) or (1, H, W)."""
        return self._blend([(0.5, 0.5)], 1e3, opacity, colour, within=within)

    # -- shapes --------------------------------------------------------------------------------

    def disc(self, x: Value, y: Value, radius: Value, colour: Colour, **look) -> np.ndarray:
        (cx, cy), r = self._point(x, y), self._length(radius)
        return self._paint(
            [(cx, cy)], r, lambda px, py: np.hypot(px - _lift(cx), py - _lift(cy)) - _lift(r), colour, **look
        )

    def ring(self, x: Value, y: Value, radius: Value, width: Value, colour: Colour, **look) -> np.ndarray:
        """A circle drawn with a line ``width`` thick."""
        (cx, cy), r, half = self._point(x, y), self._length(radius), self._length(width) * 0.5

        def distance(px, py):
            return np.abs(np.hypot(px - _lift(cx), py - _lift(cy)) - _lift(r)) - _lift(half)

        return self._paint([(cx, cy)], r + half, distance, colour, **look)

    def ellipse(
        self, x: Value, y: Value, rx: Value, ry: Value, colour: Colour, *, angle: Value = 0.0, **look
    ) -> np.ndarray:
        (cx, cy), a, b = self._point(x, y), self._length(rx), self._length(ry)
        a, b = np.maximum(a, 1e-4), np.maximum(b, 1e-4)
        turn = self._turn(angle)

        def distance(px, py):
            u, v = _turned(px - _lift(cx), py - _lift(cy), turn)
            u, v = u / _lift(a), v / _lift(b)
            inner = np.hypot(u, v)
            outer = np.maximum(np.hypot(u / _lift(a), v / _lift(b)), 1e-6)
            return inner * (inner - 1) / outer

        return self._paint([(cx, cy)], np.maximum(a, b), distance, colour, **look)

    def box(
        self,
        x: Value,
        y: Value,
        half_width: Value,
        half_height: Value,
        colour: Colour,
        *,
        corner: Value = 0.0,
        angle: Value = 0.0,
        **look,
    ) -> np.ndarray:
        """A rectangle around (x, y) whose corners are rounded by ``corner``."""
        (cx, cy), w, h, r = (self._point(x, y), *map(self._length, (half_width, half_height, corner)))
        turn = self._turn(angle)

        def distance(px, py):
            u, v = _turned(px - _lift(cx), py - _lift(cy), turn)
            u, v = np.abs(u) - _lift(w - r), np.abs(v) - _lift(h - r)
            return np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0) - _lift(r)

        return self._paint([(cx, cy)], np.hypot(w, h), distance, colour, **look)

    def line(self, points: Sequence[Point], radius: Value, colour: Colour, **look) -> np.ndarray:
        """A round-ended line through two or more points (one segment is a capsule)."""
        corners, r = [self._point(*point) for point in points], self._length(radius)

        def distance(px, py):
            nearest = None
            for (x0, y0), (x1, y1) in pairwise(corners):
                bx, by = _lift(x1 - x0), _lift(y1 - y0)
                ux, uy = px - _lift(x0), py - _lift(y0)
                along = np.clip((ux * bx + uy * by) / np.maximum(bx * bx + by * by, 1e-9), 0, 1)
                away = np.hypot(ux - bx * along, uy - by * along)
                nearest = away if nearest is None else np.minimum(nearest, away)
            return nearest - _lift(r)

        return self._paint(corners, r, distance, colour, **look)

    def polygon(self, points: Sequence[Point], colour: Colour, *, corner: Value = 0.0, **look) -> np.ndarray:
        """A filled polygon of any form; ``corner`` swells it by a round border."""
        corners, r = [self._point(*point) for point in points], self._length(corner)

        def distance(px, py):
            nearest, sign = None, None
            for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
                ex, ey = _lift(x0 - x1), _lift(y0 - y1)
                ux, uy = px - _lift(x1), py - _lift(y1)
                along = np.clip((ux * ex + uy * ey) / np.maximum(ex * ex + ey * ey, 1e-12), 0, 1)
                away = (ux - ex * along) ** 2 + (uy - ey * along) ** 2
                nearest = away if nearest is None else np.minimum(nearest, away)
                above, below = py >= _lift(y1), py < _lift(y0)
                side = ex * uy > ey * ux
                crosses = (above & below & side) | ~(above | below | side)
                sign = crosses if sign is None else sign ^ crosses
            return np.where(sign, -1, 1) * np.sqrt(nearest) - _lift(r)

        return self._paint(corners, r, distance, colour, **look)

    def shadow(self, x: Value, y: Value, rx: Value, ry: Value, *, strength: Value = 0.35) -> np.ndarray:
        """A soft dark ellipse that fades from its middle to (rx, ry)."""
        return self.glow(x, y, rx, ry, (0.08, 0.07, 0.12), strength=strength)

    def glow(self, x: Value, y: Value, rx: Value, ry: Value, colour: Colour, *, strength: Value = 1.0) -> np.ndarray:
        """Soft light (or dark) in ``colour``: full ``strength`` in the middle, nothing at the edge of (rx, ry)."""
        (cx, cy), a, b = self._point(x, y), self._length(rx), self._length(ry)
        a, b = np.maximum(a, 1e-4), np.maximum(b, 1e-4)

        def alpha(px, py):
            u, v = (px - _lift(cx)) / _lift(a), (py - _lift(cy)) / _lift(b)
            return np.maximum(1 - u * u - v * v, 0) ** 2 * _lift(strength)

        return self._blend([(cx, cy)], np.maximum(a, b), alpha, colour, moving=(strength,))

    # -- the brush -----------------------------------------------------------------------------

    def _paint(
        self,
        points: Sequence[Point],
        reach: Value,
        distance: Distance,
        colour: Colour | None,
        *,
        alpha: Value = 1.0,
        softness: float = 0.0,
        within: np.ndarray | None = None,
    ) -> np.ndarray:
        """Paint where ``distance`` < 0.

        Args:
            points, reach: the shape lies within ``reach`` of these points (of their convex hull's box).
            alpha: opacity, 0 to 1.
            softness: width of the edge's ramp in units of the world, at least one pixel.
            within: coverage of an earlier painting that this one must not leave.
        """
        softness = softness * float(np.mean(self._scale))
        edge = max(softness, 1 / self._picture.pixels_per_unit)

        def opacity(px, py):
            cover = np.clip(0.5 - distance(px, py) * np.float32(1 / edge), 0, 1)
            return cover * _lift(alpha)

        return self._blend(points, reach + edge, opacity, colour, moving=(alpha,), within=within)

    def _blend(
        self,
        points: Sequence[Point],
        reach: Value,
        opacity: Distance,
        colour: Colour | None,
        *,
        moving: tuple[Value, ...] = (),
        within: np.ndarray | None = None,
    ) -> np.ndarray:
        picture = self._picture
        far = float(np.max(reach)) + 1 / picture.pixels_per_unit
        cols = picture.window([x for x, _ in points], far, picture.x)
        rows = picture.window([y for _, y in points], far, picture.y)
        alpha = np.asarray(opacity(picture.x[None, None, cols], picture.y[None, rows, None]), dtype=np.float32)
        if within is not None:
            alpha = alpha * within[:, rows, cols]
        if colour is not None:
            self._mix(rows, cols, alpha, np.asarray(colour, dtype=np.float32), moving)
        coverage = np.zeros((alpha.shape[0], picture.height, picture.width), dtype=np.float32)
        coverage[:, rows, cols] = alpha
        return coverage

    def _mix(self, rows: slice, cols: slice, alpha: np.ndarray, tint: np.ndarray, moving: tuple[Value, ...]) -> None:
        """Blend ``tint`` (3,) or (F, 3) over the picture's window."""
        if alpha.shape[0] > 1 or tint.ndim == 2 or any(np.ndim(value) for value in moving):
            self._picture.grow()
        planes = self._picture.planes[:, :, rows, cols]
        for channel in range(3):
            level = tint[channel] if tint.ndim == 1 else tint[:, channel, None, None]
            planes[channel] += alpha * (level - planes[channel])

    # -- from the placed canvas to the picture -------------------------------------------------

    def _point(self, x: Value, y: Value) -> Point:
        self._check(x, y)
        u, v = np.multiply(x, self._scale * self._flip), np.multiply(y, self._scale)
        cos, sin = np.cos(self._angle), np.sin(self._angle)
        return self._origin[0] + u * cos - v * sin, self._origin[1] + u * sin + v * cos

    def _turn(self, angle: Value) -> Value:
        return self._angle + self._flip * angle

    def _length(self, value: Value) -> Value:
        self._check(value)
        return np.multiply(value, self._scale)

    def _check(self, *values: Value) -> None:
        for value in values:
            if np.ndim(value) and np.shape(value) != (self.num_frames,):
                raise ValueError(
                    f"a painting's numbers are single values or one per frame ({self.num_frames}), "
                    f"got shape {np.shape(value)}"
                )


def _lift(value: Value) -> np.ndarray:
    """(F,) to float32 (F, 1, 1), a number to a float32 scalar."""
    value = np.asarray(value, dtype=np.float32)
    return value[:, None, None] if value.ndim else value


def _turned(u: np.ndarray, v: np.ndarray, angle: Value) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates seen from a shape that is turned by ``angle``."""
    if not np.ndim(angle) and math.isclose(float(angle), 0.0, abs_tol=1e-9):
        return u, v
    cos, sin = _lift(np.cos(angle)), _lift(np.sin(angle))
    return u * cos + v * sin, v * cos - u * sin
