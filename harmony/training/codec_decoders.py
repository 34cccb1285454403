"""What the codecs' decoders learn from: clips, their latents with a little noise, and the loss of one step.

The noise makes a decoder robust: at inference it sees latents that a diffusion model made, which are never quite clean.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from harmony.models.codecs.audio import PITCH_CHANNELS, MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.precision import cpu_has_bfloat16_units
from harmony.training.clip_pool import ClipPool
from harmony.training.codec_losses import mel_distance, moving_pixels, multi_resolution_stft, picture_loss

_CORRECTED = 0.2  # share of a batch's latents


class PictureTask:
    """Batches of clips of which a few latents are corrected: mostly those that move, and first frames often.

    Args:
        batch: clips a step; noise: highest deviation of the noise on latents.
    """

    def __init__(self, codec: PatchVideoCodec, pool: ClipPool, *, batch: int, noise: float) -> None:
        self.codec, self.pool, self.batch, self.noise = codec, pool, batch, noise

    def loss(self, step: int) -> Tensor:
        device = self.codec.device
        rng, generator = _seeded(step, device)
        video = self.pool.video(rng.choice(len(self.pool), self.batch, replace=False), device=device)
        target = self.codec.grouped_frames(video)  # (B, T, s, 3, eH, eW)
        moving = moving_pixels(target.flatten(1, 2), dim=1).unflatten(1, target.shape[1:3])
        interest = _interest(moving)
        rows = torch.multinomial(interest, max(1, round(_CORRECTED * len(interest))), generator=generator)
        latents = _noisy(self.codec.encode(self.codec.shrunk(video)), self.noise, generator)
        linear = self.codec.linear_frames(latents)
        with torch.autocast(device.type, torch.bfloat16, enabled=_computes_in_bfloat16(device)):
            correction = self.codec.decoder(latents, linear, rows=rows)
        made = self.codec.enlarged(linear.flatten(0, 1)[rows]) + correction.float()
        return picture_loss(made, target.flatten(0, 1)[rows], moving.flatten(0, 1)[rows])


class SoundTask:
    """Batches of whole sounds; the pitch channels get a third of the noise, because a wrong pitch has no true sound."""

    def __init__(self, codec: MelAudioCodec, pool: ClipPool, *, batch: int, noise: float) -> None:
        self.codec, self.pool, self.batch, self.noise = codec, pool, batch, noise
        codec.decoder.compute_dtype = torch.bfloat16 if _computes_in_bfloat16(codec.device) else torch.float32

    def loss(self, step: int) -> Tensor:
        rng, generator = _seeded(step, self.codec.device)
        rows = rng.choice(len(self.pool), self.batch, replace=False)
        sound = self.pool.audio(rows, device=self.codec.device)
        clean = self.codec.encode(sound)
        latents = _noisy(clean, self.noise, generator)
        latents[:, -PITCH_CHANNELS:] = torch.lerp(clean[:, -PITCH_CHANNELS:], latents[:, -PITCH_CHANNELS:], 1 / 3)
        made = self.codec.reconstruct(latents)
        target = sound[:, : made.shape[1]]
        return multi_resolution_stft(made, target) + mel_distance(made, target, sample_rate=self.codec.sample_rate)


def _computes_in_bfloat16(device: torch.device) -> bool:
    return device.type == "cuda" or cpu_has_bfloat16_units()


def _seeded(step: int, device: torch.device) -> tuple[np.random.Generator, torch.Generator]:
    """Generators that depend on the step alone, so that a resumed run sees what an unbroken one would."""
    return np.random.default_rng(step), torch.Generator(device).manual_seed(step)


def _noisy(latents: Tensor, highest: float, generator: torch.Generator) -> Tensor:
    """Latents with noise whose deviation is drawn per clip from 0 to ``highest``."""
    shape = (len(latents),) + (1,) * (latents.ndim - 1)
    deviation = highest * torch.rand(shape, generator=generator, device=latents.device)
    return latents + deviation * torch.randn(latents.shape, generator=generator, device=latents.device)


def _interest(moving: Tensor) -> Tensor:
    """How often each of the B * T latents is drawn: more with its share of moving pixels; first frames twice."""
    interest = 0.05 + moving.float().flatten(2).mean(dim=2)  # (B, T)
    interest[:, 0] = 2 * interest.mean()
    return interest.flatten()
