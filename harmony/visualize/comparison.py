"""A setting against what it does: how much falls together, how far apart, and Sync-C, for each value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    sync_c: Sequence[float | None] = (),
    amounts: Sequence[float] | None = None,
    name: str = "",
    look: Look = "light",
) -> Figure:
    """Panels over one axis of variants: the share of events that fall together, the offset of the sound, and Sync-C.

    Args:
        labels: of the variants.
        together: joint F1, 0 to 1; ``None`` where there are no events, which is written there.
        offsets: heard minus seen in milliseconds; ``None`` without a pair.
        sync_c: Sync-C, lips and events alike; ``None`` where it could not be measured. Panels without any value are
            left out, as long as one remains.
        amounts: the variants' values where these are numbers: they keep their distances as far as labels allow.
        name: of the setting.
        look: ``light`` or ``dark``.

    Raises:
        ValueError: if the lists differ in length.
    """
    if not len(labels) == len(together) == len(offsets) or len(sync_c) not in (0, len(labels)):
        raise ValueError(
            f"{len(labels)} variants have {len(together)} shares, {len(offsets)} offsets and {len(sync_c)} of Sync-C"
        )
    shown: list[tuple[Callable, Sequence[float | None]]] = []
    if _any(together) or not _any(sync_c):  # of faces nothing but Sync-C is known
        shown += [(_together_panel, together), (_offset_panel, offsets)]
    if _any(sync_c):
        shown.append((_sync_c_panel, sync_c))
    figure, panels = new_figure(look, width=6.4, height=1.4 * len(shown) + 0.6, rows=len(shown))
    places = _places(amounts, len(labels))
    for axes, (draw, values) in zip(panels, shown, strict=True):
        # A line between kinds of guidance would mean nothing.
        draw(axes, places, values, look=look, line=amounts is not None)
    panels[0].set(xlim=(-0.1, 1.1))
    write_on(panels[0], look, title=name)
    panels[-1].set_xticks(places, [readable(label) for label in labels])
    figure.align_ylabels()
    return figure


def _any(values: Sequence[float | None]) -> bool:
    return any(value is not None for value in values)


def _together_panel(axes: Axes, places: np.ndarray, values: Sequence[float | None], *, look: Look, line: bool) -> None:
    colours = theme(look)
    _draw(axes, places, values, colour=colours.accent, line=line)
    for place, value in zip(places, values, strict=True):
        if value is None:
            axes.text(place, 0.5, "no\nevents", color=colours.ink, fontsize=7.5, ha="center", va="center")
    axes.set(ylim=(-0.04, 1.08))
    write_on(axes, look, y="together (F1)")


def _offset_panel(axes: Axes, places: np.ndarray, values: Sequence[float | None], *, look: Look, line: bool) -> None:
    colours = theme(look)
    _draw(axes, places, values, colour=colours.heard, line=line)
    axes.axhline(0, color=colours.faint, linewidth=0.8, zorder=0)
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    axes.set(ylim=(-1.25 * max(largest, 20), 1.25 * max(largest, 20)))
    write_on(axes, look, y="sound later (ms)")


def _sync_c_panel(axes: Axes, places: np.ndarray, values: Sequence[float | None], *, look: Look, line: bool) -> None:
    _draw(axes, places, values, colour=theme(look).seen, line=line)
    axes.set(ylim=(0, 1.15 * max(1.0, *(value for value in values if value is not None))))
    write_on(axes, look, y="Sync-C")


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
