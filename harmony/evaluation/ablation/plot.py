"""The ablation's curves: sync against steps of training, joint and audio-driven (the paper's Figure 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harmony.visualize.style import Look, new_figure, theme, write_on

PANELS = (
    ("plain", "sync_c", "Sync-C,\njoint"),
    ("driven", "sync_c", "Sync-C,\naudio-driven"),
    ("plain", "event_f1", "event F1,\njoint"),
    ("driven", "event_f1", "event F1,\naudio-driven"),
)
# Okabe and Ito's colours, one for each row in the order of the paper's table.
COLOURS = {
    "global": "#8a93a3",
    "gldi": "#cc79a7",
    "aligned": "#0072b2",
    "synergy": "#d55e00",
    "synergy-sampled": "#e69f00",
    "audio-driven": "#009e73",
}
MARKS = {"synergy": "s", "synergy-sampled": "D"}


def curves_figure(summed: Mapping[str, Any], labels: Mapping[str, str], *, look: Look = "light") -> Figure:
    """One panel for each way of generating and measure, a line for each row, bands for 95 % intervals.

    Args:
        summed: the table's dictionary; its ``curves`` are drawn.
        labels: of the rows, by name.
        look: ``light`` or ``dark``.
    """
    figure, panels = new_figure(look, width=6.4, height=8.4, rows=len(PANELS))
    for axes, (way, measure, label) in zip(panels, PANELS, strict=True):
        for row, colour in COLOURS.items():
            points = summed["curves"].get(row, {}).get(way, {})
            _line(axes, {int(steps): told[measure] for steps, told in points.items()}, row, colour, labels[row])
        write_on(axes, look, y=label)
        axes.yaxis.label.set(rotation=0, ha="right", va="center")
    write_on(panels[-1], look, x="steps of training")
    handles = {handle.get_label(): handle for axes in panels for handle in axes.get_legend_handles_labels()[0]}
    ink = theme(look).ink
    figure.legend(
        handles.values(), handles, loc="outside upper left", fontsize=7.5, frameon=False, labelcolor=ink, ncols=1
    )
    return figure


def _line(axes: Axes, points: Mapping[int, Mapping[str, float]], row: str, colour: str, label: str) -> None:
    steps = sorted(points)
    if not steps:
        return
    axes.plot(
        steps, [points[s]["value"] for s in steps], marker=MARKS.get(row, "o"), color=colour,
        markersize=4, linewidth=1.4, label=label,
    )  # fmt: skip
    lows, highs = [points[s]["low"] for s in steps], [points[s]["high"] for s in steps]
    if len(steps) > 1:
        axes.fill_between(steps, lows, highs, color=colour, alpha=0.15, linewidth=0)
    else:
        axes.vlines(steps, lows, highs, color=colour, linewidth=1.2)
