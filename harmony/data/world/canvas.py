"""Painting: anti-aliased shapes by signed distance, all frames of a clip at once.

The unit square [0, 1] x [0, 1] (x to the right, y down) is always fully visible and centred; a picture that is not
square shows more of the world on its longer sides. Every parameter is a number or an array over frames (F,).
Distances follow Inigo Quilez, "2D distance functions" (iquilezles.org).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeAlias

import numpy as np

from harmony.data.world import shapes

Value: TypeAlias = "float | np.ndarray"
Colour: TypeAlias = "tuple[float, float, float] | np.ndarray"
Point: TypeAlias = "tuple[Value, Value]"
Field: TypeAlias = Callable[..., np.ndarray]


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
        low = min(_least(value) for value in values) - far
        high = -min(_least(-value) for value in values) + far
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

    def to_uint8(self) -> np.ndarray:
        """The picture so far, rounded: uint8 (F, H, W, 3)."""
        self._picture.grow()
        levels = (np.clip(self._picture.planes, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
        return np.ascontiguousarray(np.moveaxis(levels, 0, -1))

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

    def veil(self, opacity: Field, colour: Colour | None, *, within: np.ndarray | None = None) -> np.ndarray:
        """Paint everywhere with ``opacity(x, y)``, which is given (1, 1, W) and (1, H, 1) in the world's units and
        returns [0, 1] of shape (F, H, W) or (1, H, W)."""
        return self._blend([(0.5, 0.5)], 1e3, opacity, (), colour, within=within)

    # -- shapes --------------------------------------------------------------------------------

    def disc(self, x: Value, y: Value, radius: Value, colour: Colour | None, **look) -> np.ndarray:
        middle, r = self._point(x, y), self._length(radius)
        return self._paint([middle], r, shapes.disc, (*middle, r), colour, **look)

    def ring(self, x: Value, y: Value, radius: Value, width: Value, colour: Colour | None, **look) -> np.ndarray:
        """A circle drawn with a line ``width`` thick."""
        middle, r, half = self._point(x, y), self._length(radius), self._length(width) * 0.5
        return self._paint([middle], r + half, shapes.ring, (*middle, r, half), colour, **look)

    def ellipse(
        self, x: Value, y: Value, rx: Value, ry: Value, colour: Colour | None, *, angle: Value = 0.0, **look
    ) -> np.ndarray:
        middle, a, b = self._point(x, y), self._half_axis(rx), self._half_axis(ry)
        return self._paint(
            [middle], np.maximum(a, b), shapes.ellipse, (*middle, a, b, self._turn(angle)), colour, **look
        )

    def box(
        self,
        x: Value,
        y: Value,
        half_width: Value,
        half_height: Value,
        colour: Colour | None,
        *,
        corner: Value = 0.0,
        angle: Value = 0.0,
        **look,
    ) -> np.ndarray:
        """A rectangle around (x, y) whose corners are rounded by ``corner``."""
        middle, w, h = self._point(x, y), self._length(half_width), self._length(half_height)
        numbers = (*middle, w, h, self._length(corner), self._turn(angle))
        return self._paint([middle], np.hypot(w, h), shapes.box, numbers, colour, **look)

    def line(self, points: Sequence[Point], radius: Value, colour: Colour | None, **look) -> np.ndarray:
        """A round-ended line through two or more points (one segment is a capsule)."""
        corners, r = [self._point(*point) for point in points], self._length(radius)
        return self._paint(corners, r, shapes.line, (r, *chain(*corners)), colour, **look)

    def polygon(self, points: Sequence[Point], colour: Colour | None, *, corner: Value = 0.0, **look) -> np.ndarray:
        """A filled polygon of any form; ``corner`` swells it by a round border."""
        corners, r = [self._point(*point) for point in points], self._length(corner)
        return self._paint(corners, r, shapes.polygon, (r, *chain(*corners)), colour, **look)

    def shadow(self, x: Value, y: Value, rx: Value, ry: Value, *, strength: Value = 0.35) -> np.ndarray:
        """A soft dark ellipse that fades from its middle to (rx, ry)."""
        return self.glow(x, y, rx, ry, (0.08, 0.07, 0.12), strength=strength)

    def glow(self, x: Value, y: Value, rx: Value, ry: Value, colour: Colour, *, strength: Value = 1.0) -> np.ndarray:
        """Soft light (or dark) in ``colour``: full ``strength`` in the middle, nothing at the edge of (rx, ry)."""
        middle, a, b = self._point(x, y), self._half_axis(rx), self._half_axis(ry)
        return self._blend([middle], np.maximum(a, b), shapes.falloff, (*middle, a, b), colour, strength=strength)

    # -- the brush -----------------------------------------------------------------------------

    def _paint(
        self,
        points: Sequence[Point],
        reach: Value,
        distance: Field,
        numbers: Sequence[Value],
        colour: Colour | None,
        *,
        alpha: Value = 1.0,
        softness: float = 0.0,
        within: np.ndarray | None = None,
    ) -> np.ndarray:
        """Paint where ``distance(x, y, *numbers)`` < 0.

        Args:
            points, reach: the shape lies within ``reach`` of these points (of their convex hull's box).
            alpha: opacity, 0 to 1.
            softness: width of the edge's ramp in units of the world, at least one pixel.
            within: coverage of an earlier painting that this one must not leave.
        """
        edge = max(softness * float(np.mean(self._scale)), 1 / self._picture.pixels_per_unit)
        steepness = np.float32(1 / edge)

        def opacity(px, py, *lifted):
            return np.clip(np.float32(0.5) - distance(px, py, *lifted) * steepness, 0, 1)

        return self._blend(points, reach + edge, opacity, numbers, colour, strength=alpha, within=within)

    def _blend(
        self,
        points: Sequence[Point],
        reach: Value,
        opacity: Field,
        numbers: Sequence[Value],
        colour: Colour | None,
        *,
        strength: Value = 1.0,
        within: np.ndarray | None = None,
    ) -> np.ndarray:
        """Mix ``colour`` in where ``opacity`` says, only in the window and the frames where anything can be seen."""
        picture = self._picture
        self._check(strength)
        shown = _shown(strength)
        far = 1 / picture.pixels_per_unit - _least(-reach)
        cols = picture.window([x for x, _ in points], far, picture.x)
        rows = picture.window([y for _, y in points], far, picture.y)
        lifted = [_lift(number, shown) for number in numbers]
        alpha = opacity(picture.x[None, None, cols], picture.y[None, rows, None], *lifted) * _lift(strength, shown)
        if within is not None:
            alpha = alpha * (within if len(within) == 1 else within[shown])[:, rows, cols]
        if colour is not None:
            self._mix((shown, rows, cols), alpha, np.asarray(colour, dtype=np.float32))
        every_frame = np.ndim(strength) or alpha.shape[0] > 1
        coverage = np.zeros((picture.num_frames if every_frame else 1, picture.height, picture.width), np.float32)
        coverage[shown, rows, cols] = alpha
        return coverage

    def _mix(self, where: tuple, alpha: np.ndarray, tint: np.ndarray) -> None:
        """Blend ``tint`` (3,) or (F, 3) over the frames, rows and columns ``where``."""
        if alpha.shape[0] > 1 or tint.ndim == 2 or isinstance(where[0], np.ndarray):
            self._picture.grow()
        for channel, plane in enumerate(self._picture.planes):
            level = tint[channel] if tint.ndim == 1 else tint[where[0], channel, None, None]
            change = level - plane[where]
            change *= alpha
            plane[where] += change

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

    def _half_axis(self, value: Value) -> Value:
        return np.maximum(self._length(value), 1e-4)

    def _check(self, *values: Value) -> None:
        for value in values:
            if np.ndim(value) and np.shape(value) != (self.num_frames,):
                raise ValueError(
                    f"a painting's numbers are single values or one per frame ({self.num_frames}), "
                    f"got shape {np.shape(value)}"
                )


def _least(value: Value) -> float:
    return float(value.min()) if isinstance(value, np.ndarray) else float(value)


def _shown(strength: Value) -> slice | np.ndarray:
    """The frames in which something so strong can be seen at all: most flashes are over in a few."""
    if not np.ndim(strength):
        return slice(None)
    return np.flatnonzero(np.asarray(strength) > 1 / 512)


def _lift(value: Value, shown: slice | np.ndarray) -> np.ndarray:
    """(F,) to float32 (shown, 1, 1), a number to a float32 scalar."""
    value = np.asarray(value, dtype=np.float32)
    return value[shown][:, None, None] if value.ndim else value
