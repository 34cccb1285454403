"""Rain: seen as slanted streaks, heard as steady noise. Shared by every scene in which it rains."""

from __future__ import annotations

import numpy as np

from harmony.data.world import sound
from harmony.data.world.canvas import Canvas
from harmony.data.world.chance import Chance
from harmony.data.world.palette import mix

INTENSITIES = ("light", "heavy")
# width of a streak's lane, share of a lane's length that a drop fills, opacity, loudness (rms)
_LANE = {"light": 0.15, "heavy": 0.095}
_FILL = {"light": 0.2, "heavy": 0.34}
_LEVEL = {"light": 0.05, "heavy": 0.17}
_LENGTH, _SPEED, _SLANT = 0.62, 1.1, 0.16
_DROP = (0.80, 0.90, 1.0)


def paint_rain(
    canvas: Canvas,
    times: np.ndarray,
    *,
    intensity: str,
    drops: int,
    place: str = "day",
    within: np.ndarray | None = None,
) -> np.ndarray:
    """Streaks over the whole picture, falling steadily.

    Args:
        times: (F,) seconds.
        intensity: "light" or "heavy".
        drops: seed of the streaks' places.
        place: by day the streaks are darker than the sky, else they would be lost.
        within: coverage (1 or F, H, W) outside of which no drop is seen.

    Returns:
        The drops' coverage, float32 (F, H, W).
    """
    lane, fill = _LANE[intensity], _FILL[intensity]
    rng = Chance(drops)
    starts = np.array([rng.uniform() for _ in range(64)], dtype=np.float32)
    fallen = (times * (_SPEED / _LENGTH)).astype(np.float32)[:, None, None]

    def opacity(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        across = (x + _SLANT * y) / np.float32(lane)
        index = np.floor(across)
        middle = np.clip(1.3 - np.abs(across - index - 0.5) * np.float32(lane / 0.018), 0, 1)
        along = (y / np.float32(_LENGTH) + starts[index.astype(int) % 64] - fallen) % 1
        return middle * np.clip((fill - np.abs(along - 0.5) * 2) * 4, 0, 0.85)

    colour = mix((0.36, 0.50, 0.72), _DROP, {"day": 0.15}.get(place, 0.75))
    return canvas.veil(opacity, colour, within=within)


def paint_cloud(canvas: Canvas, *, place: str = "day") -> None:
    """A rain cloud along the picture's upper edge."""
    gray = (0.66, 0.70, 0.77) if place == "day" else (0.36, 0.39, 0.50)
    canvas.box(0.5, -0.5, 0.42, 0.55, gray)
    for x, y, radius in (
        (0.08, 0.0, 0.12),
        (0.27, 0.05, 0.13),
        (0.5, 0.07, 0.15),
        (0.73, 0.05, 0.13),
        (0.92, 0.0, 0.12),
    ):
        canvas.disc(x, y, radius, gray)


def rain_sound(num_samples: int, rate: int, *, intensity: str, drops: int) -> np.ndarray:
    """The steady rush of rain, (num_samples,); heavy rain is louder and fuller."""
    rng = Chance(drops)
    rush = sound.noise(rng.child("rush"), num_samples, rate, low=1500.0)
    body = sound.noise(rng.child("body"), num_samples, rate, low=250.0, high=1500.0)
    return _LEVEL[intensity] * (rush + {"light": 0.2, "heavy": 0.7}[intensity] * body)
