"""The report's plots: sync of each set, and what a stronger SyncCFG trades for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib.figure import Figure

from harmony.evaluation.harmony_bench.clips import scale_of
from harmony.evaluation.harmony_bench.measures import MEASURES
from harmony.visualize.style import Look, new_figure, theme, write_on

Titled = tuple[str, Figure]
# What stands beside Sync-C in the curve: figures by name, and Fréchet distances by stream.
TRADED = (
    "sync_c", "event_f1", "contrast", "lips", "own_wer", "attributes", "identity", "flicker", "picture", "sound",
)  # fmt: skip


def bars(result: Mapping[str, Any], look: Look = "light") -> Iterator[Titled]:
    """Sync-C of each set, with its interval."""
    told = {name: own["figures"]["all"]["sync_c"] for name, own in result["sets"].items()
            if "sync_c" in own["figures"].get("all", {})}  # fmt: skip
    if not told:
        return
    figure, (axes,) = new_figure(look, width=6.4, height=0.5 + 0.34 * len(told))
    colours = theme(look)
    for place, one in enumerate(reversed(list(told.values()))):
        axes.barh(place, one["value"], color=colours.accent, height=0.62)
        axes.hlines(place, one["low"], one["high"], color=colours.ink, linewidth=1.2)
    axes.set_yticks(range(len(told)), list(reversed(told)))
    write_on(axes, look, title="Sync-C, all cases in which something happens", x="higher is better")
    yield "Sync-C of each set", figure


def trade(result: Mapping[str, Any], look: Look = "light") -> Iterator[Titled]:
    """Every traded measure against the SyncCFG scale, if at least three scales were made."""
    scales = {scale_of(name): name for name in result["sets"] if scale_of(name) is not None}
    if "plain" in result["sets"]:
        scales.setdefault(1.0, "plain")
    if len(scales) < 3:
        return
    known = [name for name in TRADED if any(_of(result, own, name) for own in scales.values())]
    figure, panels = new_figure(look, width=6.4, height=1.15 * len(known) + 0.4, rows=len(known))
    colours = theme(look)
    for axes, measure in zip(panels, known, strict=True):
        points = [(scale, told) for scale in sorted(scales) if (told := _of(result, scales[scale], measure))]
        places = [scale for scale, _ in points]
        axes.plot(
            places, [told["value"] for _, told in points], "o-", color=colours.accent, markersize=4, linewidth=1.4
        )
        if all("low" in told for _, told in points):
            lows, highs = [told["low"] for _, told in points], [told["high"] for _, told in points]
            axes.fill_between(places, lows, highs, color=colours.accent, alpha=0.18, linewidth=0)
        write_on(axes, look, y=_label(measure))
        axes.yaxis.label.set(rotation=0, ha="right", va="center")
    write_on(panels[-1], look, x="SyncCFG scale of picture and sound (1 is off)")
    write_on(panels[0], look, title="What a stronger SyncCFG gives and takes; bands: 95 % intervals")
    yield "SyncCFG scale against all measures", figure


def _of(result: Mapping[str, Any], name: str, measure: str) -> dict | None:
    own = result["sets"][name]
    if measure in MEASURES:
        return own["figures"]["all"].get(measure)
    distance = own["frechet"].get(measure)
    return None if distance is None else {"value": distance}


def _label(measure: str) -> str:
    if measure not in MEASURES:
        return f"Fréchet,\n{measure} ↓"
    arrow = {"higher": " ↑", "lower": " ↓", "": ""}[MEASURES[measure].better]
    return MEASURES[measure].label.replace(" shown", "\nshown") + arrow
