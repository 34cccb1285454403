"""The learned part of the picture codec: what the linear inverse of a patch basis leaves out."""

from __future__ import annotations

from itertools import pairwise

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))); the second convolution starts at zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(F.silu(x))))


class PictureDecoder(nn.Module):
    """A correction to the linear inverse, latent by latent, that sees the latent before and the one after.

    It works at latent resolution and at twice, four times and eight times it. Two inputs: the three latents (with two
    flags, because the first latent holds a single frame and the last has no successor), which enter at the bottom,
    and the linear inverse's frames with the nearest frame on either side, which enter at the top.

    With ``enlargement`` > 1 the last layer draws that many pixels along each side of one of the latents' picture: the
    edges are known to be sharp, and where they lie shows in the frames around.

    The last layer starts at zero, so an untrained decoder returns no correction.
    """

    def __init__(
        self,
        latent_channels: int,
        *,
        temporal_stride: int,
        spatial_stride: int,
        channels: tuple[int, ...],
        blocks: tuple[int, ...],
        enlargement: int = 1,
    ) -> None:
        super().__init__()
        if 2 ** (len(channels) - 1) != spatial_stride or len(blocks) != len(channels):
            raise ValueError(
                f"a spatial stride of {spatial_stride} needs one width and one block count for each doubling, "
                f"got {channels} and {blocks}"
            )
        self.temporal_stride, self.enlargement = temporal_stride, enlargement
        self.stem = nn.Conv2d(3 * latent_channels + 2, channels[0], 3, padding=1)
        self.levels = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width) for _ in range(count)))
            for width, count in zip(channels, blocks, strict=True)
        )
        self.raises = nn.ModuleList(
            nn.Sequential(nn.Conv2d(below, 4 * above, 1), nn.PixelShuffle(2)) for below, above in pairwise(channels)
        )
        # The frames join two levels below the top as well, where a 3x3 convolution spans an edge's blur.
        frame_channels = 3 * (temporal_stride + 2)
        self.coarse = nn.Conv2d(4 * frame_channels, channels[-2], 3, padding=1)
        self.fine = nn.Conv2d(frame_channels, channels[-1], 3, padding=1)
        self.head = nn.Conv2d(channels[-1], 3 * temporal_stride * enlargement**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, latents: Tensor, frames: Tensor, *, rows: Tensor | None = None) -> Tensor:
        """The correction to ``frames``, ``enlargement`` times as high and wide as they are.

        Args:
            latents: (B, C, T, h, w); frames: (B, T, s, 3, H, W), their linear inverse.
            rows: indices into the flattened B * T; training corrects a few of the latents only.

        Returns:
            (B, T, s, 3, eH, eW), or (rows, s, 3, eH, eW).
        """
        around, near = _surrounded(frames), _neighbours(latents)
        if rows is not None:
            around, near = around[rows], near[rows]
        around = around.contiguous(memory_format=torch.channels_last)
        x = self.stem(near.contiguous(memory_format=torch.channels_last))
        for level, blocks in enumerate(self.levels):
            if level > 0:
                x = self.raises[level - 1](x)
            if level == len(self.levels) - 2:
                x = x + self.coarse(F.pixel_unshuffle(around, 2))
            if level == len(self.levels) - 1:
                x = x + self.fine(around)
            x = blocks(x)
        correction = F.pixel_shuffle(self.head(F.silu(x)), self.enlargement).to(frames.dtype)
        correction = rearrange(correction, "r (s c) h w -> r s c h w", s=self.temporal_stride)
        return correction if rows is not None else correction.unflatten(0, latents.shape[:1] + latents.shape[2:3])


def _neighbours(latents: Tensor) -> Tensor:
    """(B, C, T, h, w) to (B*T, 3C + 2, h, w): the latent before, this one, the one after, and the flags first, last."""
    batch, _, length, height, width = latents.shape
    padded = F.pad(latents, (0, 0, 0, 0, 1, 1))
    flags = latents.new_zeros(batch, 2, length, height, width)
    flags[:, 0, 0] = 1.0
    flags[:, 1, -1] = 1.0
    stacked = torch.cat([padded[:, :, :-2], latents, padded[:, :, 2:], flags], dim=1)
    return rearrange(stacked, "b c t h w -> (b t) c h w")


def _surrounded(frames: Tensor) -> Tensor:
    """(B, T, s, 3, H, W) to (B*T, (s + 2) * 3, H, W): the frame before, these, the frame after (edges repeat)."""
    before = torch.cat([frames[:, :1, :1], frames[:, :-1, -1:]], dim=1)
    after = torch.cat([frames[:, 1:, :1], frames[:, -1:, -1:]], dim=1)
    return rearrange(torch.cat([before, frames, after], dim=2), "b t s c h w -> (b t) (s c) h w")
