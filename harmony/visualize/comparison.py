"""A setting against what it does: how much falls together, and how far apart, for each value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harmony.visualize.style import Look, new_figure, readable, theme, write_on

_CLOSEST = 0.12  # of the whole width: amounts nearer than that would write over each other


def comparison_figure(
    labels: Sequence[str],
    together: Sequence[float | None],
    offsets: Sequence[float | None],
    *,
    amounts: Sequence[float] | None = None,
    name: str = "",
    look: Look = "light",
) -> Figure:
    """Two panels over one axis of variants: the share of events that fall together, and the offset of the sound.

    Args:
        labels: of the variants.
        together: joint F1, 0 to 1; ``None`` where nothing happens, which is written there.
        offsets: heard minus seen in milliseconds; ``None`` without a pair.
        amounts: the variants' values where these are numbers: they keep their distances as far as labels allow.
        name: of the setting.
        look: ``light`` or ``dark``.

    Raises:
        ValueError: if the lists differ in length.
    """
    if not len(labels) == len(together) == len(offsets):
        raise ValueError(f"{len(labels)} variants have {len(together)} shares and {len(offsets)} offsets")
    colours = theme(look)
    figure, (upper, lower) = new_figure(look, width=6.4, height=3.4, rows=2, ratios=[3, 2])
    places = _places(amounts, len(labels))
    line = amounts is not None  # a line between kinds of guidance would mean nothing
    _draw(upper, places, together, colour=colours.accent, line=line)
    _draw(lower, places, offsets, colour=colours.heard, line=line)
    for place, share in zip(places, together, strict=True):
        if share is None:
            upper.text(place, 0.5, "nothing\nhappens", color=colours.ink, fontsize=7.5, ha="center", va="center")
    lower.axhline(0, color=colours.faint, linewidth=0.8, zorder=0)
    largest = max((abs(value) for value in offsets if value is not None), default=0.0)
    upper.set(ylim=(-0.04, 1.08), xlim=(-0.1, 1.1))
    lower.set(ylim=(-1.25 * max(largest, 20), 1.25 * max(largest, 20)))
    lower.set_xticks(places, [readable(label) for label in labels])
    write_on(upper, look, title=name, y="together (F1)")
    write_on(lower, look, y="sound later by (ms)")
    figure.align_ylabels()
    return figure


def _places(amounts: Sequence[float] | None, count: int) -> np.ndarray:
    """(count,) places on the x axis, 0 to 1: amounts at their distances where these are wide enough, else evenly."""
    if amounts is not None:
        values = np.asarray(amounts, dtype=np.float64)
        places = (values - values.min()) / max(np.ptp(values), 1e-12)
        if np.diff(np.sort(places)).min(initial=1.0) >= _CLOSEST:
            return places
        return np.argsort(np.argsort(values)) / max(count - 1, 1)
    return np.linspace(0, 1, count) if count > 1 else np.array([0.5])


def _draw(axes: Axes, places: np.ndarray, values: Sequence[float | None], *, colour: str, line: bool) -> None:
    order = np.argsort(places)
    heights = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    style = "o-" if line else "o"
    axes.plot(places[order], heights[order], style, color=colour, markersize=6, linewidth=1.4, clip_on=False, zorder=3)
