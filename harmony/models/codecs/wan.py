"""The full-size picture codec: diffusers' ``AutoencoderKLWan`` behind our interface.

Shape letters: B clips, F frames, H and W pixels, C latent channels, T video latents, h and w latent height and width.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKLWan, ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange, reduce, repeat
from torch import Tensor
from torch.nn import functional as F

# Wan2.2's 4 x 16 x 16 autoencoder. Its latents' mean and spread come with its weights.
WAN22 = dict(
    base_dim=160, decoder_base_dim=256, z_dim=48, dim_mult=[1, 2, 4, 4], num_res_blocks=2, is_residual=True,
    temperal_downsample=[False, True, True], in_channels=12, out_channels=12, patch_size=2, scale_factor_temporal=4,
    scale_factor_spatial=16, latents_mean=[0.0] * 48, latents_std=[1.0] * 48,
)  # fmt: skip


class WanVideoCodec(ModelMixin, ConfigMixin):
    """Pictures to Wan's latents, normalised by the autoencoder's own mean and spread, and back.

    Args:
        autoencoder: the options of ``AutoencoderKLWan``; Wan2.2's where left out.

    The cheap picture is a linear map of each latent to one colour; :meth:`fit_preview` finds it, once per autoencoder.
    """

    _supports_gradient_checkpointing = False

    @register_to_config
    def __init__(self, autoencoder: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.vae = AutoencoderKLWan(**{**WAN22, **(autoencoder or {})})
        config = self.vae.config
        self.latent_channels: int = config.z_dim
        self.temporal_stride: int = config.scale_factor_temporal
        self.spatial_stride: int = config.scale_factor_spatial
        self.register_buffer("preview_weight", torch.zeros(3, config.z_dim))
        self.register_buffer("preview_bias", torch.zeros(3))

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        """(B, 3, F, H, W) in [-1, 1] to latents (B, C, 1 + (F - 1) / temporal_stride, H / s, W / s).

        Raises:
            ValueError: if the frames or the sides do not fit the strides.
        """
        frames, height, width = video.shape[2:]
        if (frames - 1) % self.temporal_stride or height % self.spatial_stride or width % self.spatial_stride:
            raise ValueError(
                f"a clip needs 1 + n * {self.temporal_stride} frames and sides divisible by {self.spatial_stride}, "
                f"got {frames} frames of {height} x {width}"
            )
        mean, std = self._statistics(video)
        return (self.vae.encode(video).latent_dist.mode() - mean) / std

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, C, T, h, w) to pictures (B, 3, 1 + (T - 1) * temporal_stride, H, W), clipped to [-1, 1]."""
        mean, std = self._statistics(latents)
        return self.vae.decode(latents * std + mean).sample.clamp(-1.0, 1.0)

    def static_latents(self, frame: Tensor, num_latents: int) -> Tensor:
        """The latents of one picture (B, 3, H, W) held still for ``num_latents`` latents."""
        return self.encode(repeat(frame, "b c h w -> b c f h w", f=1 + (num_latents - 1) * self.temporal_stride))

    def preview(self, latents: Tensor) -> Tensor:
        """One colour per latent, as large as the real picture; shapes as :meth:`decode`."""
        colours = torch.einsum("rc,bcthw->brthw", self.preview_weight.to(latents), latents)
        colours = (colours + self.preview_bias.to(latents)[:, None, None, None]).clamp(-1.0, 1.0)
        first, later = colours[:, :, :1], colours[:, :, 1:].repeat_interleave(self.temporal_stride, dim=2)
        side = self.spatial_stride
        return repeat(torch.cat([first, later], dim=2), "b r f h w -> b r f (h y) (w x)", y=side, x=side)

    @torch.no_grad()
    def fit_preview(self, *, size: int = 128, clips: int = 8, seed: int = 0) -> float:
        """Find the linear map from latents to colours, by least squares on blurred random pictures held still.

        Returns:
            The share of the colours' variance that the map leaves unexplained.
        """
        g = torch.Generator().manual_seed(seed)
        pictures = [
            F.interpolate(torch.rand(1, 3, n, n, generator=g) * 2 - 1, size, mode="bicubic") for n in _grains(clips)
        ]
        frames = torch.cat(pictures).clamp(-1.0, 1.0).to(self.preview_weight.device, self.vae.dtype)
        cells = reduce(frames, "b r (h y) (w x) -> b h w r", "mean", y=self.spatial_stride, x=self.spatial_stride)
        latents = torch.cat([self.static_latents(frame[None], 2) for frame in frames])
        rows = rearrange(latents, "b c t h w -> (b t h w) c").double()
        target = repeat(cells, "b h w r -> (b t h w) r", t=2).double()
        rows = torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)
        ridge = 1e-4 * len(rows) * torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
        solution = torch.linalg.solve(rows.T @ rows + ridge, rows.T @ target)  # (C + 1, 3)
        self.preview_weight.copy_(solution[:-1].T)
        self.preview_bias.copy_(solution[-1])
        return float((rows @ solution - target).var() / target.var())

    def enable_tiling(self, **sizes: Any) -> None:
        """Encode and decode in overlapping tiles: less memory, a little more time. Options as in diffusers."""
        self.vae.enable_tiling(**sizes)

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        config = self.vae.config
        mean, std = (torch.tensor(v).to(like)[:, None, None, None] for v in (config.latents_mean, config.latents_std))
        return mean, std


def _grains(clips: int) -> list[int]:
    """How many random cells a picture has along a side: from flat to detailed."""
    return [2 + 5 * k for k in range(clips)]
