"""Figures with a clock on their axes: who attends to whom, and what is seen and heard when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harmony.timeline import Timeline
from harmony.visualize.style import Look, new_figure, readable, theme, write_on

_COLUMNS = 1_200  # of a drawn waveform


def attention_matrix_figure(
    matrix: np.ndarray,
    timeline: Timeline,
    *,
    window: float | None = None,
    title: str = "",
    look: Look = "light",
) -> Figure:
    """Which moment of the sound each moment of the picture attends to.

    Args:
        matrix: (T, A) weights of video latents by audio latents, or the transpose's transpose for V2A; ``nan`` where
            nothing was computed.
        window: width w of local attention in video latents: the band |m_a(j) - m_v(i)| <= w + 1/2 is outlined.
        look: ``light`` or ``dark``.

    Raises:
        ValueError: if the matrix does not fit the timeline.
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    expected = (timeline.num_video_latents, timeline.num_audio_latents)
    if matrix.shape != expected:
        raise ValueError(f"the matrix must be (video latents, audio latents) = {expected}, got {matrix.shape}")
    colours = theme(look)
    figure, (axes,) = new_figure(look, width=6.4, height=3.6)
    video, audio = _edges(timeline.video_latent_midpoints()), _edges(timeline.audio_latent_midpoints())
    top = np.nanpercentile(matrix, 99.5) if np.isfinite(matrix).any() else 1.0
    shown = axes.pcolormesh(
        audio, video, np.ma.masked_invalid(matrix), cmap=colours.amounts, vmin=0, vmax=max(top, 1e-12), rasterized=True
    )
    if window is not None:
        _outline(axes, _visible(timeline, window), video, audio, colour=colours.seen)
    axes.set(ylim=(timeline.duration, 0), xlim=(0, timeline.duration))
    bar = figure.colorbar(shown, ax=axes, pad=0.015, aspect=30)
    bar.ax.tick_params(colors=colours.ink, labelsize=7, length=2)
    bar.outline.set_visible(False)
    write_on(axes, look, title=title, x="heard at (s)", y="seen at (s)")
    return figure


def timeline_figure(
    seen_times: Sequence[float],
    heard_times: Sequence[float],
    waveform: np.ndarray,
    *,
    sample_rate: int,
    duration: float | None = None,
    words: Sequence[tuple[str, float, float]] = (),
    title: str = "",
    look: Look = "light",
) -> Figure:
    """Events seen and heard, and spoken words, on one time line with the sound.

    Args:
        seen_times, heard_times: seconds.
        waveform: float (S,) or (channels, S).
        duration: of the clip in seconds; the sound's by default.
        words: (text, start, end) of what is said.

    Raises:
        ValueError: if the waveform is none.
    """
    samples = _mono(waveform)
    colours = theme(look)
    duration = duration or len(samples) / sample_rate
    rows = 3 + bool(words)
    figure, panels = new_figure(
        look, width=7.2, height=2.1 + 0.3 * bool(words), rows=rows, ratios=[0.5, 2.0, 0.5] + [0.6] * bool(words)
    )
    for axes, name, times, colour, marker in (
        (panels[0], "seen", seen_times, colours.seen, "v"),
        (panels[2], "heard", heard_times, colours.heard, "^"),
    ):
        if len(times):
            axes.plot(times, np.zeros(len(times)), marker, color=colour, markersize=7, clip_on=False, zorder=3)
        _row(axes, f"{name} ({len(times)})", colour)
    _draw_waveform(panels[1], samples, sample_rate, colour=colours.sound)
    _row(panels[1], "sound", colours.ink)
    panels[1].vlines(seen_times, 0, 1, color=colours.seen, linewidth=1.4)
    panels[1].vlines(heard_times, -1, 0, color=colours.heard, linewidth=1.4)
    for text, start, end in words:
        panels[3].axvspan(start, end, 0.1, 0.9, color=colours.accent, alpha=0.25, linewidth=0)
        panels[3].text(
            (start + end) / 2,
            0,
            readable(text),
            color=colours.ink,
            fontsize=7.5,
            ha="center",
            va="center",
            clip_on=True,
        )
    if words:
        _row(panels[3], "said", colours.accent)
    panels[-1].set_xlim(0, duration)
    panels[-1].tick_params(labelbottom=True, length=3)
    write_on(panels[0], look, title=title)
    write_on(panels[-1], look, x="seconds")
    return figure


