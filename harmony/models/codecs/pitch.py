"""The pitch of a voice: a deterministic tracker, and the buzz that a pitch track stands for."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# Speaking voices from a deep man's to a child's; bells and buzzers that fall inside are welcome.
LOWEST_HZ, HIGHEST_HZ = 60.0, 420.0
REFERENCE_HZ = 160.0
# A short lag must win ties, or every period's double looks as good as the period itself.
_OCTAVE_COST = 0.03
_VOICED_FROM, _VOICED_WIDTH = 0.55, 0.06
_SILENCE_RMS = 2e-3


def track_pitch(waveform: Tensor, *, sample_rate: int, hop: int, window: int = 1024) -> tuple[Tensor, Tensor]:
    """Octaves above 160 Hz and voicing (0 to 1), each (B, A), one per ``hop`` samples of ``waveform`` (B, S).

    The peak of the normalised autocorrelation (Boersma 1993: the window's own autocorrelation divided out), with a
    parabola through its neighbours and a small cost per octave of lag. Voicing is a soft threshold on its height.
    """
    frames = _centred_frames(waveform, hop=hop, window=window)  # (B, A, window)
    frames = frames - frames.mean(dim=-1, keepdim=True)
    shape = torch.hann_window(window, dtype=frames.dtype, device=frames.device)
    lags = _autocorrelation(frames * shape)
    lags = lags / lags[..., :1].clamp_min(1e-9) / (_autocorrelation(shape) / shape.square().sum())[: lags.shape[-1]]
    first, last = int(sample_rate / HIGHEST_HZ), math.ceil(sample_rate / LOWEST_HZ)
    positions = torch.arange(first, last + 1, device=frames.device)
    score = lags[..., first : last + 1] - _OCTAVE_COST * torch.log2(positions / first)
    peak = positions[score.argmax(dim=-1)]
    height, lag = _parabola(lags, peak)
    rms = frames.square().mean(dim=-1).sqrt()
    voicing = torch.sigmoid((height - _VOICED_FROM) / _VOICED_WIDTH) * (rms / (rms + _SILENCE_RMS))
    return torch.log2(sample_rate / lag / REFERENCE_HZ), voicing


def harmonic_source(octaves: Tensor, voicing: Tensor, *, sample_rate: int, hop: int, harmonics: int = 48) -> Tensor:
    """The buzz (B, A * hop) of a pitch track (B, A): equal cosines at every harmonic below the Nyquist rate.

    Octaves and voicing are drawn linearly between the middles of their hops. The sum uses the recurrence
    cos((k + 1) p) = 2 cos(p) cos(k p) - cos((k - 1) p), so it costs two operations per sample and harmonic.
    """
    size = octaves.shape[-1] * hop
    hertz = REFERENCE_HZ * torch.exp2(_stretched(octaves, size))
    phase = 2 * math.pi * torch.cumsum(hertz.double() / sample_rate, dim=-1)
    cosine = torch.cos(phase).to(octaves.dtype)
    before, current = torch.ones_like(cosine), cosine
    total = torch.zeros_like(cosine)
    for harmonic in range(1, harmonics + 1):
        room = (0.5 * sample_rate - harmonic * hertz) / 200.0
        total = total + current * room.clamp(0.0, 1.0)
        before, current = current, 2 * cosine * current - before
    loudness = (2 * hertz / sample_rate).sqrt()  # the same power at every pitch
    return total * loudness * _stretched(voicing, size)


def _stretched(track: Tensor, size: int) -> Tensor:
    return F.interpolate(track[:, None], size=size, mode="linear", align_corners=False)[:, 0]


def _centred_frames(waveform: Tensor, *, hop: int, window: int) -> Tensor:
    """Windows around the middle of each hop: (B, S) to (B, S // hop, window); silence lies beyond the ends."""
    count = waveform.shape[-1] // hop
    side = (window - hop) // 2
    padded = F.pad(waveform[..., : count * hop], (side, window - hop - side))
    return padded.unfold(-1, window, hop)


def _autocorrelation(signal: Tensor) -> Tensor:
    """The first half of the last dimension's linear autocorrelation, by FFT."""
    size = signal.shape[-1]
    power = torch.fft.rfft(signal, n=2 * size).abs().square()
    return torch.fft.irfft(power, n=2 * size)[..., : size // 2]


def _parabola(curve: Tensor, peak: Tensor) -> tuple[Tensor, Tensor]:
    """Height and fractional position of the top of the parabola through ``curve`` at ``peak`` and its neighbours."""
    left, middle, right = (curve.gather(-1, (peak + step)[..., None])[..., 0] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = torch.where(bend < -1e-6, 0.5 * (left - right) / bend.clamp_max(-1e-6), torch.zeros_like(bend))
    shift = shift.clamp(-0.5, 0.5)
    return middle - 0.25 * (left - right) * shift, peak + shift
