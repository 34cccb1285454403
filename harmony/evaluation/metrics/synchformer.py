"""DeSync: by how many seconds does Synchformer think that picture and sound are apart?

As av-benchmark (hkchengrex/av-benchmark, of MMAudio) publishes it: the network sees fourteen overlapping segments of
0.64 s, 4.8 s in all, and chooses one of 21 offsets from -2 to 2 s; how far the first and the last 4.8 s are off is
averaged. The network's code is av_bench's, its weights are Synchformer's 24-01-04T16-39-21 (AudioSet) as the hub's
hkchengrex/MMAudio holds them. Written after that source; it has not been run with the real weights here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from harmony.evaluation.figures import CannotMeasure
from harmony.tracks import resample

FRAME_RATE, SAMPLE_RATE, SIZE = 25.0, 16_000, 224
SEGMENTS = 14  # that the network compares at once
OFFSETS = torch.linspace(-2.0, 2.0, 21)  # seconds
_HUB = ("hkchengrex/MMAudio", "ext_weights/synchformer_state_dict.pth")
_FRAMES, _SAMPLES = 16, 10_240  # of a segment; each begins in the middle of the one before
_BINS, _COLUMNS, _MEAN, _STD = 128, 66, -4.2677393, 4.5689974  # of the log-mel spectrogram


class DeSync:
    """Synchformer with its published weights.

    Args:
        weights: ``synchformer_state_dict.pth``, fetched from the hub unless it is named.
        device: where the network runs.

    Raises:
        CannotMeasure: if av_bench is not installed, or the weights cannot be had.
    """

    def __init__(self, weights: str | Path | None = None, *, device: str = "cpu") -> None:
        try:
            from av_bench.synchformer.synchformer import Synchformer
        except (ImportError, OSError) as error:
            raise CannotMeasure(
                f"av_bench cannot be used ({error}); it is not on PyPI, "
                "pip install git+https://github.com/hkchengrex/av-benchmark"
            ) from error
        try:
            from huggingface_hub import hf_hub_download

            model = Synchformer()
            model.load_state_dict(torch.load(weights or hf_hub_download(*_HUB), map_location="cpu", weights_only=True))
            self._model = model.eval().to(device)
        except Exception as error:
            raise CannotMeasure(
                f"the weights of Synchformer cannot be loaded ({type(error).__name__}); "
                f"{_HUB[1]} is fetched once from the hub's {_HUB[0]}"
            ) from error
        self._device = device

    def score(self, frames: NDArray, waveform: NDArray, *, frame_rate: float, sample_rate: int) -> float:
        """DeSync, in seconds, of uint8 (F, H, W, 3) and (S,) in [-1, 1] that begin together.

        Raises:
            CannotMeasure: if picture or sound is shorter than 4.8 s.
        """
        pictures = picture_segments(frames, frame_rate=frame_rate)
        sounds = sound_segments(waveform, sample_rate=sample_rate)
        count = min(len(pictures), len(sounds))
        if count < SEGMENTS:
            raise CannotMeasure("the clip is too short for Synchformer, which compares 4.8 s of picture and sound")
        windows = (slice(0, SEGMENTS), slice(count - SEGMENTS, count))
        return float(np.mean([abs(self._offset(pictures[window], sounds[window])) for window in windows]))

    @torch.inference_mode()
    def _offset(self, pictures: Tensor, sounds: Tensor) -> float:
        """The likeliest offset of (14, 16, 3, 224, 224) and (14, 1, 128, 66)."""
        seen = self._model.extract_vfeats(rearrange(pictures, "s t c h w -> s 1 t c h w").to(self._device))
        heard = self._model.extract_afeats(sounds[None].contiguous().to(self._device))
        logits = self._model.compare_v_a(rearrange(seen, "s 1 t d -> 1 s t d"), heard)  # (1, 21)
        if not logits.isfinite().all():
            raise CannotMeasure("Synchformer's answer is not a number")
        return float(OFFSETS[int(logits[0].argmax())])


def picture_segments(frames: NDArray, *, frame_rate: float) -> Tensor:
    """uint8 (F, H, W, 3) to (N, 16, 3, 224, 224) in [-1, 1] at 25 frames a second: short side 224, centre cropped."""
    count = int(len(frames) / frame_rate * FRAME_RATE + 0.5)
    if count < _FRAMES:
        return torch.empty(0, _FRAMES, 3, SIZE, SIZE)
    index = ((np.arange(count) + 0.5) / FRAME_RATE * frame_rate).astype(int).clip(max=len(frames) - 1)
    height, width = frames.shape[1:3]
    size = [SIZE * side // min(height, width) for side in (height, width)]
    top, left = (round((side - SIZE) / 2) for side in size)
    resized = []
    for frame in frames[index]:
        x = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
        x = F.interpolate(x, size, mode="bicubic", antialias=True)[..., top : top + SIZE, left : left + SIZE]
        resized.append(x.round().clamp(0, 255) / 127.5 - 1)
    return rearrange(torch.cat(resized).unfold(0, _FRAMES, _FRAMES // 2), "n c h w t -> n t c h w")


def sound_segments(waveform: NDArray, *, sample_rate: int) -> Tensor:
    """(S,) to log-mel spectrograms (N, 1, 128, 66) of its segments at 16 kHz."""
    from torchaudio.transforms import MelSpectrogram

    sound = resample(torch.from_numpy(waveform).float(), sample_rate, SAMPLE_RATE)
    if len(sound) < _SAMPLES:
        return torch.empty(0, 1, _BINS, _COLUMNS)
    spectrogram = MelSpectrogram(SAMPLE_RATE, n_fft=1024, win_length=400, hop_length=160, n_mels=_BINS)
    x = torch.log(spectrogram(sound.unfold(0, _SAMPLES, _SAMPLES // 2)) + 1e-6)  # (N, 128, 65)
    # As published, the missing column is zero before the scaling.
    x = F.pad(x, (0, _COLUMNS - x.shape[-1]))
    return ((x - _MEAN) / (2 * _STD))[:, None]
