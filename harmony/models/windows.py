"""Local windows: which audio latents a video latent sees, as indices to gather.

A video latent i and an audio latent j see each other when |m_a(j) - m_v(i)| <= w + 1/2, with m their physical midpoints
in units of video latents. Windows are cut off at the ends; where a window would be empty (audio coarser than the
window), the nearest neighbour is seen.

Neighbouring latents share one gathered window, the union of theirs, under a mask: cost grows with the window and not
with the clip. How many share one is a matter of speed alone.

Shape letters: T video latents, A audio latents, R latents that look, C latents looked at, M blocks, Q latents of one
block, K latents in the widest window of a block, N tokens per video latent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

# Video latents per block: fewer copy more, more multiply more that is masked. Measured on CPU.
BLOCK_LATENTS = 6


@dataclass(frozen=True, eq=False)
class Blocks:
    """One direction of local attention, cut into blocks of latents that share a window.

    Attributes:
        query_index: (M, Q) the latents that look; the last block may repeat some of the one before it.
        key_index: (M, K) the latents that they look at.
        bias: (M, 1, Q * tokens, K * tokens) to be added to the scores: 0 where a token sees another, else -inf.
        slot: (R,) where each looking latent stands in the flattened (M * Q) blocks.
        num_keys: C, all latents on the other side.
    """

    query_index: Tensor
    key_index: Tensor
    bias: Tensor
    slot: Tensor
    num_keys: int

    def to(self, device: torch.device, dtype: torch.dtype) -> Blocks:
        """On a device, with the bias in the dtype of the scores."""
        indices = (x.to(device) for x in (self.query_index, self.key_index))
        return Blocks(*indices, self.bias.to(device, dtype), self.slot.to(device), self.num_keys)

    def queries(self, x: Tensor) -> Tensor:
        """(B, R * tokens, H, D) to (B, M, Q * tokens, H, D)."""
        return _gather(x, self.query_index, len(self.slot))

    def keys(self, x: Tensor) -> Tensor:
        """(B, C * tokens, H, D) to (B, M, K * tokens, H, D)."""
        return _gather(x, self.key_index, self.num_keys)

    def scatter(self, x: Tensor) -> Tensor:
        """Results (B, M, Q * tokens, X) back into the order of the clip, (B, R * tokens, X)."""
        if len(self.query_index) == 1:
            return x.squeeze(1)
        latents = x.flatten(1, 2).unflatten(1, (self.query_index.numel(), -1)).flatten(2)
        return latents.index_select(1, self.slot).unflatten(2, (-1, x.shape[-1])).flatten(1, 2)


class Windows(NamedTuple):
    """Blocks of both directions."""

    a2v: Blocks
    v2a: Blocks


def visible(midpoints_video: Tensor, midpoints_audio: Tensor, window: float) -> Tensor:
    """Who sees whom, (T, A) bool, from midpoints (T,) and (A,) in units of video latents."""
    distance = (midpoints_video[:, None] - midpoints_audio[None, :]).abs()
    nearest = (distance == distance.amin(0, keepdim=True)) | (distance == distance.amin(1, keepdim=True))
    # A millionth of a latent forgives the rounding of midpoints that lie exactly on the edge.
    return (distance <= window + 0.5 + 1e-6) | nearest


def make_windows(
    midpoints_video: Tensor, midpoints_audio: Tensor, window: float, *, tokens: int, block: int = BLOCK_LATENTS
) -> Windows:
    """Both directions for a clip whose latents have these midpoints, in units of video latents, both rising.

    Args:
        tokens: N, tokens of one video latent; an audio latent is one token.
        block: video latents that share a window; the audio latents beside them share one too.
    """
    sees = visible(midpoints_video, midpoints_audio, window)
    num_video, num_audio = sees.shape
    num_blocks = -(-num_video // block)
    return Windows(
        a2v=_blocks(sees, num_blocks, query_tokens=tokens, key_tokens=1),
        v2a=_blocks(sees.T, min(num_blocks, num_audio), query_tokens=1, key_tokens=tokens),
    )


def _blocks(sees: Tensor, num_blocks: int, *, query_tokens: int, key_tokens: int) -> Blocks:
    """Blocks for the rows of ``sees`` (R, C) that look at its columns; the True of each row are one run."""
    num_rows, num_columns = sees.shape
    size = -(-num_rows // num_blocks)
    start = (torch.arange(num_blocks) * size).clamp(max=num_rows - size)
    query_index = start[:, None] + torch.arange(size)
    rows = torch.arange(num_rows)
    slot = rows // size * size + rows - start[rows // size]

    columns = torch.arange(num_columns)
    of_block = sees[query_index].any(1)
    first = torch.where(of_block, columns, num_columns).amin(1)
    last = torch.where(of_block, columns, -1).amax(1)
    width = int((last - first).amax()) + 1
    key_index = first.clamp(max=num_columns - width)[:, None] + torch.arange(width)

    mask = sees[query_index].gather(2, key_index[:, None].expand(-1, size, -1))
    mask = mask.repeat_interleave(query_tokens, dim=1).repeat_interleave(key_tokens, dim=2)
    bias = torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)[:, None]
    return Blocks(query_index, key_index, bias, slot, num_columns)


def _gather(x: Tensor, index: Tensor, num_latents: int) -> Tensor:
    """Tokens (B, latents * tokens, H, D) to blocks (B, M, len * tokens, H, D), for ``index`` (M, len) of latents."""
    if index.shape == (1, num_latents):  # one block that holds everything
        return x.unsqueeze(1)
    latents = x.unflatten(1, (num_latents, -1)).flatten(2)
    blocks = latents.index_select(1, index.flatten())
    return blocks.unflatten(2, (-1, *x.shape[2:])).flatten(1, 2).unflatten(1, (len(index), -1))
