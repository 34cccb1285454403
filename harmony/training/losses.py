"""Flow matching with velocities: z_sigma = (1 - sigma) z_0 + sigma eps, and the model predicts v = eps - z_0.

Shape letters: B clips, C latent channels, T video latents, h, w latent height and width, A audio latents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harmony.models.conditioning import Conditioning, Streams
from harmony.training.config import LossConfig
from harmony.training.tasks import stream_sigmas

_NOISIEST = 0.97
NUM_TRAIN_TIMESTEPS = 1000  # timesteps are sigma * 1000, as in Wan


def draw_sigmas(count: int, config: LossConfig, rng: np.random.Generator) -> np.ndarray:
    """Noise levels (count,) in (0, 1), float32.

    Stratified draws take one t from each of ``count`` equally likely parts of the density; clip i still has a t from
    the whole density, because the parts are shuffled.
    """
    uniform = rng.random(count)
    if config.stratified:
        uniform = (rng.permutation(count) + uniform) / count
    t = torch.from_numpy(uniform).clamp(1e-6, 1 - 1e-6)
    if config.density == "logit_normal":
        t = torch.sigmoid(config.mean + config.std * torch.special.ndtri(t))
    sigma = shift_sigma(t, config.shift).float().numpy()
    if config.noisiest_share:
        noisiest = rng.random(count) < config.noisiest_share
        sigma[noisiest] = 1 - (1 - _NOISIEST) * rng.random(int(noisiest.sum()))
    return sigma


def shift_sigma(t: Tensor, shift: float) -> Tensor:
    """``shift t / (1 + (shift - 1) t)``: more of the noisy end for a larger shift."""
    return shift * t / (1 + (shift - 1) * t)


def motion_weights(video: Tensor, strength: float) -> Tensor:
    """How much each place of a clip counts, (B, 1, T, h, w), mean 1 within each clip.

    ``w = 1 + strength * clamp(maxpool_3x3(rms_c(z - median_t z)), 0, 1)``: what moves is small, and would be drowned
    by the ground it moves on.

    Args:
        video: clean latents (B, C, T, h, w).
        strength: 0 gives all ones.
    """
    if strength == 0:
        return torch.ones_like(video[:, :1])
    still = video.median(dim=2, keepdim=True).values
    moving = (video - still).square().mean(dim=1).sqrt()  # (B, T, h, w)
    moving = F.max_pool2d(moving, kernel_size=3, stride=1, padding=1).clamp(0, 1)
    weight = 1 + strength * moving
    return (weight / weight.mean(dim=(1, 2, 3), keepdim=True))[:, None]


@dataclass(frozen=True)
class NoisyClips:
    """What the model sees and what it should answer.

    Attributes:
        latents: noisy latents, (B, C, T, h, w) and (B, C, A); None for a stream that is left out.
        timesteps: (B,) or, where some clips are given their first frame, (B, T) for the video.
        targets: velocities eps - z_0.
        video_weight: (B, 1, T, h, w), how much each place counts, 0 for a given first frame; mean 1 per clip.
    """

    latents: Streams
    timesteps: Streams
    targets: Streams
    video_weight: Tensor | None


def add_noise(
    clean: Streams,
    noise: Streams,
    *,
    sigma: Tensor,
    tasks: Tensor,
    first_frame: Tensor | None = None,
    motion_weight: float = 0.0,
) -> NoisyClips:
    """Noise both streams as their tasks ask.

    Args:
        clean, noise: latents and unit Gaussian noise of the same shapes; one stream may be None.
        sigma: (B,) noise level of each clip.
        tasks: (B,) of :class:`~harmony.training.tasks.Task`.
        first_frame: (B,) bool, clips whose first video latent is given clean; None for none of them.
        motion_weight: see :func:`motion_weights`.
    """
    sigmas = stream_sigmas(tasks, sigma)
    audio = target_audio = None
    timestep_audio = sigmas.audio * NUM_TRAIN_TIMESTEPS
    if clean.audio is not None:
        audio = _mix(clean.audio, noise.audio, sigmas.audio[:, None, None])
        target_audio = noise.audio - clean.audio
    if clean.video is None:
        return NoisyClips(
            Streams(None, audio), Streams(timestep_audio, timestep_audio), Streams(None, target_audio), None
        )
    per_latent = sigmas.video[:, None].expand(-1, clean.video.shape[2])  # (B, T)
    weight = motion_weights(clean.video, motion_weight)
    timestep_video = sigmas.video
    if first_frame is not None:
        given = torch.zeros_like(per_latent, dtype=torch.bool)
        given[:, 0] = first_frame
        per_latent = per_latent.masked_fill(given, 0.0)
        weight = weight * ~given[:, None, :, None, None]
        weight = weight / weight.mean(dim=(1, 2, 3, 4), keepdim=True)
        timestep_video = per_latent
    video = _mix(clean.video, noise.video, per_latent[:, None, :, None, None])
    return NoisyClips(
        latents=Streams(video, audio),
        timesteps=Streams(timestep_video * NUM_TRAIN_TIMESTEPS, timestep_audio),
        targets=Streams(noise.video - clean.video, target_audio),
        video_weight=weight,
    )


def clip_losses(prediction: Streams, clips: NoisyClips) -> Streams:
    """Mean squared error of the velocities per clip, (B,) and (B,), in float32; zeros for a stream that is left out."""
    zeros = torch.zeros_like(clips.timesteps.audio)
    video = audio = zeros
    if clips.targets.audio is not None:
        audio = (prediction.audio.float() - clips.targets.audio).square().mean(dim=(1, 2))
    if clips.targets.video is not None:
        error = (prediction.video.float() - clips.targets.video).square()
        video = (error * clips.video_weight).mean(dim=(1, 2, 3, 4))
    return Streams(video, audio)


def total_loss(losses: Streams, weights: Streams) -> Tensor:
    """``mean_b (w_v l_v + w_a l_a)``; a clip's clean stream has weight 0 and sends no gradient."""
    return (weights.video * losses.video + weights.audio * losses.audio).mean()


def run_model(model: torch.nn.Module, clips: NoisyClips, conditioning: Conditioning, *, dtype: torch.dtype) -> Streams:
    """The model's velocities for noisy clips, computed in ``dtype``."""
    latents = Streams(*(None if x is None else x.to(dtype) for x in clips.latents))
    return model(
        latents.video,
        latents.audio,
        timestep_video=clips.timesteps.video,
        timestep_audio=clips.timesteps.audio,
        conditioning=conditioning,
    )


def _mix(clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    return (1 - sigma) * clean + sigma * noise
