"""The tiny model's picture codec: a fixed linear basis on space-time patches, and a small learned decoder.

Encoding is one matrix product, exact and the same on every machine, so a diffusion model can be trained on its
latents before any decoder exists, and a better decoder can be swapped in later without touching the latents.

A latent covers ``temporal_stride`` frames and ``spatial_stride`` x ``spatial_stride`` pixels. With x such a patch,
mu the mean patch and B the basis (orthonormal rows)::

    z = B (x - mu) / s          x ~ mu + B^T (s z)

s is proportional to the square root of each coefficient's standard deviation ("half whitening") and makes the latents'
overall rms 1: large structures keep large numbers, so a diffusion model decides them first, and no loss is wasted on
edges. The basis is fitted on clips and their reversals, so every basis patch is either *even* (its frames are equal)
or *odd* (they cancel). The first latent holds one frame, taken as a patch of equal frames: its odd channels are 0.

The decoder may draw larger than what was encoded (``enlargement``): pictures go in at H x W and come out at eH x eW.
"""

from __future__ import annotations

import math

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange, repeat
from torch import Tensor
from torch.nn import functional as F

from harmony.models.codecs.picture_decoder import PictureDecoder


class PatchVideoCodec(ModelMixin, ConfigMixin):
    """Pictures to latents by a fixed patch basis, and back by its inverse plus a learned correction.

    Args:
        latent_channels: basis patches kept.
        temporal_stride: frames per latent (all but the first).
        spatial_stride: pixels per latent along each side.
        decoder_channels: widths of the decoder at latent resolution and at twice, four times and eight times it;
            empty for none: ``decode`` is then the linear inverse, as ``preview`` always is.
        decoder_blocks: residual blocks at each of those resolutions.
        enlargement: how many times as high and wide as the encoded picture the decoder draws it.

    A new codec carries a DCT basis, which needs no fitting; :meth:`set_basis` puts a fitted one in its place.
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 24,
        temporal_stride: int = 2,
        spatial_stride: int = 8,
        decoder_channels: tuple[int, ...] = (128, 96, 64, 16),
        decoder_blocks: tuple[int, ...] = (2, 1, 2, 1),
        enlargement: int = 1,
    ) -> None:
        super().__init__()
        if enlargement > 1 and not decoder_channels:
            raise ValueError(f"only a decoder can draw {enlargement} times as large; give decoder_channels")
        values = 3 * temporal_stride * spatial_stride**2
        if not 1 <= latent_channels <= values:
            raise ValueError(f"a patch holds {values} numbers, so latent_channels must be 1 to {values}")
        self.latent_channels = latent_channels
        self.temporal_stride = temporal_stride
        self.spatial_stride = spatial_stride
        self.enlargement = enlargement
        basis, scale = dct_basis(latent_channels, temporal_stride, spatial_stride)
        self.register_buffer("basis", basis)  # (C, N) with N = temporal_stride * spatial_stride^2 * 3
        self.register_buffer("mean", torch.zeros(values))  # (N,)
        self.register_buffer("scale", scale)  # (C,)
        self.decoder: PictureDecoder | None = None
        if decoder_channels:
            self.decoder = PictureDecoder(
                latent_channels,
                temporal_stride=temporal_stride,
                spatial_stride=spatial_stride,
                channels=tuple(decoder_channels),
                blocks=tuple(decoder_blocks),
                enlargement=enlargement,
            )

    @classmethod
    def tiny(cls, latent_channels: int = 160) -> PatchVideoCodec:
        """The shape of the codec in ``assets/harmony-tiny``: 64 x 64 pixels in, 128 x 128 out.

        Patches of 16 x 16 pixels: at equal numbers per pixel they keep 1.3 dB more of the tiny world than 8 x 8.
        """
        return cls(
            latent_channels,
            spatial_stride=16,
            decoder_channels=(160, 128, 96, 64, 32),
            decoder_blocks=(1, 1, 1, 2, 1),
            enlargement=2,
        )

    @classmethod
    def micro(cls) -> PatchVideoCodec:
        """A four-channel codec with a tiny random decoder, for tests."""
        return cls(latent_channels=4, decoder_channels=(8, 8, 4, 4), decoder_blocks=(1, 0, 0, 0))

    @torch.no_grad()
    def set_basis(self, basis: Tensor, mean: Tensor, scale: Tensor) -> None:
        """Replace the basis (C, N), the mean patch (N,) and the channels' scale (C,)."""
        self.basis.copy_(basis)
        self.mean.copy_(mean)
        self.scale.copy_(scale)

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        """(B, 3, F, H, W) in [-1, 1] to latents (B, C, 1 + (F - 1) / temporal_stride, H / s, W / s).

        Raises:
            ValueError: if the frames or the sides do not fit the strides.
        """
        coefficients = (self.patches(video) - self.mean.float()) @ self.basis.float().T
        return rearrange(coefficients / self.scale.float(), "b t h w c -> b c t h w").to(video.dtype)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, C, T, h, w) to pictures (B, 3, 1 + (T - 1) * temporal_stride, eH, eW), clipped to [-1, 1]."""
        return self.reconstruct(latents).clamp(-1.0, 1.0)

    @torch.no_grad()
    def static_latents(self, frame: Tensor, num_latents: int) -> Tensor:
        """The latents of one picture (B, 3, H, W) held still for ``num_latents`` latents."""
        num_frames = 1 + (num_latents - 1) * self.temporal_stride
        return self.encode(repeat(frame, "b c h w -> b c f h w", f=num_frames))

    @torch.no_grad()
    def preview(self, latents: Tensor) -> Tensor:
        """The linear inverse alone (B, 3, F, H, W), clipped to [-1, 1]: as large as what was encoded."""
        return self._join(self.linear_frames(latents)).clamp(-1.0, 1.0).to(latents.dtype)

    def reconstruct(self, latents: Tensor) -> Tensor:
        """:meth:`decode` without the clipping, and differentiable: what training compares with the picture."""
        self._check_latents(latents)
        frames = self.linear_frames(latents)
        if self.decoder is not None:
            frames = self.enlarged(frames) + self.decoder(latents, frames)
        return self._join(frames).to(latents.dtype)

    def enlarged(self, frames: Tensor) -> Tensor:
        """Frames (..., 3, H, W) to (..., 3, eH, eW), smoothly: what the decoder corrects."""
        if self.enlargement == 1:
            return frames
        large = F.interpolate(frames.flatten(0, -4), scale_factor=self.enlargement, mode="bilinear")
        return large.unflatten(0, frames.shape[:-3])

    def shrunk(self, video: Tensor) -> Tensor:
        """Pictures (B, 3, F, eH, eW) to (B, 3, F, H, W): what is encoded of them."""
        return F.avg_pool3d(video, (1, self.enlargement, self.enlargement))

    def grouped_frames(self, video: Tensor) -> Tensor:
        """(B, 3, F, H, W) to each latent's frames (B, T, s, 3, H, W); the first latent repeats the first frame."""
        self._check_video(video)
        first = repeat(video[:, :, :1], "b c 1 h w -> b c s h w", s=self.temporal_stride)
        padded = torch.cat([first, video[:, :, 1:]], dim=2).float()
        return rearrange(padded, "b c (t s) h w -> b t s c h w", s=self.temporal_stride)

    def patches(self, video: Tensor) -> Tensor:
        """(B, 3, F, H, W) to patches (B, T, h, w, N)."""
        side = self.spatial_stride
        return rearrange(self.grouped_frames(video), "b t s c (h p) (w q) -> b t h w (s p q c)", p=side, q=side)

    def linear_frames(self, latents: Tensor) -> Tensor:
        """Latents to each latent's frames (B, T, s, 3, H, W) through the basis; the first latent's are all equal."""
        coefficients = rearrange(latents.float(), "b c t h w -> b t h w c") * self.scale.float()
        patches = self.mean.float() + coefficients @ self.basis.float()
        frames = rearrange(
            patches,
            "b t h w (s p q c) -> b t s c (h p) (w q)",
            s=self.temporal_stride,
            p=self.spatial_stride,
            q=self.spatial_stride,
        )
        # A generated first latent may have odd channels that are not quite 0; the mean is the least-squares frame.
        first = frames[:, :1].mean(dim=2, keepdim=True).expand_as(frames[:, :1])
        return torch.cat([first, frames[:, 1:]], dim=1)

    def _join(self, frames: Tensor) -> Tensor:
        """(B, T, s, 3, H, W) to a clip (B, 3, F, H, W): one frame of the first latent, all of the others."""
        first = frames[:, :1].mean(dim=2)  # (B, 1, 3, H, W)
        rest = rearrange(frames[:, 1:], "b t s c h w -> b (t s) c h w")
        return rearrange(torch.cat([first, rest], dim=1), "b f c h w -> b c f h w")

    def _check_video(self, video: Tensor) -> None:
        if video.ndim != 5 or video.shape[1] != 3:
            raise ValueError(f"the picture must be (B, 3, F, H, W), got {tuple(video.shape)}")
        frames, height, width = video.shape[2:]
        if (frames - 1) % self.temporal_stride:
            raise ValueError(f"a clip needs 1 + n * {self.temporal_stride} frames, got {frames}")
        if height % self.spatial_stride or width % self.spatial_stride:
            raise ValueError(f"height and width must be multiples of {self.spatial_stride}, got {height} x {width}")

    def _check_latents(self, latents: Tensor) -> None:
        if latents.ndim != 5 or latents.shape[1] != self.latent_channels:
            raise ValueError(f"video latents must be (B, {self.latent_channels}, T, h, w), got {tuple(latents.shape)}")


