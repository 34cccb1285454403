"""Do lips and voice move together? Mouth opening against voice energy, and the lag at which they agree best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from harmony.data.world import Clip
from harmony.timeline import Timeline

VOICE_BAND_HZ = (330.0, 3000.0)  # vowels live here; consonant noise lies above


@dataclass(frozen=True)
class LipSync:
    """Correlation at zero lag, and the lag (frames; positive: the mouth comes late) where it is highest."""

    correlation: float
    best_lag: int


def voice_energy(waveform: NDArray, *, sample_rate: int, frame_rate: float, num_frames: int) -> NDArray:
    """Root mean square of the voice band in each frame's slot, (F,)."""
    sos = butter(4, VOICE_BAND_HZ, btype="bandpass", fs=sample_rate, output="sos")
    voice = sosfiltfilt(sos, waveform)
    edges = np.round(np.arange(num_frames + 1) * sample_rate / frame_rate).astype(int)
    return np.array([np.sqrt(np.mean(voice[a:b] ** 2)) if b > a else 0.0 for a, b in zip(edges, edges[1:])])  # noqa: B905, RUF007


def mouth_opening(frames: NDArray, mouth: NDArray) -> NDArray:
    """How far the mouth of a drawn face is open, (F,), from pixels alone.

    The part of ``mouth`` (H, W bool) that changes is compared with its most closed look: mean absolute difference to
    the pixel-wise median of the calmest fifth of the frames.

    Args:
        frames: uint8 (F, H, W, 3).
        mouth: where the mouth may be.
    """
    area = frames[:, mouth].astype(np.float32) / 255  # (F, pixels, 3)
    distances = np.abs(area[:, None] - area[None]).mean((2, 3))
    # The calm look is the one that most frames are near to.
    nearness = np.sort(distances, axis=1)[:, : max(2, len(frames) // 3)].mean(1)
    calm = np.argsort(nearness)[: max(2, len(frames) // 5)]
    return np.abs(area - np.median(area[calm], axis=0)).mean((1, 2))


def lips_of(frames: NDArray, waveform: NDArray, *, true: Clip, timeline: Timeline) -> LipSync:
    """Lips and voice of a clip, mouths looked for where the true clip's speakers have them.

    Args:
        frames: uint8 (F, H, W, 3); waveform: (S,).
        true: the clip of the same scene, in which somebody speaks.
        timeline: the rates of both.
    """
    speakers = sorted({word.source for word in true.scene.words})
    mouth = true.source_masks[speakers].any((0, 1))
    rates = dict(sample_rate=timeline.sample_rate, frame_rate=timeline.frame_rate)
    return lip_sync(mouth_opening(frames, mouth), voice_energy(waveform, **rates, num_frames=len(frames)))


def takes_turns(frames: NDArray, *, true: Clip, timeline: Timeline) -> bool:
    """Whether every face of a clip that the true sound drives moves its mouth more in its own turn than in the other's.

    Args:
        frames: uint8 (F, H, W, 3).
        true: the clip of the same scene, in which two speak one after the other.
        timeline: the rates of both.
    """
    frame_times = np.asarray(timeline.frame_times())
    own = {}
    for source in (0, 1):
        words = [word for word in true.scene.words if word.source == source]
        own[source] = (frame_times >= words[0].start) & (frame_times < words[-1].end)
    openings = {source: mouth_opening(frames, true.source_masks[source].any(0)) for source in own}
    return all(openings[source][own[source]].mean() > openings[source][own[1 - source]].mean() for source in own)


def lip_sync(opening: NDArray, energy: NDArray, *, max_lag: int = 8) -> LipSync:
    """Correlate mouth opening (F,) with voice energy (F,) at lags of -max_lag..max_lag frames."""
    opening, energy = opening - opening.mean(), np.sqrt(energy) - np.sqrt(energy).mean()
    scores = {lag: _correlation(opening, energy, lag) for lag in range(-max_lag, max_lag + 1)}
    best = max(scores, key=lambda lag: (scores[lag], -abs(lag)))
    return LipSync(scores[0], best)


def _correlation(opening: NDArray, energy: NDArray, lag: int) -> float:
    length = len(opening) - abs(lag)
    a = opening[max(lag, 0) : max(lag, 0) + length]
    b = energy[max(-lag, 0) : max(-lag, 0) + length]
    # Normalised by the whole clip's spread, so that a short overlap cannot win by chance.
    scale = opening.std() * energy.std() * len(opening)
    return float((a * b).sum() / scale) if scale > 0 else 0.0
