"""DNSMOS: how good does speech sound to a network that predicts people's opinion scores (1 to 5)? For 16 kHz sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmony.evaluation.figures import CannotMeasure


@dataclass(frozen=True)
class SpeechQuality:
    """Opinion scores of the whole, of the speech, and of the background."""

    overall: float
    speech: float
    background: float


def speech_quality(waveform: NDArray) -> SpeechQuality:
    """DNSMOS P.835 of (S,) at 16 kHz; short clips are repeated to its nine seconds, as its own script does.

    Raises:
        CannotMeasure: if speechmos is not installed.
    """
    try:
        from speechmos import dnsmos
    except ImportError as error:
        raise CannotMeasure(f"speechmos cannot be used ({error}); pip install 'harmony[metrics]'") from error
    found = dnsmos.run(np.clip(waveform.astype(np.float32), -1.0, 1.0), sr=16_000)
    return SpeechQuality(float(found["ovrl_mos"]), float(found["sig_mos"]), float(found["bak_mos"]))
