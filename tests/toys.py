"""Closed-form models with the transformer's face, for tests of guidance and sampling."""

from __future__ import annotations

import torch
from torch import Tensor

from harmony.models.conditioning import Conditioning, Streams

VIDEO_SHAPE, AUDIO_SHAPE = (3, 4, 2, 2), (5, 8)


def spread(timestep: Tensor, like: Tensor) -> Tensor:
    """Timesteps (B,) or (B, T) as noise levels that broadcast over (B, C, T, ...)."""
    sigma = timestep / 1000
    sigma = sigma[:, None] if sigma.dim() == 1 else sigma[:, None, :]
    return sigma.reshape(*sigma.shape, *[1] * (like.dim() - sigma.dim())).to(like)


class GaussianModel:
    """The exact velocity field of two independent Gaussians, N(mean, std^2) per stream.

    ``z = (1 - s) z0 + s eps`` gives ``v = E[eps - z0 | z]`` in closed form, and the flow carries noise n to
    ``mean + std n``.
    """

    def __init__(self, mean: float = 0.7, std: float = 0.4) -> None:
        self.mean, self.std = mean, std

    def __call__(self, video: Tensor, audio: Tensor, *, timestep_video, timestep_audio, **_) -> Streams:
        return Streams(self.field(video, timestep_video), self.field(audio, timestep_audio))

    def field(self, z: Tensor, timestep: Tensor) -> Tensor:
        s = spread(timestep, z)
        variance = (1 - s) ** 2 * self.std**2 + s**2
        residual = (z - (1 - s) * self.mean) / variance
        return s * residual - (self.mean + (1 - s) * self.std**2 * residual)


class SpyModel:
    """Velocities that depend on everything a pass can change, and a list of what was asked."""

    def __init__(self) -> None:
        self.calls: list[dict] = []

    def __call__(
        self,
        video: Tensor,
        audio: Tensor,
        *,
        timestep_video: Tensor,
        timestep_audio: Tensor,
        conditioning: Conditioning,
        frame_rate: float | None = None,
        interaction: Tensor | None = None,
        skip_layers: tuple[int, ...] = (),
        skip_mask: Tensor | None = None,
        recorder=None,
    ) -> Streams:
        self.calls.append({k: v for k, v in locals().items() if k not in ("self", "video", "audio")})
        self.calls[-1] |= {"video": video, "audio": audio}
        met = torch.ones(len(video)) if interaction is None else interaction.float()
        skipped = torch.zeros(len(video)) if skip_mask is None else skip_mask.float()
        text = said = voice = torch.zeros(len(video))
        if conditioning.video_caption is not None:
            text = (conditioning.video_caption.mean(-1) * conditioning.video_caption_mask).sum(-1)
            said = (conditioning.audio_caption.mean(-1) * conditioning.audio_caption_mask).sum(-1)
        if conditioning.reference is not None:
            voice = (conditioning.reference.mean(1) * conditioning.reference_mask).sum(-1)
        to_video = met * (audio.mean((1, 2)) + said) + text + skipped
        to_audio = met * (video.mean((1, 2, 3, 4)) + text) + said + voice + skipped
        return Streams(
            video * spread(timestep_video, video) + to_video.view(-1, 1, 1, 1, 1),
            audio * spread(timestep_audio, audio) + to_audio.view(-1, 1, 1),
        )


def conditions(batch: int = 1, *, seed: int = 0) -> Conditioning:
    """Random captions of three words and a reference of two latents."""
    g = torch.Generator().manual_seed(seed)
    words, width = 3, 6
    mask = torch.ones(batch, words, dtype=torch.bool)
    return Conditioning(
        video_caption=torch.randn(batch, words, width, generator=g),
        video_caption_mask=mask,
        audio_caption=torch.randn(batch, words, width, generator=g),
        audio_caption_mask=mask,
        reference=torch.randn(batch, AUDIO_SHAPE[0], 2, generator=g),
        reference_mask=torch.ones(batch, 2, dtype=torch.bool),
    )
