"""MMAudio's 16 kHz parts that differ from the 44 kHz ones in diffusers: decimal logarithm, and a vocoder with tanh."""

from __future__ import annotations

import math

from diffusers import MMAudioVocoder
from diffusers.models.autoencoders.autoencoder_mmaudio import MMAudioMelSpectrogram
from torch import Tensor, nn


class DecimalMelSpectrogram(MMAudioMelSpectrogram):
    """Mels as log10 of amplitude; no parameters of its own."""

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, S) to (B, mels, S / hop)."""
        return super().forward(waveform) / math.log(10.0)


class TanhVocoder(MMAudioVocoder):
    """BigVGAN as first published: its last convolution has a bias, and tanh keeps the wave within [-1, 1]."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        bare = self.conv_post
        self.conv_post = nn.Sequential(
            nn.Conv1d(bare.in_channels, 1, bare.kernel_size[0], padding=bare.padding[0]), nn.Tanh()
        )
