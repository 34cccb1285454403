"""What people bring, as arrays: a sound, a film, a picture; and how each is fitted to a model.

Decoding files is :mod:`harmony.media`'s work. Originals are kept as they came: a driven clip returns the very track
that drove it, and only a fitted copy goes to the codec.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harmony.timeline import Timeline

_RATES = (4_000, 384_000)
_MAX_CHANNELS = 8


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound as it came.

    Attributes:
        waveform: float32 (S,) or (channels, S), full scale at 1.
        sample_rate: samples per second.
    """

    waveform: np.ndarray
    sample_rate: int

    @classmethod
    def of(cls, given: Any, *, name: str = "audio") -> Sound:
        """A sound from ``(waveform, sample_rate)``: array or tensor, (S,), (channels, S) or (S, channels), any dtype.

        Raises:
            ValueError: one sentence that names what is wrong with it.
        """
        if isinstance(given, Sound):
            return given
        try:
            waveform, rate = given
            rate = int(rate)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must be a pair (waveform, sample rate)") from error
        if not _RATES[0] <= rate <= _RATES[1]:
            raise ValueError(f"{name} has a sample rate of {rate} Hz; it must lie between {_RATES[0]} and {_RATES[1]}")
        return cls(_as_waveform(waveform, name), rate)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.waveform.shape[-1] / self.sample_rate

    @property
    def fingerprint(self) -> str:
        return content_hash(self.waveform, self.sample_rate)

    def fitted(self, sample_rate: int, num_samples: int | None = None) -> Tensor:
        """Mono (num_samples,) at ``sample_rate``, padded with silence or cut to ``num_samples`` if that is given."""
        mono = torch.from_numpy(self.waveform if self.waveform.ndim == 1 else self.waveform.mean(0))
        mono = resample(mono, self.sample_rate, sample_rate)
        if num_samples is None:
            return mono
        return F.pad(mono, (0, max(0, num_samples - len(mono))))[:num_samples]


@dataclass(frozen=True, eq=False)
class Film:
    """Moving pictures as they came: uint8 (F, H, W, 3) and frames per second."""

    frames: np.ndarray
    frame_rate: float

    @classmethod
    def of(cls, given: Any, *, name: str = "video") -> Film:
        """A film from ``(frames, frame_rate)``; raises ``ValueError`` with one sentence if it is none."""
        if isinstance(given, Film):
            return given
        try:
            frames, rate = given
            rate = float(rate)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must be a pair (frames, frame rate)") from error
        frames = _as_array(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
            raise ValueError(f"{name} must be uint8 frames (F, H, W, 3), got {frames.dtype} {frames.shape}")
        if len(frames) < 2:
            raise ValueError(f"{name} must have at least two frames, got {len(frames)}")
        if not 1.0 <= rate <= 240.0:
            raise ValueError(f"{name} has a frame rate of {rate:g}; it must lie between 1 and 240")
        return cls(np.ascontiguousarray(frames), rate)

    @property
    def clock(self) -> Timeline:
        return Timeline(num_frames=len(self.frames), frame_rate=self.frame_rate, temporal_stride=1)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.clock.duration

    @property
    def fingerprint(self) -> str:
        return content_hash(self.frames, self.frame_rate)

    def fitted(self, timeline: Timeline, *, height: int, width: int) -> Tensor:
        """(3, F, height, width) in [-1, 1]: at each instant of ``timeline`` the frame that was on screen then."""
        clock = self.clock
        shown = [clock.frame_at(seconds) for seconds in timeline.frame_times()]
        return fit_pictures(self.frames[shown], height=height, width=width)


def as_picture(image: Any, *, name: str = "image") -> np.ndarray:
    """One picture (array, tensor or PIL image; grey, RGB or RGBA) as uint8 (H, W, 3)."""
    if hasattr(image, "convert"):
        image = image.convert("RGB")
    picture = _as_array(image)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=-1)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] not in (3, 4):
        raise ValueError(f"{name} must be a uint8 picture (H, W, 3), got {picture.dtype} {picture.shape}")
    return np.ascontiguousarray(picture[..., :3])


def fit_pictures(pictures: np.ndarray, *, height: int, width: int) -> Tensor:
    """uint8 (F, H, W, 3) to (3, F, height, width) in [-1, 1]: the middle is kept, nothing is stretched."""
    _, h, w, _ = pictures.shape
    scale = max(height / h, width / w)
    crop_h, crop_w = min(h, round(height / scale)), min(w, round(width / scale))
    top, left = (h - crop_h) // 2, (w - crop_w) // 2
    cropped = pictures[:, top : top + crop_h, left : left + crop_w]
    x = torch.from_numpy(np.ascontiguousarray(cropped)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    if (crop_h, crop_w) != (height, width):
        # With antialias, bicubic averages over areas when it shrinks.
        x = F.interpolate(x, size=(height, width), mode="bicubic", antialias=True, align_corners=False)
    return x.clamp(-1.0, 1.0).transpose(0, 1)


def as_frames(video: Tensor) -> np.ndarray:
    """(3, F, H, W) in [-1, 1] to uint8 (F, H, W, 3)."""
    levels = ((video.float().clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8)
    return levels.permute(1, 2, 3, 0).contiguous().cpu().numpy()


def resample(waveform: Tensor, rate: int, new_rate: int) -> Tensor:
    """(..., S) from ``rate`` to ``new_rate``, band-limited."""
    if rate == new_rate:
        return waveform
    from torchaudio.functional import resample as sinc_resample  # imported late: torchaudio takes a second

    if math.gcd(rate, new_rate) < 25:
        # The filter bank grows with rate / gcd; 25 Hz of 44 kHz is a hundredth of a semitone.
        rate = round(rate / 25) * 25
    return sinc_resample(waveform, rate, new_rate)


def _as_waveform(waveform: Any, name: str) -> np.ndarray:
    x = _as_array(waveform)
    if x.ndim not in (1, 2) or x.size == 0:
        raise ValueError(f"{name} must be a waveform (samples,) or (channels, samples), got shape {x.shape}")
    if x.ndim == 2 and x.shape[0] > x.shape[1]:
        x = x.T
    if x.ndim == 2 and x.shape[0] > _MAX_CHANNELS:
        raise ValueError(f"{name} has {x.shape[0]} channels; at most {_MAX_CHANNELS} are understood")
    if x.dtype == np.uint8:
        x = (x.astype(np.float32) - 128.0) / 128.0
    elif np.issubdtype(x.dtype, np.signedinteger):
        x = x / float(-np.iinfo(x.dtype).min)
    elif not np.issubdtype(x.dtype, np.floating):
        raise ValueError(f"{name} must hold numbers, got {x.dtype}")
    x = np.ascontiguousarray(x, dtype=np.float32)
    if not np.isfinite(x).all():
        raise ValueError(f"{name} holds samples that are not finite numbers")
    return x[0] if x.ndim == 2 and len(x) == 1 else x


def _as_array(given: Any) -> np.ndarray:
    return given.detach().cpu().numpy() if isinstance(given, Tensor) else np.asarray(given)


def content_hash(array: np.ndarray, rate: float = 0.0) -> str:
    """SHA-256 of an upload's content, shape and rate: the upload itself is never kept."""
    digest = hashlib.sha256(f"{array.shape} {array.dtype} {float(rate)}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