def shift_figure(
    curve: Sequence[tuple[int, float]], chosen: int, *, frame_seconds: float, look: Look = "light"
) -> Figure:
    """How many events fall together when the sound is slid against the picture.

    Args:
        curve: (frames that the sound is later, share of events together), in order.
        chosen: the shift to mark, in frames; frame_seconds: length of one.
    """
    colours = theme(look)
    figure, (axes,) = new_figure(look, width=6.4, height=2.0)
    times, shares = ([frames * frame_seconds * 1000 for frames, _ in curve], [share for _, share in curve])
    axes.fill_between(times, 0, shares, color=colours.sound, alpha=0.25, linewidth=0)
    axes.plot(times, shares, color=colours.heard, linewidth=1.4)
    axes.axvline(chosen * frame_seconds * 1000, color=colours.seen, linewidth=1.4)
    axes.plot([chosen * frame_seconds * 1000], [dict(curve)[chosen]], "o", color=colours.seen, markersize=7, zorder=3)
    axes.set(ylim=(0, 1.08), xlim=(times[0], times[-1]))
    write_on(axes, look, x="sound later than made by (ms)", y="events together")
    return figure


def _row(axes: Axes, name: str, colour: str) -> None:
    """A panel with a name at its left and no scale."""
    axes.set(ylim=(-1, 1), yticks=[])
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylabel(name, color=colour, fontsize=8, rotation=0, ha="right", va="center")


def _draw_waveform(axes: Axes, samples: np.ndarray, rate: int, *, colour: str) -> None:
    """The envelope between the lowest and highest sample of each column."""
    columns = np.array_split(samples, min(_COLUMNS, len(samples)))
    low, high = (np.array([f(column) for column in columns]) for f in (np.min, np.max))
    peak = max(np.abs(samples).max(), 1e-9)
    times = (np.cumsum([0, *map(len, columns[:-1])]) + len(columns[0]) / 2) / rate
    axes.fill_between(times, low / peak, high / peak, color=colour, linewidth=0.5)


def _mono(waveform: np.ndarray) -> np.ndarray:
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim not in (1, 2) or not samples.size:
        raise ValueError(f"the waveform must be (S,) or (channels, S), got shape {samples.shape}")
    return samples if samples.ndim == 1 else samples.mean(0)


def _edges(midpoints: list[float]) -> np.ndarray:
    """Where slots that follow each other from zero begin and end, from their midpoints."""
    edges = [0.0]
    for middle in midpoints:
        edges.append(2 * middle - edges[-1])
    return np.array(edges)


def _visible(timeline: Timeline, window: float) -> np.ndarray:
    """(T, A) bool: the pairs within the window."""
    video, audio = np.array(timeline.video_latent_midpoints()), np.array(timeline.audio_latent_midpoints())
    unit = timeline.temporal_stride / timeline.frame_rate
    return np.abs(audio[None] - video[:, None]) <= (window + 0.5) * unit + 1e-9


def _outline(axes: Axes, visible: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, colour: str) -> None:
    """The border of the band, as one step line on either side."""
    for first in (True, False):
        x, y = [], []
        for i, row in enumerate(visible):
            seen = np.flatnonzero(row)
            if len(seen):
                x += [columns[seen[0] if first else seen[-1] + 1]] * 2
                y += [rows[i], rows[i + 1]]
        axes.plot(x, y, color=colour, linewidth=1.0)
