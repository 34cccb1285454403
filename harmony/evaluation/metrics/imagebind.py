"""ImageBind: do picture and sound (IB), and sound and text (IB-A), mean the same? Cosines of embeddings, -1 to 1.

ImageBind's code and weights are CC-BY-NC 4.0: no commercial use. Its authors do not publish it on PyPI; install it from
git, either facebookresearch/ImageBind or hkchengrex/ImageBind, a fork for newer PyTorch that av_bench needs too. Clips,
crops and spectrograms are made as its own loader of files makes them, with its own functions. Written after its source;
it has not been run with the real weights here.
"""

from __future__ import annotations

import math
from itertools import starmap

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from harmony.evaluation.figures import CannotMeasure
from harmony.tracks import resample

SIZE, SAMPLE_RATE = 224, 16_000
CLIP_SECONDS, PICTURE_CLIPS, SOUND_CLIPS = 2, 5, 3
_PICTURE_MEAN, _PICTURE_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_SOUND_MEAN, _SOUND_STD = -4.268, 9.138
_BINS, _COLUMNS = 128, 204  # of a clip's mel spectrogram


class ImageBind:
    """imagebind_huge.

    Raises:
        CannotMeasure: if ImageBind is not installed, or its weights (4.5 GB) cannot be had.
    """

    def __init__(self, *, device: str = "cpu") -> None:
        try:
            from imagebind import data
            from imagebind.models.imagebind_model import ModalityType, imagebind_huge
        except (ImportError, OSError) as error:
            raise CannotMeasure(
                f"imagebind cannot be used ({error}); it is not on PyPI, pip install "
                "git+https://github.com/facebookresearch/ImageBind, or hkchengrex's fork with a newer PyTorch"
            ) from error
        try:
            self._model = imagebind_huge(pretrained=True).eval().to(device)
        except Exception as error:
            raise CannotMeasure(
                f"the weights of ImageBind cannot be loaded ({type(error).__name__}); "
                "imagebind_huge.pth is fetched once from dl.fbaipublicfiles.com"
            ) from error
        self._data, self._kinds, self._device = data, ModalityType, device

    def picture_sound(self, frames: NDArray, waveform: NDArray, *, frame_rate: float, sample_rate: int) -> float:
        """IB of uint8 (F, H, W, 3) at ``frame_rate`` and (S,) in [-1, 1] at ``sample_rate``."""
        picture = self._embed(self._kinds.VISION, self._pictures(frames, frame_rate))
        return float(picture @ self._embed(self._kinds.AUDIO, self._sounds(waveform, sample_rate)))

    def sound_text(self, waveform: NDArray, text: str, *, sample_rate: int) -> float:
        """IB-A of (S,) in [-1, 1] at ``sample_rate`` and an English text."""
        words = self._embed(self._kinds.TEXT, self._data.load_and_transform_text([text], self._device))
        return float(words @ self._embed(self._kinds.AUDIO, self._sounds(waveform, sample_rate)))

    @torch.inference_mode()
    def _embed(self, kind: str, x: Tensor) -> Tensor:
        # The network scales what it embeds (sound by 20), so its dot products are no cosines yet.
        return F.normalize(self._model({kind: x.to(self._device)})[kind][0].float().cpu(), dim=-1)

    def _times(self, seconds: float, clips: int) -> list[tuple[float, float]]:
        if not seconds:
            raise CannotMeasure("there is no picture or no sound to embed")
        sampler = self._data.ConstantClipsPerVideoSampler(clip_duration=CLIP_SECONDS, clips_per_video=clips)
        return [(float(start), float(end)) for start, end in self._data.get_clip_timepoints(sampler, seconds)]

    def _pictures(self, frames: NDArray, rate: float) -> Tensor:
        """(1, 15, 3, 2, 224, 224): the first and last frame of five clips, each cropped at three places."""

        def clip(start: float, end: float) -> Tensor:
            index = [math.ceil(rate * start), min(math.ceil(rate * end), len(frames)) - 1]
            x = torch.from_numpy(frames[index]).permute(3, 0, 1, 2).float() / 255
            short = min(x.shape[-2:])
            x = F.interpolate(x, [SIZE * side // short for side in x.shape[-2:]], mode="bilinear", align_corners=False)
            mean, std = (torch.tensor(values)[:, None, None, None] for values in (_PICTURE_MEAN, _PICTURE_STD))
            return (x - mean) / std

        clips = list(starmap(clip, self._times(len(frames) / rate, PICTURE_CLIPS)))
        return torch.stack(self._data.SpatialCrop(SIZE, num_crops=3)(clips))[None]

    def _sounds(self, waveform: NDArray, rate: int) -> Tensor:
        """(1, 3, 1, 128, 204): mel spectrograms of three clips."""
        sound = resample(torch.from_numpy(waveform).float()[None], rate, SAMPLE_RATE)

        def clip(start: float, end: float) -> Tensor:
            part = sound[:, int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)].clone()  # it is changed in place
            return (self._data.waveform2melspec(part, SAMPLE_RATE, _BINS, _COLUMNS) - _SOUND_MEAN) / _SOUND_STD

        return torch.stack(list(starmap(clip, self._times(sound.shape[-1] / SAMPLE_RATE, SOUND_CLIPS))))[None]
