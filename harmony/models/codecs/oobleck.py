"""A sound codec with a free licence's architecture: diffusers' ``AutoencoderOobleck``, for those who train their own.

No weights come with it. Shape letters: B clips, S samples, C latent channels, A audio latents.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from diffusers import AutoencoderOobleck, ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor


class OobleckAudioCodec(ModelMixin, ConfigMixin):
    """Mono sound to Oobleck's latents and back; a stereo autoencoder hears the sound on both sides.

    Args:
        autoencoder: options of ``AutoencoderOobleck``; its own defaults (44.1 kHz stereo, 64 channels) where left out.
        scale: latents are divided by it, so that their rms is about 1.
    """

    @register_to_config
    def __init__(self, autoencoder: dict[str, Any] | None = None, scale: float = 1.0) -> None:
        super().__init__()
        self.vae = AutoencoderOobleck(**(autoencoder or {}))
        config = self.vae.config
        self.sample_rate: int = config.sampling_rate
        self.latent_channels: int = config.decoder_input_channels
        self.latent_hop: int = math.prod(config.downsampling_ratios)

    @property
    def latent_rate(self) -> float:
        """Latents per second."""
        return self.sample_rate / self.latent_hop

    @torch.no_grad()
    def encode(self, waveform: Tensor) -> Tensor:
        """(B, S) in [-1, 1] to latents (B, C, A), A = floor(S / hop).

        Raises:
            ValueError: if the sound is shorter than one latent.
        """
        count = waveform.shape[-1] // self.latent_hop
        if count < 1:
            raise ValueError(f"the sound must hold at least {self.latent_hop} samples, got {waveform.shape[-1]}")
        whole = waveform[:, None, : count * self.latent_hop].expand(-1, self.vae.config.audio_channels, -1)
        return self.vae.encode(whole).latent_dist.mode() / self.config.scale

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, C, A) to a waveform (B, A * hop), clipped to [-1, 1]."""
        return self.vae.decode(latents * self.config.scale).sample.mean(1).clamp(-1.0, 1.0)

    def silence_latents(self, num_latents: int) -> Tensor:
        """The latents (1, C, A) of a zero waveform."""
        return self.encode(torch.zeros(1, num_latents * self.latent_hop, dtype=self.dtype, device=self.device))

    def preview(self, latents: Tensor) -> Tensor:
        """A loudness curve (B, A) in dB below a full-scale tone, from the decoded wave."""
        power = 2.0 * self.decode(latents).square().unflatten(1, (-1, self.latent_hop)).mean(2)
        return 10.0 * torch.log10(power.clamp_min(1e-10))