def dct_basis(channels: int, temporal: int, spatial: int) -> tuple[Tensor, Tensor]:
    """The ``channels`` smoothest cosine patches (C, N), orthonormal, and a scale (C,) that falls with frequency.

    Colour is grey, red against blue, and green against both; a step of colour counts as one of frequency, a step of
    time as two.
    """
    time, side = _dct(temporal), _dct(spatial)
    colour = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    colour = colour / colour.norm(dim=1, keepdim=True)
    basis = torch.einsum("as,bp,dq,ec->abdespqc", time, side, side, colour)
    steps = torch.stack(
        torch.meshgrid(
            2.0 * torch.arange(temporal),
            1.0 * torch.arange(spatial),
            1.0 * torch.arange(spatial),
            torch.tensor([0.0, 1.0, 1.0]),
            indexing="ij",
        )
    )
    frequency = steps.square().sum(dim=0).sqrt().flatten()
    order = torch.argsort(frequency, stable=True)[:channels]
    scale = 0.5 * math.sqrt(basis[0, 0, 0, 0].numel()) / (1.0 + frequency[order])
    return basis.flatten(4).flatten(0, 3)[order], scale


def _dct(n: int) -> Tensor:
    """The orthonormal DCT-II matrix (n, n), one row per frequency."""
    k, x = torch.arange(n)[:, None], torch.arange(n)[None]
    matrix = math.sqrt(2.0 / n) * torch.cos(math.pi * k * (2 * x + 1) / (2 * n))
    matrix[0] /= math.sqrt(2.0)
    return matrix
