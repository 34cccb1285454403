"""AV-Align: do loud moments and moving moments fall together? (Yariv et al., "Diverse and Aligned Audio-to-Video
Generation via Text-to-Video Model Adaptation", 2023.)

Peaks of the sound are onsets, peaks of the picture are local maxima of the mean optical flow. The score is their
intersection over their union, a pair within one frame of each other counting as one. No network takes part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harmony.evaluation.events import match_events
from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.metrics.motion import mean_flow

LEAST_FLOW = 0.1  # pixels a frame, as in the published script


def av_align(frames: NDArray, waveform: NDArray, *, frame_rate: float, sample_rate: int) -> float:
    """The score of one clip, in [0, 1]: frames uint8 (F, H, W, 3), waveform (S,).

    Raises:
        CannotMeasure: if OpenCV or librosa is missing, or if neither stream has a peak.
    """
    heard = sound_peaks(waveform, sample_rate=sample_rate)
    seen = picture_peaks(mean_flow(frames), frame_rate=frame_rate)
    if not heard and not seen:
        raise CannotMeasure("neither an onset nor a moving moment is in the clip")
    return intersection_over_union(heard, seen, tolerance=1 / frame_rate)


def sound_peaks(waveform: NDArray, *, sample_rate: int) -> list[float]:
    """Onsets in seconds."""
    try:
        from librosa.onset import onset_detect
    except ImportError as error:
        raise CannotMeasure("librosa is not installed; pip install 'harmony[metrics]'") from error
    return [float(time) for time in onset_detect(y=waveform, sr=sample_rate, units="time")]


def picture_peaks(flow: NDArray, *, frame_rate: float) -> list[float]:
    """Seconds at which the mean flow (F - 1,) between neighbouring frames is a local maximum.

    Entry k lies between frames k and k + 1; its time is that of the later frame.
    """
    padded = np.concatenate([[0.0], flow, [0.0]])
    is_peak = (flow > LEAST_FLOW) & (flow > padded[:-2]) & (flow >= padded[2:])
    return [(k + 1) / frame_rate for k in np.flatnonzero(is_peak)]


def intersection_over_union(heard: Sequence[float], seen: Sequence[float], *, tolerance: float) -> float:
    """Pairs of an onset and a peak no further apart than ``tolerance`` seconds, over all onsets and peaks.

    Each belongs to one pair at most. The published script lets several onsets share a peak, and so can exceed 1.
    """
    both = match_events(heard, seen, tolerance=tolerance).hits
    return both / (len(heard) + len(seen) - both)
