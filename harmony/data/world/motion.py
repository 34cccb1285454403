"""How events show over time: a swing that meets its target at the event, a flash that dies away, a wobble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SWING = 0.22  # seconds before (and after) a hit in which a hand or a stick moves: three frames at 16 fps
FADE = 0.16  # seconds in which a flash falls to 1 / e


def swing(times: np.ndarray, events: Sequence[float], *, seconds: float = SWING, power: float = 1.3) -> np.ndarray:
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


def sway(times: np.ndarray, events: Sequence[float], *, frequency: float = 2.2, seconds: float = 0.35) -> np.ndarray:
    """(F,) in about [-1, 1]: pushed at each event, sin(2 pi f t) exp(-t / seconds) from there on."""
    level = np.zeros(len(times))
    for event in events:
        since = np.maximum(times - event, 0)
        level += np.exp(-since / seconds) * np.sin(2 * np.pi * frequency * since)
    return level


def opening(times: np.ndarray, events: Sequence[float], *, hold: float = 0.1, close: float = 0.14) -> np.ndarray:
    """(F,) in [0, 1]: a mouth that opens within 0.06 s around each event, stays ``hold`` seconds and closes again."""
    level = np.zeros(len(times))
    for event in events:
        since = times - event
        level = np.maximum(level, np.minimum((since + 0.03) / 0.06, (hold + close - since) / close))
    return np.clip(level, 0, 1)


def along(times: np.ndarray, events: Sequence[float], places: Sequence[float]) -> np.ndarray:
    """(F,): moves smoothly from place to place to be at ``places[k]`` at ``events[k]``; waits before, after."""
    if len(events) == 0:
        return np.full(len(times), places[0] if len(places) else 0.0)
    position = np.full(len(times), float(places[0]))
    for start, stop, here, there in zip(events[:-1], events[1:], places[:-1], places[1:], strict=True):
        share = np.clip((times - start) / (stop - start), 0, 1)
        position += (there - here) * share * share * (3 - 2 * share)
    return position


def towards(colour: tuple[float, float, float], other: tuple[float, float, float], level: np.ndarray) -> np.ndarray:
    """Colours over frames (F, 3): ``colour`` where ``level`` (F,) is 0, ``other`` where it is 1."""
    start, end = np.asarray(colour), np.asarray(other)
    return start + (end - start) * np.asarray(level)[:, None]
