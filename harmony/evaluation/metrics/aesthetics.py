"""How good do the pictures look? MUSIQ, and the aesthetic predictor 2.5, each the mean over frames in [0, 1].

Both look at single frames, so neither sees motion. Both are written after their packages' documented interfaces; they
have not been run with the real weights here. pyiqa's licence allows no commercial use, the predictor's is the AGPL.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from numpy.typing import NDArray

from harmony.evaluation.figures import CannotMeasure

_AT_ONCE = 8  # frames that go through a network together


class ImageQuality:
    """MUSIQ, which predicts people's opinion of a picture's technical quality (about 0 to 100).

    Args:
        model: pyiqa's name; "musiq" was trained on KonIQ-10k, "musiq-spaq" (VBench's choice) on SPAQ.
        device: where the network runs.

    Raises:
        CannotMeasure: if pyiqa is not installed, or its weights cannot be had.
    """

    def __init__(self, model: str = "musiq", *, device: str = "cpu") -> None:
        try:
            import pyiqa
        except (ImportError, OSError) as error:
            raise CannotMeasure(f"pyiqa cannot be used ({error}); pip install 'harmony[outside]'") from error
        try:
            self._model = pyiqa.create_metric(model, device=torch.device(device))
        except Exception as error:
            raise CannotMeasure(
                f"pyiqa's weights of {model} cannot be loaded ({type(error).__name__}); "
                "they are fetched once from the hub's chaofengc/IQA-PyTorch-Weights"
            ) from error

    @torch.inference_mode()
    def score(self, frames: NDArray) -> float:
        """MUSIQ / 100 of uint8 (F, H, W, 3); pyiqa takes (N, 3, H, W) in [0, 1] and gives (N, 1)."""
        found = [
            self._model(torch.from_numpy(part).permute(0, 3, 1, 2).float() / 255).flatten().cpu()
            for part in _parts(frames)
        ]
        return float(torch.cat(found).mean()) / 100


class Aesthetics:
    """The aesthetic predictor 2.5, which predicts how much people like a picture (1 to 10), on SigLIP.

    Raises:
        CannotMeasure: if aesthetic-predictor-v2-5 is not installed, or its weights cannot be had.
    """

    def __init__(self, *, device: str = "cpu") -> None:
        try:
            from aesthetic_predictor_v2_5 import convert_v2_5_from_siglip
        except (ImportError, OSError) as error:
            raise CannotMeasure(
                f"aesthetic-predictor-v2-5 cannot be used ({error}); pip install 'harmony[outside]'"
            ) from error
        try:
            model, self._prepare = convert_v2_5_from_siglip()
            self._model = model.float().eval().to(device)
        except Exception as error:
            raise CannotMeasure(
                f"the weights of aesthetic-predictor-v2-5 cannot be loaded ({type(error).__name__}); "
                "they are fetched once from its GitHub page and the hub's google/siglip-so400m-patch14-384"
            ) from error
        self._device = device

    @torch.inference_mode()
    def score(self, frames: NDArray) -> float:
        """The predictor's mean / 10 over uint8 (F, H, W, 3)."""
        found = [
            self._model(self._prepare(images=list(part), return_tensors="pt").pixel_values.to(self._device))
            .logits.flatten()
            .cpu()
            for part in _parts(frames)
        ]
        return float(torch.cat(found).mean()) / 10


def _parts(frames: NDArray) -> Iterator[NDArray]:
    if not len(frames):
        raise CannotMeasure("there are no frames to look at")
    return (frames[start : start + _AT_ONCE] for start in range(0, len(frames), _AT_ONCE))
