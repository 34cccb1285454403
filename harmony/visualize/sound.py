"""A picture of a sound."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import FuncFormatter
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from harmony.visualize.style import Look, new_figure, theme, to_image, write_on

_WINDOW = 0.032  # seconds: tells pitch and time apart about as ears do
_COLUMNS, _ROWS = 900, 160
_RANGE = 70.0  # decibels below the loudest
_TICKS = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)


def spectrogram_image(waveform: np.ndarray, sample_rate: int, *, title: str = "", look: Look = "light") -> Image.Image:
    """Loudness by time and pitch (mel scale), 70 dB deep, of a waveform (S,) or (channels, S).

    Raises:
        ValueError: if the waveform is empty.
    """
    samples = np.atleast_2d(np.asarray(waveform, dtype=np.float32)).mean(0)
    if not samples.size:
        raise ValueError("there is no sound to draw: the waveform is empty")
    seconds = len(samples) / sample_rate
    decibels = _mel_decibels(samples, sample_rate)
    figure, (axes,) = new_figure(look, width=6.4, height=2.4)
    top = _mel(sample_rate / 2)
    axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        cmap=theme(look).amounts,
        vmin=-_RANGE,
        vmax=0,
        extent=(0, seconds, 0, top),
        interpolation="bilinear",
    )
    axes.set_yticks([_mel(f) for f in _TICKS if f <= sample_rate / 2])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda mel, _: f"{_hertz(mel) / 1000:.3g}"))
    write_on(axes, look, title=title, x="seconds", y="kHz")
    return to_image(figure)


def _mel_decibels(samples: np.ndarray, rate: int) -> np.ndarray:
    """(rows, columns) decibels below the loudest, rows evenly spaced in mel."""
    size = max(16, 2 * round(_WINDOW * rate / 2))
    padded = np.pad(samples, size // 2)
    hop = max(1, len(samples) // _COLUMNS)
    pieces = sliding_window_view(padded, size)[::hop]
    power = np.abs(np.fft.rfft(pieces * np.hanning(size).astype(np.float32), n=2 * size)) ** 2
    wanted = _hertz(np.linspace(0, _mel(rate / 2), _ROWS)) * 2 * size / rate  # in bins
    below = np.minimum(wanted.astype(int), power.shape[1] - 2)
    part = wanted - below
    rows = (1 - part) * power[:, below] + part * power[:, below + 1]
    loudest = max(rows.max(), 1e-12)
    return 10 * np.log10(np.maximum(rows / loudest, 10 ** (-_RANGE / 10))).T


def _mel(hertz: float) -> float:
    return 2595 * np.log10(1 + hertz / 700)


def _hertz(mel: np.ndarray | float) -> np.ndarray | float:
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)
