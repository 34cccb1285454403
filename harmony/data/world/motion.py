"""How events show over time: a swing that meets its target at the event, a flash that dies away, a wobble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SWING = 0.2  # seconds before (and after) a hit in which a hand or a stick moves: three frames at 16 fps
FADE = 0.16  # seconds in which a flash falls to 1 / e


def swing(times: np.ndarray, events: Sequence[float], *, seconds: float = SWING, power: float = 1.4) -> np.ndarray:
    """(F,) in [0, 1]: 0 at rest, 1 at the instant of each event, fastest just before it (as a real stroke is)."""
    closeness = np.zeros(len(times))
    for event in events:
        closeness = np.maximum(closeness, 1 - np.abs(times - event) / seconds)
    return closeness**power


def fade(times: np.ndarray, events: Sequence[float], *, seconds: float = FADE) -> np.ndarray:
    """(F,): jumps to 1 at each event and dies away as exp(-t / seconds); never above 1."""
    level = np.zeros(len(times))
    for event in events:
        since = times - event
        level = np.maximum(level, np.where(since >= 0, np.exp(-np.maximum(since, 0) / seconds), 0))
    return level


def wobble(times: np.ndarray, events: Sequence[float], *, frequency: float = 4.0, seconds: float = 0.25) -> np.ndarray:
    """(F,) in [-1, 1]: after each event a swaying cos(2 pi f t) that dies away."""
    level = np.zeros(len(times))
    for event in events:
        since = np.maximum(times - event, 0)
        level += np.where(times >= event, np.exp(-since / seconds) * np.cos(2 * np.pi * frequency * since), 0)
    return np.clip(level, -1, 1)
