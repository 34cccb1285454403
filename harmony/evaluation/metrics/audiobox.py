"""AudioBox-Aesthetics: how good does any sound (speech, music, effects) sound to a network? Four scores from 1 to 10.

Written after the package's documented interface; it has not been run with the real weights here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from numpy.typing import NDArray

from harmony.evaluation.figures import CannotMeasure


@dataclass(frozen=True)
class SoundAesthetics:
    """Production quality (PQ), production complexity (PC), content enjoyment (CE) and content usefulness (CU)."""

    quality: float
    complexity: float
    enjoyment: float
    usefulness: float


class AudioBox:
    """The network facebook/audiobox-aesthetics.

    Raises:
        CannotMeasure: if audiobox-aesthetics is not installed, or its weights cannot be had.
    """

    def __init__(self, *, device: str = "cpu") -> None:
        try:
            from audiobox_aesthetics.infer import initialize_predictor
        except (ImportError, OSError) as error:
            raise CannotMeasure(
                f"audiobox-aesthetics cannot be used ({error}); pip install 'harmony[outside]'"
            ) from error
        try:
            self._predictor = initialize_predictor()
            # It takes the first accelerator it sees; this is how to choose another.
            self._predictor.device = torch.device(device)
            self._predictor.model.to(device)
        except Exception as error:
            raise CannotMeasure(
                f"the weights of audiobox-aesthetics cannot be loaded ({type(error).__name__}); "
                "they are fetched once from the hub's facebook/audiobox-aesthetics"
            ) from error

    def score(self, waveform: NDArray, *, sample_rate: int) -> SoundAesthetics:
        """Scores of (S,) in [-1, 1]; the package itself resamples to 16 kHz and averages windows of ten seconds.

        Raises:
            CannotMeasure: if there is no sound.
        """
        if not len(waveform):
            raise CannotMeasure("there is no sound to listen to")
        sound = torch.from_numpy(waveform).float()[None]
        found = self._predictor.forward([{"path": sound, "sample_rate": sample_rate}])[0]
        return SoundAesthetics(*(float(found[axis]) for axis in ("PQ", "PC", "CE", "CU")))
