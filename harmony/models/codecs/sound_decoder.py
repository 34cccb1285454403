"""The learned part of the sound codec: from a log-mel spectrogram and a pitch track to a waveform.

After Vocos (Siuzdak, arXiv 2306.00814): ConvNeXt blocks at frame rate and one inverse STFT, no upsampling. Vocos learns
coherent harmonics from an adversary; here they are given, as in neural source-filter vocoders (Wang et al., 2019)::

    waveform = ISTFT( e * (g * STFT(buzz) + n * STFT(noise) + m * exp(i p)) )

with the spectral envelope e from the mels and g, n, m > 0 and p predicted per frame and frequency. The buzz follows the
pitch track, the noise is the same on every call, and the last term makes what is neither: strikes, bells, clicks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.models.codecs.pitch import harmonic_source


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a widening MLP with a learned small gain (Liu et al., 2022)."""

    def __init__(self, width: int, *, expansion: int = 3, kernel: int = 7) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.gain = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, frames) to the same."""
        y = self.norm(self.depthwise(x).transpose(1, 2))
        y = self.narrow(F.gelu(self.widen(y))) * self.gain
        return x + y.transpose(1, 2)


class SoundDecoder(nn.Module):
    """Frame features, an envelope and a pitch track to a waveform.

    Args:
        feature_channels: channels of the features.
        width, layers: of the ConvNeXt trunk; fft_size: of the spectra; frame_hop: samples per feature frame.
        latent_hop: samples per entry of the pitch track; sample_rate: samples per second.
    """

    def __init__(
        self,
        feature_channels: int,
        *,
        width: int,
        layers: int,
        fft_size: int,
        frame_hop: int,
        latent_hop: int,
        sample_rate: int,
    ) -> None:
        super().__init__()
        self.fft_size, self.frame_hop = fft_size, frame_hop
        self.latent_hop, self.sample_rate = latent_hop, sample_rate
        self.compute_dtype = torch.float32  # of the trunk; training may choose bfloat16, spectra stay in float32
        self.stem = nn.Conv1d(feature_channels, width, 7, padding=3)
        self.stem_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 4 * (fft_size // 2 + 1))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, features: Tensor, envelope: Tensor, octaves: Tensor, voicing: Tensor) -> Tensor:
        """A waveform (B, frames * frame_hop).

        Args:
            features: (B, D, frames).
            envelope: (B, fft_size / 2 + 1, frames), natural log of amplitude relative to a full-scale tone.
            octaves, voicing: (B, A), see :func:`~harmony.models.codecs.pitch.track_pitch`.
        """
        with torch.autocast(features.device.type, self.compute_dtype, enabled=self.compute_dtype != torch.float32):
            x = self.stem_norm(self.stem(features).transpose(1, 2)).transpose(1, 2)
            for block in self.blocks:
                x = block(x)
            x = self.head(self.norm(x.transpose(1, 2)))
        buzz, noise, other, phase = x.float().transpose(1, 2).chunk(4, dim=1)
        source = harmonic_source(octaves, voicing, sample_rate=self.sample_rate, hop=self.latent_hop)
        # With these offsets an untrained head makes mostly noise of about the right loudness.
        spectrum = (
            _gain(envelope + buzz + 3.0) * self.spectrum(source)
            + _gain(envelope + noise + 2.0) * self.spectrum(_noise_like(source))
            + torch.polar(_gain(envelope + other + 4.0), phase)
        )
        return self.waveform(spectrum)

    def spectrum(self, waveform: Tensor) -> Tensor:
        """(B, frames * hop) to complex (B, fft_size / 2 + 1, frames); frame k is centred on (k + 1/2) * hop."""
        side = self.fft_size - self.frame_hop
        padded = F.pad(waveform, (side // 2, side - side // 2))
        return torch.stft(
            padded, self.fft_size, self.frame_hop, window=self._window(waveform), center=False, return_complex=True
        )

    def waveform(self, spectrum: Tensor) -> Tensor:
        """The inverse of :meth:`spectrum`: weighted overlap-add, divided by the summed squared windows."""
        window = self._window(spectrum.real)
        frames = torch.fft.irfft(spectrum, n=self.fft_size, dim=1) * window[:, None]
        weight = window.square()[None, :, None].expand(1, -1, spectrum.shape[-1])
        side = (self.fft_size - self.frame_hop) // 2
        size = spectrum.shape[-1] * self.frame_hop
        return (self._overlap_add(frames) / self._overlap_add(weight).clamp_min(1e-6))[:, side : side + size]

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """(B, fft_size, frames) to (B, samples)."""
        size = (frames.shape[-1] - 1) * self.frame_hop + self.fft_size
        return F.fold(frames, (1, size), (1, self.fft_size), stride=(1, self.frame_hop))[:, 0, 0]

    def _window(self, like: Tensor) -> Tensor:
        return torch.hann_window(self.fft_size, dtype=like.dtype, device=like.device)


def _gain(log_gain: Tensor) -> Tensor:
    """A positive gain, capped so that no frame can explode."""
    return torch.exp(log_gain.clamp(-14.0, 7.0))


def _noise_like(source: Tensor) -> Tensor:
    """White noise, the same on every call and machine, as long as ``source`` (B, S)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, source.shape[-1], generator=generator).to(source)
