"""The interface of every codec, small or full-size: pixels and samples in, normalised latents out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class VideoCodec(Protocol):
    """Turns pictures into latents and back. Latents are normalised: mean 0, rms about 1 overall."""

    temporal_stride: int
    spatial_stride: int
    latent_channels: int

    def encode(self, video: Tensor) -> Tensor:
        """(B, 3, F, H, W) in [-1, 1], F = 1 + n * temporal_stride, to latents (B, C, 1 + n, H/s, W/s)."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, C, T, h, w) to pictures (B, 3, F, H, W), clipped to [-1, 1]."""
        ...

    def static_latents(self, frame: Tensor, num_latents: int) -> Tensor:
        """The latents of one picture (B, 3, H, W) held still for ``num_latents`` latents."""
        ...

    def preview(self, latents: Tensor) -> Tensor:
        """A cheap linear picture of the latents, for live previews and the static anchor; shapes as ``decode``."""
        ...


@runtime_checkable
class AudioCodec(Protocol):
    """Turns sound into latents at a fixed rate and back."""

    sample_rate: int
    latent_rate: float
    latent_channels: int

    def encode(self, waveform: Tensor) -> Tensor:
        """(B, S) in [-1, 1] at ``sample_rate`` to latents (B, C, A), A = floor(S / sample_rate * latent_rate)."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, C, A) to a waveform (B, A * sample_rate / latent_rate)."""
        ...

    def silence_latents(self, num_latents: int) -> Tensor:
        """The latents (1, C, A) of a zero waveform."""
        ...

    def preview(self, latents: Tensor) -> Tensor:
        """A cheap loudness curve (B, A), in dB relative to full scale, for the live level meter."""
        ...
