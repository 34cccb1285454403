"""How latents, times and texts enter the transformer, and how tokens become latents again.

Shape letters: B clips, C latent channels, T video latents, h and w latent rows and columns, A audio latents,
S tokens, D width, G groups of tokens with one timestep each.
"""

from __future__ import annotations

import torch
from diffusers.models.embeddings import PixArtAlphaTextProjection, TimestepEmbedding
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.models.functional import gelu


class ConditionEmbedder(nn.Module):
    """Timesteps to adaLN rows, captions to keys (Wan's ``condition_embedder``, same parameters).

    ``cross_timestep`` adds the other stream's mean time through a projection that starts at zero.
    """

    def __init__(self, dim: int, *, freq_dim: int, text_dim: int, cross_timestep: bool) -> None:
        super().__init__()
        self.freq_dim = freq_dim
        self.time_embedder = TimestepEmbedding(freq_dim, dim)
        self.time_proj = nn.Linear(dim, 6 * dim)
        self.text_embedder = PixArtAlphaTextProjection(text_dim, dim, act_fn="gelu_tanh")
        if cross_timestep:
            self.cross_time_proj = nn.Linear(dim, dim, bias=False)
            nn.init.zeros_(self.cross_time_proj.weight)

    def embed_time(self, timestep: Tensor, cross: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Timesteps (B, G), and what :meth:`embed_cross_time` made, to temb (B, G, D) and adaLN rows (B, G, 6, D)."""
        temb = self._time(timestep)
        if cross is not None:
            temb = temb + cross
        rows = self.time_proj(F.silu(temb).to(self.time_proj.weight.dtype))
        return temb, rows.unflatten(-1, (6, -1))

    def embed_cross_time(self, timestep: Tensor) -> Tensor:
        """The other stream's mean timestep (B,) to an addition (B, 1, D) to this stream's time embedding."""
        return self.cross_time_proj(self._time(timestep[:, None]).to(self.cross_time_proj.weight.dtype))

    def _time(self, timestep: Tensor) -> Tensor:
        return self.time_embedder(sinusoids(timestep, self.freq_dim).to(self.time_embedder.linear_1.weight.dtype))


def sinusoids(timestep: Tensor, dim: int) -> Tensor:
    """Timesteps (B, G) as waves (B, G, dim), cosines first. In float64 like Wan and Ovi: angles reach 1000."""
    half = dim // 2
    frequencies = 10_000.0 ** -(torch.arange(half, dtype=torch.float64, device=timestep.device) / half)
    angles = timestep.double()[..., None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def patchify(grid: Tensor, projection: nn.Conv3d) -> Tensor:
    """(B, T, h, w, C) to tokens (B, S, D): the strided convolution of ``projection``, as one matrix product."""
    pt, ph, pw = projection.kernel_size
    patches = rearrange(grid, "b (t pt) (h ph) (w pw) c -> b (t h w) (pt ph pw c)", pt=pt, ph=ph, pw=pw)
    weight = rearrange(projection.weight, "d c pt ph pw -> d (pt ph pw c)")
    return F.linear(patches, weight, projection.bias)


def unpatchify(tokens: Tensor, grid: tuple[int, int, int], patch: tuple[int, int, int]) -> Tensor:
    """Tokens (B, S, pt ph pw C) of a grid of t x h x w tokens to (B, t pt, h ph, w pw, C)."""
    (t, h, w), (pt, ph, pw) = grid, patch
    return rearrange(tokens, "b (t h w) (pt ph pw c) -> b (t pt) (h ph) (w pw) c", t=t, h=h, w=w, pt=pt, ph=ph, pw=pw)


class ConvMLP(nn.Module):
    """Gated MLP of 1-D convolutions without bias, w2(silu(w1 x) * w3 x); inner width as in SwiGLU, 8/3 of ``dim``."""

    def __init__(self, dim: int, *, kernel_size: int = 7, multiple_of: int = 256) -> None:
        super().__init__()
        inner = multiple_of * -(-int(8 * dim / 3) // multiple_of)
        padding = kernel_size // 2
        self.w1 = nn.Conv1d(dim, inner, kernel_size, padding=padding, bias=False)
        self.w2 = nn.Conv1d(inner, dim, kernel_size, padding=padding, bias=False)
        self.w3 = nn.Conv1d(dim, inner, kernel_size, padding=padding, bias=False)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        return self.w2(F.silu(self.w1(x)) * self.w3(x) * keep)


class LinearAudioEmbed(nn.Linear):
    """Audio latents (B, C, A) to tokens (B, A, D), each latent by itself."""

    def forward(self, latents: Tensor, mask: Tensor | None = None) -> Tensor:
        return super().forward(latents.transpose(1, 2))


class ConvAudioEmbed(nn.Sequential):
    """Audio latents (B, C, A) to tokens (B, A, D) as in Ovi: convolution k7, SiLU, gated MLP of convolutions."""

    def __init__(self, in_channels: int, dim: int) -> None:
        super().__init__(nn.Conv1d(in_channels, dim, kernel_size=7, padding=3), nn.SiLU(), ConvMLP(dim))

    def forward(self, latents: Tensor, mask: Tensor | None = None) -> Tensor:
        """``mask`` (B, A) bool: the padding of a shorter clip counts as nothing, at every stage."""
        conv, act, mlp = self
        keep = latents.new_ones(1) if mask is None else mask[:, None, :].to(latents.dtype)
        return mlp(act(conv(latents * keep)) * keep, keep).transpose(1, 2)


class GridConv(nn.Conv3d):
    """A 3x3x3 convolution over (time, height, width), computed frame by frame on stacked neighbour frames.

    On CPUs the 2-D kernels are several times faster than the 3-D ones, most of all with channels last.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, h, w, C) to (B, T, h, w, C'); outside of the clip there are zeros."""
        num_frames = x.shape[1]
        padded = F.pad(x, (0, 0, 0, 0, 0, 0, 1, 1))
        stacked = torch.cat([padded[:, k : k + num_frames] for k in range(3)], dim=-1).flatten(0, 1)
        weight = rearrange(self.weight, "o c t h w -> o h w (t c)").permute(0, 3, 1, 2)
        y = F.conv2d(stacked.permute(0, 3, 1, 2), weight, self.bias, padding=1)
        return y.permute(0, 2, 3, 1).unflatten(0, (-1, num_frames))


class ConvStem(nn.Module):
    """Two 3x3x3 convolutions on the latent grid before patchify: tokens of few pixels learn their neighbourhood."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = GridConv(in_channels, width)
        self.conv2 = GridConv(width, width)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, T, h, w, C) to features (B, T, h, w, width)."""
        return self.conv2(gelu(self.conv1(latents)))


class ConvHead(nn.Module):
    """From unpatchified tokens, the stem's features and the noisy latents to a velocity; the last layer starts at 0."""

    def __init__(self, width: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = GridConv(2 * width + out_channels, width)
        self.conv2 = GridConv(width, out_channels)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, grid: Tensor, features: Tensor, latents: Tensor) -> Tensor:
        """Twice (B, T, h, w, width), and (B, T, h, w, C), to (B, T, h, w, C)."""
        return self.conv2(gelu(self.conv1(torch.cat([grid, features, latents], dim=-1))))
