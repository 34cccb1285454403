"""Loudness after ITU-R BS.1770, in LUFS."""

from __future__ import annotations

import math

from numpy.typing import NDArray

from harmony.evaluation.figures import CannotMeasure

LEAST_SECONDS = 0.4  # one gating block


def loudness(waveform: NDArray, *, sample_rate: int) -> float:
    """Integrated loudness of (S,).

    Raises:
        CannotMeasure: if the sound is shorter than a gating block, or silent, or pyloudnorm is not installed.
    """
    try:
        from pyloudnorm import Meter
    except ImportError as error:
        raise CannotMeasure("pyloudnorm is not installed; pip install 'harmony[metrics]'") from error
    if len(waveform) < LEAST_SECONDS * sample_rate:
        raise CannotMeasure(f"{len(waveform) / sample_rate:.2f} s of sound are shorter than loudness is defined for")
    found = float(Meter(sample_rate).integrated_loudness(waveform))
    if not math.isfinite(found):
        raise CannotMeasure("the sound is silent, it has no loudness")
    return found
