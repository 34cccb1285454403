"""MMAudio's 16 kHz sound codec (20 channels, 31.25 latents per second), which Ovi's weights speak.

diffusers has the architecture; the published 16 kHz weights differ in a few details, see
:mod:`harmony.models.codecs.bigvgan`. The weights are CC-BY-NC 4.0: not for commercial use.

Shape letters: B clips, S samples, C latent channels, A audio latents.
"""

from __future__ import annotations

import math

import torch
from diffusers import ConfigMixin, MMAudioVAE, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor

from harmony.models.codecs.bigvgan import DecimalMelSpectrogram, TanhVocoder

LICENSE = "CC-BY-NC-4.0"


class MMAudioCodec(ModelMixin, ConfigMixin):
    """Sound to MMAudio's latents (as they are: Ovi does not scale them) and back, by a mel VAE and a vocoder.

    Args:
        mel_bins, latent_channels, hidden_channels, channel_multipliers: of the VAE.
        sample_rate, n_fft, hop_length: of the mels; a latent covers two hops.
        vocoder_channels, upsample_rates, upsample_kernel_sizes: of the vocoder.
    """

    @register_to_config
    def __init__(
        self,
        mel_bins: int = 80,
        latent_channels: int = 20,
        hidden_channels: int = 384,
        channel_multipliers: tuple[int, ...] = (1, 2, 4),
        sample_rate: int = 16_000,
        n_fft: int = 1024,
        hop_length: int = 256,
        vocoder_channels: int = 1536,
        upsample_rates: tuple[int, ...] = (4, 4, 2, 2, 2, 2),
        upsample_kernel_sizes: tuple[int, ...] = (8, 8, 4, 4, 4, 4),
    ) -> None:
        super().__init__()
        self.vae = MMAudioVAE(
            mel_bins=mel_bins, latent_channels=latent_channels, hidden_channels=hidden_channels,
            channel_multipliers=tuple(channel_multipliers), sample_rate=sample_rate, n_fft=n_fft,
            hop_length=hop_length, scaling_factor=1.0,
        )  # fmt: skip
        self.vae.mel_converter = DecimalMelSpectrogram(sample_rate, n_fft, mel_bins, hop_length)
        self.vocoder = TanhVocoder(
            num_mels=mel_bins, upsample_initial_channel=vocoder_channels, upsample_rates=tuple(upsample_rates),
            upsample_kernel_sizes=tuple(upsample_kernel_sizes),
        )  # fmt: skip
        self.sample_rate = sample_rate
        self.latent_channels = latent_channels
        self.latent_hop = 2 * hop_length

    @classmethod
    def micro(cls) -> MMAudioCodec:
        """A few thousand random weights with the same clock, for tests."""
        return cls(hidden_channels=8, vocoder_channels=16, upsample_rates=(16, 16), upsample_kernel_sizes=(32, 32))

    @property
    def latent_rate(self) -> float:
        """Latents per second."""
        return self.sample_rate / self.latent_hop

    @torch.no_grad()
    def encode(self, waveform: Tensor) -> Tensor:
        """(B, S) in [-1, 1] to latents (B, C, floor(S / 512)), the VAE's means.

        Raises:
            ValueError: if the sound is shorter than one latent.
        """
        if waveform.shape[-1] < self.latent_hop:
            raise ValueError(f"the sound must hold at least {self.latent_hop} samples, got {waveform.shape[-1]}")
        return self.vae.encode(waveform).latent_dist.mode()

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, C, A) to a waveform (B, A * 512) in [-1, 1]."""
        return self.vocoder(self.vae.decode(latents).sample).sample[:, 0]

    def silence_latents(self, num_latents: int) -> Tensor:
        """The latents (1, C, A) of a zero waveform."""
        return self.encode(torch.zeros(1, num_latents * self.latent_hop, dtype=self.dtype, device=self.device))

    @torch.no_grad()
    def preview(self, latents: Tensor) -> Tensor:
        """A loudness curve (B, A) in dB below a full-scale tone, from the mels: the vocoder does not run."""
        levels = self.loudness(self.vae.decode(latents).sample.float())
        return levels.unflatten(1, (-1, 2)).mean(2).to(latents.dtype)

    def loudness(self, mels: Tensor) -> Tensor:
        """Decimal log-mels (B, mels, frames) to dB below a full-scale tone (B, frames), exact for noise.

        A band's weights sum to 1 / hz, so hz * mel is the mean of |X| over the band, and noise has
        E|X|^2 = 4 / pi (E|X|)^2. A band is 1 / (its peak) Hz wide; power is 2 sum |X|^2 / (N sum w^2).
        """
        converter = self.vae.mel_converter
        hz, window = self.sample_rate / converter.n_fft, converter.hann_window.float()
        bins = 1.0 / converter.mel_basis.float().amax(1).clamp_min(1e-8) / hz
        spectrum = 4.0 / math.pi * (10.0**mels * hz).square()
        power = 2.0 * (spectrum * bins[:, None]).sum(1) / (converter.n_fft * window.square().sum())
        return 10.0 * torch.log10((2.0 * power).clamp_min(1e-10))
