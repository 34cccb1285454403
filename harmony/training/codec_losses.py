"""How far a decoded picture or sound is from the true one."""

from __future__ import annotations

import torch
import torchaudio
from torch import Tensor
from torch.nn import functional as F

FFT_SIZES = (256, 512, 1024, 2048)
# 80 dB below a full-scale tone: what lies below counts as silence.
_FLOOR = 1e-4


def moving_pixels(frames: Tensor, *, dim: int, threshold: float = 0.1) -> Tensor:
    """Where a clip moves: pixels further than ``threshold`` of the full range from their median over ``dim``.

    Frames in [-1, 1] with colour at dimension -3; the result has size 1 there.
    """
    change = (frames - frames.median(dim=dim, keepdim=True).values).abs()
    return change.amax(dim=-3, keepdim=True) > 2 * threshold


def picture_loss(made: Tensor, target: Tensor, moving: Tensor, *, motion_weight: float = 4.0) -> Tensor:
    """Mean of |d| + 4 d^2, where moving pixels count 1 + ``motion_weight`` times."""
    difference = made - target
    weight = 1.0 + motion_weight * moving.to(difference)
    penalty = difference.abs() + 4.0 * difference.square()
    return (weight * penalty).sum() / (weight.expand_as(penalty)).sum()


def multi_resolution_stft(made: Tensor, target: Tensor) -> Tensor:
    """Spectral convergence + L1 of log magnitudes, mean over four window sizes (Yamamoto et al., 2020); (B, S) each.

    Spectral convergence is ||Y - X|| / ||X|| per clip; log magnitudes are natural, relative to a full-scale tone and
    floored at -80 dB.
    """
    losses = []
    for size in FFT_SIZES:
        y, x = _magnitudes(made, size), _magnitudes(target, size)
        convergence = (y - x).flatten(1).norm(dim=1) / x.flatten(1).norm(dim=1).clamp_min(1e-2)
        losses.append(convergence.mean() + F.l1_loss(torch.log(y + _FLOOR), torch.log(x + _FLOOR)))
    return torch.stack(losses).mean()


def mel_distance(made: Tensor, target: Tensor, *, sample_rate: int = 16_000, num_mels: int = 80) -> Tensor:
    """L1 of natural log-mels (nepers), windows of 1024; (B, S) each."""
    filters = torchaudio.functional.melscale_fbanks(513, 0.0, sample_rate / 2, num_mels, sample_rate).to(made)
    y, x = (torch.log(filters.T @ _magnitudes(sound, 1024) + _FLOOR) for sound in (made, target))
    return F.l1_loss(y, x)


def _magnitudes(waveform: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size, dtype=waveform.dtype, device=waveform.device)
    spectrum = torch.stft(waveform, size, size // 4, window=window, return_complex=True)
    # The square root's slope at 0 is infinite; a hair inside keeps gradients finite.
    return (spectrum.real.square() + spectrum.imag.square() + 1e-10).sqrt() * (2.0 / window.sum())
